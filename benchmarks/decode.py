"""Telegrams per second and core: one heat meter's telegrams, their values changing, decoded by

    pick      mbus.pick.Picker, the registers a bill needs: the gateway's hot path
    decode    mbus.telegram.decode, every record, layout known
    new       the same, every layout met for the first time
    peer      pyMeterBus, load and .interpreted

in the same run, the best of several rounds each. Goal: decode > 25,000/s. Usage: decode.py [count]
"""

import sys
import time
import warnings
from collections.abc import Callable

from nuan_protocols.mbus import plan
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.mbus.pick import Picker
from nuan_protocols.mbus.telegram import decode

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import meterbus  # type: ignore[import-untyped]

COUNT = 5_000
ROUNDS = 5
GOAL_DECODED_S = 25_000
HEADER = bytes.fromhex("785634122d2c010455000000")
# Energy, volume, power, flow, three temperatures, hours, date, due date and its energy.
LAYOUT = (
    ("0c06", 4),
    ("0c14", 4),
    ("0b2d", 3),
    ("0b3b", 3),
    ("0a5a", 2),
    ("0a5e", 2),
    ("0b61", 3),
    ("0422", 4),
    ("046d", 4),
    ("426c", 2),
    ("4c06", 4),
)
DATES = {"046d": bytes.fromhex("1e0f3f3c"), "426c": bytes.fromhex("3f3c")}
BILLING = (
    ("energy", 0, 0, 0, "instantaneous"),
    ("volume", 0, 0, 0, "instantaneous"),
    ("flow_temperature", 0, 0, 0, "instantaneous"),
)


def telegram(number: int) -> bytes:
    data = b""
    for head, size in LAYOUT:
        value = bytes.fromhex(f"{number * 7919 % 10 ** (2 * size):0{2 * size}d}")[::-1]
        data += bytes.fromhex(head) + DATES.get(head, value)
    return long_frame(0x08, number % 251, 0x72, HEADER + data)


def forget_and_decode(raw: bytes) -> object:
    plan.forget()
    return decode(raw)


def interpret(raw: bytes) -> object:
    return [record.interpreted for record in meterbus.load(raw).records]


def rate(function: Callable[[bytes], object], telegrams: list[bytes]) -> float:
    """Telegrams a second, best round."""
    best = 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for raw in telegrams:
            function(raw)
        best = max(best, len(telegrams) / (time.perf_counter() - start))
    return best


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    telegrams = [telegram(number) for number in range(count)]
    warnings.simplefilter("ignore")
    rates = {
        "pick": rate(Picker(BILLING).pick, telegrams),
        "decode": rate(decode, telegrams),
        "new": rate(forget_and_decode, telegrams[: count // 10]),
        "peer": rate(interpret, telegrams[: count // 10]),
    }
    print(f"{len(telegrams[0])} bytes, {len(LAYOUT)} records")
    for name, each in rates.items():
        print(f"{name:8} {each:10,.0f} telegrams/s {each / rates['peer']:6.1f} x pyMeterBus")
    return 0 if rates["decode"] > GOAL_DECODED_S else 1


if __name__ == "__main__":
    sys.exit(main())
