# Each of these works on a fresh machine and does its own set-up. Without make: `python3 -m workbook lab`, and so on.
PYTHON ?= python3
VERBS := lab test mutants test-order faults offline bench run record handout bundle verify status doctor classroom up down clean

# BUNDLE=folder: from that bundle alone, without a network.
ifdef BUNDLE
export WORKBOOK_BUNDLE := $(BUNDLE)
endif

.PHONY: help $(VERBS)

help:
	@$(PYTHON) -m workbook --help

$(VERBS):
	@$(PYTHON) -m workbook $@ $(ARGS)
