"""The flash image of a board: littlefs in a file of 960 KB, made and read by the VM itself."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nuan_emulator.errors import BoardError

# The vfs partition of a 4 MB ESP32 with two firmware slots.
BLOCKS = 240
BLOCK_BYTES = 4096
_SECONDS_MAX = 60


def make_image(vm: Path, stage: Path, image: Path, files: Mapping[str, bytes]) -> None:
    """Create a formatted image that holds `files` ("/config.json": bytes)."""
    scratch = image.with_suffix(".new")
    scratch.write_bytes(b"\xff" * (BLOCKS * BLOCK_BYTES))
    _run_tool(vm, stage, scratch, "format", files)
    scratch.replace(image)


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
