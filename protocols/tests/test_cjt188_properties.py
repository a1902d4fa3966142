"""What must hold for every answer and every stream of bytes, tried on generated ones.

The encoder is declared here with construct, from the standard's table, apart from the codec.
"""

import random
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import construct as c  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuan_protocols.cjt188.annotate import byte_groups
from nuan_protocols.cjt188.dialects import ALL, DIALECTS, Dialect
from nuan_protocols.cjt188.physics import STEPS_MIN
from nuan_protocols.cjt188.probe import CONFIRMED, rank
from nuan_protocols.cjt188.reader import FrameReader
from nuan_protocols.cjt188.telegram import Telegram, decode, find
from nuan_protocols.cjt188.trial import Trial
from nuan_protocols.errors import ProtocolError

ENERGY_UNITS = {0x02: ("Wh", 0), 0x05: ("Wh", 3), 0x08: ("Wh", 6), 0x0A: ("Wh", 8)}
ENERGY_UNITS |= {0x01: ("J", 0), 0x0B: ("J", 3), 0x0E: ("J", 6), 0x11: ("J", 9), 0x13: ("J", 11)}
POWER_UNITS = {0x14: ("W", 0), 0x17: ("W", 3), 0x1A: ("W", 6)}
FLOW_UNITS = {0x32: ("m3/h", -3), 0x35: ("m3/h", 0)}
VOLUME_UNITS = {0x29: ("m3", -3), 0x2C: ("m3", 0)}

# Field, its units, decimals; what the standard calls it, and what Tiangang's meters mean by it.
VALUES = (
    ("settled", ENERGY_UNITS, 2, ("energy", 1), ("energy:cooling", 0)),
    ("heat", ENERGY_UNITS, 2, ("energy", 0), ("energy", 0)),
    ("power", POWER_UNITS, 2, ("power", 0), ("power", 0)),
    ("flow", FLOW_UNITS, 4, ("volume_flow", 0), ("volume_flow", 0)),
    ("volume", VOLUME_UNITS, 2, ("volume", 0), ("volume", 0)),
)


def bcd(size: int, high_first: bool) -> Any:
    step = 1 if high_first else -1
    return c.ExprAdapter(
        c.Bytes(size),
        lambda data, _: int(data[::step].hex()),
        lambda number, _: bytes.fromhex(f"{number:0{2 * size}d}")[::step],
    )


def heat_layout(dialect: Dialect) -> Any:
    high = dialect.high_first
    unit, number = "unit" / c.Byte, "number" / bcd(4, high)
    value = c.Struct(unit, number) if dialect.unit_first else c.Struct(number, unit)
    parts = (bcd(2, high), c.Byte) if dialect.temperature_bytes == 2 else (bcd(3, high),)
    temperature = c.Sequence(*parts)
    return c.Struct(
        "di" / c.Const(b"\x90\x1f"),
        "ser" / c.Byte,
        *[name / value for name, *_ in VALUES],
        "supply" / temperature,
        "back" / temperature,
        "hours" / bcd(3, high),
        "clock" / bcd(7, high),
        "st" / c.Bytes(2),
    )


FRAME = c.Struct(
    "start" / c.Const(b"\x68"),
    "type" / c.Byte,
    "address" / c.Bytes(7),
    "control" / c.Byte,
    "data" / c.Prefixed(c.Byte, c.GreedyBytes),
    "extra" / c.GreedyBytes,
)


def framed(data: bytes, dialect: Dialect, kind: int = 0x20, control: int = 0x81) -> bytes:
    masked = bytes((byte + dialect.mask) % 256 for byte in data)
    fields = {"type": kind, "address": b"\x26\x59\x04\x11\x00\x68\x16", "control": control}
    body = FRAME.build({**fields, "data": masked, "extra": b"\x5a" * dialect.extra_bytes})
    return bytes(body) + bytes((sum(body) % 256, 0x16))


