"""A bill run as CSV files and as one JSON object: the same facts for offices and programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from zoneinfo import ZoneInfo

from nuan_gateway.bill_run import BillRun, MadeBill
from nuan_gateway.billing.consumption import Register
from nuan_gateway.billing.decimals import exact_text
from nuan_gateway.billing.money import fen_text
from nuan_gateway.errors import GatewayError
from nuan_gateway.forward.csv_export import Column, CsvEncoding, write_csv

BILL_COLUMNS = (
    Column("season", "id"),
    Column("unit", "id"),
    Column("name", "text"),
    Column("area_m2", "number"),
    Column("meter", "id"),
    Column("opening", "number"),
    Column("closing", "number"),
    Column("register_unit", "text"),
    Column("heat_kwh", "number"),
    Column("basis", "text"),
    Column("base_cny", "number"),
    Column("metered_cny", "number"),
    Column("total_cny", "number"),
    Column("prepaid_cny", "number"),
    Column("settlement_cny", "number"),
    Column("version", "number"),
    Column("problems", "text"),
)

READING_COLUMNS = (
    Column("season", "id"),
    Column("unit", "id"),
    Column("point", "id"),
    Column("meter", "id"),
    Column("boundary", "text"),
    Column("time", "text"),
    Column("clock", "number"),
    Column("value", "number"),
    Column("unit_of_value", "text"),
    Column("node", "id"),
    Column("epoch", "id"),
    Column("seq", "number"),
    Column("digest", "id"),
)


def prepare_folder(folder: Path) -> None:
    """Make the folder and try to write into it; raises GatewayError before a run starts."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise GatewayError(
            f"{folder}: {error.strerror}; make it a folder that may be written to"
        ) from None


def write_files(run: BillRun, folder: Path, encoding: CsvEncoding = "utf-8") -> list[Path]:
    """Write bills-<season>.csv and readings-<season>.csv into `folder`; return their paths."""
    bills = folder / f"bills-{run.season.name}.csv"
    readings = folder / f"readings-{run.season.name}.csv"
    write_csv(bills, BILL_COLUMNS, [_bill_row(made) for made in run.bills], encoding)
    write_csv(readings, READING_COLUMNS, _reading_rows(run), encoding)
    return [bills, readings]


def run_document(run: BillRun) -> dict[str, object]:
    """Return the run as a JSON object: quantities are decimal text, money is whole fen."""
    return {
        "season": run.season.name,
        "season_days": (run.season.end - run.season.start).days,
        "tariff": {
            "id": run.tariff.id,
            "version": run.tariff.version,
            "digest": run.tariff.digest,
        },
        "bills": [_bill_document(made) for made in run.bills],
        "bills_total_fen": sum(made.bill.charge.total_fen for made in run.bills),
        "building_heat_kwh": run.balance.building_kwh if run.balance else None,
        "loss_kwh": run.balance.loss_kwh if run.balance else None,
        "gas_m3": run.gas_m3,
        "electricity_kwh": run.electricity_kwh,
    }


def _bill_document(made: MadeBill) -> dict[str, object]:
    bill = made.bill
    return {
        "unit": made.unit,
        "name": bill.input.unit.name,
        "area_m2": bill.input.unit.area_m2,
        "heat_kwh": bill.heat.kwh_text if bill.heat else None,
        "basis": "two_part" if bill.heat else "area",
        "base_fen": bill.charge.amount_fen("base"),
        "metered_fen": bill.charge.amount_fen("metered"),
        "total_fen": bill.charge.total_fen,
        "prepaid_fen": bill.charge.prepaid_fen,
        "settlement_fen": bill.charge.settlement_fen,
        "version": made.version,
        "is_new": made.is_new,
        "opening_utc": bill.input.opening.time if bill.input.opening else None,
        "closing_utc": bill.input.closing.time if bill.input.closing else None,
        "problems": [problem.document() for problem in bill.problems],
    }


def _bill_row(made: MadeBill) -> dict[str, object]:
    bill = made.bill
    given = bill.input
    return {
        "season": given.season.name,
        "unit": given.unit.id,
        "name": given.unit.name,
        "area_m2": given.unit.area_m2,
        "meter": given.meter.serial if given.meter else None,
        "opening": exact_text(given.opening.value) if given.opening else None,
        "closing": exact_text(given.closing.value) if given.closing else None,
        "register_unit": given.opening.unit if given.opening else None,
        "heat_kwh": bill.heat.kwh_text if bill.heat else None,
        "basis": "two_part" if bill.heat else "area",
        "base_cny": fen_text(bill.charge.amount_fen("base")),
        "metered_cny": fen_text(bill.charge.amount_fen("metered")),
        "total_cny": fen_text(bill.charge.total_fen),
        "prepaid_cny": fen_text(bill.charge.prepaid_fen),
        "settlement_cny": fen_text(bill.charge.settlement_fen),
        "version": made.version,
        "problems": "; ".join(f"{found.code}: {found.detail}" for found in bill.problems),
    }


def _reading_rows(run: BillRun) -> Iterator[dict[str, object]]:
    zone = ZoneInfo(run.season.timezone)
    for made in run.bills:
        given = made.bill.input
        for boundary, register in (("opening", given.opening), ("closing", given.closing)):
            if register is not None:
                yield {
                    "season": given.season.name,
                    "unit": given.unit.id,
                    "point": given.point,
                    "meter": given.meter.serial if given.meter else None,
                    "boundary": boundary,
                    **_register_cells(register, zone),
                }


def _register_cells(register: Register, zone: ZoneInfo) -> dict[str, object]:
    return {
        "time": datetime.fromtimestamp(register.time, UTC).astimezone(zone).isoformat(),
        "clock": register.clock,
        "value": exact_text(register.value),
        "unit_of_value": register.unit,
        "node": register.source.node,
        "epoch": register.source.epoch,
        "seq": register.source.seq,
        "digest": register.source.digest,
    }
