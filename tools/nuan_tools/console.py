"""How the `nuan` command writes to people: one console for results, plain lines elsewhere.

Tables are Rich's: it counts Chinese characters as two columns, and 80 columns are kept when the
output is no terminal.
"""

from functools import cache

from rich import box
from rich.console import Console
from rich.table import Table


@cache
def out() -> Console:
    """The console on stdout; colours appear on terminals only."""
    return Console(highlight=False, emoji=False)


def table(title: str = "") -> Table:
    """An empty table in the house's look: light lines, nothing around it."""
    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
