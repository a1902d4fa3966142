"""`nuan gateway ca`, an authority for TLS; `nuan firmware rotate-ca`, another one for nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_tools.firmware.keys import SigningKey


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


def register_rotation(group: App, signing_key: Callable[[Path], SigningKey]) -> None:
    """Adds the command to `nuan firmware`."""

    @group.command(
        "rotate-ca", help=tr("Make the document that gives nodes another authority for TLS.")
    )
    def rotate(
        output: Annotated[Path, typer.Argument(metavar="FILE", help=tr("The file to write."))],
        slot: Annotated[int, typer.Option(min=0, max=1, help=tr("The new authority's slot."))],
        new: Annotated[
            Path, typer.Option("--new", metavar="PEM", help=tr("The new authority's certificate."))
        ],
        key: Annotated[
            Path, typer.Option("--key", metavar="PEM", help=tr("An update key of the nodes."))
        ],
        number: Annotated[
            int,
            typer.Option("--number", min=1, max=2**31 - 1, help=tr("Its number; it must rise.")),
        ],
    ) -> None:
        _rotate(output, slot, new, signing_key(key), number)


def _rotate(output: Path, slot: int, new: Path, key: SigningKey, number: int) -> None:
    from nuan_gateway.authority import authority_der
    from nuan_gateway.errors import GatewayError
    from nuan_protocols.ca_change import CERTIFICATE_BYTES_MAX, unsigned_authority
    from nuan_tools.firmware.build import write_file

    try:
        certificate = authority_der(new)
    except GatewayError as error:
        raise UserError(str(error)) from None
    if len(certificate) > CERTIFICATE_BYTES_MAX:
        raise UserError(
            tr("{file}: {size} bytes; a node holds {most}", file=new, size=len(certificate),
               most=CERTIFICATE_BYTES_MAX)
        )  # fmt: skip
    change = unsigned_authority(slot, number, key.name, certificate)
    write_file(output, change + key.sign(change))
    typer.echo(
        tr("{file}: slot {slot} gets the authority of {new}", file=output, slot=slot, new=new)
    )
