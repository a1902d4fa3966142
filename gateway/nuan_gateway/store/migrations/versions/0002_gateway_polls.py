"""Addresses of all protocols, the gateway's own journals, and how sure a meter's dialect is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Widen the meters' address; add the two tables."""
    with op.batch_alter_table("meter") as meter:
        meter.alter_column(
            "address", existing_type=sa.Integer(), type_=sa.Text(), existing_nullable=False
        )
    op.create_table(
        "own_journal",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", name="pk_own_journal"),
    )
    op.create_table(
        "dialect_state",
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("meter", "model", name="pk_dialect_state"),
    )
