"""Webhooks out: endpoints, events, and how each event fares at each endpoint."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.columns import UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT, TIME = sa.Text(), UtcTime()
NUMBERS = ("webhook_event", "webhook_delivery")  # numbers that the application makes
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The three tables."""
    op.create_table(
        "webhook_endpoint",
        *_need(BIG, "id"),
        *_need(TEXT, "url", "events", "salt"),
        *_may(TEXT, "old_salt", "disabled_because"),
        *_may(TIME, "old_until", "failing_since", "wait_until", "disabled_at", "deleted_at"),
        *_need(TIME, "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoint"),
    )
    op.create_table(
        "webhook_event",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        *_need(TEXT, "type", "cause"),
        *_may(BIG, "customer_id", "friend_id"),
        *_may(TEXT, "data"),
        *_need(TIME, "at", "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_event"),
        sa.UniqueConstraint("cause", name="uq_webhook_event_cause"),
    )
    for name in ("customer_id", "friend_id", "created_at"):
        op.create_index(f"ix_webhook_event_{name}", "webhook_event", [name])
    op.create_table(
        "webhook_delivery",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        *_need(BIG, "event_id", "endpoint_id"),
        *_need(TEXT, "status"),
        *_need(sa.Integer(), "attempts"),
        *_may(TIME, "next_at", "lease_until", "first_at"),
        *_may(sa.Integer(), "last_status", "last_ms"),
        *_may(TEXT, "last_error"),
        *_need(TEXT, "log"),
        *_may(TIME, "done_at"),
        *_need(TIME, "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
        sa.ForeignKeyConstraint(["event_id"], ["webhook_event.id"], name="fk_webhook_delivery_event_id"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoint.id"], name="fk_webhook_delivery_endpoint_id"),
        sa.UniqueConstraint("event_id", "endpoint_id", name="uq_webhook_delivery_event_id_endpoint_id"),
    )
    op.create_index("ix_webhook_delivery_endpoint_id", "webhook_delivery", ["endpoint_id", "id"])
    pending = sa.text("status = 'pending'")
    op.create_index(
        "ix_webhook_delivery_pending",
        "webhook_delivery",
        ["endpoint_id", "next_at"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    if op.get_bind().dialect.name == "postgresql":
        for name in NUMBERS:
            op.execute(f'CREATE SEQUENCE "id_{name}"')


def downgrade() -> None:
    """Nothing: the way back is a backup."""
    raise NotImplementedError("there is no way back; restore a backup")


def _need(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _may(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name in names]
