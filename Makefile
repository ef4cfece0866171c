# Each verb works on a fresh machine and does its own set-up. Without make: `python3 -m workbook lab`, and so on.
# Variables: ARGS for more arguments, BUNDLE for a folder that `make bundle` has written, SUM for the sum that it has
# printed, PYTHON for another Python.
PYTHON ?= python3
LEARNER := lab shell run status doctor up down clean
INSTRUCTOR := handout bundle verify classroom
DEVELOPER := record test mutants test-order faults offline bench
VERBS := $(LEARNER) $(INSTRUCTOR) $(DEVELOPER)

.PHONY: help $(VERBS)

help:
	@$(PYTHON) -m workbook --help

$(VERBS):
	@$(PYTHON) -m workbook $@ $(if $(BUNDLE),--bundle="$(BUNDLE)") $(if $(filter undefined,$(origin SUM)),,--sum="$(SUM)") $(ARGS)
