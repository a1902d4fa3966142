"""Reads the rows of a recorded series: CSV text in, whole numbers in the register's steps out."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

COLUMNS = (
    "METERID",
    "ENERGY",
    "VOLUME",
    "HOURS",
    "POWER1",
    "FLOW",
    "FLOW_TEMP",
    "RETURN_TEMP",
    "READ_DATE",
)

COUNTER_MAX = 99_999_999
"""Registers show eight digits."""
FLOW_MAX = 2**31 - 1
TEMPERATURE_CC = (-2_000, 25_000)


class _Steps(NamedTuple):
    """How a column is counted: steps a unit of the file, and the steps that a meter can show."""

    factor: int
    low: int
    high: int


STEPS = {
    "ENERGY": _Steps(1000, 0, COUNTER_MAX),
    "VOLUME": _Steps(100, 0, COUNTER_MAX),
    "HOURS": _Steps(1, 0, COUNTER_MAX),
    "POWER1": _Steps(1000, -FLOW_MAX, FLOW_MAX),
    "FLOW": _Steps(1, -FLOW_MAX, FLOW_MAX),
    "FLOW_TEMP": _Steps(100, *TEMPERATURE_CC),
    "RETURN_TEMP": _Steps(100, *TEMPERATURE_CC),
}


class ReplayError(ValueError):
    """A series that cannot be replayed; names file, line and column, and how to mend it."""

    def __init__(self, path: Path, line: int, column: str, reason: str) -> None:
        """`line` 0 is the file as a whole, `column` "" the whole line."""
        where = f"{path}, line {line}" if line else str(path)
        where += f", column {column}" if column else ""
        super().__init__(f"{where}: {reason}")
        self.line = line
        self.column = column


class Row(NamedTuple):
    """One reading; `at_ms` is UTC."""

    line: int
    at_ms: int
    energy_kwh: int
    volume_l10: int
    """Hundredths of a cubic metre."""
    hours: int
    power_w: int
    flow_l_per_h: int
    flow_temperature_cc: int
    return_temperature_cc: int


class StampedRow(NamedTuple):
    """A row whose civil time stamp has not been given a zone yet: its `at_ms` is 0."""

    stamp: datetime
    row: Row


def read_rows(path: Path, file: Iterator[str]) -> tuple[str, list[StampedRow]]:
    """Meter number and rows in file order; ReplayError names line, column and cure."""
    lines = _lines(path, file)
    _, header = next(lines, (1, [""]))
    for column in COLUMNS:
        if column not in header:
            raise ReplayError(
                path, 1, column, f"the header has no such column; it needs {', '.join(COLUMNS)}"
            )
    place = {column: header.index(column) for column in COLUMNS}
    stamped: list[StampedRow] = []
    meter = ""
    for line, fields in lines:
        if len(fields) != len(header):
            raise ReplayError(
                path,
                line,
                "",
                f"{len(fields)} fields where the header has {len(header)}: the file is cut short "
                "or a comma is wrong; restore or remove this row",
            )
        named = {column: fields[index].strip() for column, index in place.items()}
        if meter and named["METERID"] != meter:
            raise ReplayError(
                path, line, "METERID", f"{named['METERID']} after {meter}: one meter a file"
            )
        meter = named["METERID"]
        stamped.append(_row(path, line, named))
    if len(stamped) < 2:
        raise ReplayError(path, len(stamped) + 1, "", "a series needs at least two readings")
    return meter, stamped


def _lines(path: Path, file: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every row, with the reader's own error told like the others."""
    reader = csv.reader(file)
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        raise ReplayError(path, reader.line_num, "", f"{error}: is this a CSV file?") from None


def _whole(path: Path, line: int, column: str, text: str) -> int:
    """The column's value in its steps."""
    steps = STEPS[column]
    low, high = Decimal(steps.low) / steps.factor, Decimal(steps.high) / steps.factor
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ReplayError(path, line, column, f"{text!r} is no number") from None
    if not (value.is_finite() and low <= value <= high):
        raise ReplayError(path, line, column, f"{text!r} is outside {low} to {high}")
    stepped = value * steps.factor
    if stepped != stepped.to_integral_value():
        raise ReplayError(path, line, column, f"{text!r} is finer than 1/{steps.factor}")
    return int(stepped)


def _row(path: Path, line: int, named: dict[str, str]) -> StampedRow:
    try:
        stamp = datetime.fromisoformat(named["READ_DATE"])
    except ValueError:
        raise ReplayError(
            path, line, "READ_DATE", f"{named['READ_DATE']!r} is not like 2019-01-31 23:00:00"
        ) from None
    values = [_whole(path, line, column, named[column]) for column in STEPS]
    return StampedRow(stamp, Row(line, 0, *values))
