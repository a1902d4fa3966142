"""`nuan gateway ca`: an authority for TLS, and the broker's certificate under it."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr


def register(group: App) -> None:
    """Adds the command to `nuan gateway`."""

    @group.command(
        "ca",
        help=tr(
            "Make an authority that nodes trust, or keep the one that is there, and a certificate "
            "for the broker. Run it again to renew the certificate; no node needs touching."
        ),
    )
    def ca(
        folder: Annotated[Path, typer.Argument(help=tr("Where the certificates and keys are."))],
        hosts: Annotated[
            list[str],
            typer.Argument(metavar="HOST...", help=tr("The broker's names, as nodes use them.")),
        ],
        slot: Annotated[
            int, typer.Option(min=0, max=1, help=tr("The node's slot that the authority is for."))
        ] = 0,
    ) -> None:
        _make(folder, hosts, slot)


def _make(folder: Path, hosts: list[str], slot: int) -> None:
    from nuan_gateway import authority
    from nuan_gateway.errors import GatewayError

    try:
        made = authority.make_authority(folder, slot)
        end = authority.issue(folder, slot, hosts)
    except GatewayError as error:
        raise UserError(str(error)) from None
    folder = folder.absolute()
    path = folder / f"ca{slot}.pem"
    if made:
        typer.echo(
            tr("{path}: new authority, good for {years} years", path=path, years=authority.CA_YEARS)
        )
        typer.echo(tr("Keep a copy of {path} in a safe place.", path=path.with_suffix(".key")))
    else:
        typer.echo(tr("{path}: kept", path=path))
    cert = folder / "server.pem"
    typer.echo(
        tr("{path}: for {hosts}, until {day}", path=cert, hosts=", ".join(hosts), day=end.date())
    )
    typer.echo(tr("In gateway.toml:"))
    typer.echo(f'  [mqtt]\n  tls_cert = "{cert}"\n  tls_key = "{folder / "server.key"}"')
