"""The progress of a scan: a bar on a terminal, elsewhere a line a stage; nothing if not wanted."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from nuan_tools.field.found import Found
from nuan_tools.field.scan_view import line_of
from nuan_tools.field.session import PERMILLE, Session


@contextmanager
def watching(session: Session, *, quiet: bool) -> Generator[None]:
    """Shows on stderr how the session gets on as long as the context lasts."""
    if quiet:
        yield
        return
    console = Console(stderr=True, highlight=False, emoji=False)
    if console.is_terminal:
        with _bar(console, session):
            yield
        return
    told: list[str] = []

    def progress(stage: str, _: int) -> None:
        if stage not in told:
            told.append(stage)
            sys.stderr.write(f"{stage} ...\n")

    def found(meter: Found) -> None:
        sys.stderr.write(f"  {line_of(meter)}\n")

    session.on_progress, session.on_found = progress, found
    yield


@contextmanager
def _bar(console: Console, session: Session) -> Generator[None]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=PERMILLE)

        def progress(stage: str, permille: int) -> None:
            bar.update(task, description=stage, completed=permille)

        def found(meter: Found) -> None:
            bar.console.print(line_of(meter), markup=False)

        session.on_progress, session.on_found = progress, found
        yield
