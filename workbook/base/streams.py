"""What is printed, on consoles that lack characters."""

import io
import sys


def replace_missing_characters() -> None:
    """Print `?` for what standard output and error cannot encode, such as ✓ on Windows in a file, instead of an error.

    Documentation: https://docs.python.org/3/library/io.html#io.TextIOWrapper.reconfigure
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
