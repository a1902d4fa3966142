"""Generated telegrams, read by this codec and by pyMeterBus.

Only what both claim to read is generated; pyMeterBus' known faults are named and left out:
    LEFT_OUT_VIF   tables that stop early or are wrong, VIFE it ignores
    values         it gives numbers as Decimal of a float: compared to 12 digits
    length 44h     it takes a wired telegram of that length for a wireless one
    codings        BCD digits A-F, 8000.. as "invalid", time-invalid bits, type I, LVAR numbers
"""

import warnings
from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.mbus.telegram import decode

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import meterbus  # type: ignore[import-untyped]

HEADER = bytes.fromhex("785634122d2c010455000000")
INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 7: 8}
BCD_BYTES = {9: 1, 10: 2, 11: 3, 12: 4, 14: 6}

LEFT_OUT_VIF = {
    **dict.fromkeys(range(0x40, 0x50), "flows per minute and second keep their own unit"),
    0x6C: "dates are compared apart",
    0x6D: "dates are compared apart",
    0x6E: "named differently, no unit",
    0x6F: "reserved",
    **dict.fromkeys((0x78, 0x79, 0x7A), "signed, though identifiers"),
    0x7B: "KeyError for the whole telegram",
    0x7C: "plain text has its own tests",
    0x7D: "the extension FD",
    0x7E: "no quantity",
    0x7F: "no quantity",
}
LENGTH_LEFT_OUT = 0x44
UNITS = {
    "Wh": "Wh",
    "J": "J",
    "m^3": "m3",
    "kg": "kg",
    "seconds": "s",
    "W": "W",
    "J/h": "J/h",
    "m^3/h": "m3/h",
    "kg/h": "kg/h",
    "C": "degC",
    "K": "K",
    "bar": "bar",
    "none": "1",
    "V": "V",
    "A": "A",
}
FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")

vifs = st.integers(0, 0x79).filter(lambda vif: vif not in LEFT_OUT_VIF)
electric = st.integers(0x40, 0x5F)


@st.composite
def records(draw: st.DrawFn) -> bytes:
    vib = bytes((draw(vifs),)) if draw(st.booleans()) else bytes((0xFD, draw(electric)))
    difes = draw(st.lists(st.integers(0, 0x3F), max_size=2))
    code = draw(st.sampled_from([*INTEGER_BYTES, *BCD_BYTES]))
    dif = code | draw(st.integers(0, 3)) << 4 | draw(st.integers(0, 1)) << 6
    dib = bytes((dif, *difes))
    dib = bytes([byte | 0x80 for byte in dib[:-1]]) + dib[-1:]
    if code in BCD_BYTES:
        size = BCD_BYTES[code]
        number = draw(st.integers(0, 10 ** (2 * size) - 1))
        data = bytes.fromhex(f"{number:0{2 * size}d}")[::-1]
    else:
        size = INTEGER_BYTES[code]
        low = -(1 << (8 * size - 1)) + 1
        data = draw(st.integers(low, -low)).to_bytes(size, "little", signed=True)
    return dib + vib + data


def peer(raw: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return meterbus.load(raw)


def quiet(record: Any) -> tuple[Decimal, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unit = record.unit
        return Decimal(record.value), str(getattr(unit, "value", unit))


@given(st.lists(records(), min_size=1, max_size=12))
def test_both_read_the_same(data: list[bytes]) -> None:
    raw = long_frame(0x08, 1, 0x72, HEADER + b"".join(data))
    assume(raw[1] != LENGTH_LEFT_OUT)
    ours, theirs = decode(raw), peer(raw)
    assert ours.header is not None
    assert len(ours.records) == len(theirs.records) == len(data)
    for record, their in zip(ours.records, theirs.records, strict=True):
        reading = record.reading
        assert reading.integer is not None, reading
        value, unit = quiet(their)
        mine = Decimal(reading.integer).scaleb(reading.exponent)
        assert abs(mine - value) <= abs(mine) * Decimal("1e-12"), (record, value)
        assert UNITS[unit] == reading.unit, (record, unit)
        assert FUNCTIONS[int(their.function)] == reading.function
        storage, tariff, subunit = their.dib.parse_dife()
        assert (storage, tariff or 0, subunit or 0) == (
            reading.storage,
            reading.tariff,
            reading.subunit,
        )


@given(
    st.integers(0, 99),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(0, 59),
)
def test_both_read_the_same_dates(year: int, month: int, day: int, hour: int, minute: int) -> None:
    date = bytes((day | (year & 7) << 5, month | year >> 3 << 4))
    raw = long_frame(
        0x08, 1, 0x72, HEADER + b"\x02\x6c" + date + b"\x04\x6d" + bytes((minute, hour)) + date
    )
    said = [record.reading.text for record in decode(raw).records]
    told = [record.parsed_value for record in peer(raw).records]
    century = 2000 if year <= 80 else 1900
    assert said == [
        f"{century + year}-{month:02d}-{day:02d}",
        f"{century + year}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}",
    ]
    # pyMeterBus takes every year for one of this century.
    assert [str(each)[2:16] for each in told] == [text[2:] for text in said]
