"""`nuan firmware`: update keys, signed bundles, and a look into them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools import authority_command
from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_tools.firmware.keys import SigningKey

ORDER = 51

KeyFile = Annotated[
    Path | None, typer.Option("--key", metavar="PEM", help=tr("The key that signs."))
]


def register(app: App) -> None:
    """Adds the commands."""
    group = app.group("firmware", help=tr("Make and check what nodes are updated with."))
    _add_keygen(group)
    _add_build(group)
    _add_show(group)
    _add_where(group)
    _add_rotate(group)


def _add_keygen(group: App) -> None:
    @group.command("keygen", help=tr("Make an update key: a private file and one to hand out."))
    def keygen(
        file: Annotated[Path, typer.Argument(metavar="PEM", help=tr("The private key's file."))],
        protect: Annotated[
            bool, typer.Option("--passphrase", help=tr("Protect it with a passphrase."))
        ] = False,
    ) -> None:
        from nuan_tools.firmware import keys

        key = keys.make_key(file, _new_passphrase() if protect else "")
        said = tr("{file}: update key {name}; keep it secret", file=file, name=key.name.hex())
        typer.echo(said)
        public = file.with_name(file.name + keys.PUBLIC_SUFFIX)
        typer.echo(tr("{file}: its public part, for `nuan provision`", file=public))


def _add_build(group: App) -> None:
    @group.command("build", help=tr("Make a signed bundle from this checkout."))
    def build(
        output: Annotated[Path, typer.Argument(metavar="FILE", help=tr("The file to write."))],
        number: Annotated[
            int,
            typer.Option("--build", min=0, max=2**31 - 1, help=tr("Its number; it must rise.")),
        ],
        key: KeyFile = None,
        unsigned: Annotated[
            bool, typer.Option("--unsigned", help=tr("For boards that know no key."))
        ] = False,
        image: Annotated[
            Path | None,
            typer.Option("--image", help=tr("Bundle this image of MicroPython instead.")),
        ] = None,
        version: Annotated[
            str, typer.Option("--version", help=tr("Its version, if not pyproject's."))
        ] = "",
    ) -> None:
        from nuan_tools.firmware import build as builder

        if unsigned == (key is not None):
            raise UserError(tr("give either --key PEM or --unsigned"))
        signing = _signing_key(key) if key else None
        if image:
            data = builder.make_image(image, number, signing, version)
        else:
            data = builder.make_app(number, signing, version)
        builder.write_file(output, data)
        typer.echo(tr("{file}: build {build}, {size} bytes", file=output, build=number,
                      size=len(data)))  # fmt: skip


def _add_show(group: App) -> None:
    @group.command("show", help=tr("Check a bundle and list what is in it."))
    def show(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=tr("The bundle."))],
        keys: Annotated[
            list[Path] | None,
            typer.Option("--key", metavar="PUB", help=tr("A public key that may have signed it.")),
        ] = None,
    ) -> None:
        from nuan_tools.firmware.inspect import inspect_bundle
        from nuan_tools.firmware.keys import read_modulus
        from nuan_tools.firmware.view import print_bundle

        print_bundle(inspect_bundle(file, [read_modulus(path) for path in keys or ()]))


def _add_where(group: App) -> None:
    @group.command("where", help=tr("Say which source line a node's panic names."))
    def where(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=tr("The bundle it runs."))],
        number: Annotated[
            int, typer.Argument(min=1, help=tr("The line, such as 15138 of resident:15138."))
        ],
    ) -> None:
        from nuan_tools.firmware.inspect import inspect_bundle, places_of

        places = places_of(inspect_bundle(file, []).manifest, number)
        if not places:
            raise UserError(tr("{file}: no file has a line {number}", file=file, number=number))
        for place in places:
            typer.echo(place)


def _add_rotate(group: App) -> None:
    @group.command("rotate", help=tr("Make the document that replaces a key on nodes."))
    def rotate(
        output: Annotated[Path, typer.Argument(metavar="FILE", help=tr("The file to write."))],
        slot: Annotated[int, typer.Option(min=0, max=1, help=tr("The new key's slot."))],
        new: Annotated[
            Path, typer.Option("--new", metavar="PUB", help=tr("The new key's public part."))
        ],
        key: Annotated[
            Path, typer.Option("--key", metavar="PEM", help=tr("The key of the other slot."))
        ],
        number: Annotated[
            int,
            typer.Option("--number", min=1, max=2**31 - 1, help=tr("Its number; it must rise.")),
        ],
    ) -> None:
        from nuan_protocols.key_change import unsigned_change
        from nuan_protocols.sealed import key_name
        from nuan_tools.firmware.build import write_file
        from nuan_tools.firmware.keys import read_modulus

        signing, modulus = _signing_key(key), read_modulus(new)
        if modulus == signing.modulus:
            raise UserError(tr("the new key must be another one than the key that signs"))
        change = unsigned_change(slot, number, signing.name, modulus)
        write_file(output, change + signing.sign(change))
        typer.echo(tr("{file}: slot {slot} gets key {name}", file=output, slot=slot,
                      name=key_name(modulus).hex()))  # fmt: skip

    authority_command.register_rotation(group, _signing_key)


def _signing_key(path: Path) -> SigningKey:
    from nuan_tools.firmware.keys import read_key

    return read_key(path, lambda: str(typer.prompt(tr("Passphrase"), hide_input=True, err=True)))


def _new_passphrase() -> str:
    import os

    from nuan_tools.firmware.keys import VARIABLE

    return os.environ.get(VARIABLE) or str(
        typer.prompt(tr("Passphrase"), hide_input=True, confirmation_prompt=True, err=True)
    )
