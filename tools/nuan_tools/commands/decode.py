"""`nuan decode`: says what telegrams mean, from the command line or from stdin."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr
from nuan_tools.models_folder import ModelsFolder, take_in

if TYPE_CHECKING:
    from nuan_tools.decoding import Decoded, How

ORDER = 60


class _Request(NamedTuple):
    """How to read and show every telegram of one call."""

    how: "How"
    key: bytes | None
    as_json: bool
    by_bytes: bool


def register(app: App) -> None:
    """Adds the command."""

    @app.command("decode", help=tr("Say what a telegram means, every record of it."))
    def decode(
        telegrams: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="HEX",
                show_default=False,
                help=tr("Telegrams in hexadecimal; without any, stdin is read, one a line."),
            ),
        ] = None,
        question: Annotated[
            str | None,
            typer.Option(
                metavar="HEX", help=tr("The Modbus RTU request that the telegrams answer.")
            ),
        ] = None,
        model: Annotated[
            str | None,
            typer.Option(
                metavar="MODEL",
                help=tr("The meter's model, which says what registers and status bits mean."),
            ),
        ] = None,
        dialect: Annotated[
            str | None,
            typer.Option(
                metavar="NAME", help=tr("The CJ/T 188 meter's dialect, else the likeliest.")
            ),
        ] = None,
        models: ModelsFolder = None,
        key: Annotated[
            str | None,
            typer.Option(
                metavar="HEX", help=tr("The key of an encrypted M-Bus telegram: 16 bytes.")
            ),
        ] = None,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object a telegram and line."))
        ] = False,
        by_bytes: Annotated[
            bool, typer.Option("--bytes", help=tr("Name every byte instead."))
        ] = False,
    ) -> None:
        from nuan_tools.decoding import How
        from nuan_tools.field.options import check_dialect, parse_key

        check_dialect(dialect)
        take_in(models)
        how = How(_question(question, model), model, dialect)
        request = _Request(how, parse_key(key), as_json, by_bytes)
        sound = [_decode_one(where, text, request) for where, text in _telegrams(telegrams or [])]
        if not all(sound):
            raise typer.Exit(2)


def _question(text: str | None, model: str | None) -> bytes | None:
    """The request that all telegrams answer; what is wrong with it is told once."""
    from nuan_protocols.errors import ProtocolError
    from nuan_protocols.modbus.exchange import parse_question
    from nuan_tools.decoding import profile_named
    from nuan_tools.errors import UserError
    from nuan_tools.hexadecimal import parse

    if text is None:
        if model is not None and profile_named(model).protocol == "modbus":
            raise UserError(
                tr("{model} speaks Modbus: give the request with --question", model=model)
            )
        return None
    question = parse(text, "--question")
    try:
        parse_question(question)
    except ProtocolError as error:
        place = tr("{where}, byte {offset}", where="--question", offset=error.offset)
        raise UserError(f"{place}: {error.reason}") from error
    return question


def _telegrams(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """(where it stands, hexadecimal) of every telegram asked about."""
    from nuan_tools.errors import UserError
    from nuan_tools.hexadecimal import join_bytes

    if arguments not in ([], ["-"]):
        for number, text in enumerate(join_bytes(arguments), 1):
            yield tr("telegram {number}", number=number), text
        return
    if sys.stdin.isatty():
        raise UserError(tr("give a telegram in hexadecimal, or pipe telegrams in, one a line"))
    # Whatever the encoding, what isn't hexadecimal is told by its line and column.
    for number, line in enumerate(sys.stdin.buffer, 1):
        text = line.decode("utf-8", "replace").strip("\r\n\ufeff")
        if text.strip() and not text.lstrip().startswith("#"):
            yield tr("line {number}", number=number), text


def _decode_one(where: str, text: str, request: _Request) -> bool:
    """Shows one telegram, or says what is wrong with it; False when it couldn't be read."""
    from nuan_protocols.errors import ProtocolError
    from nuan_tools import decoding
    from nuan_tools.errors import UserError, complain
    from nuan_tools.hexadecimal import parse

    try:
        telegram = parse(text, where)
        if request.key is not None:
            telegram = decoding.decrypted(telegram, request.key)
        decoded = decoding.decode(telegram, request.how)
        _show(decoded, telegram, request)
    except UserError as error:
        complain(str(error))
        return False
    except ProtocolError as error:
        place = tr("{where}, byte {offset}", where=where, offset=error.offset)
        complain(f"{place}: {error.reason}")
        return False
    return True


def _show(decoded: "Decoded", telegram: bytes, request: _Request) -> None:
    if request.as_json:
        import json

        typer.echo(json.dumps(decoded.as_json(), ensure_ascii=False))
        return
    from nuan_tools import decoded_view
    from nuan_tools.console import out

    if request.by_bytes:
        out().print(decoded_view.bytes_view(decoded, telegram, request.how.question))
    else:
        out().print(decoded_view.view(decoded))
