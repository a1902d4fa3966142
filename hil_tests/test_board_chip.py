"""What no emulator can prove: the chip's memory, its UARTs, its processor, its mapped flash."""

import time
from typing import Any

import pytest
from bench_board import BenchBoard
from board_worlds import journal, meters_of, opened, status

from nuan_protocols.bundle import MAGIC

pytestmark = pytest.mark.bench

READS = 50
LINK_S_MAX = 180
SYSTEM_BYTES_MIN = 16_384
# EN 13757-2: a meter begins within 330 bit times and 50 ms.
M_BUS_BITS, M_BUS_MS = 330, 50
# Idle line before a question: 33 bit times (M-Bus, after an error), 4 characters (Modbus).
QUIET_BITS = 44
# What the node itself adds: journaling, its other tasks, a collection.
OWN_MS = 60
ENTRY_MS_MAX = 5

_ROM = """
import esp32, sys, vfs, nuan_firmware
rom = memoryview(vfs.rom_ioctl(2, 0))
part = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="romfs")[0]
half = len(rom) // 2 // 4096 * 4096
print(nuan_firmware.__file__, len(rom), part.info()[3])
print(bytes(rom[:4]).hex(), bytes(rom[half:half + 4]).hex())
"""


def character_ms(bus: dict[str, Any]) -> float:
    bits = 10 if bus["parity"] == "N" else 11
    return 1000.0 * bits / int(bus["baud"])


@pytest.mark.with_gateway
@pytest.mark.minutes(5)
def test_tls_leaves_memory_beside_it(bench: BenchBoard) -> None:
    """mbedTLS takes its memory outside Python's heap: the least that was ever free tells."""
    if not bench.config["mqtt"].get("tls"):
        pytest.skip("this board's gateway is not reached over TLS")
    before = status(bench)
    said = before
    end = time.monotonic() + LINK_S_MAX
    while not said["connected"] and time.monotonic() < end:
        time.sleep(1)
        said = status(bench)
    assert said["connected"], f"no connection: {said['uplink_fault']}"
    print(
        f"system memory before {before['system_free']}, with TLS {said['system_free']} (largest "
        f"{said['system_block']}), at the least {said['system_least']}"
    )
    assert said["system_least"] >= SYSTEM_BYTES_MIN


@pytest.mark.with_gateway
@pytest.mark.minutes(4)
def test_the_first_link_comes_up(bench: BenchBoard) -> None:
    """Wi-Fi, an Ethernet PHY or a modem, by the chip's own driver."""
    end = time.monotonic() + LINK_S_MAX
    while True:
        link = opened(bench).request("link", tries=3)
        if link["connected"]:
            break
        assert time.monotonic() < end, f"no link came up: {link}"
        time.sleep(1)
    print(link)


@pytest.mark.minutes(5)
def test_reads_take_the_time_of_the_line(bench: BenchBoard) -> None:
    """From the first bit of the question to the last of the answer, within what meters may take."""
    meters = [m for m in meters_of(bench) if _bus(bench, m)["protocol"] in ("mbus", "modbus")]
    assert meters, "no M-Bus or Modbus meter is configured"
    for meter in meters:
        # The first may begin with a reset of the link.
        opened(bench).request("read", slot=meter["slot"], answer_s=60)
    over: list[float] = []
    for number in range(READS):
        meter = meters[number % len(meters)]
        bus = _bus(bench, meter)
        answer = opened(bench).request("read", slot=meter["slot"], answer_s=60)
        shown = answer["exchanges"]
        assert answer["result"] == "ok"
        assert {each["tries"] for each in shown} == {1}, "an answer was lost on the line"
        count = sum(len(each["question"]) + len(each["answer"]) for each in shown) // 2
        line_ms = count * character_ms(bus)
        bit_ms = 1000 / float(bus["baud"])
        reaction_ms = float(bus["timeout_ms"])
        if bus["protocol"] == "mbus":
            reaction_ms = M_BUS_BITS * bit_ms + M_BUS_MS
        most_ms = line_ms + len(shown) * (reaction_ms + QUIET_BITS * bit_ms + OWN_MS)
        assert line_ms - 2 <= answer["took_ms"] <= most_ms
        over.append(answer["took_ms"] - line_ms)
    print(f"over the line's own time, ms: {sorted(round(each) for each in over)}")


@pytest.mark.minutes(2)
def test_an_entry_of_the_journal_takes_few_milliseconds(bench: BenchBoard) -> None:
    """The processor: the node walks its journal, entry by entry."""
    slot = meters_of(bench)[0]["slot"]
    for _ in range(READS):
        opened(bench).request("read", slot=slot, answer_s=60)
    walked = len(journal(bench))
    console = opened(bench)
    back = int(console.request("status")["newest"]) - bench.first + 1
    begun = time.monotonic()
    console.request("log", count=1, back=1)
    short_s = time.monotonic() - begun
    console.request("log", count=1, back=back, answer_s=60)
    long_s = time.monotonic() - begun - short_s
    entry_ms = 1000 * (long_s - short_s) / walked
    print(f"{entry_ms:.2f} ms an entry")
    assert entry_ms <= ENTRY_MS_MAX


@pytest.mark.minutes(1)
def test_the_program_runs_in_place_from_the_rom_partition(bench: BenchBoard) -> None:
    """The image with MICROPY_VFS_ROM, the partition table, and the loader's mount."""
    where, mapped, partition, first, second = bench.at_prompt(_ROM).split()
    assert where.startswith("/rom/")
    assert int(mapped) == int(partition)
    assert MAGIC.hex() in (first, second)
    assert status(bench)["safe_mode"] == ""


def _bus(bench: BenchBoard, meter: dict[str, Any]) -> dict[str, Any]:
    return dict(bench.config["buses"][meter["bus"]])
