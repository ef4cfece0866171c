# Each verb works on a fresh machine, because it sets up what it needs. Without make, run `python3 -m workbook VERB`.
# Variables: ARGS adds arguments. BUNDLE is the folder that `make bundle` wrote, and SUM the checksum that it printed.
# LEARNERS is the number of learners in `make class`. PYTHON chooses another Python.
PYTHON ?= python3
LEARNER := lab shell run status doctor up down clean
INSTRUCTOR := handout site bundle verify classroom class board
DEVELOPER := record test mutants test-order faults offline class-test class-load matrix bench release
VERBS := $(LEARNER) $(INSTRUCTOR) $(DEVELOPER)

.PHONY: help $(VERBS)

help:
	@$(PYTHON) -m workbook --help

$(VERBS):
	@$(PYTHON) -m workbook $@ $(if $(BUNDLE),--bundle="$(BUNDLE)") $(if $(filter undefined,$(origin SUM)),,--sum="$(SUM)") $(if $(filter class,$@),$(LEARNERS)) $(ARGS)
