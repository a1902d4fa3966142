"""Bundles that differ from what a board runs, signed for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from board_worlds import Board, opened

from nuan_emulator.board_tree import checkout_sources, stage_board
from nuan_emulator.firmware_image import Label, Sign, app_bundle
from nuan_tools.firmware.keys import SigningKey

VERSION = "hil"


def signer_of(board: Board) -> SigningKey:
    """The key that signs for this board; skips on a bench without it."""
    if board.signer is None:
        pytest.skip("no private update key for this board: --update-key FILE")
    return board.signer


def firmware(board: Board) -> dict[str, Any]:
    """What `update` says, but for the request's number."""
    said = opened(board).request("update", tries=3)
    return {name: said[name] for name in said if name != "id"}


def other_bundle(folder: Path, board: Board, build: int, sign: Sign | None = None) -> bytes:
    """This checkout's application with one file more, so that it differs from what runs."""
    signer = signer_of(board)
    lib = folder / "rom"
    if not lib.exists():
        shutil.copytree(stage_board(checkout_sources()) / "lib", lib)
        (lib / "hil.txt").write_text("one file more\n")
    return app_bundle(lib, Label(VERSION, build, signer.name), sign or signer.sign)


def bring_update(board: Board, folder: Path) -> None:
    """Have it take another build, the next one; it is tried from the next start on."""
    bundle = other_bundle(folder, board, int(firmware(board)["build"]) + 1)
    opened(board).transfer("update", bundle, kind="bundle")
    # Nobody's power is to fail before what it told is on flash.
    board.console.request("pull")
