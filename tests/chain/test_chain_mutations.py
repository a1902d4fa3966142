"""10,000 commands and configurations with something changed are refused, with a reason.

The board's own tests do the same with fewer on the genuine MicroPython, and look at its state.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from chain_site import NODE, small_site

from nuan_firmware import config as firmware
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site
from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import command as wire
from nuan_protocols.uplink.command import Command, build_command, parse_command
from nuan_protocols.uplink.keys import MAC_BYTES, NodeKeys
from nuan_protocols.uplink.message import put_mac
from nuan_tools.season.sample import sample_text

KEYS = NodeKeys(bytes(range(32)))
COMMANDS = 4000
PAYLOADS = 3000
CONFIGURATIONS = 3000
EIGHT = (b"nuan\x00\x00\x00\x01", b"epoch-01", b"a nonce!")
NONSENSE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1 << 40,
    1.5,
    "",
    "x" * 300,
    "\x00",
    [],
    {},
    [[]],
    [1, 2],
    {"a": 1},
)

USUAL: tuple[tuple[int, bytes, Callable[[bytes], object]], ...] = (
    (wire.BEGIN, wire.begin_payload(1, 900, bytes(32)), wire.parse_begin),
    (wire.DATA, wire.data_payload(512, bytes(200)), wire.parse_data),
    (wire.TIME, wire.number_payload(1_793_500_800), wire.parse_number),
    (wire.READ, wire.read_payload([1, 2, 16]), wire.parse_read),
    (
        wire.SETPOINT,
        wire.setpoint_payload(1, 195, 1_793_500_800, "张三", "ill"),
        wire.parse_setpoint,
    ),
)


def changed(rng: Random, good: bytes) -> bytes:
    """The bytes with some flipped, cut off, put in or doubled."""
    data = bytearray(good)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0 if at < len(data):
                data[at] ^= rng.randrange(1, 256)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            case _:
                data[at:at] = data[:at]
    return bytes(data)


def test_commands_changed_on_their_way_are_refused(seed: int) -> None:
    rng = Random(f"{seed}/commands")
    for number in range(COMMANDS):
        code, payload, _ = USUAL[number % len(USUAL)]
        good = build_command(Command(*EIGHT, number + 1, code, payload), KEYS)
        message = changed(rng, good)
        if message == good:
            continue
        with pytest.raises(UplinkError) as refusal:
            parse_command(message, KEYS)
        assert refusal.value.reason


def test_payloads_changed_before_they_were_sealed_are_read_or_refused(seed: int) -> None:
    rng = Random(f"{seed}/payloads")
    outcomes: Counter[str] = Counter()
    for number in range(PAYLOADS):
        code, payload, parse = USUAL[number % len(USUAL)]
        message = bytearray(build_command(Command(*EIGHT, 7, code, payload), KEYS))
        body = changed(rng, payload)
        message[wire.PAYLOAD_AT : -MAC_BYTES] = body
        put_mac(message, len(message) - MAC_BYTES, KEYS.down)
        try:
            parse(parse_command(bytes(message), KEYS).payload)
            outcomes["read"] += 1
        except UplinkError as problem:
            outcomes["refused" if problem.reason else "silent"] += 1
    print(outcomes)
    assert not outcomes["silent"]
    assert min(outcomes["read"], outcomes["refused"]) > PAYLOADS // 10


def test_configurations_with_anything_in_them_are_refused_by_name(
    tmp_path: Path, seed: int
) -> None:
    (tmp_path / "site.toml").write_text(small_site(), "utf-8")
    (tmp_path / "tariff.toml").write_text(sample_text("tariff.toml"), "utf-8")
    text = json.dumps(node_config(load_site(tmp_path / "site.toml"), NODE))
    firmware.parse(json.loads(text))
    rng = Random(f"{seed}/configurations")
    outcomes: Counter[str] = Counter()
    for _ in range(CONFIGURATIONS):
        document = json.loads(text)
        path = change(rng, document)
        try:
            firmware.parse(document)
            outcomes["good"] += 1
        except firmware.ConfigError as problem:
            # The key is named, or one that hangs on it.
            outcomes["refused" if ": " in str(problem) else f"unnamed {path}"] += 1
    print(outcomes)
    assert set(outcomes) == {"good", "refused"}
    # Some changes are good ones, such as another number within its bounds.
    assert outcomes["refused"] > CONFIGURATIONS * 6 // 10
    assert outcomes["good"] > CONFIGURATIONS // 100


def change(rng: Random, document: Any) -> str:
    """Change one thing somewhere; where."""
    place: Any = document
    path = ""
    while True:
        keys: list[Any] = list(place.keys() if hasattr(place, "keys") else range(len(place)))
        key = rng.choice(keys)
        path += f".{key}"
        inner: Any = place[key]
        if hasattr(inner, "__setitem__") and inner and rng.random() < 0.8:
            place = inner
            continue
        match rng.randrange(4):
            case 0:
                del place[key]
            case 1 if hasattr(place, "keys"):
                place[f"{key}_"] = place.pop(key)
            case 2 if isinstance(inner, int):
                place[key] += rng.choice((-1, 1, 1000, -1000, 1 << 31))
            case _:
                place[key] = rng.choice(NONSENSE)
        return path
