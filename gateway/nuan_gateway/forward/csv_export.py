"""CSV files that a heating company's office opens in a spreadsheet, safely and in its encoding.

UTF-8 with a byte order mark, or GB18030. A number is written bare. Text that a spreadsheet would
run as a formula gets an apostrophe in front; an identifier of digits gets a tab in front, so that
it is not shown as 1.2E+11 and keeps its leading zeros.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nuan_gateway.whole_file import write_whole

CsvEncoding = Literal["utf-8", "gb18030"]
ColumnKind = Literal["id", "text", "number"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_BOM = "\ufeff"


@dataclass(frozen=True)
class Column:
    """A column's title and what its cells hold."""

    title: str
    kind: ColumnKind


def csv_bytes(
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, object]],
    encoding: CsvEncoding = "utf-8",
) -> bytes:
    """Return a whole file: a title row, then one line per row (title -> value, None is empty)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.title for column in columns])
    for row in rows:
        writer.writerow([_cell(column.kind, row.get(column.title)) for column in columns])
    content = text.getvalue()
    return (_BOM + content).encode("utf-8") if encoding == "utf-8" else content.encode(encoding)


def write_csv(
    path: Path,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, object]],
    encoding: CsvEncoding = "utf-8",
) -> None:
    """Write the file so that a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, csv_bytes(columns, rows, encoding))


def _cell(kind: ColumnKind, value: object) -> str:
    if value is None:
        return ""
    text = str(value)
    if kind == "number":
        return text
    if kind == "id" and text.isdigit():
        return f"\t{text}"
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
