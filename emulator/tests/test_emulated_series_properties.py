"""Recorded series under any mixture of repetitions, holes and rows in conflict."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator.replay import RecordedHeat, read_series

HEAD = "METERID,ENERGY,VOLUME,HOURS,POWER1,FLOW,FLOW_TEMP,RETURN_TEMP,READ_DATE"
FIRST = datetime(2019, 1, 1, tzinfo=UTC)
HOUR_MS = 3_600_000

readings = st.lists(
    st.tuples(
        st.integers(0, 40),  # kWh since the row before
        st.integers(1, 3),  # how often the row stands there
        st.booleans(),  # whether a row with a smaller register stands beside it
        st.sampled_from([1, 1, 1, 1, 5]),  # hours since the row before
    ),
    min_size=6,
    max_size=40,
)


def text_of(rows) -> tuple[str, dict[int, int], int, int]:
    """(CSV, true register by hour, repeated rows, conflicts)."""
    lines, truth = [HEAD], {}
    kwh, hour, repeated, conflicts = 1_000, 0, 0, 0
    for index, (more, times, conflict, hours) in enumerate(rows):
        before = kwh
        kwh += more
        hour += hours if index else 0
        stamp = (FIRST + timedelta(hours=hour)).strftime("%Y-%m-%d %H:%M:%S")
        here = [row_text(kwh, hour, stamp)] * times
        if conflict and more:
            here.insert(0, row_text(before, hour, stamp))
            conflicts += 1
        lines += here
        repeated += times - 1
        truth[hour] = kwh
    return "\n".join(lines) + "\n", truth, repeated, conflicts


def row_text(kwh: int, hour: int, stamp: str) -> str:
    return f"7,{kwh // 1000}.{kwh % 1000:03d},1.00,{hour},1.0,10,60.00,40.00,{stamp}"


def written(folder: Path, text: str) -> Path:
    path = folder / "series.csv"
    path.write_text(text)
    return path


@given(rows=readings)
def test_what_is_kept_is_the_truth_and_nothing_else(tmp_path_factory, rows):
    text, truth, repeated, conflicts = text_of(rows)
    series = read_series(written(tmp_path_factory.mktemp("series"), text))
    first_ms = int(FIRST.timestamp()) * 1000
    kept = {(row.at_ms - first_ms) // HOUR_MS: row.energy_kwh for row in series.rows}
    assert kept == truth
    assert series.merged == repeated
    assert len(series.conflicts) == conflicts
    assert series.consumption_kwh == truth[max(truth)] - truth[min(truth)]
    registers = [row.energy_kwh for row in series.rows]
    assert registers == sorted(registers)


@given(rows=readings, offset_ms=st.integers(0, HOUR_MS - 1))
def test_the_source_shows_the_latest_row_of_the_hour_or_is_silent(
    tmp_path_factory, rows, offset_ms
):
    text, truth, _, _ = text_of([(more, times, conflict, 1) for more, times, conflict, _ in rows])
    series = read_series(written(tmp_path_factory.mktemp("series"), text))
    source = RecordedHeat(series)
    for hour, kwh in truth.items():
        state = source(source.first_ms + hour * HOUR_MS + offset_ms)
        assert state is not None
        assert state.energy_j == kwh * 3_600_000
        assert state.on_time_s == hour * 3600
    assert source(source.last_ms + HOUR_MS) is None
    assert source(source.first_ms - 1) is None


@given(rows=readings)
def test_holes_are_exactly_where_hours_are_missing(tmp_path_factory, rows):
    text, truth, _, _ = text_of(rows)
    series = read_series(written(tmp_path_factory.mktemp("series"), text))
    source = RecordedHeat(series)
    if series.interval_ms != HOUR_MS:
        return
    silent = {
        hour for hour in range(max(truth) + 1) if source(source.first_ms + hour * HOUR_MS) is None
    }
    assert silent == set(range(max(truth) + 1)) - set(truth)
    missing = sum((h.after_ms - h.before_ms) // HOUR_MS - 1 for h in series.holes)
    assert missing == len(silent)
    assert len(series.notes()) == bool(series.merged) + len(series.conflicts) + len(series.holes)
