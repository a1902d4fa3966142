"""How the `nuan` command writes to people: one console for results, plain lines elsewhere.

Tables are Rich's: it counts Chinese characters as two columns, and 80 columns are kept when the
output is no terminal.
"""

from functools import cache
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nuan_gateway.plain_text import plain


class _Console(Console):
    """Takes texts as they are: what nodes and people have written is no markup, and moves no
    cursor."""

    def render_str(self, text: str, **options: Any) -> Text:
        """As Rich's, of what can be shown."""
        return super().render_str(plain(text, keep="\n\t"), **options)


@cache
def out() -> Console:
    """The console on stdout; colours appear on terminals only."""
    return _Console(highlight=False, emoji=False, markup=False)


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
