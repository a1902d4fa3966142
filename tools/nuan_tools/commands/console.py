"""`nuan console`: a node's console for people; every key goes to the node, Ctrl-] leaves."""

from pathlib import Path

from nuan_tools.app import App
from nuan_tools.errors import complain
from nuan_tools.i18n import tr
from nuan_tools.node_link.options import KeysFile, PortName

ORDER = 45


def register(app: App) -> None:
    """Adds the command."""

    @app.command("console", help=tr("Talk to a node over its serial port (Ctrl-] leaves)."))
    def console(port: PortName, keys: KeysFile = None) -> None:
        _console(port, keys)


def _console(name: str, keys: Path | None) -> None:
    from nuan_tools.node_link.client import ConsoleClient, NoAnswerError
    from nuan_tools.node_link.opening import open_up
    from nuan_tools.node_link.port import open_port
    from nuan_tools.node_link.terminal import pass_through

    port = open_port(name)
    client = ConsoleClient(port, answer_s=3)
    try:
        try:
            status = open_up(client, keys)
        except NoAnswerError as error:
            # A board that starts, or one without nuan: what it prints is worth seeing all the same.
            complain(str(error))
        else:
            state = tr("locked") if status.get("locked") else tr("open")
            version = str(status.get("version", ""))
            node = str(status.get("node", "")) or "-"
            complain(
                tr(
                    "node {node}, version {version}, {state}; Ctrl-] leaves",
                    node=node,
                    version=version,
                    state=state,
                )
            )
        pass_through(port)
    finally:
        client.close()
