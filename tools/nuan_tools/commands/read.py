"""`nuan read`: reads one meter now, at a serial port or through a network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.field.settings import OneProtocol, Parity
from nuan_tools.i18n import tr
from nuan_tools.models_folder import ModelsFolder, take_in

if TYPE_CHECKING:
    from nuan_tools.field.found import Found
    from nuan_tools.field.target import Target

ORDER = 55


def register(app: App) -> None:
    """Adds the command."""

    @app.command("read", help=tr("Read one meter now and show everything it says."))
    def read(
        where: Annotated[
            str,
            typer.Argument(
                metavar="CONNECT",
                help=tr(
                    "/dev/ttyUSB0, tcp://host:port or modbus-tcp://host; after --site: SERIAL."
                ),
            ),
        ],
        plugged: Annotated[
            str | None,
            typer.Argument(
                metavar="[CONNECT]",
                show_default=False,
                help=tr("With --site: where you have plugged in, if not as the file says."),
            ),
        ] = None,
        protocol: Annotated[
            OneProtocol | None, typer.Option(help=tr("The meter's protocol."))
        ] = None,
        address: Annotated[
            str | None, typer.Option(metavar="A", help=tr("Its address, as printed on the meter."))
        ] = None,
        site: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help=tr("Take everything from this site file, by SERIAL.")
            ),
        ] = None,
        model: Annotated[
            str | None, typer.Option(metavar="MODEL", help=tr("Its model, else the likeliest."))
        ] = None,
        models: ModelsFolder = None,
        dialect: Annotated[
            str | None,
            typer.Option(
                metavar="NAME", help=tr("The CJ/T 188 meter's dialect, else the likeliest.")
            ),
        ] = None,
        baud: Annotated[
            int | None, typer.Option(metavar="N", help=tr("2400, or 9600 for Modbus."))
        ] = None,
        parity: Annotated[Parity | None, typer.Option(help=tr("E, or N for Modbus."))] = None,
        all_telegrams: Annotated[
            bool, typer.Option("--all-telegrams", help=tr("All telegrams of an M-Bus meter."))
        ] = False,
        reset: Annotated[
            int | None,
            typer.Option(
                metavar="N",
                min=0,
                max=255,
                help=tr("M-Bus: application reset with this sub-code first."),
            ),
        ] = None,
        key: Annotated[
            str | None,
            typer.Option(
                metavar="HEX", help=tr("The key of an encrypted M-Bus telegram: 16 bytes.")
            ),
        ] = None,
        answer_time: Annotated[
            int | None,
            typer.Option(
                metavar="MS", min=5, max=60_000, help=tr("How long to wait for an answer to begin.")
            ),
        ] = None,
        raw: Annotated[bool, typer.Option("--raw", help=tr("Name every byte as well."))] = False,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))
        ] = False,
    ) -> None:
        import asyncio
        from dataclasses import replace

        from nuan_tools.field import options, reading

        take_in(models)
        options.check_dialect(dialect)
        options.check_baud(baud)
        wish = reading.Wish(all_telegrams, options.parse_key(key), answer_time)
        if site is not None:
            target = _of_site(site, where, plugged)
        else:
            target = _named(where, plugged, protocol, address, (baud, parity, model))
        target = replace(target, dialect=dialect, reset=target.reset if reset is None else reset)
        found = asyncio.run(reading.read_meter(target, wish))
        _show(found, raw=raw, as_json=as_json)


def _of_site(site: Path, serial: str, connect: str | None) -> "Target":
    from nuan_tools.field.target import of_site

    return of_site(site, serial, connect)


def _named(
    connect: str,
    plugged: str | None,
    protocol: OneProtocol | None,
    address: str | None,
    settings: tuple[int | None, Parity | None, str | None],
) -> "Target":
    from nuan_tools.decoding import profile_named
    from nuan_tools.errors import UserError
    from nuan_tools.field.target import target

    baud, parity, model = settings
    if plugged is not None:
        raise UserError(tr("{text}: one CONNECT is enough without --site", text=plugged))
    spoken = protocol.value if protocol else profile_named(model).protocol if model else None
    if spoken is None or address is None:
        raise UserError(tr("say which meter: --protocol and --address, or --site FILE SERIAL"))
    return target(connect, spoken, address, baud, parity.value if parity else None, model)


def _show(found: "Found", *, raw: bool, as_json: bool) -> None:
    from nuan_tools.field import reading

    if as_json:
        import json

        typer.echo(json.dumps(reading.as_json_with_telegrams(found), ensure_ascii=False))
        return
    from nuan_tools.console import out
    from nuan_tools.decoded_view import bytes_view
    from nuan_tools.field.values_view import view

    out().print(view(found))
    if raw:
        for question, answer, decoded in reading.telegrams(found):
            out().print(tr("asked: {hex}", hex=question.hex(" ")))
            modbus_question = question if found.protocol == "modbus" else None
            out().print(bytes_view(decoded, answer, modbus_question))
