"""Bonuses carry a score and an owner's decision; orders and people what two of them may share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TEXT, TIME = sa.Text(), UtcTime()
WAITING, KNOWN = sa.text("review = 'waiting'"), sa.text("ip IS NOT NULL")


def upgrade() -> None:
    """Columns and indexes only: what is booked was never looked at, and nothing of it waits for a decision."""
    op.add_column("bonus", sa.Column("review", TEXT, nullable=False, server_default="none"))
    op.add_column("bonus", sa.Column("score", sa.Integer(), nullable=True))
    op.add_column("bonus", sa.Column("signals", TEXT, nullable=False, server_default="[]"))
    op.add_column("bonus", sa.Column("typed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_bonus_waiting", "bonus", ["customer_id"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.add_column("shop_order", sa.Column("address", TEXT, nullable=True))
    op.add_column("shop_order", sa.Column("ip", TEXT, nullable=True))
    op.create_index("ix_shop_order_ip", "shop_order", ["ip"], sqlite_where=KNOWN, postgresql_where=KNOWN)
    op.add_column("customer", sa.Column("code_leaked_at", TIME, nullable=True))
    op.add_column("customer", sa.Column("trusted_at", TIME, nullable=True))
    op.add_column("identity", sa.Column("mailbox", TEXT, nullable=True))
    op.add_column("code", sa.Column("leaked_at", TIME, nullable=True))
    op.add_column("code", sa.Column("retired_at", TIME, nullable=True))
    op.create_index("ix_phone_value", "phone", ["value"])


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
