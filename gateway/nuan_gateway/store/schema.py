"""The gateway's tables, the same on SQLite and PostgreSQL.

Node and epoch are 16 lower-case hex digits. `time` is the node's UTC seconds (where `clock` is 0,
seconds since its boot; a reading that is `dated` has UTC seconds all the same); every other instant
is UTC milliseconds of the gateway's clock.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows itself only when the key's type is INTEGER, which is 64 bits wide there.
Key = BigInteger().with_variant(Integer, "sqlite")

# Evidence: what nodes sent, byte for byte.

entry = Table(
    "entry",
    metadata,
    Column("id", Key, primary_key=True),
    Column("node", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("clock", Integer, nullable=False),
    Column("slot", Integer),
    Column("raw", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("node", "epoch", "seq"),
    Index(None, "received_at"),
)

journal = Table(
    "journal",
    metadata,
    Column("node", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("cumulative", BigInteger, nullable=False),
    Column("highest", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

# The journals the gateway itself writes, of the lines it polls: the epoch drawn for each node.
own_journal = Table(
    "own_journal",
    metadata,
    Column("node", Text, primary_key=True),
    Column("epoch", Text, nullable=False),
)

# Numbers accounted for beyond a gap, with the chain values at both ends, kept until the gap fills.
# Null: nobody has told the chain value before entries that were dropped.
ahead_run = Table(
    "ahead_run",
    metadata,
    Column("node", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("chain_before", LargeBinary),
    Column("chain", LargeBinary, nullable=False),
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("node", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("reason", Integer, nullable=False),
    Column("entry_id", Key, ForeignKey("entry.id"), primary_key=True),
)

conflict = Table(
    "conflict",
    metadata,
    Column("id", Key, primary_key=True),
    Column("node", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("node", "epoch", "seq", "digest"),
)

root = Table(
    "root",
    metadata,
    Column("day", Text, primary_key=True),
    Column("leaf_count", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("statement", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# Master data, filled from the site file.

meter = Table(
    "meter",
    metadata,
    Column("serial", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("bus", Text, nullable=False),
    Column("address", Text, nullable=False),
)

# Which meter answered in a node's slot under a configuration version: never changed once used.
slot_meter = Table(
    "slot_meter",
    metadata,
    Column("node", Text, primary_key=True),
    Column("config_version", Integer, primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("meter", Text, nullable=False),
    Column("model", Text, nullable=False),
)

unit = Table(
    "unit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("area_m2", Text, nullable=False),
    Column("name", Text, nullable=False),
)

point = Table(
    "point",
    metadata,
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("unit", Text, ForeignKey("unit.id")),
)

# UTC seconds, half-open; valid_to is null while the meter serves the point.
point_meter = Table(
    "point_meter",
    metadata,
    Column("point", Text, ForeignKey("point.id"), primary_key=True),
    Column("meter", Text, nullable=False),
    Column("valid_from", BigInteger, primary_key=True),
    Column("valid_to", BigInteger),
)

# Meaning, which can always be made again from entry.raw.

FIRST_OF_ENTRY = text("idx = 0")

# value * 10**exponent in `unit`, exact; a null value has its reason in `status`.
reading = Table(
    "reading",
    metadata,
    # An entry's row id. No foreign key: the writer inserts both in one transaction, nobody deletes.
    Column("entry_id", Key, nullable=False),
    Column("idx", Integer, nullable=False),
    Column("point", Text),
    Column("meter", Text),
    Column("quantity", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("value", BigInteger),
    Column("exponent", Integer, nullable=False),
    Column("storage", Integer, nullable=False),
    Column("tariff", Integer, nullable=False),
    Column("subunit", Integer, nullable=False),
    Column("function", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("text", Text),
    Column("time", BigInteger, nullable=False),
    Column("clock", Integer, nullable=False),
    Column("decoder", Integer, nullable=False),
    # The rule by which a reading with clock 0 got its time afterwards; null: none has.
    Column("dated", Text),
    PrimaryKeyConstraint("entry_id", "idx"),
    # All readings of an entry share point and time: one index row for each entry finds them, at a
    # ninth of the cost of one for each reading.
    Index(
        None,
        "point",
        "time",
        sqlite_where=FIRST_OF_ENTRY,
        postgresql_where=FIRST_OF_ENTRY,
    ),
    sqlite_with_rowid=False,
)

# Whether a meter has proved that its profile's dialect is the one it speaks, why, and what the
# judgement rests on so far (JSON). A meter that gets another model must prove itself anew.
dialect_state = Table(
    "dialect_state",
    metadata,
    Column("meter", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("memory", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

# Nodes: what each last said of itself, and what it is told to do.

# The last HELLO of each node; epoch and nonce are its session's.
node_state = Table(
    "node_state",
    metadata,
    Column("node", Text, primary_key=True),
    Column("epoch", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("firmware", Text, nullable=False),
    Column("config_version", Integer, nullable=False),
    Column("oldest", BigInteger, nullable=False),
    Column("newest", BigInteger, nullable=False),
    Column("hello_at", BigInteger, nullable=False),
)

# `code` and `payload` as docs/wire.md has them; a transfer's payload is that of its begin, its
# bytes are in node_file under the SHA-256 `file`, and the node has `done_bytes` of them.
# `version`: of the configuration that is transferred.
node_command = Table(
    "node_command",
    metadata,
    Column("id", Key, primary_key=True),
    Column("node", Text, nullable=False),
    Column("code", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("file", Text),
    Column("version", Integer),
    Column("state", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("done_bytes", BigInteger, nullable=False, server_default="0"),
    Column("result", Text, nullable=False, server_default=""),
    Index(None, "state", "node"),
)

node_file = Table(
    "node_file",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# A meter or a node was replaced, as somebody on the spot has typed it at the node's console: texts
# as they were given. Slot 0 is the node itself. `read_seq` is the journal number of the telegram
# that the node read then, of the old or the new meter (`read_of`).
meter_exchange = Table(
    "meter_exchange",
    metadata,
    # No foreign key, as for readings: the writer inserts both in one transaction, nobody deletes.
    Column("entry_id", Key, primary_key=True),
    Column("node", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("clock", Integer, nullable=False),
    Column("old_serial", Text, nullable=False),
    Column("old_register", Text, nullable=False),
    Column("new_serial", Text, nullable=False),
    Column("new_register", Text, nullable=False),
    Column("seals", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("read_seq", BigInteger),
    Column("read_of", Text, nullable=False),
    Index(None, "node", "slot"),
)

# When a node booted whose entries first..last count from that boot (UTC seconds, with bounds), by
# which rule, and the event that says so. Rule "open": the time isn't known yet.
dating = Table(
    "dating",
    metadata,
    Column("node", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("boot_s", BigInteger),
    Column("earliest_s", BigInteger),
    Column("latest_s", BigInteger),
    Column("event_seq", BigInteger),
    Column("made_at", BigInteger, nullable=False),
)

# Results and what has to leave the house.

# Tariffs that bills were made with, by the digest that the bills name; never changed.
tariff = Table(
    "tariff",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("document", Text, nullable=False),
)

bill = Table(
    "bill",
    metadata,
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("season", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("id", "version"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Key, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Index(None, "delivered_at", "next_at"),
)
