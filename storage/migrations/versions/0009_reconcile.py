"""How far each shop was asked for its orders, and the numbers that buyers read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The watermark, and an indexed number for orders that have one."""
    op.create_table(
        "shop_watermark",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("changed_until", UtcTime(), nullable=True),
        sa.Column("whole_since", UtcTime(), nullable=True),
        sa.Column("shows_all", sa.Boolean(), nullable=False),
        sa.Column("ran_at", UtcTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("shop", name="pk_shop_watermark"),
    )
    op.add_column("shop_order", sa.Column("number", sa.Text(), nullable=True))
    known = sa.text("number IS NOT NULL")
    op.create_index(
        "ix_shop_order_number", "shop_order", ["shop", "number"], sqlite_where=known, postgresql_where=known
    )


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
