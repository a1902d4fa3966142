"""Recorded series: cleaned by stated rules, exact in the register's steps, refused when broken."""

from datetime import UTC, datetime

import pytest

from nuan_emulator.meters import MBusHeatMeter
from nuan_emulator.replay import RecordedHeat, read_series
from nuan_emulator.replay_rows import ReplayError

HEAD = "METERID,ENERGY,VOLUME,HOURS,POWER1,FLOW,FLOW_TEMP,RETURN_TEMP,READ_DATE"


def row(energy: str, hours: int, stamp: str, meter: str = "7") -> str:
    return f"{meter},{energy},245.49,{hours},23.2,553,73.82,37.97,{stamp}"


def at_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.fixture
def write(tmp_path):
    def write_rows(*rows: str, head: str = HEAD):
        path = tmp_path / "series.csv"
        path.write_text("\n".join([head, *rows]) + "\n")
        return path

    return write_rows


HOURLY = (
    row("11.05", 10, "2019-01-01 00:00:00"),
    row("11.072", 11, "2019-01-01 01:00:00"),
    row("11.091", 12, "2019-01-01 02:00:00"),
)


def test_values_become_whole_numbers(write):
    series = read_series(write(*HOURLY))
    first = series.rows[0]
    assert (first.energy_kwh, first.volume_l10, first.hours) == (11_050, 24_549, 10)
    assert (first.power_w, first.flow_l_per_h) == (23_200, 553)
    assert (first.flow_temperature_cc, first.return_temperature_cc) == (7_382, 3_797)
    assert series.consumption_kwh == 41
    assert (series.meter, series.interval_ms, series.notes()) == ("7", 3_600_000, [])


def test_equal_rows_are_merged(write):
    series = read_series(write(HOURLY[0], HOURLY[0], HOURLY[1], HOURLY[1], HOURLY[1]))
    assert len(series.rows) == 2
    assert series.merged == 3
    assert series.notes() == ["series.csv: 3 repeated rows merged"]


@pytest.mark.parametrize("swap", [False, True])
def test_contradicting_rows_keep_the_larger_register_and_are_reported(write, swap):
    pair = [row("11.08", 12, "2019-01-01 02:00:00"), row("11.09", 12, "2019-01-01 02:00:00")]
    series = read_series(write(*HOURLY[:2], *(pair[::-1] if swap else pair)))
    assert series.rows[-1].energy_kwh == 11_090
    ((first, second, kept),) = series.conflicts
    assert (first, second) == (4, 5)
    assert kept == (4 if swap else 5)
    assert "lines 4 and 5" in series.notes()[0]


def test_a_repeated_civil_hour_is_two_readings_where_the_zone_has_one(write):
    rows = (
        row("1.0", 1, "2019-10-27 02:00:00"),
        row("1.1", 2, "2019-10-27 03:00:00"),
        row("1.2", 3, "2019-10-27 03:00:00"),
        row("1.3", 4, "2019-10-27 04:00:00"),
    )
    series = read_series(write(*rows), "Europe/Tallinn")
    assert [r.energy_kwh for r in series.rows] == [1000, 1100, 1200, 1300]
    assert not series.conflicts
    assert not series.holes
    assert len(read_series(write(*rows)).conflicts) == 1


def test_the_meter_is_silent_in_a_hole(write):
    series = read_series(write(*HOURLY, row("12.0", 16, "2019-01-01 06:00:00")))
    source = RecordedHeat(series)
    meter = MBusHeatMeter("00010259", 1, source)
    for minute, heard in ((0, True), (179, True), (180, False), (359, False), (360, True)):
        now_ms = at_ms("2019-01-01") + minute * 60_000
        assert (meter.answer(bytes.fromhex("1040014116"), now_ms) is not None) == heard
    assert series.notes() == ["series.csv: nothing for 4 h after 2019-01-01 02:00 UTC"]
    assert source(source.first_ms - 1) is None


def test_a_hole_that_the_hour_counter_denies_hints_at_summer_time(write):
    series = read_series(write(*HOURLY, row("12.0", 13, "2019-01-01 04:00:00")))
    assert "--timezone" in series.notes()[0]


def test_shift_moves_the_series(write):
    source = RecordedHeat(read_series(write(*HOURLY)), shift_ms=1000)
    assert source.first_ms == at_ms("2019-01-01") + 1000
    state = source(source.last_ms)
    assert state is not None
    assert state.energy_j == 11_091 * 3_600_000


