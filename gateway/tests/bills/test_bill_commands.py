"""`nuan bill run`, `explain`, `export` and `verify` as a person types them."""

import csv
import io
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from sqlalchemy import select

from nuan_gateway.store import outbox as store_outbox
from nuan_gateway.store.engine import begin_write
from nuan_gateway.store.schema import outbox
from nuan_tools import cli, i18n

SETTINGS = """\
format = 1
data_dir = "."
site = "site.toml"
keys = "keys.toml"
[clock]
file = "clock"
"""


@pytest.fixture
def folder(world: Any) -> Path:
    (world.folder / "gateway.toml").write_text(SETTINGS)
    (world.folder / "clock").write_bytes(struct.pack("<Q", world.bench.clock.now_ms()))
    world.bench.stop()
    return world.folder


@dataclass
class Done:
    """What one command line came to."""

    stdout: str
    stderr: str


Nuan = Callable[..., Done]


@pytest.fixture
def nuan(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Nuan]:
    monkeypatch.chdir(folder)
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")

    def run(*arguments: str, code: int = 0) -> Done:
        found = cli.run(list(arguments))
        written = capsys.readouterr()
        assert found == code, written.err + written.out
        return Done(written.out, written.err)

    yield run
    i18n.use("en")


def read_csv(path: Path, encoding: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding))))


def test_bill_run_prints_one_json_object_and_writes_csv(nuan: Nuan, folder: Path) -> None:
    done = nuan("bill", "run", ".", "--json")
    document = json.loads(done.stdout)
    assert done.stderr == ""
    assert [bill["unit"] for bill in document["bills"]] == ["101", "102", "201"]
    bill = document["bills"][1]
    assert bill["heat_kwh"] == "28"
    assert bill["base_fen"] + bill["metered_fen"] == bill["total_fen"]
    assert document["bills_total_fen"] == sum(bill["total_fen"] for bill in document["bills"])
    assert document["gas_m3"] == "12.6"
    rows = read_csv(folder / "out" / "bills-2025-2026.csv", "utf-8-sig")
    assert rows[1]["unit"] == "\t102"
    assert rows[1]["name"] == "102室"
    assert rows[1]["settlement_cny"].startswith("-")
    readings = read_csv(folder / "out" / "readings-2025-2026.csv", "utf-8-sig")
    assert readings[2]["time"] == "2025-11-01T00:00:00+08:00"
    assert readings[2]["meter"] == "\t10000002"


def test_csv_in_the_offices_encoding(nuan: Nuan, folder: Path) -> None:
    nuan("bill", "run", "gateway.toml", "--csv-encoding", "gb18030")
    assert read_csv(folder / "out" / "bills-2025-2026.csv", "gb18030")[0]["name"] == "101室"


def test_the_table_fits_80_columns_in_both_languages(nuan: Nuan) -> None:
    english = nuan("bill", "run", ".").stdout
    chinese = nuan("--lang", "zh", "bill", "run", ".").stdout
    assert "settlement" in english
    assert "settlement" not in chinese
    lines = english.splitlines() + chinese.splitlines()
    assert all(cell_len(line) <= 80 for line in lines if "/" not in line)


