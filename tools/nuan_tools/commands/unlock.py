"""`nuan unlock`: opens a node's console, or says the answer to a challenge read out by somebody."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

ORDER = 46


def register(app: App) -> None:
    """Adds the command."""

    @app.command("unlock", help=tr("Unlock a node's console, or answer its challenge."))
    def unlock(
        keys: Annotated[Path, typer.Option(help=tr("The gateway's keys file (keys.toml)."))],
        port: Annotated[
            str | None,
            typer.Argument(
                metavar="PORT", help=tr("The node's serial port; without it, give --challenge.")
            ),
        ] = None,
        challenge: Annotated[
            str | None,
            typer.Option(metavar="HEX", help=tr("The 16 hex digits that the node shows.")),
        ] = None,
        node: Annotated[
            str | None, typer.Option(metavar="ID", help=tr("The node's id: 16 hex digits."))
        ] = None,
    ) -> None:
        if port is not None and challenge is None:
            _open(port, keys)
        elif port is None and challenge is not None and node is not None:
            _answer(keys, challenge, node)
        else:
            raise UserError(tr("give the node's PORT, or both --challenge and --node"))


def _open(port: str, keys: Path) -> None:
    from nuan_tools.node_link.client import ConsoleClient
    from nuan_tools.node_link.opening import open_up

    with ConsoleClient(port) as client:
        status = open_up(client, keys)
    typer.echo(tr("node {node}: the console is open", node=str(status.get("node", ""))))


def _answer(keys: Path, challenge: str, node: str) -> None:
    from nuan_protocols.uplink.console_key import CHALLENGE_DIGITS, console_answer
    from nuan_tools.hexadecimal import parse
    from nuan_tools.node_link.opening import key_of

    digits = parse(challenge, "--challenge").hex()
    if len(digits) != CHALLENGE_DIGITS:
        raise UserError(tr("--challenge: {count} hex digits are needed", count=CHALLENGE_DIGITS))
    typer.echo(console_answer(key_of(keys, node.lower()), digits))
