"""CSV files open as they are meant in a spreadsheet: ids as text, nothing run as a formula."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_gateway.forward.csv_export import Column, csv_bytes, write_csv

COLUMNS = (Column("id", "id"), Column("name", "text"), Column("amount", "number"))


def cells(content: bytes, encoding: str = "utf-8-sig") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(encoding), newline="")))


def one(**row: object) -> list[str]:
    return cells(csv_bytes(COLUMNS, [row]))[1]


def test_utf8_begins_with_a_byte_order_mark() -> None:
    content = csv_bytes(COLUMNS, [{"id": "7", "name": "暖", "amount": "1.20"}])
    assert content.startswith(b"\xef\xbb\xbfid,name,amount\r\n")
    assert cells(content)[1] == ["\t7", "暖", "1.20"]


def test_gb18030_has_none() -> None:
    content = csv_bytes(COLUMNS, [{"name": "樣板楼 ㈠ 𠮷"}], "gb18030")
    assert cells(content, "gb18030")[1] == ["", "樣板楼 ㈠ 𠮷", ""]


@pytest.mark.parametrize("serial", ["120000000000", "00123456"])
def test_a_number_like_id_stays_text(serial: str) -> None:
    assert one(id=serial)[0] == f"\t{serial}"
    assert one(id=f"KAM-{serial}")[0] == f"KAM-{serial}"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")']
)
def test_no_text_is_run_as_a_formula(text: str) -> None:
    assert one(name=text)[1] == f"'{text}"
    assert one(id=text)[0] == f"'{text}"


def test_negative_money_stays_a_number() -> None:
    assert one(amount="-203.22")[2] == "-203.22"


def test_nothing_is_an_empty_cell() -> None:
    assert one() == ["", "", ""]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r")))
def test_every_name_survives(text: str) -> None:
    assert one(name=text)[1].removeprefix("'") == text.removeprefix("'")


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "out" / "bills.csv"
    write_csv(path, COLUMNS, [{"id": "a"}])
    write_csv(path, COLUMNS, [{"id": "b"}])
    assert cells(path.read_bytes())[1] == ["b", "", ""]
    assert [found.name for found in path.parent.iterdir()] == ["bills.csv"]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "bills.csv"
    write_csv(path, COLUMNS, [{"id": "a"}])
    before = path.read_bytes()
    with pytest.raises(UnicodeEncodeError):
        write_csv(path, COLUMNS, [{"name": "\ud800"}])
    assert path.read_bytes() == before
