"""The flash of a board: littlefs in a file of 960 KB, made and read by the VM itself.

Beside it stand the other partitions: .romfs for the application, .ota_0 and .ota_1 for VM images.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nuan_emulator import firmware_image
from nuan_emulator.errors import BoardError

# The vfs partition of a 4 MB ESP32 with two firmware slots.
BLOCKS = 240
BLOCK_BYTES = 4096
# The ROM partition of a 4 MB board: two slots.
ROM_BYTES = 0x80000
SLOT_BYTES = ROM_BYTES // 2
_SECONDS_MAX = 60


def make_image(vm: Path, stage: Path, image: Path, files: Mapping[str, bytes]) -> None:
    """Create a formatted image that holds `files` ("/config.json": bytes)."""
    scratch = image.with_suffix(".new")
    scratch.write_bytes(b"\xff" * (BLOCKS * BLOCK_BYTES))
    _run_tool(vm, stage, scratch, "format", files)
    scratch.replace(image)


def board_files(stage: Path) -> dict[str, bytes]:
    """What lies on the root of a new board's file system, by its path there."""
    board = stage / "board"
    return {
        f"/{path.relative_to(board).as_posix()}": path.read_bytes()
        for path in sorted(board.rglob("*"))
        if path.is_file()
    }


def make_partitions(image: Path, stage: Path, firmware: bytes | None = None) -> None:
    """Fill the partitions beside an image; slot 0 gets the firmware, by default what is staged."""
    if firmware is None:
        firmware = firmware_image.app_bundle(stage / "lib", firmware_image.Label("staged", 0))
    if len(firmware) > SLOT_BYTES:
        raise BoardError(f"{image}: a firmware of {len(firmware)} bytes needs a larger slot")
    rom = firmware + b"\xff" * (ROM_BYTES - len(firmware))
    image.with_suffix(".romfs").write_bytes(rom)
    image.with_suffix(".ota_0").write_bytes(firmware_image.vm_image(b"MicroPython"))


def write_files(vm: Path, stage: Path, image: Path, files: Mapping[str, bytes]) -> None:
    """Write files into an image no VM is using."""
    _run_tool(vm, stage, image, "write", files)


def read_files(vm: Path, stage: Path, image: Path) -> dict[str, bytes]:
    """Every file of an image no VM is using, by its path on the board."""
    return _run_tool(vm, stage, image, "read", {})


def _run_tool(
    vm: Path, stage: Path, image: Path, task: str, files: Mapping[str, bytes]
) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="nuan-flash-") as name:
        folder = Path(name)
        for path, data in files.items():
            place = folder / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        command = [str(vm), "-m", "flash_tool", str(image), task, name]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS_MAX,
            env={"MICROPYPATH": f"{stage}/shims:.frozen"},
        )
        if done.returncode or "Traceback" in done.stderr:
            raise BoardError(f"{image}: can't {task} the flash: {done.stdout}{done.stderr}")
        return {
            f"/{path.relative_to(folder)}": path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
