"""`nuan demo` and `nuan replay` as a person starts them, over a few virtual days."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

HEAD = "METERID,ENERGY,VOLUME,HOURS,POWER1,FLOW,FLOW_TEMP,RETURN_TEMP,READ_DATE\n"
BILL_KEYS = {
    "unit",
    "area_m2",
    "heat_kwh",
    "true_heat_kwh",
    "base_fen",
    "metered_fen",
    "total_fen",
    "prepaid_fen",
    "settlement_fen",
}


def nuan(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nuan_tools", *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture(scope="module")
def kept(vm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo") / "season"
    done = nuan("demo", "--days", "1", "--json", "--seed", "7", "--keep", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder, done.stdout


def test_demo_prints_one_json_object_and_nothing_else(kept: tuple[Path, str]) -> None:
    outcome = json.loads(kept[1])
    assert kept[1].count("\n") == 1
    assert set(outcome) == {
        *("flats", "telegrams", "entries_lost", "entries_duplicated", "bills", "bills_total_fen"),
        *("building_heat_kwh", "loss_kwh", "max_heat_error_kwh", "gas_m3", "electricity_kwh"),
        *("public_room", "feed_delivered", "season_days", "seed", "seconds"),
    }
    assert outcome["flats"] == 12
    assert outcome["season_days"] == 1
    assert outcome["seed"] == 7
    assert set(outcome["public_room"]) == {"hours_above_limit", "hours_above_limit_uncontrolled"}
    assert all(set(bill) == BILL_KEYS for bill in outcome["bills"])


def test_demo_loses_nothing_and_bills_what_the_building_took(kept: tuple[Path, str]) -> None:
    outcome = json.loads(kept[1])
    assert outcome["entries_lost"] == 0
    assert outcome["entries_duplicated"] == 0
    assert outcome["bills_total_fen"] == sum(bill["total_fen"] for bill in outcome["bills"])
    flats = sum(Fraction(bill["heat_kwh"]) for bill in outcome["bills"])
    assert flats + Fraction(outcome["loss_kwh"]) == Fraction(outcome["building_heat_kwh"])
    assert Fraction(outcome["max_heat_error_kwh"]) < 1
    assert outcome["feed_delivered"] > 12
    assert Fraction(outcome["gas_m3"]) > 0
    assert Fraction(outcome["electricity_kwh"]) > 0


def test_demo_keeps_what_explain_export_and_verify_need(
    kept: tuple[Path, str], tmp_path: Path
) -> None:
    folder, bundle = kept[0], tmp_path / "bill.json"
    explained = nuan("explain", str(folder), "1-101")
    assert explained.returncode == 0, explained.stderr
    assert "1-101" in explained.stdout
    exported = nuan("export", str(folder), "1-101", "-o", str(bundle))
    assert exported.returncode == 0, exported.stderr
    verified = nuan("verify", str(bundle))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    replaced = bundle.read_text().replace('"area_m2":"89.37"', '"area_m2":"89.36"')
    replaced = replaced.replace('"area_m2": "89.37"', '"area_m2": "89.36"')
    replaced = replaced.replace('\\"area_m2\\":\\"89.37\\"', '\\"area_m2\\":\\"89.36\\"')
    assert replaced != bundle.read_text()
    bundle.write_text(replaced)
    assert nuan("verify", str(bundle)).returncode == 1


def test_the_gateway_lists_its_meters(kept: tuple[Path, str]) -> None:
    done = nuan("gateway", "meters", str(kept[0]), "--json")
    meters = json.loads(done.stdout)["meters"]
    assert len(meters) == 16
    assert all(each["read_at"] for each in meters)
    told = nuan("gateway", "meters", str(kept[0]))
    assert "mbus_heat" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_demo_refuses_a_folder_in_use(kept: tuple[Path, str]) -> None:
    before = sorted(path.name for path in kept[0].iterdir())
    again = nuan("demo", "--days", "1", "--keep", str(kept[0]))
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert sorted(path.name for path in kept[0].iterdir()) == before


def test_demo_refuses_a_file_as_its_folder(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    done = nuan("demo", "--days", "1", "--keep", str(taken))
    assert done.returncode == 2
    assert done.stderr == (
        f"nuan: cannot make the folder {taken}: File exists; name another with --keep\n"
    )


def test_demo_speaks_chinese(vm: Path) -> None:
    done = nuan("demo", "--lang", "zh", "--days", "1")
    assert done.returncode == 0, done.stderr
    assert "本采暖季热费账单" in done.stdout


def slice_of(series: Path, target: Path, first: str, last: str) -> int:
    """Copy the rows between two days and return their register difference in kWh."""
    head, *rows = series.read_text().splitlines(keepends=True)
    chosen = [row for row in rows if first <= row.rstrip().rpartition(",")[2][:10] <= last]
    target.write_text(head + "".join(chosen))
    energies = [Fraction(row.split(",")[1]) * 1000 for row in chosen]
    return int(max(energies) - energies[0])


@pytest.mark.parametrize(
    ("first", "last"),
    [("2019-03-29", "2019-04-02"), ("2019-10-25", "2019-10-29"), ("2019-12-30", "2019-12-31")],
    ids=["the hole", "the contradictory row", "the last days"],
)
def test_replay_bills_the_register_difference_of_the_file(
    vm: Path, shared_data: Path, tmp_path: Path, first: str, last: str
) -> None:
    series = shared_data / "real" / "tartu" / "tartu_dh_substation_10259_2019.csv"
    piece = tmp_path / "piece.csv"
    difference = slice_of(series, piece, first, last)
    done = nuan("replay", str(piece), "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["billed_kwh"] == outcome["register_difference_kwh"] == str(difference)


def test_replay_names_the_line_of_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    path.write_text(
        HEAD
        + "1,11.05,245.49,4549,23.2,553,73.82,37.97,2019-01-01 00:00:00\n"
        + "1,11.072,245.99,4550,18.4,435,73.72,36.34,2019-01-01 01:00:00\n"
        + "1,11.091,246.44,45"
    )
    done = nuan("replay", str(path), "--keep", str(tmp_path / "kept"))
    assert done.returncode == 2
    assert "cut.csv, line 4" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "kept").exists()
