"""`nuan vm`: where the genuine MicroPython is; fetches it when it is missing."""

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr

ORDER = 90


def register(app: App) -> None:
    """Adds the command."""

    @app.command("vm", hidden=True, help=tr("Print the path of a genuine MicroPython."))
    def vm() -> None:
        from nuan_tools.vm import vm_path

        typer.echo(vm_path())