@st.composite
def heat_fields(draw: st.DrawFn) -> dict[str, Any]:
    def number() -> int:
        return draw(st.integers(0, 99999998) | st.integers(0, 999))

    fields: dict[str, Any] = {
        name: {"number": number(), "unit": draw(st.sampled_from(sorted(units)))}
        for name, units, *_ in VALUES
    }
    day, time = draw(st.dates(date(2000, 1, 1), date(2099, 12, 31))), draw(st.times())
    return fields | {
        "ser": draw(st.integers(0, 255)),
        "supply": draw(st.integers(0, 9999)),
        "back": draw(st.integers(0, 9999)),
        "third": draw(st.integers(0, 255)),
        "hours": draw(st.integers(0, 999999)),
        "clock": f"{day:%Y%m%d}{time:%H%M%S}",
        "st": draw(st.binary(min_size=2, max_size=2)),
    }


def encoded(fields: dict[str, Any], dialect: Dialect, kind: int = 0x20) -> bytes:
    third = [fields["third"]] if dialect.temperature_bytes == 2 else []
    clock = fields["clock"]
    built = fields | {
        "supply": [fields["supply"], *third],
        "back": [fields["back"], *third],
        "clock": int("00" + clock[2:] if dialect.century else clock),
    }
    return framed(bytes(heat_layout(dialect).build(built)), dialect, kind)


def told(telegram: Telegram, quantity: str, storage: int = 0) -> tuple[Decimal, str]:
    reading = find(telegram, quantity, storage)
    assert reading is not None
    assert reading.integer is not None, reading
    return Decimal(reading.integer).scaleb(reading.exponent), reading.unit


WAKE_UP = b"\xfe\xff\xaa\x00"
MUTATIONS = 300
# Those whose deviation shows in every answer, and that say what the first energy counts.
PROVABLE = ("cooling_first", "high_first", "unit_first", "plus33", "century_00", "extra_byte")
HEAT_DIALECTS = [each for each in ALL if each.name != "water_fraction"]


@pytest.mark.parametrize("dialect", HEAT_DIALECTS, ids=lambda each: each.name)
@settings(max_examples=15)
@given(fields=heat_fields())
def test_decoding_gives_back_what_was_encoded(dialect: Dialect, fields: dict[str, Any]) -> None:
    telegram = decode(encoded(fields, dialect), dialect)
    for name, units, decimals, standard, cooling in VALUES:
        unit, exponent = units[fields[name]["unit"]]
        shift = exponent - (0 if dialect.whole else decimals)
        value = Decimal(fields[name]["number"]).scaleb(shift)
        assert told(telegram, *(cooling if dialect.cooling_first else standard)) == (value, unit)
    for name, quantity in (("supply", "flow_temperature"), ("back", "return_temperature")):
        assert told(telegram, quantity) == (Decimal(fields[name]).scaleb(-2), "degC")
    assert told(telegram, "operating_time") == (Decimal(fields["hours"] * 3600), "s")
    clock = find(telegram, "datetime")
    assert clock is not None
    assert clock.text.translate({ord(each): None for each in "-T:"}) == fields["clock"]
    assert (telegram.ser, telegram.status) == (fields["ser"], fields["st"])


@given(heat_fields(), st.integers(0, 9), st.binary(min_size=7, max_size=7))
def test_a_broken_record_never_drops_its_neighbours(
    fields: dict[str, Any], place: int, garbage: bytes
) -> None:
    standard = DIALECTS["standard"]
    raw = encoded(fields, standard)
    records = decode(raw, standard).records
    record = records[place]
    data = bytearray(raw[11:-2])
    start = record.offset - 11
    data[start : start + record.length] = garbage[: record.length]
    found = decode(framed(bytes(data), standard), standard).records
    assert len(found) == len(records)
    for index, each in enumerate(found):
        if index != place:
            assert each == records[index]


