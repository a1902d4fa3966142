"""`nuan replay` as a person sees it: what the file holds, then the bill beside the file."""

import json
import re
from pathlib import Path

from rich.text import Text

from nuan_emulator.errors import EmulatorError
from nuan_emulator.replay import Series, read_series
from nuan_emulator.replay_rows import ReplayError
from nuan_gateway.bill_run import BillRun
from nuan_gateway.billing.decimals import exact_text
from nuan_gateway.billing.money import fen_text
from nuan_gateway.errors import GatewayError
from nuan_tools.console import out
from nuan_tools.errors import CheckFailed, UserError
from nuan_tools.i18n import tr
from nuan_tools.season.folder import season_folder
from nuan_tools.season.replayed import ReplayedSeason, billed_kwh
from nuan_tools.season.report import SeasonProgress

_AREA = re.compile(r"[0-9]{1,7}(\.[0-9]{1,4})?")


def run_replay(path: Path, *, timezone: str, area: str, keep: Path | None, as_json: bool) -> None:
    """Raises UserError for a bad file, CheckFailed when bill and file differ."""
    if not _AREA.fullmatch(area) or not float(area):
        raise UserError(f"--area {area}: write square metres such as 89.37")
    try:
        series = read_series(path, timezone)
        if not as_json:
            for note in series.notes():
                out().print(Text(note))
        with season_folder(keep) as folder, SeasonProgress(quiet=as_json) as progress:
            season = ReplayedSeason(folder, series, timezone, area)
            try:
                season.run(progress.tell)
                run = season.bill()
            finally:
                season.close()
    except (ReplayError, GatewayError, EmulatorError) as error:
        raise UserError(str(error)) from error
    _tell(series, run, as_json=as_json)


def _tell(series: Series, run: BillRun, *, as_json: bool) -> None:
    made = run.bills[0].bill
    billed = billed_kwh(run)
    if as_json:
        document = {
            "meter": series.meter,
            "rows": len(series.rows),
            "merged": series.merged,
            "conflicts": len(series.conflicts),
            "holes": len(series.holes),
            "register_difference_kwh": str(series.consumption_kwh),
            "billed_kwh": exact_text(billed) if billed is not None else None,
            "base_fen": made.charge.amount_fen("base"),
            "metered_fen": made.charge.amount_fen("metered"),
            "total_fen": made.charge.total_fen,
        }
        print(json.dumps(document))  # noqa: T201
    else:
        lines = (
            tr(
                "Meter {meter}: the file's registers differ by {file} kWh; billed: {billed} kWh.",
                meter=series.meter,
                file=series.consumption_kwh,
                billed=exact_text(billed) if billed is not None else "-",
            ),
            tr(
                "Base fee {base}, metered fee {metered}, total {total} yuan.",
                base=fen_text(made.charge.amount_fen("base")),
                metered=fen_text(made.charge.amount_fen("metered")),
                total=fen_text(made.charge.total_fen),
            ),
        )
        for line in lines:
            out().print(Text(line))
    if billed != series.consumption_kwh:
        reasons = "; ".join(problem.detail for problem in made.problems)
        raise CheckFailed(f"the billed heat is not the file's register difference: {reasons}")
