"""Fewer pages for each order: indexes without the rows that nobody looks for, new bonuses at an index' end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PARTIAL = {  # index: table, columns, of which rows
    "ix_entry_customer_id_currency_account": (
        "entry",
        ["customer_id", "currency", "account"],
        "customer_id IS NOT NULL",
    ),
    "ix_outbox_chat_id_status": ("outbox", ["chat_id", "status"], "chat_id IS NOT NULL"),
    "ix_outbox_chat_id_message_id": (
        "outbox",
        ["chat_id", "message_id"],
        "chat_id IS NOT NULL AND message_id IS NOT NULL",
    ),
    "ix_referral_signed_up_at": ("referral", ["signed_up_at"], "signed_up_at IS NOT NULL"),
}


def upgrade() -> None:
    """The indexes are made again; the unique key of a bonus begins with its origin."""
    for name, (table, columns, rows) in PARTIAL.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))
    with op.batch_alter_table("bonus") as bonus:
        bonus.drop_constraint("uq_bonus_customer_id_side_currency_origin", type_="unique")
        bonus.create_unique_constraint(
            "uq_bonus_origin_customer_id_side_currency", ["origin", "customer_id", "side", "currency"]
        )


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
