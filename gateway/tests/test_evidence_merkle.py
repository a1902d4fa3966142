"""Merkle trees against RFC 6962's definition, written here a second time, and its proofs."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_gateway.evidence.merkle import EMPTY_ROOT, MerkleTree, merkle_root, proof_holds
from nuan_gateway.evidence.roots import NO_PREVIOUS, seal_day, statement_digest

# Certificate Transparency's test tree (RFC 9162's reference code uses the same leaves).
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

leaf_lists = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def root_by_definition(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = root_by_definition(leaves[:split]), root_by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize(("size", "root"), CT_ROOTS.items())
def test_the_published_roots(size: int, root: str) -> None:
    assert merkle_root(CT_LEAVES[:size]).hex() == root


def test_a_tree_without_leaves() -> None:
    assert merkle_root([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()
    with pytest.raises(IndexError):
        MerkleTree([]).proof(0)


@given(leaf_lists)
def test_roots_follow_the_definition(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == root_by_definition(leaves)


@given(leaf_lists)
def test_every_leaf_has_a_proof(leaves: list[bytes]) -> None:
    tree = MerkleTree(leaves)
    for index, leaf in enumerate(leaves):
        assert proof_holds(leaf, index, len(leaves), tree.proof(index), tree.root)


@given(st.integers(1, 64), st.data())
def test_a_proof_holds_for_its_own_place_only(size: int, data: st.DataObject) -> None:
    leaves = [hashlib.sha256(bytes([index])).digest() for index in range(size)]
    tree = MerkleTree(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = tree.proof(index)
    for other in range(-1, size + 2):
        assert proof_holds(leaves[index], other, size, path, tree.root) == (other == index)
        if 0 <= other < size and other != index:
            assert not proof_holds(leaves[other], index, size, path, tree.root)


@given(leaf_lists, st.data())
def test_a_changed_proof_fails(leaves: list[bytes], data: st.DataObject) -> None:
    tree = MerkleTree(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = tree.proof(index)
    longer = [*path, bytes(32)]
    assert not proof_holds(leaves[index], index, len(leaves), longer, tree.root)
    if path:
        step = data.draw(st.integers(0, len(path) - 1))
        bit = data.draw(st.integers(0, 255))
        changed = bytearray(path[step])
        changed[bit // 8] ^= 1 << bit % 8
        broken = [*path[:step], bytes(changed), *path[step + 1 :]]
        assert not proof_holds(leaves[index], index, len(leaves), broken, tree.root)
        assert not proof_holds(leaves[index], index, len(leaves), path[:-1], tree.root)
        short = [*path[:-1], path[-1][:31]]
        assert not proof_holds(leaves[index], index, len(leaves), short, tree.root)


def test_root_statements_chain() -> None:
    first = seal_day("yq-07", "2025-11-01", CT_LEAVES[:3], None)
    second = seal_day("yq-07", "2025-11-02", CT_LEAVES[3:], first.statement)
    assert first.previous == NO_PREVIOUS
    assert second.previous == statement_digest(first.statement)
    assert first.statement == (
        '{"day":"2025-11-01","format":1,"kind":"root","leaf_count":3,"previous":"'
        + "00" * 32
        + f'","root":"{CT_ROOTS[3]}","site":"yq-07"}}'
    )
