"""Reading BATCH (its layout: batch.py): the gateway's side, fast, whole messages only."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import entry as entries
from nuan_protocols.uplink.batch import BATCH_HEAD_BYTES, CHAIN_AT, COUNT_AT, PART_BYTES_MIN
from nuan_protocols.uplink.fields import uint
from nuan_protocols.uplink.keys import MAC_BYTES
from nuan_protocols.uplink.message import HEAD_BYTES, TYPE_BATCH, open_message

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.uplink.keys import NodeKeys

    class BatchEntry(NamedTuple):
        """One entry: its canonical bytes, digest, and the chain value after it."""

        seq: int
        kind: int
        time: int
        clock: int
        canonical: bytes
        digest: bytes
        chain: bytes

    class Batch(NamedTuple):
        """An authentic batch."""

        node: bytes
        epoch: bytes
        nonce: bytes
        chain_before: bytes
        entries: list[BatchEntry]

else:
    from collections import namedtuple

    BatchEntry = namedtuple(
        "BatchEntry", ("seq", "kind", "time", "clock", "canonical", "digest", "chain")
    )
    Batch = namedtuple("Batch", ("node", "epoch", "nonce", "chain_before", "entries"))


def parse_batch(message: bytes, keys: "NodeKeys") -> Batch:
    """Check the MAC and rebuild every entry with its digest and chain value.

    Bodies are not judged: an authentic entry is kept even if its body can't be read (body.py).
    """
    head = open_message(message, TYPE_BATCH, keys.up)
    node_epoch = head.node + head.epoch
    seq = uint(message, HEAD_BYTES, 4)
    count = uint(message, COUNT_AT, 2)
    chain = chain_before = bytes(message[CHAIN_AT:BATCH_HEAD_BYTES])
    end = len(message) - MAC_BYTES
    entries.check_seq(seq, HEAD_BYTES)
    if count == 0:
        raise UplinkError("a batch has at least one entry", COUNT_AT)
    if seq + count - 1 > entries.SEQ_MAX:
        raise UplinkError("the entries' numbers pass 2**32-1", COUNT_AT)
    rebuilt: list[BatchEntry] = []
    at = BATCH_HEAD_BYTES
    for _ in range(count):
        behind = _part_end(message, at, end)
        canonical = b"".join(
            (
                b"\x01",
                message[at + 2 : at + 3],
                node_epoch,
                seq.to_bytes(4, "big"),
                message[at + 3 : behind],
            )
        )
        digest = entries.digest(keys.salt(head.epoch, seq), canonical)
        chain = entries.chain(chain, digest)
        time = int.from_bytes(message[at + 3 : at + 7], "big")
        clock = message[at + 7]
        rebuilt.append(BatchEntry(seq, canonical[1], time, clock, canonical, digest, chain))
        at = behind
        seq += 1
    if at != end:
        raise UplinkError(f"{count} entries end at {at}, the message at {end}", at)
    return Batch(head.node, head.epoch, head.nonce, chain_before, rebuilt)


def _part_end(message: bytes, at: int, end: int) -> int:
    length = uint(message, at, 2)
    behind = at + 2 + length
    if not PART_BYTES_MIN <= length <= PART_BYTES_MIN + entries.BODY_BYTES_MAX or behind > end:
        raise UplinkError(f"an entry of {length} bytes cannot be here", at)
    entries.check_clock(message[at + 7], at + 7)
    return behind
