"""`make board`: the live board of a class in a browser, or its rows once in the terminal."""

import time
from collections.abc import Callable

from workbook.classroom.board import Board, opened
from workbook.classroom.page import served
from workbook.classroom.rows import Row, as_csv, as_json


def board(*, csv: bool, json: bool) -> None:
    """Serve the board until Ctrl-C, or print its rows once.

    Args:
        csv: print CSV.
        json: print JSON.
    """
    with opened() as current:
        if csv or json:
            _print(current, as_csv if csv else as_json)
        else:
            _serve(current)


def _print(current: Board, form: Callable[[list[Row]], str]) -> None:
    current.read()
    print(form(current.rows()).rstrip("\n"))


def _serve(current: Board) -> None:
    current.read()  # a refusal or a wrong address ends here, with an explanation
    current.watch()
    with served(current) as address:
        whose = "The board of the class" if current.of_class else "Your line of the board"
        print(f"{whose}: {address}\nOnly this machine can open it. Ctrl-C ends it.", flush=True)
        try:
            while True:
                time.sleep(1)  # in pieces, since Windows does not interrupt a longer wait
        except KeyboardInterrupt:
            print("\nThe board has ended.")
