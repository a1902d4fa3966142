"""What was replaced, as the node's console was told on the spot."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS_BEFORE = ("old_serial", "old_register", "new_serial", "new_register", "seals", "who", "note")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "meter_exchange",
        sa.Column("entry_id", _KEY, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.Integer(), nullable=False),
        *[sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS_BEFORE],
        sa.Column("read_seq", sa.BigInteger()),
        sa.Column("read_of", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_meter_exchange"),
    )
    op.create_index("ix_meter_exchange_node_slot", "meter_exchange", ["node", "slot"])
