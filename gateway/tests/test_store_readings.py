"""Register values found by point and time: the right one, by the index."""

import pytest
from sqlalchemy import event

from nuan_gateway.store import readings
from nuan_gateway.store.dialect import insert_tuples
from nuan_gateway.store.engine import begin_write, open_database
from nuan_gateway.store.readings import StoredReading
from nuan_gateway.store.schema import reading


def row(entry_id: int, time: int, value: int | None, **more) -> StoredReading:
    """An energy reading of point "p", changed by the keywords."""
    fields = {
        "entry_id": entry_id, "idx": 0, "point": "p", "meter": "m", "quantity": "energy",
        "unit": "Wh", "value": value, "exponent": 3, "storage": 0, "tariff": 0, "subunit": 0,
        "function": "instantaneous", "status": "ok", "text": None, "time": time, "clock": 2,
        "decoder": 1,
    }  # fmt: skip
    return StoredReading(**{**fields, **more})


ROWS = [
    row(1, 100, 10),
    row(1, 100, 7, idx=1, quantity="volume", unit="m3"),
    row(2, 200, 20),
    row(3, 300, None, status="unreadable:x"),
    row(4, 310, 30, status="error"),
    row(5, 320, 40, storage=1),
    row(6, 330, 50, tariff=1),
    row(7, 340, 60, subunit=1),
    row(8, 350, 70, function="maximum"),
    row(9, 360, 80, clock=0),
    row(10, 370, 90, point="q"),
    row(11, 400, 99, idx=0, quantity="volume"),
    row(11, 400, 100, idx=1),
    row(12, 400, 101),
]


@pytest.fixture
def connection(tmp_path):
    engine = open_database(tmp_path / "nuan.db")
    rows = [tuple(getattr(r, name) for name in StoredReading.__slots__) for r in ROWS]
    with begin_write(engine) as connection:
        insert_tuples(connection, reading, rows)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize(
    ("time", "before", "after"),
    [
        (99, None, 10),
        (100, 10, 10),
        (150, 10, 20),
        (399, 20, 100),
        (400, 101, 100),
        (500, 101, None),
    ],
)
def test_the_nearest_good_value(connection, time, before, after):
    found = readings.last_before(connection, "p", "energy", time)
    assert (found and found.value) == before
    found = readings.first_after(connection, "p", "energy", time)
    assert (found and found.value) == after


def test_whole_rows_come_back(connection):
    assert readings.first_after(connection, "p", "energy", 0) == ROWS[0]
    assert readings.of_entry(connection, 1) == ROWS[:2]
    assert readings.of_entry(connection, 99) == []


def test_a_series_is_half_open(connection):
    found = readings.series(connection, "p", "energy", 100, 400)
    assert [r.value for r in found] == [10, 20]
    found = readings.series(connection, "p", "energy", 101, 401)
    assert [r.value for r in found] == [20, 100, 101]
    assert list(readings.series(connection, "nobody", "energy", 0, 1000)) == []


def test_every_search_goes_by_the_index(connection):
    plans: list[str] = []

    def explain(_conn, cursor, statement, parameters, *_):
        if not statement.startswith("SELECT"):
            return
        cursor.execute("EXPLAIN QUERY PLAN " + statement, parameters)
        plans.append(" ".join(str(step[3]) for step in cursor.fetchall()))

    event.listen(connection, "before_cursor_execute", explain)
    readings.last_before(connection, "p", "energy", 500)
    readings.first_after(connection, "p", "energy", 0)
    list(readings.series(connection, "p", "energy", 0, 500))
    event.remove(connection, "before_cursor_execute", explain)
    assert len(plans) == 3
    for plan in plans:
        assert "INDEX ix_reading_point_time (point=? AND time" in plan
        assert "USING PRIMARY KEY (entry_id=?)" in plan
        assert "SCAN" not in plan
