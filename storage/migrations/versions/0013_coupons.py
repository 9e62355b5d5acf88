"""Until when credit stands."""

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
    """One table; the job that expires credit fills it from the ledger, with every warning still to come."""
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


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
