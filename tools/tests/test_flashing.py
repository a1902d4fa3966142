"""Flashing: the real esptool against an emulated bootloader, mpremote against the genuine VM."""

import hashlib
import os
import pty
import re
import subprocess
import tty
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator import firmware_image
from nuan_emulator.bootloader import EspBootloader, ServedBootloader
from nuan_tools.errors import UserError
from nuan_tools.flashing import esp, label, loader_files, partitions, plan, vm_image

FLASH_MIB = 4
FLASH_BYTES = FLASH_MIB * partitions.MIB
HERE = Path(__file__).parent


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Bootloader, table and VM in one file, as a build gives them."""
    random = Random(1)
    loader = firmware_image.vm_image(random.randbytes(3000))
    vm = firmware_image.vm_image(b"..VfsRom.." + random.randbytes(200_000))
    file = bytearray(b"\xff" * 0xF000) + vm
    file[: len(loader)] = loader
    file[0x7000:0x7C00] = partitions.pack(partitions.layout(16))
    path = tmp_path / "micropython.bin"
    path.write_bytes(file)
    return path


# Partition tables.


@pytest.mark.parametrize("size", partitions.FLASH_MIB)
def test_a_table_fills_the_flash_without_gap_or_overlap(size: int) -> None:
    table = partitions.layout(size)
    assert partitions.unpack(partitions.pack(table)) == table
    at = 0x9000
    for partition in table:
        assert partition.offset == at, partition.name
        at += partition.size
    assert at == size * partitions.MIB
    assert all(p.offset % 0x10000 == 0 for p in table if p.type == 0)


def test_a_four_megabyte_board_keeps_960_kb_for_files_and_16_has_twelve_times_as_much() -> None:
    small = partitions.find(partitions.layout(4), "vfs").size
    large = partitions.find(partitions.layout(16), "vfs").size
    assert small == 960 * partitions.KIB
    assert large >= 12 * small


@given(st.integers(0, 7 * 32 + 31), st.integers(1, 255))
def test_a_changed_byte_of_a_table_is_found(at: int, change: int) -> None:
    table = bytearray(partitions.pack(partitions.layout(4)))
    table[at] ^= change
    with pytest.raises(ValueError):  # noqa: PT011  # whichever of its checks is the first
        partitions.unpack(bytes(table))


def test_espressifs_build_reads_the_same_table() -> None:
    rows = [line.split(", ") for line in partitions.csv(partitions.layout(4)).splitlines()[1:]]
    found = [(row[0], int(row[3], 16), int(row[4], 16)) for row in rows]
    assert found == [(p.name, p.offset, p.size) for p in partitions.layout(4)]


# Images.


def test_a_whole_image_is_taken_apart(whole: Path) -> None:
    image = vm_image.read_image(whole)
    assert image.chip.name == "esp32"
    data = whole.read_bytes()
    assert image.bootloader == data[:0x7000].rstrip(b"\xff")
    assert image.vm == data[0xF000:]


def test_a_vm_alone_is_known_but_no_whole_board(whole: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.bin"
    alone.write_bytes(whole.read_bytes()[0xF000:])
    image = vm_image.read_image(alone)
    assert image.bootloader == b""
    with pytest.raises(UserError, match="begins with a bootloader"):
        plan.whole(image, b"bundle", FLASH_MIB)


@pytest.mark.parametrize("at", [0x7000 - 0x7000, 0xF000, 0xF000 + 30, 0xF000 + 100_000])
def test_a_damaged_image_is_refused_with_its_place(whole: Path, at: int) -> None:
    data = bytearray(whole.read_bytes())
    data[at] ^= 0x40
    whole.write_bytes(data)
    with pytest.raises(UserError, match=rf"{re.escape(str(whole))}: byte \d+"):
        vm_image.read_image(whole)


def test_a_cut_image_is_refused(whole: Path) -> None:
    whole.write_bytes(whole.read_bytes()[:-40_000])
    with pytest.raises(UserError, match="damaged"):
        vm_image.read_image(whole)


def test_an_image_without_a_rom_file_system_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stock.bin"
    path.write_bytes(firmware_image.vm_image(b"no such thing" * 100))
    with pytest.raises(UserError, match="MICROPY_VFS_ROM"):
        vm_image.read_image(path)


def test_what_does_not_fit_says_by_how_much(whole: Path) -> None:
    image = vm_image.read_image(whole)
    with pytest.raises(UserError, match=r"300000 bytes don't fit into 262144"):
        plan.whole(image, bytes(300_000), FLASH_MIB)


# Writing.


@pytest.mark.parametrize("stub", [False, True])
def test_a_board_has_afterwards_what_it_should(whole: Path, stub: bool) -> None:
    random = Random(2)
    bootloader = EspBootloader(FLASH_BYTES)
    bootloader.flash[:] = random.randbytes(FLASH_BYTES)
    before = bytes(bootloader.flash)
    image = vm_image.read_image(whole)
    table = partitions.layout(FLASH_MIB)
    bundle = random.randbytes(150_000)
    parts = plan.forgotten(table) + plan.whole(image, bundle, FLASH_MIB)
    told: list[tuple[int, int]] = []
    with (
        ServedBootloader(bootloader) as served,
        esp.connected(served.path, 460800, stub=stub) as chip,
    ):
        assert (chip.chip, chip.flash_mib()) == ("esp32", FLASH_MIB)
        chip.write(parts, FLASH_MIB, lambda done, total: told.append((done, total)))
    flash = bytes(bootloader.flash)
    for part in parts:
        # esptool writes the flash's size into the head of a bootloader.
        skipped = 4 if part.offset == image.chip.bootloader_offset else 0
        end = part.offset + len(part.data)
        wanted = part.data
        if skipped:
            assert flash[part.offset : part.offset + 3] == wanted[:3]
            assert flash[part.offset + 4 : end - 32] == wanted[4:-32]
        else:
            assert flash[part.offset : end] == wanted, part.what
    rest = partitions.find(table, "vfs").offset + 2 * plan.BLOCK_BYTES
    assert flash[rest:] == before[rest:]
    assert told[-1][0] == told[-1][1] == sum(len(part.data) for part in parts)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_nobody_at_the_port_is_said_in_a_line() -> None:
    near, far = os.openpty()
    tty.setraw(far)
    try:
        with (
            pytest.raises(UserError, match="hold BOOT while it resets"),
            esp.connected(os.ttyname(far), 460800),
        ):
            pass
    finally:
        os.close(near)
        os.close(far)


# The loader's files.


@pytest.fixture
def prompt(vm: Path) -> Iterator[str]:
    """A pseudo-terminal behind which the genuine VM waits at its raw prompt."""
    near, far = pty.openpty()
    tty.setraw(far)
    program = [str(vm), str(HERE / "raw_prompt.py")]
    process = subprocess.Popen(program, stdin=near, stdout=near, stderr=subprocess.DEVNULL)
    yield os.ttyname(far)
    process.kill()
    process.wait()
    os.close(near)
    os.close(far)


def test_the_loader_comes_over_whole_through_mpremote(prompt: str) -> None:
    files = loader_files.loader_files()
    assert {"/boot.py", "/main.py"} <= set(files)
    files["/odd.py"] = bytes(range(256)) * 5
    told: list[int] = []
    loader_files.install(prompt, files, lambda done, _: told.append(done), prompt_seconds=5)
    assert told[-1] == sum(map(len, files.values()))
    from mpremote.transport_serial import SerialTransport

    transport = SerialTransport(prompt, 115200)
    transport.enter_raw_repl(soft_reset=False)
    try:
        for path, data in files.items():
            assert transport.fs_hashfile(path, "sha256") == hashlib.sha256(data).digest(), path
        assert not any(item.name.endswith(".new") for item in transport.fs_listdir("/"))
    finally:
        transport.close()


def test_a_board_without_a_prompt_is_said_in_a_line() -> None:
    near, far = os.openpty()
    tty.setraw(far)
    try:
        with pytest.raises(UserError, match="prompt does not answer"):
            loader_files.install(os.ttyname(far), {}, lambda *_: None, prompt_seconds=0.1)
    finally:
        os.close(near)
        os.close(far)


# The label.


def test_a_label_shows_the_node_and_nothing_secret(tmp_path: Path) -> None:
    path = tmp_path / "label.png"
    label.make_label("6e75616e00000001", "sample", path)
    assert label.qr_text("6e75616e00000001") == "NUAN:NODE:6E75616E00000001"
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
