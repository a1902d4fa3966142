"""The estimate of a board's autonomy against real journals of the emulator's meters on littlefs."""

import json
import subprocess
from pathlib import Path
from random import Random

import pytest

from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_gateway.autonomy import Read, estimate
from nuan_gateway.site import JOURNAL_BYTES

REPOSITORY = Path(__file__).resolve().parents[2]
ROOTS = ("firmware/tests/board", "firmware", "protocols", "firmware/board")
PROGRAM = REPOSITORY / "firmware" / "tests" / "board" / "flash_wear.py"
START_S = 1_762_000_000
HEAD_BYTES = 9 + 5


def telegrams(path: Path, meters: int, turns: int, every_s: int) -> int:
    """Write what the meters say turn by turn; the length of a telegram."""

    def heat(now_ms: int) -> HeatState:
        passed_s = now_ms // 1000 - START_S
        noise = Random(passed_s)
        power_w, flow_lh = noise.randrange(3000, 6000), noise.randrange(90, 130)
        flow_cc, return_cc = noise.randrange(5200, 5800), noise.randrange(3900, 4300)
        joules, volume_ml = 4500 * passed_s, 30 * passed_s
        return HeatState(joules, volume_ml, power_w, flow_lh, flow_cc, return_cc, passed_s)

    made = [MBusHeatMeter(str(10_000_000 + at), at, heat) for at in range(1, meters + 1)]
    length = 0
    with path.open("wb") as file:
        for turn in range(turns):
            for at, meter in enumerate(made, 1):
                control = 0x7B if turn % 2 else 0x5B
                question = bytes((0x10, control, at, (control + at) & 0xFF, 0x16))
                answer = meter.answer(question, (START_S + turn * every_s + at) * 1000)
                assert answer is not None
                if not length:
                    length = len(answer)
                    file.write(bytes((length,)))
                file.write(answer)
    return length


def run_board(vm: Path, *arguments: object) -> dict[str, float]:
    """What the board's program tells of a journal."""
    path = ":".join([str(REPOSITORY / root) for root in ROOTS] + [".frozen"])
    command = [str(vm), "-X", "heapsize=64m", str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, env={"MICROPYPATH": path})
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize(
    ("meters", "every_s", "segment_kb", "room_kb"), [(9, 900, 8, 96), (24, 3600, 16, 160)]
)
def test_the_estimate_is_within_15_percent(
    vm: Path, tmp_path: Path, meters: int, every_s: int, segment_kb: int, room_kb: int
) -> None:
    turns = room_kb * 1024 * 4 // 3 // (meters * 25)
    file = tmp_path / "telegrams"
    length = telegrams(file, meters, turns, every_s)
    told = run_board(
        vm, "journal", meters, length, segment_kb, room_kb, 120, turns, every_s, 0, file
    )
    reads = [Read(HEAD_BYTES + length, 86400 / every_s)] * meters
    guess = estimate(reads, 0, 900, segment_kb * 1024, room_kb * 1024)
    assert told["full_days"] == pytest.approx(guess.full_days, rel=0.15)
    assert told["bytes_an_entry"] == pytest.approx(guess.bytes_per_entry, rel=0.15)


def test_a_board_holds_a_fortnight_and_a_large_one_twelve_times_that() -> None:
    household = [Read(93, 24)] * 60
    small = estimate(household, 0, 900, 32768, JOURNAL_BYTES[4])
    large = estimate(household, 0, 900, 32768, JOURNAL_BYTES[16])
    assert small.full_days > 15
    assert small.thinned_days > 145
    assert large.full_days > 12 * small.full_days
    assert small.flash_years > 50
