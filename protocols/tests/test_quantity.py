from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.mbus import vif_tables
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.quantity import UNITS_OF, base

TABLES = (vif_tables.PRIMARY, vif_tables.FD, vif_tables.FB)


def test_base() -> None:
    assert base("voltage:l1") == "voltage"
    assert base("count:lower_exceeds:of_power") == "count"
    assert base("energy") == "energy"


def test_every_vif_has_a_quantity_and_a_unit_of_the_vocabulary() -> None:
    found = 0
    for table in TABLES:
        for code in range(128):
            row = vif_tables.lookup(table, code)
            if row is not None:
                quantity, unit = row[0], row[1]
                unit, _ = vif_tables.MULTIPLES.get(unit, (unit, 1))
                assert unit in UNITS_OF[base(quantity)], (quantity, unit)
                found += 1
    assert found > 250


def test_rows_of_a_table_do_not_overlap() -> None:
    for table in TABLES:
        end = 0
        for row in table.splitlines():
            first, count = int(row[:2], 16), int(row[3:5])
            assert first >= end, row
            end = first + count
        assert end <= 0x80


@given(
    st.sampled_from([b"", b"\xfd", b"\xfb"]),
    st.lists(st.integers(0, 127), min_size=1, max_size=4),
    st.sampled_from([1, 2, 4, 5, 9, 12]),
)
def test_all_readings_keep_to_the_vocabulary(table: bytes, chain: list[int], code: int) -> None:
    vib = table + bytes([vif | 0x80 for vif in chain[:-1]] + chain[-1:])
    telegram = decode(long_frame(0x08, 1, 0x78, bytes((code,)) + vib + bytes(4)))
    for record in telegram.records:
        quantity, unit = record.reading.quantity, record.reading.unit
        if base(quantity) != "text_unit":
            assert unit in UNITS_OF[base(quantity)] or record.reading.integer is None
        for part in quantity.split(":of_")[1:]:
            assert base(part) in UNITS_OF
