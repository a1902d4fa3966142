"""A pulled journal, read from its description in docs/console.md and proved with the node's key."""

from binascii import crc32

from nuan_protocols.uplink.batch_reader import BatchEntry, parse_batch
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_TOMBSTONE, genesis
from nuan_protocols.uplink.entry_reader import parse_tombstone
from nuan_protocols.uplink.hello import parse_hello
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import TYPE_HELLO, parse_head

FILE_HEAD_BYTES = 21
RECORD_HEAD_BYTES = 4
CRC_BYTES = 4


def messages(data: bytes) -> list[bytes]:
    """The messages of a file of `nuan pull`, each with its CRC right."""
    assert data[:9] == b"NUANPULL\x01"
    assert crc32(data[:17]) == int.from_bytes(data[17:FILE_HEAD_BYTES], "big")
    found: list[bytes] = []
    at = FILE_HEAD_BYTES
    while at < len(data):
        assert data[at : at + 2] == b"NM"
        end = at + RECORD_HEAD_BYTES + int.from_bytes(data[at + 2 : at + 4], "big")
        assert crc32(data[at:end]) == int.from_bytes(data[end : end + CRC_BYTES], "big")
        found.append(data[at + RECORD_HEAD_BYTES : end])
        at = end + CRC_BYTES
    return found


def read_pulled(data: bytes, key: bytes) -> list[BatchEntry]:
    """Every entry in order of its number; asserts all MACs, and the chain through all batches."""
    keys = NodeKeys(key)
    entries: dict[int, BatchEntry] = {}
    chain = b""
    named: set[bytes] = set()
    epochs: set[bytes] = set()
    for message in messages(data):
        if parse_head(message).type == TYPE_HELLO:
            epochs.add(parse_hello(message, keys).epoch)
            continue
        batch = parse_batch(message, keys)
        epochs.add(batch.epoch)
        if batch.entries[0].seq == 1:
            assert batch.chain_before == genesis(batch.node, batch.epoch)
        elif chain:
            # Behind numbers that the flash has dropped it goes on where their tombstone says.
            assert batch.chain_before == chain or batch.chain_before in named
        for entry in batch.entries:
            assert entries.setdefault(entry.seq, entry) == entry, "a number was used twice"
            if entry.kind == KIND_TOMBSTONE:
                named.add(parse_tombstone(entry.canonical[HEAD_BYTES:]).chain)
        chain = batch.entries[-1].chain
    assert len(epochs) == 1, "a node begins a new journal only on a new flash"
    return [entries[seq] for seq in sorted(entries)]
