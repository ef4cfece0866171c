"""`python3 -m workbook VERB`: what the Makefile runs, and how to run it without make.

An old Python never gets here: `workbook/__init__.py`, which is loaded first, refuses it.
"""

import sys

from workbook.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
