"""The demo as a person sees it: progress, bills, balance, room, feed, and what to try next."""

import json
import time
from pathlib import Path

from nuan_emulator.epw import EpwError
from nuan_emulator.errors import EmulatorError
from nuan_emulator.weather import EpwWeather, Weather
from nuan_gateway.errors import GatewayError
from nuan_tools.errors import UserError
from nuan_tools.season.folder import season_folder
from nuan_tools.season.outcome import Outcome, settle
from nuan_tools.season.report import SeasonProgress, report
from nuan_tools.season.sample import SampleSeason


def run_demo(*, keep: Path | None, as_json: bool, seed: int, days: int, epw: Path | None) -> None:
    """Run the season in `keep` or a folder that is removed; raises UserError in one line."""
    started = time.monotonic()
    try:
        weather = _weather(epw)
        with season_folder(keep) as folder, SeasonProgress(quiet=as_json) as progress:
            season = SampleSeason(folder, seed=seed, days=days, weather=weather)
            progress.begin()
            try:
                season.run(progress.tell)
                progress.billing()
                outcome = settle(season)
            finally:
                season.close()
    except (GatewayError, EmulatorError) as error:
        raise UserError(str(error)) from error
    seconds = time.monotonic() - started
    if as_json:
        print(json.dumps(document(outcome, seed, seconds), ensure_ascii=False))  # noqa: T201
    else:
        report(outcome, seconds, keep)


def document(outcome: Outcome, seed: int, seconds: float) -> dict[str, object]:
    """The outcome as the JSON object that `nuan demo --json` prints."""
    return {
        "flats": len(outcome.bills),
        "telegrams": outcome.telegrams,
        "entries_lost": outcome.entries_lost,
        "entries_duplicated": outcome.entries_duplicated,
        "bills": [
            {
                "unit": bill.unit,
                "area_m2": bill.area_m2,
                "heat_kwh": bill.heat_kwh,
                "true_heat_kwh": bill.true_heat_kwh,
                "base_fen": bill.base_fen,
                "metered_fen": bill.metered_fen,
                "total_fen": bill.total_fen,
                "prepaid_fen": bill.prepaid_fen,
                "settlement_fen": bill.settlement_fen,
            }
            for bill in outcome.bills
        ],
        "bills_total_fen": sum(bill.total_fen for bill in outcome.bills),
        "building_heat_kwh": outcome.building_heat_kwh,
        "loss_kwh": outcome.loss_kwh,
        "max_heat_error_kwh": outcome.max_heat_error_kwh,
        "gas_m3": outcome.gas_m3,
        "electricity_kwh": outcome.electricity_kwh,
        "public_room": {
            "hours_above_limit": outcome.hours_above_limit,
            "hours_above_limit_uncontrolled": outcome.hours_above_limit_uncontrolled,
        },
        "feed_delivered": outcome.feed_delivered,
        "season_days": outcome.season_days,
        "seed": seed,
        "seconds": round(seconds, 1),
    }


def _weather(epw: Path | None) -> Weather | None:
    if epw is None:
        return None
    try:
        return EpwWeather(epw)
    except (EpwError, OSError) as error:
        raise UserError(str(error)) from error
