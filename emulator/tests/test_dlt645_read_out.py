"""The emulated DL/T 645 meters, read by the master and decoder that node and gateway use."""

from datetime import UTC, datetime

import pytest

from nuan_emulator.meters.device import ElectricityState
from nuan_emulator.meters.dlt645_meters import REGISTERS, Dlt645Meter, Station645
from nuan_protocols.dlt645.clock import time_broadcast
from nuan_protocols.dlt645.master import ReadOut
from nuan_protocols.dlt645.telegram import decode, join
from nuan_protocols.readout import EXCEPTION, OK

NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)
PRINTED = "123456789012"
STATE = ElectricityState(
    import_j=123_456 * 36_000,
    export_j=789 * 36_000,
    voltage_dv=(2303, 2311, 2298),
    current_ma=(4999, -188, 0),
    power_dw=(11_500, -430, 0),
    reactive_dvar=(100, 0, -7),
    frequency_chz=4998,
)
READ_OF = {2007: 0x11, 1997: 0x01}


def meter(**how: object) -> Dlt645Meter:
    return Dlt645Meter(Station645(PRINTED, **how), lambda _: STATE)  # type: ignore[arg-type]


def turn(of: Dlt645Meter, readout: ReadOut, echo: bool = False) -> None:
    """Let the master have its turn; every answer comes in two pieces."""
    while (question := readout.request()) is not None:
        answer = of.answer(question.lstrip(b"\xfe"), NOON_MS)
        if echo:
            readout.feed(question)
        if answer is not None:
            readout.feed(answer[:7])
            readout.feed(answer[7:])
        if readout.waiting:
            readout.timeout()


@pytest.mark.parametrize("version", [2007, 1997])
@pytest.mark.parametrize("preamble", [0, 4])
def test_every_register_of_an_emulated_meter_is_understood(version: int, preamble: int) -> None:
    of = meter(version=version, preamble=preamble)
    reads = tuple((READ_OF[version], di, 0) for di in REGISTERS[version])
    readout = ReadOut(PRINTED, reads)
    turn(of, readout, echo=preamble == 0)
    assert readout.result == OK
    assert len(readout.exchanges) == len(reads)
    for (part, result, tries, _, answer), (_, di, _) in zip(readout.exchanges, reads, strict=True):
        assert (result, tries, reads[part][1]) == (OK, 1, di)
        telegram = decode(answer)
        assert (telegram.version, telegram.di) == (version, di)
        assert telegram.records
        for one in telegram.records:
            # No maximum yet has no time yet.
            unset = one.reading.quantity == "datetime:power"
            assert one.reading.status == "ok" or unset, one


def test_values_are_the_emulated_worlds() -> None:
    of = meter()
    reads = tuple((0x11, di, 0) for di in (0x0001FF00, 0x0202FF00, 0x0203FF00, 0x02800002))
    readout = ReadOut(PRINTED, reads)
    turn(of, readout)
    total, *tariffs = (one.reading for one in decode(readout.exchanges[0][4]).records)
    assert (total.integer, total.exponent, total.unit) == (123_456, 1, "Wh")
    assert sum(one.integer or 0 for one in tariffs) in range(123_452, 123_457)
    found = [
        [one.reading.integer for one in decode(exchange[4]).records]
        for exchange in readout.exchanges[1:]
    ]
    assert found == [[4999, -188, 0], [11_070, 11_500, -430, 0], [4998]]


@pytest.mark.parametrize(
    ("version", "di"), [(2007, 0x0001FF00), (2007, 0x000100FF), (1997, 0x901F)]
)
def test_a_long_answer_in_parts_reads_as_the_whole(version: int, di: int) -> None:
    whole, parts = [], []
    for kept, size in ((whole, 200), (parts, 7)):
        of = meter(version=version, values_bytes_max=size)
        readout = ReadOut(PRINTED, ((READ_OF[version], di, 0),))
        turn(of, readout)
        assert readout.result == OK
        kept.extend(exchange[4] for exchange in readout.exchanges)
    assert len(whole) == 1
    assert len(parts) > 1
    assert [one.reading for one in join(parts).records] == [
        one.reading for one in decode(whole[0]).records
    ]


def test_wildcards_refusals_and_the_clock() -> None:
    of = meter()
    readout = ReadOut("AAAAAAAAAAAA", ((0x13, 0, 0),))
    turn(of, readout)
    assert decode(readout.exchanges[0][4]).records[0].reading.text == PRINTED
    readout = ReadOut("9012", ((0x11, 0x02010400, 0), (0x11, 0x00010000, 0)))
    turn(of, readout)
    assert [exchange[1] for exchange in readout.exchanges] == [EXCEPTION, OK]
    assert of.answer(time_broadcast(2026, 1, 15, 12, 31, 0).lstrip(b"\xfe"), NOON_MS) is None
    readout = ReadOut(PRINTED, ((0x11, 0x04000102, 0),))
    turn(of, readout)
    assert decode(readout.exchanges[0][4]).records[0].reading.text == "12:31:00"
    old = meter(version=1997, answers_wildcard=True)
    readout = ReadOut("AAAAAAAAAAAA", ((0x01, 0x9010, 0),))
    turn(old, readout)
    assert decode(readout.exchanges[0][4]).address == "AAAAAAAAAAAA"
