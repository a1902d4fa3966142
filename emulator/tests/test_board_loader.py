"""The loader on an emulated board: which slot it starts, and what a power cut leaves of an update.

With HYPOTHESIS_PROFILE=nightly every flash operation of an update is cut, otherwise some of them.
"""

import os
import shutil
from pathlib import Path
from random import Random

import pytest
from update_kit import UpdateKey, board, bundle_of, program

from nuan_emulator import ota_data, romfs
from nuan_emulator.firmware_image import Label

OLD, NEW = Label("1.0", 5), Label("1.1", 6)
CUTS = 14


@pytest.fixture(scope="module")
def key() -> UpdateKey:
    return UpdateKey()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory, vm: Path, key: UpdateKey) -> list[bytes]:
    folder = tmp_path_factory.mktemp("bundles")
    return [
        bundle_of(folder, program("old"), OLD, key),
        bundle_of(folder, program("new"), NEW, key, padding_bytes=20_000),
    ]


def test_the_sound_slot_runs_when_the_good_one_is_damaged(
    vm: Path, tmp_path: Path, key: UpdateKey, bundles: list[bytes]
) -> None:
    old, new = bundles
    with board(tmp_path, vm, old, {"nuan/fw_key0": key.modulus}) as made:
        made.live(5)
        made.node.kill()
        made.set_slot(0, old[:-5] + b"xxxxx")
        made.set_slot(1, new)
        made.node.restart()
        made.live(10)
        reason = "slot 0: the payload doesn't have the hash that its head gives"
        assert made.told()[2:] == [
            f"nuan: {reason}; the other slot runs",
            "runs new",
            f"event 7 {reason}; the other slot runs",
            "rests",
        ]
        assert made.nvs("slot") == 1


def test_without_a_sound_slot_the_console_says_how_to_mend_it(
    vm: Path, tmp_path: Path, key: UpdateKey, bundles: list[bytes]
) -> None:
    unsigned = bundle_of(tmp_path, program("old"), OLD)
    with board(tmp_path, vm, unsigned, {"nuan/fw_key0": key.modulus}) as made:
        made.live(90)
        assert made.told()[:2] == [
            (
                "nuan: no firmware: slot 0: signed by another key; "
                "slot 1: no firmware bundle of format 1"
            ),
            "nuan: mend it by cable: nuan flash PORT --bundle FILE --only-app",
        ]
        made.live(600)
        # It tries again: flash that was read badly may be read well.
        assert [reset.cause for reset in made.node.resets] == [2]
        made.node.kill()
        made.set_slot(0, bundles[0])
        made.node.restart()
        made.live(10)
        assert made.told()[-2:] == ["runs old", "rests"]


def test_a_board_without_keys_runs_what_is_whole(vm: Path, tmp_path: Path) -> None:
    with board(tmp_path, vm, bundle_of(tmp_path, program("old"), OLD)) as made:
        made.live(5)
        assert made.told() == ["runs old", "rests"]


def test_a_file_system_that_was_mounted_by_itself_gives_way(
    vm: Path, tmp_path: Path, bundles: list[bytes]
) -> None:
    (tmp_path / "rom" / "lib").mkdir(parents=True)
    raw = romfs.image(tmp_path / "rom")
    with board(tmp_path, vm, raw, {"nuan/slot": 0}) as made:
        made.node.kill()
        made.set_slot(1, bundles[1])
        made.node.restart()
        made.live(10)
        assert made.told()[-3:-1] == [
            "runs new",
            "event 7 slot 0: no firmware bundle of format 1; the other slot runs",
        ]


def test_starts_that_end_early_are_counted_but_not_power_cuts(vm: Path, tmp_path: Path) -> None:
    text = program("old", extra="chip.number('crashes', 0) < 3 and chip.reset()")
    with board(tmp_path, vm, bundle_of(tmp_path, text, OLD)) as made:
        made.live(30)
        assert made.nvs("crashes") == 3
        made.node.kill()
        made.node.restart()
        made.live(5)
        assert made.nvs("crashes") == 3


def test_a_program_that_cannot_be_imported_gives_way_to_the_other_slot_once(
    vm: Path, tmp_path: Path, key: UpdateKey, bundles: list[bytes]
) -> None:
    broken = bundle_of(tmp_path, "import nowhere", NEW, key)
    nvs: dict[str, int | bytes] = {
        "nuan/fw_key0": key.modulus, "nuan/slot": 1, "nuan/crashes": 16,
    }  # fmt: skip
    with board(tmp_path, vm, bundles[0], nvs) as made:
        made.node.kill()
        made.set_slot(1, broken)
        made.node.restart()
        made.live(90)
        no_module = "ImportError(\"no module named 'nowhere'\",)"
        assert made.told()[-3:] == [
            "runs old",
            f"event 7 went back from 1.1 (build 6), 20 crashes in a row: crashed: {no_module}",
            "rests",
        ]
        assert len(made.node.resets) == 4
        assert [made.nvs(name) for name in ("slot", "crashes", "fled")] == [0, 0, 2]
    # That one breaks, too: nothing goes to and fro.
    again = tmp_path / "again"
    again.mkdir()
    nvs.update({"nuan/slot": 0, "nuan/fled": 2})
    with board(again, vm, broken, nvs) as made:
        made.node.kill()
        made.set_slot(1, bundles[0])
        made.node.restart()
        made.live(120)
        assert [made.nvs(name) for name in ("slot", "fled")] == [0, 2]
        assert (made.nvs("crashes") or 0) > 20


