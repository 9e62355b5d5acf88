"""Every word on consent, and what shops ask about personal data."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT, TIME = sa.Text(), UtcTime()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The two tables; words that are known already were said before they were kept, so their log is empty."""
    op.create_table(
        "consent_word",
        *_need(BIG, "id", "customer_id"),
        *_need(TEXT, "about", "channel"),
        *_need(sa.Boolean(), "given"),
        sa.Column("wording", TEXT, nullable=True),
        *_need(TIME, "said_at", "recorded_at"),
        sa.PrimaryKeyConstraint("id", name="pk_consent_word"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_consent_word_customer_id"),
    )
    op.create_index("ix_consent_word_customer_id", "consent_word", ["customer_id"])
    op.create_table(
        "privacy_request",
        *_need(BIG, "id"),
        *_need(TEXT, "shop", "kind", "account", "status"),
        *_need(TIME, "asked_at"),
        sa.Column("done_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_request"),
        sa.UniqueConstraint(
            "shop", "kind", "account", "asked_at", name="uq_privacy_request_shop_kind_account_asked_at"
        ),
    )
    still_open = sa.text("status = 'open'")
    op.create_index(
        "ix_privacy_request_open", "privacy_request", ["asked_at"], sqlite_where=still_open, postgresql_where=still_open
    )


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")


def _need(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
