"""The moment of a customer's word on marketing: an older order must not undo a later no."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column more; words that are known already have no moment, so any word stands above them."""
    op.add_column("customer", sa.Column("consent_at", UtcTime(), nullable=True))


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
