"""Makes bundles from the checkout, and from images of MicroPython."""

from __future__ import annotations

import tomllib
from pathlib import Path

from nuan_emulator.board_tree import checkout_sources, joined_modules, stage_board
from nuan_emulator.errors import EmulatorError
from nuan_emulator.firmware_image import Label, app_bundle, image_bundle, unsigned
from nuan_gateway.whole_file import write_whole
from nuan_tools.errors import UserError
from nuan_tools.firmware.keys import SigningKey
from nuan_tools.flashing.vm_image import CHIPS, read_image
from nuan_tools.i18n import tr

BUILD_MAX = 2**31 - 1


def make_app(build: int, key: SigningKey | None, version: str) -> bytes:
    """The application in this checkout as a bundle; by default with the version of pyproject."""
    try:
        sources = checkout_sources()
        label = _label(version or _version(sources.board.parents[1]), build, key)
        stage = stage_board(sources)
        sign = key.sign if key else unsigned
        return app_bundle(stage / "lib", label, sign, joined_modules(stage))
    except (EmulatorError, ValueError) as error:
        raise UserError(str(error)) from error


def make_image(path: Path, build: int, key: SigningKey | None, version: str) -> bytes:
    """An image of MicroPython as a bundle; `version` is MicroPython's."""
    image = read_image(path)
    if not version:
        raise UserError(tr("name MicroPython's version with --version"))
    number = next(number for number, chip in CHIPS.items() if chip == image.chip)
    try:
        label = _label(version, build, key)
        return image_bundle(image.vm, label, key.sign if key else unsigned, chip=number)
    except ValueError as error:
        raise UserError(str(error)) from error


def write_file(path: Path, data: bytes) -> None:
    """Write it whole or not at all. Raises UserError."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error


def _label(version: str, build: int, key: SigningKey | None) -> Label:
    return Label(version, build, key.name) if key else Label(version, build)


def _version(root: Path) -> str:
    return str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])
