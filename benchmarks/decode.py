"""How fast telegrams are decoded in full, against two decoders from PyPI, on the same frames.

    decode        mbus.telegram.decode: header, values, units, dates, storage, status; layouts known
    cold          the same, every layout met for the first time
    pick          mbus.pick.Picker, the registers a bill needs: the gateway's hot path
    pymeterbus    load, and .interpreted of every record
    pymbusparser  parse, compiled from Rust

One core, the best of several rounds each, the rounds in turns. The telegrams are those of nine
kinds of meter, equally many of each, with values that change; the recorded telegrams of the shared
test data are measured too where they stand beside the checkout. The last line holds the ratios of
the first. Goal: 40 times pymeterbus and 6 times pymbusparser. Usage: decode.py [count]
"""

import json
import random
import struct
import sys
import time
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from nuan_protocols.mbus import plan
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.mbus.pick import Picker
from nuan_protocols.mbus.telegram import decode

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import meterbus  # type: ignore[import-untyped]
    import pymbusparser

COUNT = 4_500
ROUNDS = 5
METERS = 250
SEED = 1
PEER_SHARE = 10
GOALS = {"pymeterbus": 40, "pymbusparser": 6}
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "data" / "mbus"

# Manufacturer, version and medium; then DIB and VIB of each record.
LAYOUTS = {
    "heat, BCD": ("2d2c0104", "0c06 0c14 0b2d 0b3b 0a5a 0a5e 0b61 0422 046d 426c 4c06"),
    "heat, integers": (
        "2d2c1b04",
        "0406 0414 022d 023b 0259 025d 0261 0420 0424 046d 122d 123b 426c 4406 4414",
    ),
    "heat, three months": (
        "a7324004",
        "0c06 0c14 0c22 0259 025d 0261 0c2b 0b3b 046d 426c 4c06 4c14 82016c 8c0106 c2016c cc0106",
    ),
    "heat and cooling": (
        "c5140d0d",
        "0c78 046d 0406 0414 841006 841014 022b 023b 0259 025d 0261 02fd17",
    ),
    "water, due date": ("77041407", "0c78 0413 046d 426c 4413 0223 02fd17"),
    "water, reals": ("ee4d3006", "0c78 0513 053e 055b 0565 046d 0227"),
    "gas": ("e2303603", "0c78 0c14 046d 4c14 426c 02fd17"),
    "electricity": (
        "4e0a1002",
        "0c78 0403 841003 842003 04833c 042b 142b 02fd48 03fd59 4403 426c 046d",
    ),
    "room": ("96151b1b", "0c78 0265 4265 820165 02fb1a 42fb1a 046d"),
}
DATA_BYTES = b"\x00\x01\x02\x03\x04\x04\x06\x08\x00\x01\x02\x03\x04\x00\x06\x00"
CODE_REAL = 5
CODE_BCD = 8
VIF_DATE = 0x6C
VIF_TIME = 0x6D
SEASON = datetime(2025, 11, 1)  # noqa: DTZ001 - a meter's clock has no zone
SEASON_MINUTES = 151 * 1440
BILLING = (
    ("energy", 0, 0, 0, "instantaneous"),
    ("volume", 0, 0, 0, "instantaneous"),
    ("flow_temperature", 0, 0, 0, "instantaneous"),
)


def value(rng: random.Random, block: bytes) -> bytes:
    """Data for a record, such as a meter could send."""
    size = DATA_BYTES[block[0] & 0x0F]
    if block[-1] in {VIF_DATE, VIF_TIME}:
        # Due dates are firsts of a month, clocks tell any minute of the season.
        when = SEASON + timedelta(minutes=rng.randrange(SEASON_MINUTES))
        year = when.year - 2000
        month = when.month | year >> 3 << 4
        if size == 2:
            return bytes((1 | (year & 7) << 5, month))
        return bytes((when.minute, when.hour, when.day | (year & 7) << 5, month))
    if block[0] & 0x0F == CODE_REAL:
        return struct.pack("<f", rng.randint(0, 9_999_999) / 1000)
    if block[0] & 0x0F > CODE_BCD:
        return bytes.fromhex(f"{rng.randrange(10 ** (2 * size)):0{2 * size}d}")
    return rng.randrange(1 << (8 * size - 2)).to_bytes(size, "little")


def telegram(rng: random.Random, layout: tuple[str, str]) -> bytes:
    """An answer of one of the meters with this layout."""
    number = rng.randrange(METERS)
    head = bytes.fromhex(f"{number * 7919 % 10**8:08d}")[::-1] + bytes.fromhex(layout[0])
    blocks = [bytes.fromhex(block) for block in layout[1].split()]
    data = b"".join(block + value(rng, block) for block in blocks)
    rest = bytes((rng.randrange(256), 0, 0, 0))
    return long_frame(0x08, number + 1, 0x72, head + rest + data)


def recorded() -> list[bytes]:
    """The shared test data's telegrams that all three decoders read."""
    found: list[bytes] = []
    for path in sorted(CORPUS.glob("*.json")):
        raw = bytes.fromhex(json.loads(path.read_text())["hex"])
        try:
            interpret(raw)
            pymbusparser.parse(raw)
        except Exception:  # noqa: BLE001 - what a peer refuses it can't be timed on
            continue
        found.append(raw)
    return found


def forget_and_decode(raw: bytes) -> object:
    plan.forget()
    return decode(raw)


def interpret(raw: bytes) -> object:
    return [record.interpreted for record in meterbus.load(raw).records]


def seconds(function: Callable[[bytes], object], telegrams: list[bytes]) -> float:
    """Seconds for one telegram."""
    start = time.perf_counter()
    for raw in telegrams:
        function(raw)
    return (time.perf_counter() - start) / len(telegrams)


def measure(title: str, telegrams: list[bytes]) -> dict[str, float]:
    """Time all decoders and print what came out; telegrams a second by name."""
    few = telegrams[:: max(1, len(telegrams) // max(56, len(telegrams) // PEER_SHARE))]
    subjects: list[tuple[str, Callable[[bytes], object], list[bytes]]] = [
        ("decode", decode, telegrams),
        ("cold", forget_and_decode, few),
        ("pick", Picker(BILLING).pick, telegrams),
        ("pymeterbus", interpret, few),
        ("pymbusparser", pymbusparser.parse, telegrams),
    ]
    best = {name: float("inf") for name, _, _ in subjects}
    for _ in range(ROUNDS):
        for name, function, raws in subjects:
            best[name] = min(best[name], seconds(function, raws))
    records = sum(len(decode(raw).readings) for raw in telegrams) / len(telegrams)
    size = sum(map(len, telegrams)) / len(telegrams)
    print(f"{title}: {len(telegrams)}, {size:.0f} bytes and {records:.1f} records each on average")
    for name, each in best.items():
        ratio = best["decode"] / each
        print(
            f"  {name:13}{1 / each:10,.0f} telegrams/s {each * 1e6:8.1f} us {ratio:8.3f} x decode"
        )
    return {name: 1 / each for name, each in best.items()}


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    warnings.simplefilter("ignore")
    rng = random.Random(SEED)
    kinds = list(LAYOUTS.values())
    rates = measure("generated", [telegram(rng, kinds[n % len(kinds)]) for n in range(count)])
    if raws := recorded():
        measure("recorded", raws * max(1, count // len(raws)))
    ratios = {name: rates["decode"] / rates[name] for name in GOALS}
    print(" ".join(f"{name} {ratio:.1f}" for name, ratio in ratios.items()))
    return 0 if all(ratios[name] >= goal for name, goal in GOALS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