def test_explain_leads_from_the_line_to_the_bytes(nuan: Nuan) -> None:
    nuan("bill", "run", ".")
    text = nuan("explain", ".", "102").stdout
    order = [
        "Bill of 102 102室, season 2025-2026",
        "1. Lines",
        "28 kWh x 0.16 CNY/kWh = 4.48 CNY",
        "2. Consumption",
        "228000 - 200000 Wh = 28 kWh",
        "3. Opening register",
        "200000 Wh, read at 2025-11-01 00:00:00 from meter 10000002",
        "under the signed root of 2025-10-31",
        "Journal entry",
        "Question to the meter",
        "The meter's answer",
        "4. Closing register",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    assert "02 00 00 10" in text  # the identification, low byte first
    starred = [line.split()[0] for line in text.splitlines() if line.lstrip().startswith("*")]
    assert starred == ["*19", "*20", "*21"] * 2
    assert all(cell_len(line) <= 80 for line in text.splitlines())


def test_explain_speaks_chinese(nuan: Nuan) -> None:
    nuan("bill", "run", ".")
    text = nuan("--lang", "zh", "explain", ".", "102").stdout
    assert "1. 明细" in text
    assert "标识号" in text
    assert "Opening register" not in text
    assert all(cell_len(line) <= 80 for line in text.splitlines())


def test_every_byte_group_of_the_answer_is_shown(nuan: Nuan) -> None:
    nuan("bill", "run", ".")
    text = nuan("explain", ".", "102").stdout
    answers = text.split("The meter's answer")
    for part in answers[1:]:
        rows = [line.split() for line in part.split("\n\n")[0].splitlines()[3:]]
        offsets = [int(row[0].lstrip("*")) for row in rows if row[0].lstrip("*").isdigit()]
        assert offsets == [0, 1, 3, 4, 5, 6, 7, 11, 13, 14, 15, 16, 17, 19, 20, 21, 25, 26]


def test_export_then_verify(nuan: Nuan, folder: Path) -> None:
    nuan("bill", "run", ".")
    done = nuan("export", ".", "102", "-o", "bill.json")
    assert "bill of 102 with 6 entries" in done.stdout
    assert "which the file itself names" in nuan("verify", "bill.json").stdout
    trusted = nuan("verify", "bill.json", "--key", "signing.pub").stdout
    assert "Signed by the key that you trust" in trusted
    key = json.loads((folder / "bill.json").read_text("utf-8"))["public_key"]
    nuan("verify", "bill.json", "--key", key)
    nuan("--lang", "zh", "verify", "bill.json")


def test_verify_names_the_broken_link_and_ends_with_1(nuan: Nuan, folder: Path) -> None:
    nuan("bill", "run", ".")
    nuan("export", ".", "102", "-o", "bill.json")
    bundle = json.loads((folder / "bill.json").read_text("utf-8"))
    del bundle["entries"][2]
    (folder / "bill.json").write_text(json.dumps(bundle), "utf-8")
    done = nuan("verify", "bill.json", code=1)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "nuan: bill.json: the chain is broken"
    assert lines[1] == "nuan: entry 3: the statement names it, the bundle doesn't hold it"
    assert len(lines) == 2


def test_a_stranger_key_breaks_the_chain(nuan: Nuan) -> None:
    nuan("bill", "run", ".")
    nuan("export", ".", "102", "-o", "bill.json")
    assert "gateway key" in nuan("verify", "bill.json", "--key", "00" * 32, code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("bill", "run", "nowhere.toml"), "nowhere.toml: no such file"),
        (("explain", ".", "102"), "season 2025-2026 has no bills yet; run: nuan bill run"),
        (("export", ".", "102", "-o", "b.json"), "season 2025-2026 has no bills yet"),
        (("verify", "nowhere.json"), "nowhere.json"),
        (("verify", "clock"), "clock: byte"),
        (("verify", "site.toml", "--key", "xyz"), "--key xyz: expected signing.pub"),
    ],
)
def test_bad_input_ends_with_one_line_and_2(
    nuan: Nuan, arguments: tuple[str, ...], complaint: str, folder: Path
) -> None:
    (folder / "clock").write_bytes(b"\xff" * 8) if arguments[1] == "clock" else None
    done = nuan(*arguments, code=2)
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_bad_tariff_stops_the_run_before_anything_is_written(nuan: Nuan, folder: Path) -> None:
    tariff = folder / "tariff.toml"
    tariff.write_text(tariff.read_text("utf-8").replace('"0.16"', "0.16"), "utf-8")
    done = nuan("bill", "run", ".", code=2)
    assert "tariff.toml:12: metered.price: 0.16 must be in quotes" in done.stderr
    assert not (folder / "out").exists()


def test_an_unwritable_folder_stops_the_run_before_any_bill(
    nuan: Nuan, folder: Path, world: Any
) -> None:
    (folder / "out").write_text("a file in the folder's place")
    done = nuan("bill", "run", ".", code=2)
    assert "out: File exists; make it a folder that may be written to" in done.stderr
    world.bench.restart()
    assert world.bench.rows("SELECT count(*) FROM bill") == [(0,)]


def test_the_feeds_state_is_shown_and_parked_messages_are_released(
    nuan: Nuan, folder: Path, world: Any
) -> None:
    nuan("bill", "run", ".")
    world.bench.restart()
    with begin_write(world.bench.engine) as connection:
        ids = [row.id for row in connection.execute(select(outbox.c.id).limit(2))]
        store_outbox.park(connection, ids)
    shown = nuan("feed", "show", ".").stdout
    assert "2 parked" in shown
    assert "r-6e75616e00000001-" in shown
    assert "sent again: 2" in nuan("feed", "retry", ".").stdout
    assert "0 parked" in nuan("feed", "show", ".").stdout
    assert json.loads(nuan("feed", "show", ".", "--json").stdout)["parked"] == 0


def test_no_database_is_told_and_none_is_made(nuan: Nuan, folder: Path) -> None:
    for path in folder.glob("nuan.db*"):
        path.unlink()
    assert "no database; run the gateway first" in nuan("bill", "run", ".", code=2).stderr
    assert not list(folder.glob("nuan.db*"))


def test_export_into_a_folder_that_is_not_there(nuan: Nuan) -> None:
    nuan("bill", "run", ".")
    done = nuan("export", ".", "102", "-o", "gone/bill.json", code=2)
    assert done.stderr == (
        "nuan: gone/bill.json: No such file or directory; name a file that can be written\n"
    )


def test_export_onto_a_folder_leaves_nothing_behind(nuan: Nuan, folder: Path) -> None:
    nuan("bill", "run", ".")
    (folder / "taken").mkdir()
    done = nuan("export", ".", "102", "-o", "taken", code=2)
    assert done.stderr == "nuan: taken: Is a directory; name a file that can be written\n"
    assert not list(folder.glob("taken.*"))
