"""Boards whose firmware is a few lines, bundles of them, and what such a board does with one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from nuan_emulator import flash
from nuan_emulator.board_tree import checkout_sources, stage_board
from nuan_emulator.firmware_image import Label, Sign, app_bundle, unsigned
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_protocols.sealed import key_name

START_MS = 1_793_462_400_000
NODE_ID = "6e75616e00000001"
PIECE_BYTES = 512

# Takes the file /new when it is there, and says what it is; healthy or not as HEALTHY says.
PROGRAM = """
import os, time
from nuan_firmware import trial
from nuan_firmware.hal import chip

class Journal:
    def event(self, code, text):
        print("event", code, text)
    def flush(self):
        pass

def transfer(journal):
    from hashlib import sha256
    from nuan_firmware import update
    with open("/new", "rb") as file:
        data = file.read()
    receiver = (update.Image if data[5] == 2 else update.Bundle)(journal)
    try:
        at = receiver.begin(len(data), sha256(data).digest())
        print("begins at", at)
        while at < len(data):
            at = receiver.data(at, memoryview(data)[at : at + 512])
        receiver.end()
    except ValueError as problem:
        print("refused:", problem)
        return
    os.rename("/new", "/taken")
    chip.reset()

def main():
    print("runs NAME")
    journal = Journal()
    trial.tell(journal)
    if HEALTHY:
        trial.confirm(journal)
        try:
            os.stat("/new")
        except OSError:
            pass
        else:
            transfer(journal)
    print("rests")
    while True:
        time.sleep(3600)
"""


class UpdateKey:
    """An RSA key that signs bundles."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 3072)
        self.modulus = self._key.public_key().public_numbers().n.to_bytes(384, "big")
        self.name = key_name(self.modulus)

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def program(name: str, healthy: bool = True) -> str:
    return PROGRAM.replace("NAME", name).replace("HEALTHY", str(healthy))


def bundle_of(
    folder: Path, text: str, version: str, build: int, key: UpdateKey | None = None
) -> bytes:
    """Our libraries with this text as what starts."""
    stage = stage_board(checkout_sources())
    place = folder / f"rom-{version}-{build}"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(stage / "lib", place)
    (place / "nuan_firmware" / "start.mpy").unlink()
    (place / "nuan_firmware" / "start.py").write_text(text)
    sign: Sign = key.sign if key else unsigned
    return app_bundle(place, Label(version, build, key.name if key else bytes(8)), sign)


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


@contextmanager
def board(
    folder: Path, vm: Path, firmware: bytes, nvs: dict[str, int | bytes] | None = None
) -> Iterator[Board]:
    made = Board(folder, vm, firmware, nvs or {})
    try:
        yield made
    finally:
        made.world.close()
