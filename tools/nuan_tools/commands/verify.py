"""`nuan verify`: checks a bundle from its bytes, with no database and nobody to trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import CheckFailed, UserError
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_gateway.evidence.verify import Verdict

ORDER = 36

FINDINGS_SHOWN_MAX = 50


def register(app: App) -> None:
    """Adds the command."""

    @app.command("verify", help=tr("Check a bill's file: recompute everything from its bytes."))
    def verify(
        bundle: Annotated[Path, typer.Argument(help=tr("The file that nuan export wrote."))],
        key: Annotated[
            str,
            typer.Option(
                "--key",
                help=tr("The gateway's public key that you trust: a file, or 64 hex digits."),
            ),
        ] = "",
    ) -> None:
        _verify(bundle, key)


def _verify(path: Path, key: str) -> None:
    from nuan_gateway.evidence import verify

    trusted = _trusted_key(key) if key else None
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            tr("{file}: byte {offset} is not UTF-8", file=path, offset=error.start)
        ) from None
    verdict = verify.verify(text, trusted)
    if not verdict.holds:
        raise CheckFailed(_failure(path, verdict))
    _show(verdict, trusted is not None)


def _trusted_key(key: str) -> bytes:
    from nuan_gateway.evidence.signing import KeyFileError, read_public_key

    path = Path(key)
    try:
        return read_public_key(path.read_text(encoding="utf-8") if path.is_file() else key)
    except (KeyFileError, UnicodeDecodeError):
        raise UserError(
            tr("--key {key}: expected signing.pub (a PEM file) or 64 hex digits", key=key)
        ) from None


def _failure(path: Path, verdict: Verdict) -> str:
    lines = [tr("{file}: the chain is broken", file=path)]
    lines += [f"{finding}" for finding in verdict.findings[:FINDINGS_SHOWN_MAX]]
    left = len(verdict.findings) - FINDINGS_SHOWN_MAX
    if left > 0:
        lines.append(tr("... and {count} more", count=left))
    return "\n".join(lines)


def _show(verdict: Verdict, trusted: bool) -> None:
    from nuan_gateway.billing.money import fen_text

    assert verdict.bundle is not None
    statement = verdict.bundle.statement
    typer.echo(
        tr(
            "The bill holds: unit {unit}, season {season}, total {total} yuan, "
            "settlement {settlement} yuan.",
            unit=statement.unit.id,
            season=statement.season.name,
            total=fen_text(statement.total_fen),
            settlement=fen_text(statement.settlement_fen),
        )
    )
    typer.echo(
        tr(
            "{entries} entries, {roots} signed roots, tariff {tariff}: every link recomputed.",
            entries=len(verdict.bundle.entries),
            roots=len(verdict.bundle.roots),
            tariff=f"{statement.tariff.id} {statement.tariff.version}",
        )
    )
    if trusted:
        typer.echo(tr("Signed by the key that you trust, {key}.", key=verdict.key_id))
    else:
        typer.echo(
            tr(
                "Signed by key {key}, which the file itself names: compare it with the one that "
                "your heat supplier publishes, or give it with --key.",
                key=verdict.key_id,
            )
        )
