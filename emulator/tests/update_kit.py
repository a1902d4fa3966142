"""Boards whose firmware is a few lines, bundles of them, and what such a board does with one."""

import json
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from nuan_emulator import flash
from nuan_emulator.board_tree import checkout_sources, stage_board
from nuan_emulator.firmware_image import Label, app_bundle, unsigned
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_protocols.sealed import key_name

START_MS = 1_793_462_400_000
NODE_ID = "6e75616e00000001"
PIECE_BYTES = 512

# Takes the files /new* one by one, and says what it is; healthy or not as HEALTHY says.
PROGRAM = """
import os, time
from nuan_firmware import trial
from nuan_firmware.hal import chip

class Journal:
    def event(self, code, text):
        print("event", code, text)
    def flush(self):
        pass

def receiver_of(data, journal):
    from nuan_firmware import update, update_key
    if data[:4] == b"nuK1":
        return update_key.Change(journal)
    return (update.Image if data[5] == 2 else update.Bundle)(journal)

def transfer(name, journal):
    from hashlib import sha256
    with open(name, "rb") as file:
        data = file.read()
    receiver = receiver_of(data, journal)
    try:
        at = receiver.begin(len(data), sha256(data).digest())
        if at:
            print("goes on at", at)
        while at < len(data):
            at = receiver.data(at, memoryview(data)[at : at + 512])
        receiver.end()
    except ValueError as problem:
        print(name + " refused:", problem)
        os.remove(name)
        return
    os.rename(name, "/taken")
    chip.reset()

def main():
    print("runs NAME")
    journal = Journal()
    trial.tell(journal)
    EXTRA
    if HEALTHY:
        trial.confirm(journal)
        for name in sorted(os.listdir("/")):
            if name[:3] == "new":
                transfer("/" + name, journal)
    print("rests")
    while True:
        time.sleep(3600)
"""
# What such a program needs of the firmware.
PARTS = (
    "__init__", "trial", "update", "update_check", "update_key", "on_demand", "panic", "chip",
    "flash",
)  # fmt: skip


class UpdateKey:
    """An RSA key that signs bundles."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 3072)
        self.modulus = self._key.public_key().public_numbers().n.to_bytes(384, "big")
        self.name = key_name(self.modulus)

    def label(self, label: Label) -> Label:
        return label._replace(key=self.name)

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def program(name: str, *, healthy: bool = True, extra: str = "pass") -> str:
    """The text of a start.py; `extra` is done before it is healthy."""
    text = PROGRAM.replace("NAME", name).replace("HEALTHY", str(healthy))
    return text.replace("EXTRA", extra)


def bundle_of(
    folder: Path, text: str, label: Label, key: UpdateKey | None = None, *, padding_bytes: int = 0
) -> bytes:
    """A part of our libraries, with this text as what starts."""
    sources = checkout_sources()
    package = folder / f"src-{label.version}-{label.build}" / sources.packages[0].name
    place = folder / f"rom-{label.version}-{label.build}"
    shutil.rmtree(package.parent, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)
    for path in sources.packages[0].rglob("*.py"):
        if path.stem in PARTS:
            target = package / path.relative_to(sources.packages[0])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    (package / "start.py").write_text(text)
    shutil.copytree(stage_board(sources._replace(packages=(package,))) / "lib", place)
    if padding_bytes:
        (place / "padding").write_bytes(Random(label.version).randbytes(padding_bytes))
    return app_bundle(place, key.label(label) if key else label, key.sign if key else unsigned)


class Board:
    """One board with its world; `told` is its console."""

    def __init__(
        self, folder: Path, vm: Path, firmware: bytes, nvs: dict[str, int | bytes]
    ) -> None:
        self._vm = vm
        self.world = World(seed=1, start_ms=START_MS, vm=vm)
        self._spec = NodeSpec(
            node_id=NODE_ID,
            key=bytes(32),
            config={},
            image=folder / "flash.img",
            broker=("127.0.0.1", 9),
            heap_kb=400,
            nvs=nvs,
            firmware=firmware,
        )
        self.node: Node = self.world.add_node(self._spec)

    def live(self, seconds: int) -> None:
        self.world.run_until(self.world.now_ms + 1000 * seconds)

    def told(self) -> list[str]:
        return self.node.console.read_text().splitlines()

    def give(self, files: dict[str, bytes]) -> None:
        """Put files on its file system, with its power off meanwhile."""
        self.node.kill()
        flash.write_files(self._vm, self.node.stage, self._spec.image, files)
        self.node.restart()

    def nvs(self, name: str) -> int | None:
        """A number in its store."""
        found = json.loads(self._spec.image.with_suffix(".nvs").read_text()).get("nuan/" + name)
        return struct.unpack("<i", bytes.fromhex(found)[1:])[0] if found else None

    def rom(self) -> bytes:
        """Its ROM partition."""
        return self._spec.image.with_suffix(".romfs").read_bytes()

    def set_slot(self, slot: int, data: bytes) -> None:
        """Write a slot by cable."""
        rom = bytearray(self.rom())
        at = slot * flash.SLOT_BYTES
        rom[at : at + flash.SLOT_BYTES] = data + b"\xff" * (flash.SLOT_BYTES - len(data))
        self._spec.image.with_suffix(".romfs").write_bytes(rom)


@contextmanager
def board(
    folder: Path, vm: Path, firmware: bytes, nvs: dict[str, int | bytes] | None = None
) -> Iterator[Board]:
    made = Board(folder, vm, firmware, nvs or {})
    try:
        yield made
    finally:
        made.world.close()
