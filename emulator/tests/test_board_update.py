"""Updates on an emulated board: what it takes, what it refuses, and what it goes back from."""

from pathlib import Path

import pytest
from update_kit import NODE_ID, UpdateKey, board, bundle_of, program

from nuan_emulator import flash
from nuan_emulator.board_tree import checkout_sources, stage_board
from nuan_emulator.firmware_image import Label, app_bundle, image_bundle, vm_image
from nuan_emulator.flash_journal import read_journal
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_protocols.bundle import HEAD_BYTES, Head
from nuan_protocols.key_change import unsigned_change
from nuan_protocols.uplink.body import EVENT_UPDATE

OLD, NEW = Label("1.0", 5), Label("1.1", 6)
MINUTE_MS = 60_000
CONFIG = {
    "format": 1,
    "version": 1,
    "node": NODE_ID,
    "wifi": {"ssid": "nuan"},
    "mqtt": {"host": "10.1.0.1", "port": 1883},
    "journal": {"flush_s": 300},
    "buses": [
        {"name": "mbus", "protocol": "mbus", "uart": 1, "tx": 17, "rx": 16, "baud": 2400,
         "parity": "E", "timeout_ms": 1100},
    ],
    "meters": [{"slot": 1, "bus": 0, "address": 1, "every_s": 300}],
}  # fmt: skip


@pytest.fixture(scope="module")
def key() -> UpdateKey:
    return UpdateKey()


@pytest.fixture(scope="module")
def other_key() -> UpdateKey:
    return UpdateKey()


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def test_an_update_is_taken_tried_and_kept(vm: Path, tmp_path: Path, key: UpdateKey) -> None:
    old = bundle_of(tmp_path, program("old"), OLD, key)
    new = bundle_of(tmp_path, program("new"), NEW, key)
    with board(tmp_path, vm, old, {"nuan/fw_key0": key.modulus}) as made:
        made.live(10)
        assert made.told() == ["runs old", "rests"]
        made.give({"/new": new})
        made.live(60)
        assert made.told()[2:] == [
            "runs old",
            "event 7 1.1 (build 6) is tried at the next start",
            "runs new",
            "event 7 confirmed 1.1 (build 6)",
            "rests",
        ]
        assert (made.nvs("slot"), made.nvs("trial"), made.nvs("build")) == (1, -1, 6)
        made.node.kill()
        made.node.restart()
        made.live(10)
        assert made.told()[-2:] == ["runs new", "rests"]


def test_what_may_not_run_is_refused_and_changes_nothing(
    vm: Path, tmp_path: Path, key: UpdateKey, other_key: UpdateKey
) -> None:
    old = bundle_of(tmp_path, program("old"), OLD, key)
    new = bundle_of(tmp_path, program("new"), NEW, key)
    payload_at = Head(new).payload_at
    files = {
        "/new00": (flipped(new, 0), "no firmware bundle: it doesn't begin with nuF1"),
        "/new01": (flipped(new, 4), "format 17; this version reads format 1"),
        "/new02": (flipped(new, 15), "the signature doesn't fit"),
        "/new03": (flipped(new, 70), "the signature doesn't fit"),
        "/new04": (flipped(new, 24), "signed by another key"),
        "/new05": (flipped(new, 300), "the signature doesn't fit"),
        "/new06": (flipped(new, HEAD_BYTES + 9), "the manifest doesn't have the hash"),
        "/new07": (flipped(new, payload_at - 1), "the manifest doesn't have the hash"),
        "/new08": (flipped(new, payload_at), "the payload doesn't have the hash"),
        "/new09": (flipped(new, len(new) - 1), "the payload doesn't have the hash"),
        "/new10": (new[:-1], "the head speaks of"),
        "/new11": (new[:100], "100 of 100 bytes are there"),
        "/new12": (new + b"x", "the head speaks of"),
        "/new13": (bundle_of(tmp_path, "", NEW, other_key), "signed by another key"),
        "/new14": (bundle_of(tmp_path, "", NEW), "signed by another key"),
        "/new15": (bundle_of(tmp_path, "", Label("0.9", 4), key), "build 4 is older than 5"),
        "/new16": (old, "it runs here already"),
    }
    with board(tmp_path, vm, old, {"nuan/fw_key0": key.modulus, "nuan/build": 5}) as made:
        made.give({name: data for name, (data, _) in files.items()})
        made.live(120)
        told = made.told()
        assert told[0] == "runs old"
        assert told[-1] == "rests"
        answers = [line for line in told[1:-1] if not line.startswith("event")]
        events = [line for line in told[1:-1] if line.startswith("event")]
        # The file that is too short was never wholly a head: it was not judged.
        assert len(events) == len(files) - 1
        for line, (name, (_, reason)) in zip(answers, sorted(files.items()), strict=True):
            assert line.startswith(f"{name} refused: {reason}")
        assert (made.nvs("trial"), made.nvs("slot"), made.nvs("build")) == (None, None, 5)
        assert made.rom()[: len(old)] == old
        assert not made.node.resets


