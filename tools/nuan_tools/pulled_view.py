"""What the gateway got of a pulled file, and what was replaced at its nodes, for people."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from nuan_tools.errors import CheckFailed, UserError
from nuan_tools.i18n import tr


def ingest(settings_file: Path, file: Path) -> None:
    """Take a file in, then say what came of it. Raises UserError, CheckFailed for a damaged one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from nuan_gateway.errors import GatewayError
    from nuan_gateway.pulled import ingest_file
    from nuan_gateway.settings import load_settings

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    # Where nobody sees it move, a bar would leave an empty line.
    silent = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=silent) as bar:
        task = bar.add_task(tr("messages"), total=None)
        try:
            taken = ingest_file(
                load_settings(settings_file),
                file,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
        except GatewayError as error:
            raise UserError(str(error)) from None
    typer.echo(
        tr(
            "node {node}: batches: {count}, new entries: {new}, known before: {known}",
            node=taken.node,
            count=taken.batches,
            new=taken.new,
            known=taken.known,
        )
    )
    if taken.problems:
        lines = [
            tr(
                "{file}: message {number} at byte {offset}: {reason}",
                file=file,
                number=each.number,
                offset=each.offset,
                reason=each.reason,
            )
            for each in taken.problems
        ]
        raise CheckFailed("\n".join(lines))


def exchanges(settings_file: Path, *, as_json: bool) -> None:
    """List what was replaced. Raises UserError."""
    from nuan_gateway.errors import GatewayError
    from nuan_gateway.store.datings import covering
    from nuan_gateway.store.exchanges import load_all
    from nuan_gateway.workspace import open_workspace

    try:
        with open_workspace(settings_file) as workspace, workspace.engine.connect() as connection:
            found = load_all(connection)
            zone = workspace.site.time_zone
            boots = [covering(connection, each.node, each.epoch, each.seq) for each in found]
    except GatewayError as error:
        raise UserError(str(error)) from None
    if as_json:
        import json
        from dataclasses import asdict

        listed = [asdict(each) for each in found]
        typer.echo(json.dumps({"exchanges": listed}, ensure_ascii=False))
        return
    from nuan_tools.console import out, table

    rows = table()
    for title in ("time", "node", "slot", "old", "new", "seals", "told by"):
        rows.add_column(tr(title), overflow="fold")
    for each, boot in zip(found, boots, strict=True):
        rows.add_row(
            _when(each.time, each.clock, boot.boot_s if boot else None, zone),
            each.node,
            str(each.slot) if each.slot else tr("the node"),
            f"{each.old_serial}\n{each.old_register}".strip() or "-",
            f"{each.new_serial}\n{each.new_register}".strip() or "-",
            each.seals or "-",
            each.who,
        )
    out().print(rows)


def _when(second: int, clock: int, boot_s: int | None, zone: ZoneInfo) -> str:
    """In the site's time; a node that knew none counts from its boot, which may be known since."""
    if not clock:
        if boot_s is None:
            return tr("boot + {count} s", count=second)
        second += boot_s
    return datetime.fromtimestamp(second, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")
