"""Whole chains that end with their test."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chain_world import Chain, MakeChain  # needs the folder on the path

# The VM's compiler takes `const` out of the board's files; on the PC it gives back what it gets.
_vm = sys.modules.setdefault("micropython", ModuleType("micropython"))
_vm.__dict__["const"] = lambda value: value


@pytest.fixture
def make_chain(vm: Path, tmp_path: Path, seed: int) -> Iterator[MakeChain]:
    """make_chain(site=..., mosquitto=...): a running chain in a folder of its own."""
    chains: list[Chain] = []

    def make(**parts: object) -> Chain:
        folder = tmp_path / f"chain{len(chains)}"
        folder.mkdir()
        print(f"seed {parts.get('seed', seed)}, folder {folder}")
        chain = Chain(folder, vm, int(str(parts.pop("seed", seed))), **parts)  # type: ignore[arg-type]
        chains.append(chain)
        return chain

    yield make
    for chain in chains:
        chain.close()
