"""Generated and damaged telegrams say the same on CPython and on the board's Python."""

import random
import subprocess
from pathlib import Path

from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.mbus.telegram import decode

ROOT = Path(__file__).resolve().parents[2]
TELEGRAMS = 400
HEADER = bytes.fromhex("785634122d2c010455000000")
RECORDS = (
    "0c0678563412 0c1411223344 0b2d123400 0a5a45f3 046d0a0b6c3b 426c7f3c 052eb1d12ebe 055b0000c842",
    "02fd48ea08 0d7803434241 02fc0348522574d411 02fc7403485225d411 04be5071bbb000 0d06c3563412",
    "0d06e9112233445566778899 01ff2105 0c2bbdebdddd 06061122334455ff 078311ffffffffffffffff",
    "049379d4000000 066d1e0f6f3f3c00 2f 0f0102",
)
SCRIPT = """
import sys
from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus.telegram import decode
for line in sys.stdin:
    try:
        telegram = decode(bytes.fromhex(line.strip()))
        print(tuple(telegram.header or ()), telegram.more)
        for record in telegram.records:
            print(record.offset, record.length, tuple(record.reading))
    except ProtocolError as error:
        print("refused", error.offset, error.reason)
"""


def telegrams(seed: int) -> list[bytes]:
    chance = random.Random(seed)
    choices = [bytes.fromhex(record) for line in RECORDS for record in line.split()]
    found = []
    for _ in range(TELEGRAMS):
        records = b"".join(chance.choices(choices, k=chance.randrange(1, 9)))
        body = bytearray(long_frame(0x08, 1, chance.choice([0x72, 0x72, 0x78]), HEADER + records))
        for _ in range(chance.randrange(4)):
            body[chance.randrange(4, len(body) - 2)] = chance.randrange(256)
        body[-2] = sum(body[4:-2]) & 0xFF
        found.append(bytes(body))
    return found


def said(raw: bytes) -> list[str]:
    try:
        telegram = decode(raw)
    except ProtocolError as error:
        return [f"refused {error.offset} {error.reason}"]
    head = f"{tuple(telegram.header or ())} {telegram.more}"
    return [head] + [
        f"{record.offset} {record.length} {tuple(record.reading)}" for record in telegram.records
    ]


def test_both_runtimes_say_the_same(vm: Path, seed: int) -> None:
    raws = telegrams(seed)
    done = subprocess.run(
        [str(vm), "-X", "heapsize=96k", "-c", SCRIPT],
        input="".join(f"{raw.hex()}\n" for raw in raws),
        env={"MICROPYPATH": f"{ROOT / 'firmware' / 'board'}:{ROOT / 'protocols'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    there = done.stdout.splitlines()
    here = [line for raw in raws for line in said(raw)]
    assert len(here) > 2 * TELEGRAMS
    for one, other in zip(here, there, strict=True):
        # The two write control characters in text differently.
        if "\\x" not in one and "\\x" not in other:
            assert one == other
