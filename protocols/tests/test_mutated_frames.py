"""Damaged answers of every meter model: nothing but ProtocolError, and no value from a wrong sum.

20,000 a protocol; a million with HYPOTHESIS_PROFILE=nightly.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from nuan_protocols.cjt188 import telegram as cjt188
from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.dlt645 import telegram as dlt645
from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus import telegram as mbus
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.modbus.exchange import check_exchange

VECTORS = Path(__file__).with_name("vectors")
COUNT = 1_000_000 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 20_000
SEED = 20261120
PREAMBLES = b"\xfe\xff\xaa\x00"

Exchange = tuple[Profile, bytes, bytes]


def exchanges(protocol: str) -> list[Exchange]:
    """Every sound exchange of the models' vectors that speaks the protocol."""
    found: list[Exchange] = []
    for path in sorted(VECTORS.glob("*/*.json")):
        vector = json.loads(path.read_text(encoding="utf-8"))
        meter = registry.profile(path.parent.name)
        if meter.protocol == protocol:
            question = bytes.fromhex(vector.get("question") or "")
            found.append((meter, question, bytes.fromhex(vector["answer"])))
    return found


def is_sound_mbus(raw: bytes) -> bool:
    return raw == b"\xe5" or sum(raw[4:-2]) & 0xFF == raw[-2]


def is_sound_chinese(raw: bytes) -> bool:
    """CJ/T 188, DL/T 645: the sum of all from the first 68 to the byte before it."""
    whole = raw.lstrip(PREAMBLES)
    return sum(whole[:-2]) & 0xFF == whole[-2] or sum(whole[:-3]) & 0xFF == whole[-2]


def crc(data: bytes) -> int:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def is_sound_modbus(raw: bytes) -> bool:
    return crc(raw[:-2]) == int.from_bytes(raw[-2:], "little")


def seal_mbus(raw: bytearray) -> None:
    if len(raw) > 6:
        raw[-2] = sum(raw[4:-2]) & 0xFF


def seal_chinese(raw: bytearray) -> None:
    start = len(raw) - len(bytes(raw).lstrip(PREAMBLES))
    if len(raw) > start + 2:
        raw[-2] = sum(raw[start:-2]) & 0xFF


def seal_modbus(raw: bytearray) -> None:
    if len(raw) > 2:
        raw[-2:] = crc(bytes(raw[:-2])).to_bytes(2, "little")


def decode_cjt188(meter: Profile, raw: bytes) -> object:
    return cjt188.decode(raw, DIALECTS[meter.dialect or "standard"])


PROTOCOLS: dict[
    str,
    tuple[
        Callable[[bytes], bool],
        Callable[[bytearray], None],
        Callable[[Profile, bytes, bytes], object],
    ],
] = {
    "mbus": (is_sound_mbus, seal_mbus, lambda _m, _q, raw: mbus.decode(raw)),
    "modbus": (is_sound_modbus, seal_modbus, lambda _m, q, raw: check_exchange(q, raw)),
    "cjt188": (is_sound_chinese, seal_chinese, lambda m, _q, raw: decode_cjt188(m, raw)),
    "dlt645": (is_sound_chinese, seal_chinese, lambda _m, _q, raw: dlt645.decode(raw)),
}


def mutated(rng: Random, raw: bytes, others: list[Exchange]) -> bytearray:
    """One to three things that lines and buggy meters do to a frame."""
    frame = bytearray(raw)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(frame) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(frame):
            frame[at] = rng.randrange(256)
        elif kind == 1 and at < len(frame):
            frame[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            frame[at:at] = rng.randbytes(rng.randint(1, 3))
        elif kind == 3:
            del frame[at : at + rng.randint(1, 4)]
        elif kind == 4:
            del frame[at:]
        else:
            frame[at:] = rng.choice(others)[2][at:]
    return frame


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.timeout(7200 if COUNT > 20_000 else 120)
def test_damaged_answers_raise_protocol_errors_and_give_no_value(protocol: str) -> None:
    is_sound, seal, decode = PROTOCOLS[protocol]
    known = exchanges(protocol)
    rng = Random(f"{SEED}/{protocol}")  # repeats every run
    refused = 0
    for number in range(COUNT):
        meter, question, answer = rng.choice(known)
        frame = mutated(rng, answer, known)
        if number % 2:
            seal(frame)
        raw = bytes(frame)
        where = f"{protocol} {SEED} {number}: {meter.name} {question.hex()} {raw.hex()}"
        for read in (decode, registry.readings):
            try:
                read(meter, question, raw)
            except ProtocolError as error:
                refused += 1
                assert 0 <= error.offset <= len(raw) + 300, where  # noqa: PT017
            except Exception as error:
                raise AssertionError(where) from error
            else:
                assert not raw or is_sound(raw), where
    assert COUNT / 4 < refused < 2 * COUNT
