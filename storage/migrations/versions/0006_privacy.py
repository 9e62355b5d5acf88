"""Bodies are found by whom they are about and since when they are kept; updates say of which chat they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEPT = sa.text("body IS NOT NULL")


def upgrade() -> None:
    """An index over what is kept; updates that are there already are filed under their chat."""
    op.create_index("ix_inbox_bodies", "inbox", ["subject", "received_at"], sqlite_where=KEPT, postgresql_where=KEPT)
    op.execute(
        "UPDATE inbox SET subject = 'chat:' || chat_id "
        "WHERE kind = 'telegram' AND chat_id IS NOT NULL AND subject IS NULL AND body IS NOT NULL"
    )


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")