def test_a_trial_that_crashes_goes_back_and_says_why(
    vm: Path, tmp_path: Path, key: UpdateKey
) -> None:
    late = "time.sleep(60); raise ValueError('no such register')"
    bad = {
        "/new0": bundle_of(tmp_path, "import nothing_of_that_name\n", Label("1.1", 6), key),
        "/new1": bundle_of(tmp_path, program("late", extra=late), Label("1.2", 7), key),
        "/new2": bundle_of(tmp_path, program("idle", healthy=False, extra="chip.reset()"),
                           Label("1.3", 8), key),
    }  # fmt: skip
    old = bundle_of(tmp_path, program("old"), OLD, key)
    with board(tmp_path, vm, old, {"nuan/fw_key1": key.modulus}) as made:
        for name, data in bad.items():
            made.give({name: data})
            made.live(200)
        back = [line for line in made.told() if "went back" in line and "event" in line]
        assert back == [
            (
                "event 7 went back from 1.1 (build 6): "
                "crashed: ImportError(\"no module named 'nothing_of_that_name'\",)"
            ),
            "event 7 went back from 1.2 (build 7): crashed: ValueError('no such register',)",
            "event 7 went back from 1.3 (build 8): it was restarted before it was healthy",
        ]
        assert made.told()[-1] == "rests"
        assert (made.nvs("trial"), made.nvs("build")) == (-1, None)


def test_a_transfer_goes_on_behind_what_flash_really_holds(
    vm: Path, tmp_path: Path, key: UpdateKey
) -> None:
    old = bundle_of(tmp_path, program("old"), OLD, key)
    new = bundle_of(tmp_path, program("new"), NEW, key, padding_bytes=120_000)
    with board(tmp_path, vm, old, {"nuan/fw_key0": key.modulus}) as made:
        made.give({"/new": new})
        # 32 KB are 64 pieces and 8 blocks; the state's own writes come on top.
        made.node.power_cut(300)
        made.live(60)
        assert not made.node.running
        made.node.restart()
        made.node.power_cut(40)
        made.live(60)
        assert "goes on at 98304" in made.told()
        rom = bytearray(made.rom())
        rom[flash.SLOT_BYTES + 40_000] ^= 1
        (tmp_path / "flash.romfs").write_bytes(rom)
        made.node.restart()
        made.live(60)
        assert "goes on at 32768" in made.told()
        assert made.told()[-3:] == ["runs new", "event 7 confirmed 1.1 (build 6)", "rests"]


def test_a_vm_image_is_tried_by_the_chip(vm: Path, tmp_path: Path, key: UpdateKey) -> None:
    image = vm_image(bytes(range(256)) * 200)
    files = {
        "/new0": image_bundle(b"\x00" + image, key.label(Label("1.26", 3)), key.sign),
        "/new1": image_bundle(image, key.label(Label("1.26", 4)), key.sign, chip=9),
        "/new2": image_bundle(image, key.label(Label("1.26", 5)), key.sign, chip=0),
    }
    old = bundle_of(tmp_path, program("old"), OLD, key)
    with board(tmp_path, vm, old, {"nuan/fw_key0": key.modulus}) as made:
        made.give(files)
        made.live(120)
        assert made.told()[1:] == [
            "event 7 refused: the chip finds the image unsound (-5379)",
            "/new0 refused: the chip finds the image unsound (-5379)",
            "event 7 refused: it is for chip 9, this is 0",
            "/new1 refused: it is for chip 9, this is 0",
            "event 7 VM image 1.26 (build 5) is tried at the next start",
            "runs old",
            "event 7 confirmed VM image, build 5",
            "rests",
        ]
        assert (made.nvs("vm_trial"), made.nvs("vm_build")) == (0, 5)
        assert (tmp_path / "flash.ota_1").read_bytes()[: len(image)] == image


