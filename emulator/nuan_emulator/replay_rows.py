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


class ReplayError(ValueError):
    """A series that cannot be replayed; names file, line and column, and how to mend it."""

    def __init__(self, path: Path, line: int, column: str, reason: str) -> None:
        where = f"{path}, line {line}" + (f", column {column}" if column else "")
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
    reader = csv.reader(file)
    header = next(reader, None) or [""]
    for column in COLUMNS:
        if column not in header:
            raise ReplayError(path, 1, column, "the header has no such column")
    place = {column: header.index(column) for column in COLUMNS}
    stamped: list[StampedRow] = []
    meter = ""
    for fields in reader:
        line = reader.line_num
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


def _row(path: Path, line: int, named: dict[str, str]) -> StampedRow:
    def whole(column: str, factor: int) -> int:
        try:
            value = Decimal(named[column]) * factor
        except InvalidOperation:
            raise ReplayError(path, line, column, f"{named[column]!r} is no number") from None
        if not value.is_finite() or value != value.to_integral_value():
            raise ReplayError(path, line, column, f"{named[column]!r} is finer than 1/{factor}")
        return int(value)

    try:
        stamp = datetime.fromisoformat(named["READ_DATE"])
    except ValueError:
        raise ReplayError(
            path, line, "READ_DATE", f"{named['READ_DATE']!r} is not like 2019-01-31 23:00:00"
        ) from None
    row = Row(
        line,
        0,
        whole("ENERGY", 1000),
        whole("VOLUME", 100),
        whole("HOURS", 1),
        whole("POWER1", 1000),
        whole("FLOW", 1),
        whole("FLOW_TEMP", 100),
        whole("RETURN_TEMP", 100),
    )
    return StampedRow(stamp, row)
