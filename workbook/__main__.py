"""`python3 -m workbook VERB`: the command that the Makefile runs, and that you can run without make.

`workbook/__init__.py`, which is loaded first, refuses an old Python.
"""

import sys

from workbook.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
