"""`nuan scan`: looks for meters on a line and proposes their entries of a site file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nuan_tools.app import App
from nuan_tools.field.common_options import AnswerTime, AsJson
from nuan_tools.field.scan_options import (
    Address,
    Baud,
    Bus,
    Connect,
    First,
    Last,
    LineParity,
    MeterProtocol,
    Node,
    Quick,
    Resume,
    Secondary,
    SiteEntries,
    Slot,
)
from nuan_tools.field.settings import AUTO, Protocols
from nuan_tools.i18n import tr
from nuan_tools.models_folder import ModelsFolder, take_in

if TYPE_CHECKING:
    from nuan_tools.field.session import Session

ORDER = 54
INTERRUPTED = 130
RESUME_FILE = Path("nuan-scan.json")


def register(app: App) -> None:
    """Adds the command."""

    @app.command("scan", help=tr("Look for meters on a line and propose their site entries."))
    def scan(
        connect: Connect,
        protocol: MeterProtocol = Protocols.ALL,
        baud: Baud = AUTO,
        parity: LineParity = None,
        first: First = 0,
        last: Last = 250,
        secondary: Secondary = False,
        quick: Quick = False,
        address: Address = None,
        node: Node = "",
        bus: Bus = "",
        slot: Slot = 1,
        site_entries: SiteEntries = None,
        resume: Resume = None,
        models: ModelsFolder = None,
        answer_time: AnswerTime = None,
        as_json: AsJson = False,
    ) -> None:
        from nuan_tools.field.options import wish_of
        from nuan_tools.field.session import Session
        from nuan_tools.field.site_entries import Place

        take_in(models)
        settings = (baud, parity.value if parity else None, answer_time)
        wish = wish_of(
            connect, protocol.value, settings, (first, last), (secondary, quick), address or []
        )
        session = Session(wish)
        if resume is not None and resume.exists():
            session.load(resume)
        place = Place(node, bus, slot)
        if node and not bus and len(wish.protocols) > 1:
            raise_bus_missing()
        finished = _run(session, resume or RESUME_FILE, as_json=as_json)
        _show(session, place, site_entries, finished=finished, as_json=as_json)
        if not finished:
            raise typer.Exit(INTERRUPTED)
        if not session.found:
            raise typer.Exit(1)


def raise_bus_missing() -> None:
    """A node's meters hang on one of its buses, and only one protocol does on each."""
    from nuan_tools.errors import UserError

    raise UserError(tr("--node: write its --bus as well, and one --protocol"))


def _run(session: "Session", path: Path, *, as_json: bool) -> bool:
    """Scan; what was found before a fault or Ctrl-C is kept in the file."""
    import asyncio

    from nuan_tools.errors import NuanError
    from nuan_tools.field import scan_view
    from nuan_tools.field.scan import scan
    from nuan_tools.field.watching import watching

    with watching(session, quiet=as_json):
        try:
            finished = asyncio.run(scan(session))
        except NuanError:
            if session.found:
                from nuan_tools.console import out

                session.save(path)
                out().print(scan_view.view(session))
                _tell_how_to_go_on(path)
            raise
    if finished:
        path.unlink(missing_ok=True)
    else:
        session.save(path)
        _tell_how_to_go_on(path)
    return finished


def _tell_how_to_go_on(path: Path) -> None:
    import shlex

    from nuan_tools.errors import complain

    words = [shlex.quote(each) for each in sys.argv[1:]]
    if "--resume" not in sys.argv:
        words += ["--resume", shlex.quote(str(path))]
    complain(tr("stopped; go on with: {command}", command="nuan " + " ".join(words)))


def _show(
    session: "Session", place: object, path: Path | None, *, finished: bool, as_json: bool
) -> None:
    from nuan_tools.field import scan_view
    from nuan_tools.field.site_entries import Place, site_entries

    if not isinstance(place, Place):
        raise TypeError(place)
    entries = site_entries(session.found, session.wish.connect, place)
    if path is not None:
        path.write_text(entries, "utf-8")
    if as_json:
        import json

        found = scan_view.scan_json(session, finished, entries)
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    from nuan_tools.console import out

    out().print(scan_view.view(session))
    if entries:
        out().print()
        out().print(tr("Entries for the site file:"), style="bold")
        out().print()
        out().print(entries, soft_wrap=True, markup=False)
