"""Entries that count from a boot are dated afterwards: the boots, and a mark on their readings."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "dating",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("boot_s", sa.BigInteger()),
        sa.Column("earliest_s", sa.BigInteger()),
        sa.Column("latest_s", sa.BigInteger()),
        sa.Column("event_seq", sa.BigInteger()),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", "epoch", "first_seq", name="pk_dating"),
    )
    op.add_column("reading", sa.Column("dated", sa.Text()))
