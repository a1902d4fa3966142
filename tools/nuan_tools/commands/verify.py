"""`nuan verify`: checks a bundle from its bytes, with no database and nobody to trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import CheckFailed, UserError
from nuan_tools.i18n import tr
from nuan_tools.models_folder import ModelsFolder, take_in

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
        models: ModelsFolder = None,
    ) -> None:
        take_in(models)
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
    if not _signature_breaks(verdict):
        _refuse_unknown_model(path, verdict)
    if not verdict.holds:
        raise CheckFailed(_failure(path, verdict))
    _show(verdict, trusted is not None)


def _signature_breaks(verdict: Verdict) -> bool:
    return any(
        finding.link in ("structure", "gateway key", "statement signature")
        for finding in verdict.findings
    )


def _refuse_unknown_model(path: Path, verdict: Verdict) -> None:
    """Raises UserError where the bill's meter model isn't known here: nothing could be checked.

    A bundle brings no model along: a model is a program, and whoever made the bill would have
    written what is to check it.
    """
    from nuan_protocols.meters import registry

    statement = verdict.bundle.statement if verdict.bundle else None
    if statement is None or statement.meter is None:
        return
    try:
        registry.profile(statement.meter.model, statement.versions.profile)
    except registry.UnknownModelError:
        raise UserError(
            tr(
                "{file}: the bill was made with meter model {model}, version {version}, which "
                "isn't known here; get the model's file from whoever made the bill, look at what "
                "is in it, and give its folder with --models",
                file=path,
                model=statement.meter.model,
                version=statement.versions.profile,
            )
        ) from None


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
