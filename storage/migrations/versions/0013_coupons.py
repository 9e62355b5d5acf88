"""Until when credit stands, and codes that an owner made in the shop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The job that expires credit fills its table from the ledger, with every warning still to come."""
    op.create_table(
        "credit_term",
        sa.Column("bonus_id", BIG, nullable=False),
        sa.Column("until_at", UtcTime(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("warned_at", UtcTime(), nullable=True),
        sa.Column("next_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("bonus_id", name="pk_credit_term"),
        sa.ForeignKeyConstraint(["bonus_id"], ["bonus.id"], name="fk_credit_term_bonus_id"),
    )
    waits = sa.text("next_at IS NOT NULL")
    op.create_index("ix_credit_term_next_at", "credit_term", ["next_at"], sqlite_where=waits, postgresql_where=waits)
    op.add_column("voucher", sa.Column("source", sa.Text(), nullable=False, server_default="own"))
    op.add_column("voucher", sa.Column("shop_code", sa.Text(), nullable=True))
    op.create_table(
        "pool_code",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("loaded_at", UtcTime(), nullable=False),
        sa.Column("voucher_id", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_pool_code"),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name="fk_pool_code_voucher_id"),
        sa.UniqueConstraint("key", name="uq_pool_code_key"),
        sa.UniqueConstraint("voucher_id", name="uq_pool_code_voucher_id"),
    )
    free = sa.text("voucher_id IS NULL")
    op.create_index(
        "ix_pool_code_free", "pool_code", ["currency", "amount_minor"], sqlite_where=free, postgresql_where=free
    )
    op.create_table(
        "shop_coupon",
        sa.Column("voucher_id", BIG, nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ends_as", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("voucher_id", name="pk_shop_coupon"),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name="fk_shop_coupon_voucher_id"),
    )
    op.create_index("ix_shop_coupon_next_at", "shop_coupon", ["next_at"], sqlite_where=waits, postgresql_where=waits)


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