def test_a_vm_image_that_is_never_confirmed_goes_back(
    vm: Path, tmp_path: Path, key: UpdateKey
) -> None:
    # Restarts once without having become healthy.
    once = "if chip.number('vm_trial', 0) > 0: print('restarts'); chip.reset()"
    old = bundle_of(tmp_path, program("old", extra=once), OLD, key)
    image = image_bundle(vm_image(b"x" * 9000), key.label(Label("1.26", 3)), key.sign)
    with board(tmp_path, vm, old, {"nuan/fw_key0": key.modulus}) as made:
        made.give({"/new": image})
        made.live(120)
        assert made.told()[2:] == [
            "runs old",
            "restarts",
            "runs old",
            "event 7 VM image, build 3, went back: it was restarted before it was healthy",
            "rests",
        ]


def test_an_update_key_is_replaced_by_the_other_one(
    vm: Path, tmp_path: Path, key: UpdateKey, other_key: UpdateKey
) -> None:
    new_key = UpdateKey()

    def change(slot: int, number: int, signed_by: UpdateKey) -> bytes:
        text = unsigned_change(slot, number, signed_by.name, new_key.modulus)
        return text + signed_by.sign(text)

    old = bundle_of(tmp_path, program("old"), OLD, key)
    files = {
        "/new0": change(0, 2, key),
        "/new1": flipped(change(1, 2, key), 30),
        "/new2": change(0, 2, other_key),
        "/new3": change(1, 2, key),
    }
    nvs: dict[str, int | bytes] = {
        "nuan/fw_key0": key.modulus,
        "nuan/fw_key1": other_key.modulus,
    }
    with board(tmp_path, vm, old, nvs) as made:
        made.give(files)
        made.live(30)
        assert made.told()[1:] == [
            "/new0 refused: it is not signed by the key of slot 1",
            "/new1 refused: it is not signed by the key of slot 0",
            "/new2 refused: what runs is not signed by the key that stays: update first",
            f"event 7 update key 1 is now {new_key.name.hex()}",
            "runs old",
            "rests",
        ]
        made.give({"/new4": bundle_of(tmp_path, program("new"), NEW, other_key),
                   "/new5": bundle_of(tmp_path, program("new"), NEW, new_key)})  # fmt: skip
        made.live(30)
        assert "/new4 refused: signed by another key" in made.told()
        assert made.told()[-3:] == ["runs new", "event 7 confirmed 1.1 (build 6)", "rests"]


def test_a_healthy_but_deaf_update_goes_back_after_half_an_hour(vm: Path, tmp_path: Path) -> None:
    stage = stage_board(checkout_sources())
    image = tmp_path / "flash.img"
    with World(seed=1, start_ms=1_793_462_400_000, vm=vm) as world:
        node = world.add_node(
            NodeSpec(
                node_id=NODE_ID,
                key=bytes(32),
                config=CONFIG,
                image=image,
                broker=("127.0.0.1", 9),
                firmware=app_bundle(stage / "lib", OLD),
                nvs={"nuan/trial": 1},
            )
        )
        node.kill()
        rom = bytearray(image.with_suffix(".romfs").read_bytes())
        new = app_bundle(stage / "lib", NEW)
        rom[flash.SLOT_BYTES : flash.SLOT_BYTES + len(new)] = new
        image.with_suffix(".romfs").write_bytes(rom)
        node.restart()
        world.run_until(world.now_ms + 40 * MINUTE_MS)
        assert len(node.resets) == 1
        entries = [each.canonical for each in read_journal(flash.read_files(vm, stage, image))]
        texts = [raw[28:].decode() for raw in entries if raw[1] == 2 and raw[27] == EVENT_UPDATE]
        assert texts == ["went back from 1.1 (build 6): gateway not reached within 30 minutes"]
