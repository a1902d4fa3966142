"""What has been taken of each node's journal, and the run of numbers that came ahead of gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from nuan_gateway.store.dialect import upsert
from nuan_gateway.store.schema import ahead_run, journal, own_journal


@dataclass(frozen=True, slots=True)
class Run:
    """Numbers first..last are accounted for; chain values before (where known) and after."""

    first: int
    last: int
    before: bytes | None
    after: bytes


@dataclass(frozen=True, slots=True)
class StoredJournal:
    """Every number up to `cumulative` is accounted for, with `chain` the value there."""

    cumulative: int
    chain: bytes
    ahead: tuple[Run, ...]


def load(connection: Connection, node: str, epoch: str) -> StoredJournal | None:
    """A journal's state; None for one never seen."""
    query = select(journal.c.cumulative, journal.c.chain).where(
        journal.c.node == node, journal.c.epoch == epoch
    )
    found = connection.execute(query).first()
    if found is None:
        return None
    runs = connection.execute(
        select(ahead_run.c.first, ahead_run.c.last, ahead_run.c.chain_before, ahead_run.c.chain)
        .where(ahead_run.c.node == node, ahead_run.c.epoch == epoch)
        .order_by(ahead_run.c.first)
    )
    return StoredJournal(found.cumulative, found.chain, tuple(Run(*row) for row in runs))


def seen(connection: Connection, node: str, epoch: str) -> tuple[int, int] | None:
    """(every number up to this is accounted for, when it was last heard of in UTC ms)."""
    query = select(journal.c.cumulative, journal.c.seen_at).where(
        journal.c.node == node, journal.c.epoch == epoch
    )
    found = connection.execute(query).first()
    return (found.cumulative, found.seen_at) if found else None


def save(connection: Connection, node: str, epoch: str, state: StoredJournal, now_ms: int) -> None:
    """Keep a journal's state; only one writer may do this."""
    row = {
        "node": node,
        "epoch": epoch,
        "cumulative": state.cumulative,
        "highest": state.ahead[-1].last if state.ahead else state.cumulative,
        "chain": state.chain,
        "seen_at": now_ms,
    }
    upsert(connection, journal, [row])


def save_ahead(connection: Connection, node: str, epoch: str, ahead: Sequence[Run]) -> None:
    """Replace the runs that came ahead of gaps."""
    connection.execute(
        delete(ahead_run).where(ahead_run.c.node == node, ahead_run.c.epoch == epoch)
    )
    if ahead:
        rows = [
            {
                "node": node,
                "epoch": epoch,
                "first": run.first,
                "last": run.last,
                "chain_before": run.before,
                "chain": run.after,
            }
            for run in ahead
        ]
        connection.execute(insert(ahead_run), rows)


def own_epoch(connection: Connection, node: str) -> str | None:
    """The epoch of the journal that the gateway keeps for this node itself; None before one."""
    query = select(own_journal.c.epoch).where(own_journal.c.node == node)
    return connection.scalar(query)


def begin_own(connection: Connection, node: str, epoch: str) -> None:
    """Begin the journal that the gateway keeps for this node itself."""
    connection.execute(insert(own_journal), [{"node": node, "epoch": epoch}])
