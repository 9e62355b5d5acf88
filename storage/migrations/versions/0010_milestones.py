"""A bonus can be for several friends together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NO_FRIEND = sa.text("friend_id IS NULL")


def upgrade() -> None:
    """The friend of a bonus may be nobody; those few bonuses are found by their customer."""
    with op.batch_alter_table("bonus") as bonus:
        bonus.alter_column("friend_id", existing_type=BIG, nullable=True)
    op.create_index(
        "ix_bonus_of_no_friend", "bonus", ["customer_id"], sqlite_where=NO_FRIEND, postgresql_where=NO_FRIEND
    )


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
