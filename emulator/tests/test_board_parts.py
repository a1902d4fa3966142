"""The parts of an emulated board: frames, serial port, store, stage, flash image, clock file."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator import board_tree, flash, lockstep, romfs
from nuan_emulator.board_tree import BoardSources, checkout_sources, stage_board
from nuan_emulator.clock_file import ClockFile
from nuan_emulator.errors import BoardError
from nuan_emulator.lockstep import Channel, Record, pack_record
from nuan_emulator.nvs import NvsFile, encode_value
from nuan_emulator.uart import SerialPort
from nuan_emulator.vm_process import find_vm
from nuan_emulator.wifi import GOT_IP, NO_AP_FOUND, Wifi

Pair = tuple[Channel, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    channel = Channel(ours, 0.2)
    yield channel, theirs
    channel.close()
    theirs.close()


def frame(now: int, payload: bytes, kind: int = 0) -> bytes:
    return struct.pack("<IHBB", now, len(payload), kind, 0) + payload


def test_frames_are_cut_from_the_stream_wherever_it_is_split(pair: Pair) -> None:
    channel, board = pair
    first = frame(5, pack_record(1, 2, 4, b"abc") + pack_record(3, 33, 5, b"\x01"))
    second = frame(9, b"", 1)
    stream = first + second
    for at in range(1, len(stream)):
        board.sendall(stream[:at])
        board.sendall(stream[at:])
        seen = channel.receive()
        assert seen
        assert seen == (5, 0, [Record(1, 2, 4, b"abc"), Record(3, 33, 5, b"\x01")])
        assert channel.receive() == (9, 1, [])


def test_a_channel_tells_silence_from_the_end(pair: Pair) -> None:
    channel, board = pair
    with pytest.raises(TimeoutError):
        channel.receive()
    board.sendall(frame(1, b"")[:5])
    board.close()
    assert channel.receive() is None
    channel.send(1, b"")


def test_the_digest_covers_both_directions(pair: Pair) -> None:
    channel, board = pair
    digests = [channel.digest()]
    board.sendall(frame(1, b""))
    channel.receive()
    digests.append(channel.digest())
    channel.send(7, b"xy", 3, 1)
    digests.append(channel.digest())
    assert len(set(digests)) == 3
    assert board.recv(100) == struct.pack("<IIHH", 7, 3, 2, 1) + b"xy"


class Fixed:
    """A line that gives fixed bursts, in milliseconds after the request."""

    baud = 9600

    def __init__(self, *bursts: tuple[int, bytes]) -> None:
        self.bursts = bursts

    def transmit(self, request: bytes, start_ms: int) -> list[tuple[int, bytes]]:
        return [(start_ms + after_ms, data) for after_ms, data in self.bursts]


def port(line: Fixed, timeout_char: int, baud: int = 9600) -> SerialPort:
    found = SerialPort(line)
    found.setup(struct.pack("<IBBBH", baud, 8, 0, 1, timeout_char))
    return found


def test_a_long_answer_fills_the_fifo_before_it_ends() -> None:
    data = bytes(range(250))
    seen = list(port(Fixed((400, data)), 2).send(b"?", 1000))
    # 10 bits at 9600 baud are 1.042 ms; the rest comes one silent character after the end.
    assert [(at_ms, len(piece)) for at_ms, piece in seen] == [(1265, 120), (1390, 120), (1402, 10)]
    assert b"".join(piece for _, piece in seen) == data


def test_without_timeout_char_every_character_interrupts() -> None:
    seen = list(port(Fixed((100, b"abc"), (150, b"d")), 0).send(b"?", 0))
    assert seen == [(98, b"a"), (99, b"b"), (100, b"c"), (150, b"d")]


@given(st.integers(0, 20), st.lists(st.binary(min_size=1, max_size=300), max_size=4))
def test_no_byte_is_lost_or_early(timeout_char: int, bursts: list[bytes]) -> None:
    at_ms = 0
    timed = []
    for data in bursts:
        at_ms += 400
        timed.append((at_ms, data))
    seen = list(port(Fixed(*timed), timeout_char).send(b"?", 0))
    assert b"".join(piece for _, piece in seen) == b"".join(bursts)
    times = [at for at, _ in seen]
    assert times == sorted(times)
    assert all(at > 0 for at in times)


def test_another_baud_rate_hears_nothing() -> None:
    mistaken = port(Fixed((100, b"abc")), 5, baud=4800)
    assert list(mistaken.send(b"?", 0)) == []
    assert (mistaken.exchanges, mistaken.unheard) == (1, 1)


def test_a_store_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "store.nvs"
    store = NvsFile(path, {"a/key": b"\x01\x02", "a/number": -7})
    assert store.read("a/key") == b"b\x01\x02"
    assert store.read("a/number") == b"i" + struct.pack("<i", -7)
    assert store.read("a/none") == b""
    store.write("a/key", b"")
    store.write("a/new", encode_value(5))
    assert store.read("a/new") == b""
    store.commit()
    store.write("a/lost", encode_value(1))
    store.discard()
    store.commit()
    again = NvsFile(path, {"a/key": b"ignored"})
    assert again.read("a/key") == b""
    assert again.read("a/new") == encode_value(5)
    assert again.read("a/lost") == b""


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store.nvs"
    path.write_text("{]")
    with pytest.raises(BoardError, match=r"store\.nvs: not a board's store"):
        NvsFile(path, {})


def test_the_clock_file_holds_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    clock = ClockFile(path, 1_700_000_000_123)
    assert path.read_bytes() == (1_700_000_000_123).to_bytes(8, "little")
    clock.write(1_700_000_000_999)
    assert path.read_bytes() == (1_700_000_000_999).to_bytes(8, "little")
    clock.close()


def test_a_station_joins_only_outside_outages() -> None:
    wifi = Wifi([(1000, 2000)], Random(1))
    assert wifi.join(1000)[1] == NO_AP_FOUND
    assert not wifi.connected
    at_ms, status = wifi.join(2000)
    assert (status, wifi.connected) == (GOT_IP, True)
    assert at_ms > 2000
    wifi.leave()
    assert not wifi.wanted


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nuan" / "board"


def sources(tmp_path: Path, text: str) -> BoardSources:
    board, package = tmp_path / "board", tmp_path / "some_package"
    for folder in (board, package / "inner"):
        folder.mkdir(parents=True, exist_ok=True)
    (board / "main.py").write_text("import some_package.inner.part\n")
    (board / "typing.py").write_text("TYPE_CHECKING = False\n")
    (package / "__init__.py").write_text("")
    (package / "inner" / "__init__.py").write_text("")
    (package / "inner" / "part.py").write_text(text)
    return BoardSources(board, (package,))


def test_a_stage_is_made_once_for_its_content(tmp_path: Path, cache: Path) -> None:
    stage = stage_board(sources(tmp_path, "x = 1\n"))
    assert stage.parent == cache
    assert (stage / "lib" / "some_package" / "inner" / "part.mpy").exists()
    assert (stage / "board" / "main.py").exists()
    assert (stage / "lib" / "typing.mpy").exists()
    made_ns = (stage / "board" / "main.py").stat().st_mtime_ns
    assert stage_board(sources(tmp_path, "x = 1\n")) == stage
    assert (stage / "board" / "main.py").stat().st_mtime_ns == made_ns
    other = stage_board(sources(tmp_path, "x = 2\n"))
    assert other != stage
    long_ago = time.time() - board_tree.STAGE_SECONDS_MAX - 10
    os.utime(stage, (long_ago, long_ago))
    stage_board(sources(tmp_path, "x = 3\n"))
    assert not stage.exists()
    assert other.exists()


def test_a_source_the_board_cannot_compile_is_named(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(BoardError, match=r"part\.py: doesn't compile for the board"):
        stage_board(sources(tmp_path, "match 1:\n    case 1: pass\n"))
    assert list(cache.iterdir()) == []


def test_the_checkout_holds_a_firmware() -> None:
    assert checkout_sources().board.name == "board"


def test_a_rom_image_is_the_same_for_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_bytes(b"12")
    (tmp_path / "a").write_bytes(bytes(200))
    image = romfs.image(tmp_path)
    # 5 is a file, 4 a folder; 200 bytes need a length of two digits.
    file_a = b"\x05" + b"\x81\x4d" + b"\x01a" + b"\x02\x81\x48" + bytes(200)
    folder_b = b"\x04\x0a\x01b" + b"\x05\x06\x01x" + b"\x02\x0212"
    size = len(file_a) + len(folder_b)
    assert image == romfs.MAGIC + bytes([0x80 | size >> 7, size & 127]) + file_a + folder_b


def test_a_flash_image_keeps_files_and_folders(tmp_path: Path, vm: Path, cache: Path) -> None:
    stage = stage_board(sources(tmp_path, "x = 1\n"))
    image = tmp_path / "flash.img"
    flash.make_image(vm, stage, image, {"/config.json": b"{}"})
    assert image.stat().st_size == 960 * 1024
    first = image.read_bytes()
    more = {"/journal/0001": bytes(range(256)) * 50, "/journal/empty": b""}
    flash.write_files(vm, stage, image, more)
    assert flash.read_files(vm, stage, image) == {"/config.json": b"{}", **more}
    flash.make_image(vm, stage, image, {"/config.json": b"{}"})
    assert image.read_bytes() == first


def test_an_image_that_is_none_is_named(tmp_path: Path, vm: Path, cache: Path) -> None:
    stage = stage_board(sources(tmp_path, "x = 1\n"))
    image = tmp_path / "flash.img"
    image.write_bytes(bytes(960 * 1024))
    with pytest.raises(BoardError, match=r"flash\.img: can't read the flash"):
        flash.read_files(vm, stage, image)


def test_the_vm_is_the_one_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUAN_VM", "/some/micropython")
    assert find_vm() == Path("/some/micropython")
    monkeypatch.delenv("NUAN_VM")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(BoardError, match="NUAN_VM"):
        find_vm()
    for name in ("1.25.0-amd64", "1.25.0-i386"):
        folder = tmp_path / "nuan" / "vm" / name
        folder.mkdir(parents=True)
        (folder / "micropython").touch()
    assert find_vm().parent.name == "1.25.0-i386"


def test_record_types_are_the_same_on_both_ends() -> None:
    text = (board_tree.SHIMS / "lockstep_client.py").read_text()
    for name in ("KIND_IDLE", "KIND_CALL", "KIND_HEAP", "FLAG_HEAP"):
        assert f"{name} = const({getattr(lockstep, name)})" in text
    assert f"FLAG_CUT = const({lockstep.FLAG_POWER_CUT})" in text
    assert f"_IN_BYTES = const({lockstep.PAYLOAD_BYTES_MAX})" in text


def test_of_a_library_only_what_is_imported_is_staged(tmp_path: Path, cache: Path) -> None:
    text = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from library.types import Word\n"
        "def work():\n    from library.far import away\n    return away\n"
    )
    given = sources(tmp_path, text)
    library = tmp_path / "library"
    library.mkdir()
    (library / "far.py").write_text("import library.farther\naway = 1\n")
    for name in ("__init__", "farther", "types", "unused"):
        (library / f"{name}.py").write_text("")
    stage = stage_board(given._replace(libraries=(library,)))
    staged = sorted(path.name for path in (stage / "lib" / "library").iterdir())
    assert staged == ["__init__.mpy", "far.mpy", "farther.mpy"]
    part = (stage / "lib" / "some_package" / "inner" / "part.mpy").read_bytes()
    assert b"TYPE_CHECKING" not in part
    assert b"Word" not in part
