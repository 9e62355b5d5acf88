"""Vouchers: credit as single-use codes, their redemptions, and which postings are theirs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT, TIME, MINOR = sa.Text(), UtcTime(), sa.BigInteger()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The three tables; which postings are a voucher's is never edited either."""
    op.create_table(
        "voucher",
        *_need(BIG, "id", "customer_id"),
        *_need(TEXT, "code", "currency", "status"),
        *_need(MINOR, "amount_minor", "left_minor"),
        *_need(TIME, "created_at", "expires_at"),
        sa.Column("ended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_voucher"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_voucher_customer_id"),
        sa.UniqueConstraint("code", name="uq_voucher_code"),
    )
    op.create_index("ix_voucher_customer_id", "voucher", ["customer_id"])
    standing = sa.text("status = 'standing'")
    op.create_index("ix_voucher_standing", "voucher", ["expires_at"], sqlite_where=standing, postgresql_where=standing)
    op.create_table(
        "redemption",
        *_need(BIG, "id", "voucher_id"),
        *_need(TEXT, "shop", "order_ref", "status"),
        *_need(MINOR, "amount_minor", "returned_minor"),
        *_need(BIG, "first_posting_id"),
        *_need(TIME, "redeemed_at"),
        sa.Column("rolled_back_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_redemption"),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name="fk_redemption_voucher_id"),
        sa.UniqueConstraint("voucher_id", "shop", "order_ref", name="uq_redemption_voucher_id_shop_order_ref"),
    )
    op.create_index("ix_redemption_shop_order_ref", "redemption", ["shop", "order_ref"])
    op.create_table(
        "voucher_posting",
        sa.Column("posting_id", BIG, nullable=False, autoincrement=False),
        *_need(BIG, "voucher_id"),
        sa.Column("redemption_id", BIG, nullable=True),
        sa.PrimaryKeyConstraint("posting_id", name="pk_voucher_posting"),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name="fk_voucher_posting_posting_id"),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name="fk_voucher_posting_voucher_id"),
        sa.ForeignKeyConstraint(["redemption_id"], ["redemption.id"], name="fk_voucher_posting_redemption_id"),
    )
    op.create_index("ix_voucher_posting_voucher_id", "voucher_posting", ["voucher_id"])
    _lock("voucher_posting")


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")


def _need(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _lock(table: str) -> None:
    """The table refuses UPDATE and DELETE, as the books do."""
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    else:
        op.execute(
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
