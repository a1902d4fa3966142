"""Stand-in for CPython's typing on the board: only what is imported there at run time."""

TYPE_CHECKING = False
