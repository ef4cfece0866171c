"""`python3 -m workbook VERB`: the command that the Makefile runs, and that you can run without make.

`workbook/__init__.py`, which is loaded first, refuses an old Python.
"""

import signal
import sys

from workbook.cli.main import main

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: programs that it has started end, too
    sys.exit(main())