@pytest.mark.parametrize(
    ("bad", "line", "column", "what"),
    [
        ("7,11.1,245.49,1", 3, "", "cut short"),
        (row("eleven", 11, "2019-01-01 01:00:00"), 3, "ENERGY", "no number"),
        (row("11.0725", 11, "2019-01-01 01:00:00"), 3, "ENERGY", "finer than"),
        (row("1e-9999", 11, "2019-01-01 01:00:00"), 3, "ENERGY", "finer than"),
        (row("nan", 11, "2019-01-01 01:00:00"), 3, "ENERGY", "outside 0 to 99999.999"),
        (row("-11", 11, "2019-01-01 01:00:00"), 3, "ENERGY", "outside 0 to 99999.999"),
        (row("100000", 11, "2019-01-01 01:00:00"), 3, "ENERGY", "outside 0 to 99999.999"),
        (row("1e999999999", 11, "2019-01-01 01:00:00"), 3, "ENERGY", "outside 0 to 99999.999"),
        ('"' + "1" * 200_000, 3, "", "is this a CSV file"),
        (row("11.04", 11, "2019-01-01 01:00:00"), 3, "ENERGY", "never decreases"),
        (row("11.06", 11, "1.1.2019"), 3, "READ_DATE", "not like"),
        (row("11.06", 9, "2018-12-31 23:00:00"), 3, "READ_DATE", "sort the file"),
        (row("11.06", 11, "2019-01-01 01:00:00", "8"), 3, "METERID", "one meter a file"),
    ],
)
def test_bad_rows_name_line_and_column(write, bad, line, column, what):
    path = write(HOURLY[0], bad)
    with pytest.raises(ReplayError, match=what) as caught:
        read_series(path)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"{path}, line {line}")


def test_bad_files_are_named(write, tmp_path):
    with pytest.raises(ReplayError, match="no such column") as caught:
        read_series(write(head="METERID,VOLUME"))
    assert caught.value.column == "ENERGY"
    with pytest.raises(ReplayError, match="at least two"):
        read_series(write(HOURLY[0]))
    with pytest.raises(ReplayError, match="No such file") as caught:
        read_series(tmp_path / "none.csv")
    assert "line" not in str(caught.value)
    with pytest.raises(ReplayError, match="no such time zone"):
        read_series(write(*HOURLY), "Mars/Olympus")
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    with pytest.raises(ReplayError, match="no such column"):
        read_series(empty)
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"METERID,\xfc\n")
    with pytest.raises(ReplayError, match="byte 8 is not UTF-8"):
        read_series(latin)


@pytest.mark.parametrize(
    ("zone", "rows", "conflicts", "holes"), [("UTC", 8759, 1, 1), ("Europe/Tallinn", 8760, 0, 0)]
)
def test_the_recorded_year_of_tartu(shared_data, zone, rows, conflicts, holes):
    path = shared_data / "real" / "tartu" / "tartu_dh_substation_10259_2019.csv"
    series = read_series(path, zone)
    assert len(series.rows) == rows
    assert series.merged == 263
    assert len(series.conflicts) == conflicts
    assert len(series.holes) == holes
    assert series.rows[0].energy_kwh == 11_050
    assert series.rows[-1].energy_kwh == 128_305
    assert series.consumption_kwh == 117_255


def test_a_replayed_year_read_hourly_bills_the_files_difference(shared_data):
    """Every hour over the wire format: registers never fall and end where the file ends."""
    source = RecordedHeat(
        read_series(shared_data / "real" / "tartu" / "tartu_dh_substation_10259_2019.csv")
    )
    meter = MBusHeatMeter("00010259", 1, source, manufacturer="KAM")
    requests = (bytes.fromhex("107b017c16"), bytes.fromhex("105b015c16"))
    registers: list[int] = []
    silent = 0
    for count, now_ms in enumerate(range(source.first_ms, source.last_ms + 1, 3_600_000)):
        answer = meter.answer(requests[count % 2], now_ms)
        if answer is None:
            silent += 1
            continue
        registers.append(int(answer[21:25][::-1].hex()))
    assert silent == 1
    assert registers == sorted(registers)
    assert (registers[0], registers[-1]) == (11_050, 128_305)
