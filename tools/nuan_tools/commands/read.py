"""`nuan read`: reads one meter now, at a serial port or through a network."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nuan_tools.app import App
from nuan_tools.field.common_options import AnswerTime, AsJson
from nuan_tools.field.read_options import (
    Address,
    AllTelegrams,
    Baud,
    Dialect,
    Key,
    LineParity,
    MeterProtocol,
    Model,
    Plugged,
    Raw,
    Reset,
    Site,
    Where,
)
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
        where: Where,
        plugged: Plugged = None,
        protocol: MeterProtocol = None,
        address: Address = None,
        site: Site = None,
        model: Model = None,
        models: ModelsFolder = None,
        dialect: Dialect = None,
        baud: Baud = None,
        parity: LineParity = None,
        all_telegrams: AllTelegrams = False,
        reset: Reset = None,
        key: Key = None,
        answer_time: AnswerTime = None,
        raw: Raw = False,
        as_json: AsJson = False,
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
