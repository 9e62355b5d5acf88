"""Refunds that a shop reports on their own, by number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A map that only grows: (shop, order, refund) to an amount."""
    op.create_table(
        "order_refund",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "external_id", "refund_id", name="pk_order_refund"),
    )


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