@pytest.mark.parametrize("other", ["unsigned", "torn"])
def test_a_program_that_cannot_be_imported_stays_when_the_other_slot_is_no_better(
    vm: Path, tmp_path: Path, key: UpdateKey, bundles: list[bytes], other: str
) -> None:
    broken = bundle_of(tmp_path, "import nowhere", NEW, key)
    worse = bundle_of(tmp_path, program("old"), OLD) if other == "unsigned" else bundles[0][:-9]
    nvs: dict[str, int | bytes] = {"nuan/fw_key0": key.modulus, "nuan/crashes": 18}
    with board(tmp_path, vm, broken, nvs) as made:
        made.node.kill()
        made.set_slot(1, worse)
        made.node.restart()
        made.live(90)
        assert not [line for line in made.told() if line.startswith("runs")]
        assert [made.nvs(name) for name in ("slot", "fled")] == [None, None]
        assert (made.nvs("crashes") or 0) > 20


def test_a_power_cut_while_a_slot_is_left_leaves_one_that_runs(
    vm: Path, tmp_path: Path, key: UpdateKey, bundles: list[bytes]
) -> None:
    broken = bundle_of(tmp_path, "import nowhere", NEW, key)
    nvs: dict[str, int | bytes] = {
        "nuan/fw_key0": key.modulus, "nuan/slot": 1, "nuan/crashes": 20,
    }  # fmt: skip
    for operation in range(1, 9):
        folder = tmp_path / f"cut{operation}"
        folder.mkdir()
        with board(folder, vm, bundles[0], nvs) as made:
            made.node.kill()
            made.set_slot(1, broken)
            made.node.restart()
            made.node.power_cut(operation)
            made.live(20)
            if not made.node.running:
                made.node.restart()
            made.live(60)
            if made.nvs("crashes"):
                # Cut when the count was cleared and the slot not yet left: as many once more.
                made.live(240)
            assert made.told()[-1] == "rests"
            assert made.nvs("slot") == 0


def cuts(last: int, seed: int) -> list[int]:
    if os.environ.get("HYPOTHESIS_PROFILE") == "nightly":
        return list(range(1, last + 1))
    return sorted(Random(seed).sample(range(1, last + 1), min(CUTS, last)))


def test_a_power_cut_while_an_update_comes_in_leaves_old_or_new(
    vm: Path, tmp_path: Path, key: UpdateKey, bundles: list[bytes], seed: int
) -> None:
    print(f"seed {seed}")
    old, new = bundles
    nvs: dict[str, int | bytes] = {"nuan/fw_key0": key.modulus}
    origin = tmp_path / "origin"
    origin.mkdir()
    with board(origin, vm, old, nvs) as made:
        made.give({"/new": new})
    confirmed = "event 7 confirmed 1.1 (build 6)"
    # More than it has: the last cut never comes.
    operations = 2 * (len(new) // 512) + 40
    missed = 0
    for operation in cuts(operations, seed):
        folder = tmp_path / f"cut{operation}"
        shutil.copytree(origin, folder)
        with board(folder, vm, old, nvs) as made:
            made.node.power_cut(operation)
            made.live(40)
            if made.node.running:
                missed += 1
            else:
                made.node.restart()
                made.live(40)
            assert made.told()[-1] == "rests"
            started = [line for line in made.told() if line.startswith("runs ")]
            assert started[-1] == "runs new"
            assert made.told()[made.told().index("runs new") + 1] == confirmed
        shutil.rmtree(folder)
    assert missed < operations // 2


@pytest.mark.parametrize("healthy", [True, False])
def test_a_power_cut_while_an_update_is_tried_leaves_old_or_new(
    vm: Path, tmp_path: Path, key: UpdateKey, bundles: list[bytes], healthy: bool
) -> None:
    old = bundles[0]
    text = program("new", healthy=healthy, extra="pass" if healthy else "chip.reset()")
    new = bundle_of(tmp_path, text, NEW, key)
    nvs: dict[str, int | bytes] = {"nuan/fw_key0": key.modulus, "nuan/trial": 1}
    seen: set[str] = set()
    for operation in range(1, 13):
        folder = tmp_path / f"cut{operation}"
        folder.mkdir()
        with board(folder, vm, old, nvs) as made:
            made.node.kill()
            made.set_slot(1, new)
            made.node.restart()
            made.node.power_cut(operation)
            made.live(60)
            if not made.node.running:
                made.node.restart()
                made.live(60)
            last = made.told()[-8:]
            assert last[-1] == "rests"
            running = next(line for line in reversed(last) if line.startswith("runs"))
            seen.add(running)
            assert made.nvs("slot") in ((None, 0) if running == "runs old" else (1,))
            if running == "runs old":
                assert any("went back from 1.1 (build 6)" in line for line in made.told())
            else:
                assert healthy
    assert seen == ({"runs old", "runs new"} if healthy else {"runs old"})


def test_the_chip_gives_a_new_vm_image_one_start(tmp_path: Path) -> None:
    path = tmp_path / "otadata"
    assert ota_data.start(path) == "ota_0"

    def entry(number: int, state: int) -> bytes:
        import struct
        import zlib

        packed = struct.pack("<I", number)
        check = zlib.crc32(packed, 0xFFFFFFFF)
        block = packed + b"\xff" * 20 + struct.pack("<II", state, check)
        return block + b"\xff" * (ota_data.BLOCK_BYTES - len(block))

    path.write_bytes(entry(1, ota_data.VALID) + entry(2, ota_data.NEW))
    assert [ota_data.start(path) for _ in range(3)] == ["ota_1", "ota_0", "ota_0"]
    path.write_bytes(entry(1, ota_data.VALID) + entry(2, ota_data.VALID))
    assert [ota_data.start(path) for _ in range(2)] == ["ota_1", "ota_1"]
    torn = entry(2, ota_data.NEW)
    path.write_bytes(entry(1, ota_data.VALID) + torn[:2] + b"\xff" * 2 + torn[4:])
    assert ota_data.start(path) == "ota_0"
