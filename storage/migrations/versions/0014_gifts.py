"""Friends' gifts: vouchers that no credit pays; and orders by whose address they were made under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BORROWED = sa.text("email_owner_id IS NOT NULL")
PIECES = sa.text("sku IS NOT NULL")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Every voucher so far is credit; who has had a gift never gets another."""
    op.add_column("voucher", sa.Column("purpose", sa.Text(), nullable=False, server_default="credit"))
    op.add_column("voucher", sa.Column("kind", sa.Text(), nullable=False, server_default="fixed"))
    op.add_column("voucher", sa.Column("share_basis_points", sa.Integer(), nullable=True))
    op.add_column("voucher", sa.Column("sku", sa.Text(), nullable=True))
    op.add_column("voucher", sa.Column("min_order_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("voucher", sa.Column("referral_id", BIG, nullable=True))
    op.add_column("voucher", sa.Column("gift_for", BIG, nullable=True))
    op.create_index("uq_voucher_gift_for", "voucher", ["gift_for"], unique=True)
    op.add_column("redemption", sa.Column("ended_by", sa.Text(), nullable=True))
    op.create_index("ix_voucher_sku", "voucher", ["sku"], sqlite_where=PIECES, postgresql_where=PIECES)
    op.create_index(
        "ix_shop_order_email_owner_id",
        "shop_order",
        ["email_owner_id"],
        sqlite_where=BORROWED,
        postgresql_where=BORROWED,
    )


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
