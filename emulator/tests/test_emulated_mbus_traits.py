"""Secondary addresses, short telegrams, settings, keys and batteries: master against slave."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_emulator.meters.mbus_layout import Header, identity_bytes
from nuan_emulator.meters.mbus_secure import Secret
from nuan_emulator.meters.mbus_settings import FALLBACK_MS
from nuan_emulator.meters.mbus_slave import Traits
from nuan_emulator.meters.sparing import HOUR_MS, Sparing, mbus_refusal
from nuan_protocols.errors import ProtocolError, RecordError
from nuan_protocols.mbus.commands import command
from nuan_protocols.mbus.dates import date_text
from nuan_protocols.mbus.frame import parse
from nuan_protocols.mbus.master import ReadOut
from nuan_protocols.mbus.secondary import printed, wire
from nuan_protocols.mbus.secure import decrypted
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.readout import NO_ANSWER, OK

NOW_MS = 1_768_451_400_000
STATE = HeatState(123 * 3_600_000, 10**7, 1000, 200, 5000, 3000, 10**6)
KEY = bytes(range(16))


def meter(serial="12345678", address=5, traits=None, **more):
    return MBusHeatMeter(serial, address, lambda _: STATE, traits=traits, **more)


def drive(asking, line, now_ms=NOW_MS):
    """Run a read-out or a command to its end; gives the time then."""
    while (request := asking.request()) is not None:
        line.baud = getattr(asking, "line_baud", 0) or line.baud
        for _, burst in line.transmit(bytes(request), now_ms):
            if asking.waiting:
                asking.feed(burst)
        if asking.waiting:
            asking.timeout()
        now_ms += 1_500
    return now_ms


def energies(readout):
    return [
        record.reading.integer
        for *_, answer in readout.exchanges
        for record in decode(answer).records
        if record.reading.quantity == "energy" and record.reading.storage == 0
    ]


headers = st.builds(
    Header,
    serial=st.text("0123456789abcde", min_size=8, max_size=8),
    manufacturer=st.integers(0, 0xFFFE),
    version=st.integers(0, 0xFE),
    medium=st.integers(0, 0xFE),
)


@settings(max_examples=40)
@given(st.lists(headers, min_size=1, max_size=4, unique_by=identity_bytes), st.integers(0, 99))
def test_each_meter_is_read_by_its_secondary_address(population, seed):
    devices = [
        meter(h.serial, 0, manufacturer=h.manufacturer, version=h.version, medium=h.medium)
        for h in population
    ]
    line = Line(2400, 11, devices, seed=seed)
    now_ms = NOW_MS
    for header in population * 2:
        address = wire(printed(identity_bytes(header)))
        readout = ReadOut(address)
        now_ms = drive(readout, line, now_ms)
        assert readout.result == OK
        ((_, _, _, _, answer),) = readout.exchanges
        assert answer[7:15] == identity_bytes(header)


def test_a_selection_with_wildcards_reads_who_fits():
    line = Line(2400, 11, [meter("12345678"), meter("22345679", manufacturer="KAM")])
    readout = ReadOut(wire("FFFFFFF92C2DFFFF"))
    drive(readout, line)
    assert decode(readout.exchanges[0][4]).header.identification == "22345679"


@pytest.mark.parametrize("control", [0x53, 0x73])
def test_either_kind_of_selection_is_found(control):
    line = Line(2400, 11, [meter(traits=Traits(select_controls=(control,)))])
    readout = ReadOut(wire("12345678FFFFFFFF"))
    drive(readout, line)
    assert readout.result == OK


def test_several_telegrams_through_a_selection():
    line = Line(2400, 11, [meter(two_telegrams=True), meter("11111111", 6)])
    readout = ReadOut(wire("12345678FFFFFFFF"))
    drive(readout, line)
    assert [exchange[0] for exchange in readout.exchanges] == [0, 1]
    assert [decode(exchange[4]).more for exchange in readout.exchanges] == [True, False]
    assert not readout.fcb_kept


def test_an_application_reset_picks_the_short_telegram():
    device = meter(two_telegrams=True, traits=Traits(telegrams_of_reset={0x10: [1]}))
    line = Line(2400, 11, [device])
    now_ms = NOW_MS
    for address in (5, wire("12345678FFFFFFFF")):
        short = ReadOut(address, application_reset=0x10)
        now_ms = drive(short, line, now_ms)
        assert len(short.exchanges) == 1
        assert energies(short) == []
        whole = ReadOut(address, application_reset=0)
        now_ms = drive(whole, line, now_ms)
        assert len(whole.exchanges) == 2
        assert energies(whole) == [123]


def test_a_sparing_meter_refuses_the_third_reading_of_the_hour():
    device = Sparing(meter(), refusal=mbus_refusal(5))
    line = Line(2400, 11, [device])
    answers = []
    for turn in range(3):
        readout = ReadOut(5)
        drive(readout, line, NOW_MS + turn * 60_000)
        answers.append(readout.exchanges[0][4])
    assert [answer[6] for answer in answers] == [0x72, 0x72, 0x70]
    refusal = decode(answers[2])
    assert refusal.readings[0].text == "too many readouts"
    readout = ReadOut(5)
    drive(readout, line, NOW_MS + HOUR_MS + 120_000)
    assert readout.exchanges[0][4][6] == 0x72
    silent = Line(2400, 11, [Sparing(meter(), readings=0)])
    readout = ReadOut(5)
    drive(readout, silent)
    assert readout.result == NO_ANSWER


@settings(max_examples=30)
@given(headers, st.sampled_from([5, 7]), st.binary(min_size=16, max_size=16), st.booleans())
def test_what_is_encrypted_reads_as_if_it_were_not(header, mode, key, two):
    def made(traits):
        return meter(
            header.serial,
            manufacturer=header.manufacturer,
            version=header.version,
            medium=header.medium,
            two_telegrams=two,
            traits=traits,
        )

    plain, secret = ReadOut(5), ReadOut(5)
    drive(plain, Line(2400, 11, [made(None)]))
    drive(secret, Line(2400, 11, [made(Traits(secret=Secret(key, mode)))]))
    for exchange, other in zip(plain.exchanges, secret.exchanges, strict=False):
        expected = decode(exchange[4])
        found = decode(decrypted(other[4], key))
        assert found.header == expected.header
        assert found.readings[: len(expected.readings)] == expected.readings
        assert decode(other[4]).readings[0].status.startswith("unreadable:")
        wrong = bytes([key[0] ^ 1]) + key[1:]
        with pytest.raises(RecordError):
            decrypted(other[4], wrong)


@settings(max_examples=60)
@given(st.sampled_from([5, 7]), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_gives_a_protocol_error_or_a_whole_frame(mode, at, change):
    readout = ReadOut(5)
    drive(readout, Line(2400, 11, [meter(traits=Traits(secret=Secret(KEY, mode)))]))
    raw = bytearray(readout.exchanges[0][4])
    at = 4 + at % (len(raw) - 6)
    raw[at] ^= change
    raw[-2] = sum(raw[4:-2]) & 0xFF
    with suppress(ProtocolError):
        parse(decrypted(bytes(raw), KEY))


def test_a_new_address_holds():
    device = meter(address=0, traits=Traits(settable=True))
    line = Line(2400, 11, [device])
    sent = command(
        "set_primary_address", wire("12345678" + "3AA10104"), 17, ("set_primary_address",)
    )
    now_ms = drive(sent, line)
    assert sent.result == OK
    assert device.address == 17
    readout = ReadOut(17)
    drive(readout, line, now_ms)
    assert readout.exchanges[0][4][5] == 17


def test_a_new_baud_rate_is_confirmed_or_given_up():
    device = meter(traits=Traits(settable=True))
    line = Line(2400, 11, [device])
    sent = command("set_baud", 5, 9600, ("set_baud",), 2400)
    now_ms = drive(sent, line)
    assert (sent.result, sent.confirmed, device.settings.baud) == (OK, True, 9600)
    device.settings.set_baud(300, now_ms)
    device.line_baud = 9600
    assert device.answer(bytes.fromhex("1040054516"), now_ms + 1000) is None
    assert device.answer(bytes.fromhex("1040054516"), now_ms + FALLBACK_MS + 1) == b"\xe5"
    stubborn = meter(traits=Traits(settable=False))
    sent = command("set_baud", 5, 9600, ("set_baud",), 2400)
    drive(sent, Line(2400, 11, [stubborn]))
    assert sent.result == NO_ANSWER


@pytest.mark.parametrize("time", [(2026, 11, 20, 23, 59), (2026, 11, 20, 23, 59, 7)])
def test_a_new_time_arrives(time):
    device = meter(traits=Traits(settable=True))
    sent = command("set_time", 5, time, ("set_time",))
    drive(sent, Line(2400, 11, [device]))
    text, status = date_text(device.settings.time_data)
    assert status == "ok"
    assert text.startswith("2026-11-20T23:59")
