"""Imports: how far a file has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The table."""
    op.create_table(
        "import_run",
        sa.Column("id", BIG, nullable=False),
        *[sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "shop", "digest")],
        sa.Column("position", BIG, nullable=False),
        *[sa.Column(name, sa.Integer(), nullable=False) for name in ("line", "applied", "unchanged", "refused")],
        *[sa.Column(name, UtcTime(), nullable=False) for name in ("started_at", "updated_at")],
        sa.Column("done_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_import_run"),
        sa.UniqueConstraint("kind", "shop", "digest", name="uq_import_run_kind_shop_digest"),
    )


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
