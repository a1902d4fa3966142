"""Whether a batch joins what is committed: every chain value and every digest must agree."""

from dataclasses import dataclass

from nuan_gateway.ingest.progress import AHEAD_RUNS_MAX, Claim, Progress
from nuan_gateway.store.journals import Run
from nuan_protocols.errors import ProtocolError
from nuan_protocols.uplink.batch_reader import Batch, BatchEntry
from nuan_protocols.uplink.body import TOMBSTONE_RESERVED
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_TOMBSTONE
from nuan_protocols.uplink.entry_reader import Tombstone, parse_tombstone


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a batch isn't taken, and its entries that contradict what is committed."""

    reason: str
    entries: tuple[BatchEntry, ...] = ()

    def __str__(self) -> str:
        return self.reason


def tombstones_of(entry: BatchEntry) -> list[Tombstone]:
    """The entry's tombstone; nothing for a body that can't be read (the entry is kept all the
    same) or that names numbers not before its own."""
    try:
        found = parse_tombstone(entry.canonical[HEAD_BYTES:])
    except ProtocolError:
        return []
    return [found] if found.last < entry.seq else []


def claims_of(batch: Batch) -> list[Claim]:
    """What the batch and the tombstones in it say about numbers and chain values."""
    taken = batch.entries
    run = Run(taken[0].seq, taken[-1].seq, batch.chain_before, taken[-1].chain)
    claims = [Claim(run, [entry.chain for entry in taken])]
    for entry in taken:
        if entry.kind == KIND_TOMBSTONE:
            claims += [_claim(found) for found in tombstones_of(entry)]
    return claims


def fit(
    progress: Progress, claims: list[Claim], batch: Batch, committed: dict[int, bytes]
) -> Progress | Refusal:
    """The progress after the batch; `committed` are the digests it may repeat, by number."""
    differing = tuple(
        entry
        for entry in batch.entries
        if committed and committed.get(entry.seq, entry.digest) != entry.digest
    )
    if differing:
        return Refusal(f"entry {differing[0].seq} differs from the committed one", differing)
    after = progress.copy()
    for claim in claims:
        # Taking a claim in hides chain values inside the run that grows, so both are asked.
        for known in (progress, after):
            at = known.contradiction(claim)
            if at is not None:
                reason = f"the chain value after {at} is not the known one"
                return Refusal(reason, (batch.entries[0],))
        after.add(claim.run)
    if len(after.ahead) > max(AHEAD_RUNS_MAX, len(progress.ahead)):
        return Refusal(f"more than {AHEAD_RUNS_MAX} runs ahead of gaps; send the gaps first")
    return after


def _claim(found: Tombstone) -> Claim:
    reserved = found.reason == TOMBSTONE_RESERVED
    return Claim(Run(found.first, found.last, found.chain if reserved else None, found.chain))
