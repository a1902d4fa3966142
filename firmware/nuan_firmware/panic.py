"""What ended the program, kept on flash for the next boot to journal."""

import os

from micropython import const

PATH = "/panic"
_CHARACTERS_MAX = const(120)


def text(name: str, problem: Exception) -> str:
    """One short line about what went wrong where."""
    return (name + ": " + repr(problem))[:_CHARACTERS_MAX]


def keep(problem: Exception) -> None:
    """Put on flash what ended the program."""
    with open(PATH, "w") as file:
        file.write(text("panic", problem))


def take() -> str:
    """What ended the program last time, once; empty when nothing did."""
    try:
        with open(PATH) as file:
            kept: str = file.read(_CHARACTERS_MAX)
        os.remove(PATH)
    except OSError:
        return ""
    return kept
