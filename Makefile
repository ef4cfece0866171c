# Each of these works on a fresh machine and does its own set-up. Without make: `python3 -m workbook lab`, and so on.
PYTHON ?= python3
VERBS := lab test mutants test-order faults bench run record handout status doctor classroom up down clean

.PHONY: help $(VERBS)

help:
	@$(PYTHON) -m workbook --help

$(VERBS):
	@$(PYTHON) -m workbook $@ $(ARGS)
