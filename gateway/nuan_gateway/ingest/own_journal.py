"""Journals that the gateway keeps itself, for the lines it polls.

The database is the journal: an entry gets its number, digest and chain value in the transaction
that commits it. So no number is ever used twice, and none is missing, however the process ends.
"""

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection

from nuan_gateway.drafts import Draft
from nuan_gateway.ingest.progress import Progress
from nuan_gateway.store import journals
from nuan_gateway.store.journals import Run
from nuan_protocols.uplink import entry
from nuan_protocols.uplink.batch_reader import BatchEntry
from nuan_protocols.uplink.keys import NodeKeys


def epoch_of(connection: Connection, node: str) -> str:
    """The epoch of the node's journal here, drawn when the journal begins."""
    epoch = journals.own_epoch(connection, node)
    if epoch is None:
        epoch = secrets.token_hex(entry.EPOCH_BYTES)
        journals.begin_own(connection, node, epoch)
    return epoch


def continue_journal(
    progress: Progress, node: str, epoch: str, keys: NodeKeys, drafts: Sequence[Draft]
) -> tuple[Progress, list[BatchEntry]]:
    """The drafts as the next entries of the journal, and the progress after them."""
    node_bytes, epoch_bytes = bytes.fromhex(node), bytes.fromhex(epoch)
    first = progress.cumulative + 1
    chain = progress.chain
    made: list[BatchEntry] = []
    buffer = bytearray(entry.ENTRY_BYTES_MAX)
    for seq, draft in enumerate(drafts, first):
        at = entry.put_head(
            buffer, draft.kind, node_bytes, epoch_bytes, seq, draft.time, draft.clock
        )
        canonical = bytes(buffer[:at]) + draft.body
        digest = entry.digest(keys.salt(epoch_bytes, seq), canonical)
        chain = entry.chain(chain, digest)
        made.append(BatchEntry(seq, draft.kind, draft.time, draft.clock, canonical, digest, chain))
    after = progress.copy()
    after.add(Run(first, first + len(made) - 1, progress.chain, chain))
    return after, made
