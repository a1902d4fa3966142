"""`nuan pull`: takes a node's journal over its serial port, with no network at all."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr
from nuan_tools.node_link.options import KeysFile, PortName

if TYPE_CHECKING:
    from nuan_tools.node_link.pulling import Journal, PullResult

ORDER = 47


def register(app: App) -> None:
    """Adds the command."""

    @app.command("pull", help=tr("Take a node's journal over its serial port into a file."))
    def pull(
        port: PortName,
        out: Annotated[
            Path, typer.Option("-o", "--out", help=tr("The file; one that is there is continued."))
        ],
        keys: KeysFile = None,
        first: Annotated[
            int | None,
            typer.Option("--from", metavar="SEQ", min=1, help=tr("Begin at this number.")),
        ] = None,
    ) -> None:
        _pull(port, out, keys, first)


def _pull(port: str, out: Path, keys: Path | None, first: int | None) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from nuan_tools.node_link.client import ConsoleClient
    from nuan_tools.node_link.opening import open_up
    from nuan_tools.node_link.pulling import pull

    with ConsoleClient(port) as client:
        open_up(client, keys)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        # Where nobody sees it move, a bar would leave an empty line.
        silent = not console.is_terminal
        with Progress(*columns, console=console, transient=True, disable=silent) as bar:
            task = bar.add_task(tr("entries"), total=None)
            begun: list[int] = []

            def show(journal: "Journal", seq: int) -> None:
                begun.append(seq)
                total = max(0, journal.newest + 1 - begun[0])
                bar.update(task, total=total, completed=min(total, seq - begun[0]))

            result = pull(client, out, first, show)
    _tell(out, result)


def _tell(out: Path, result: "PullResult") -> None:
    journal = result.journal
    if not result.messages:
        typer.echo(tr("node {node}: nothing new since the last time", node=journal.node))
        return
    typer.echo(
        tr(
            "node {node}: entries {first} to {last}, messages: {count}, now in {file}",
            node=journal.node,
            first=max(result.first, journal.oldest),
            last=journal.newest,
            count=result.messages,
            file=out,
        )
    )
    typer.echo(tr("Take them in with: nuan gateway ingest gateway.toml {file}", file=out))
