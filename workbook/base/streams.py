"""Printing on consoles that cannot display some characters."""

import io
import sys


def replace_missing_characters() -> None:
    """Print `?` for characters that standard output or error cannot encode (such as ✓ in a file on Windows), not an error.

    Documentation: https://docs.python.org/3/library/io.html#io.TextIOWrapper.reconfigure
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