def feed(reader: FrameReader, stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    found: list[bytes] = []
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        reader.feed(stream[start:end])
        found.extend(drain(reader))
    reader.idle()
    return found + drain(reader)


def drain(reader: FrameReader) -> list[bytes]:
    found: list[bytes] = []
    while (frame := reader.next_frame()) is not None:
        found.append(frame.raw)
    return found


payloads = st.binary(max_size=70)
answers = st.builds(lambda data: framed(data, DIALECTS["standard"]), payloads)
echoes = st.builds(lambda data: framed(data, DIALECTS["standard"], control=1), payloads)
calm_noise = st.binary(max_size=30).map(lambda noise: noise.replace(b"\x68", b"\xfe"))
wild_noise = st.binary(max_size=30) | st.lists(
    st.sampled_from([b"\x68", b"\x16", b"\xfe", b"\x68\x20", b"\x68\xff\xff", bytes(9)]),
    max_size=6,
).map(b"".join)
cuts = st.lists(st.integers(0, 5000), max_size=20)


@given(st.lists(answers | echoes | calm_noise, max_size=8), cuts)
def test_all_answers_and_only_they_come_out_of_any_split(
    parts: list[bytes], cut: list[int]
) -> None:
    good = [part for part in parts if len(part) > 12 and part[0] == 0x68 and part[9] == 0x81]
    assert feed(FrameReader(), b"".join(parts), cut) == good


@given(wild_noise, answers, wild_noise, answers, cuts)
def test_answers_behind_wild_noise_come_out(
    before: bytes, first: bytes, between: bytes, second: bytes, cut: list[int]
) -> None:
    found = feed(FrameReader(), before + first + between + second, cut)
    assert found[-1] == second
    assert first in found


@settings(max_examples=60)
@given(answers, answers, st.randoms(use_true_random=False))
def test_a_broken_answer_costs_nothing_behind_it(
    broken: bytes, good: bytes, chance: random.Random
) -> None:
    assert feed(FrameReader(), mutated(broken, chance) + good, [len(broken)])[-1] == good


def mutated(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw))
    byte = bytes((chance.randrange(256),))
    how = chance.choice(["cut", "drop", "change", "insert", "double"])
    return {
        "cut": raw[:at],
        "drop": raw[:at] + raw[at + 1 :],
        "change": raw[:at] + byte + raw[at + 1 :],
        "insert": raw[:at] + byte + raw[at:],
        "double": raw[:at] + raw[at // 2 :],
    }[how]


def sound(raw: bytes) -> bool:
    """Whether 68, length, checksum and 16 agree, reckoned here."""
    body = raw.lstrip(WAKE_UP)
    if len(body) < 13 or body[0] != 0x68 or len(body) != body[10] + 13:
        return False
    return body[-1] == 0x16 and sum(body[:-2]) % 256 == body[-2]


@given(heat_fields(), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_mutated_answers_raise_protocol_errors_and_give_no_value(
    fields: dict[str, Any], chance: random.Random
) -> None:
    whole = encoded(fields, DIALECTS["standard"])
    for _ in range(MUTATIONS):
        raw = mutated(mutated(whole, chance) or whole, chance)
        try:
            telegram = decode(raw, DIALECTS["standard"])
        except ProtocolError:
            assert not sound(raw) or not raw.lstrip(WAKE_UP)[9] & 0x80
        else:
            assert sound(raw)
            assert telegram.control & 0x80


@given(st.binary(max_size=80), st.sampled_from(HEAT_DIALECTS), st.integers(0x80, 0xFF))
def test_any_data_in_a_sound_frame_is_read_or_kept_whole(
    data: bytes, dialect: Dialect, control: int
) -> None:
    raw = framed(data, dialect, control=control)
    telegram = decode(raw, dialect)
    inside = [record for record in telegram.records if record.offset >= 11]
    head = 3 if telegram.di >= 0 else int(telegram.ser >= 0)
    assert b"".join(record.data for record in inside) == data[head:]
    groups = byte_groups(raw, dialect)
    assert sum(length for _, length, _, _ in groups) == len(raw)


@settings(max_examples=100)
@given(
    fields=heat_fields(),
    dialect=st.sampled_from(HEAT_DIALECTS),
    flow=st.integers(100, 50000),
    back=st.integers(1000, 6000),
    difference=st.integers(400, 4000),
    off=st.integers(-50, 50),
)
def test_probing_never_confirms_a_wrong_reading(
    fields: dict[str, Any], dialect: Dialect, flow: int, back: int, difference: int, off: int
) -> None:
    # Of `flow` in whole litres an hour; a tenth of it for tenths of a litre.
    watts = flow * difference * 1163 * (1000 + off) // 10**8
    moving = {
        "power": {"number": watts if dialect.whole else watts // 100, "unit": 0x17},
        "flow": {"number": flow, "unit": 0x35},
        "supply": back + difference,
        "back": back,
    }
    if dialect.whole:
        moving["power"], moving["flow"] = (
            {"number": watts, "unit": 0x14},
            {"number": flow, "unit": 0x32},
        )
    if not dialect.cooling_first:
        # What stood there on the settlement day, the heat hasn't fallen below since.
        moving["settled"] = {**fields["heat"], "number": fields["heat"]["number"] // 2}
    raw = encoded(fields | moving, dialect, 0x27 if dialect.cooling_first else 0x20)
    truth = decode(raw, dialect)
    verdicts = rank(raw)
    digits = [int(str(moving[name]["number"]).rstrip("0") or 0) for name in ("power", "flow")]
    if dialect.name in PROVABLE and min(digits) >= STEPS_MIN:
        assert (verdicts[0].dialect, verdicts[0].state) == (dialect.name, CONFIRMED)
    for verdict in verdicts:
        if verdict.state == CONFIRMED:
            read = decode(raw, DIALECTS[verdict.dialect])
            for quantity in ("energy", "volume", "power", "flow_temperature", "datetime"):
                assert find(read, quantity) == find(truth, quantity), (dialect.name, verdict)
            if fields["settled"]["number"] and fields["heat"]["number"] > 1:
                assert DIALECTS[verdict.dialect].cooling_first == dialect.cooling_first


@settings(max_examples=60)
@given(
    fields=heat_fields(),
    dialect=st.sampled_from(HEAT_DIALECTS),
    units=st.sampled_from([(0x05, 0x17, 0x2C), (0x11, 0x1A, 0x2C), (0x02, 0x14, 0x29)]),
    turns=st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 4000), st.integers(1, 400)),
        min_size=2,
        max_size=6,
    ),
    back=st.integers(1000, 6000),
)
def test_a_trial_never_confirms_a_wrong_reading(
    fields: dict[str, Any],
    dialect: Dialect,
    units: tuple[int, int, int],
    turns: list[tuple[int, int, int]],
    back: int,
) -> None:
    steps = 1 if dialect.whole else 100
    watt_hours, watts, litres = {0x05: (1000, 1000, 1000), 0x11: (277778, 10**6, 1000)}.get(
        units[0], (1, 1, 1)
    )
    heat, volume = fields["heat"]["number"] * watt_hours // steps, fields["volume"]["number"]
    volume = volume * litres // steps
    trial = Trial()
    for flow, difference, hours in turns:
        # Litres an hour and hundredths of a kelvin: what runs now ran for `hours` until now.
        power = flow * difference * 1163 // 10**5
        heat, volume = heat + power * hours, volume + flow * hours
        moving = {
            "heat": {"number": heat * steps // watt_hours % 10**8, "unit": units[0]},
            "settled": {"number": fields["settled"]["number"], "unit": units[0]},
            "power": {"number": power * steps // watts, "unit": units[1]},
            "flow": {"number": flow * (1 if dialect.whole else 10), "unit": 0x35},
            "volume": {"number": volume * steps // litres % 10**8, "unit": units[2]},
            "supply": back + difference,
            "back": back,
        }
        if dialect.whole:
            moving["flow"] = {"number": flow, "unit": 0x32}
        raw = encoded(fields | moving, dialect, 0x27 if dialect.cooling_first else 0x20)
        truth = decode(raw, dialect)
        trial.feed(raw)
        for verdict in trial.verdicts():
            if verdict.state == CONFIRMED:
                read = decode(raw, DIALECTS[verdict.dialect])
                for quantity in ("energy", "volume", "power", "volume_flow", "flow_temperature"):
                    assert find(read, quantity) == find(truth, quantity), (dialect.name, verdict)


@given(st.lists(st.binary(max_size=70) | answers, max_size=5))
def test_a_trial_takes_any_bytes(stream: list[bytes]) -> None:
    trial = Trial()
    for raw in stream:
        trial.feed(raw)
        trial = Trial(trial.state())
    assert len(trial.verdicts()) == len(ALL)
