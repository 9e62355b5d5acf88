"""Who is told over HTTP what happens here: endpoints, events, and how each event fares at each endpoint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Json, UtcTime

PENDING, DELIVERED, FAILED, GONE = "pending", "delivered", "failed", "gone"


class WebhookEndpoint(SQLModel, table=True):
    """An address that wants to hear. Its secret is nowhere: it is made of the installation's key and a salt."""

    __tablename__ = "webhook_endpoint"

    id: int = Field(default=None, primary_key=True, sa_type=BigId)  # made by the database
    url: str = Field(sa_type=Text)
    events: Any = Field(default_factory=list, sa_type=Json)  # types it wants; empty: all of them
    salt: str = Field(sa_type=Text)
    old_salt: str | None = Field(default=None, sa_type=Text)  # signs beside the new one after a rotation
    old_until: datetime | None = Field(default=None, sa_type=UtcTime)  # the machine's clock
    failing_since: datetime | None = Field(default=None, sa_type=UtcTime)  # the machine's clock; None: it works
    wait_until: datetime | None = Field(default=None, sa_type=UtcTime)  # it asked for that (Retry-After)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcTime)  # programme time
    disabled_because: str | None = Field(default=None, sa_type=Text)  # gone, failing, by_hand
    deleted_at: datetime | None = Field(default=None, sa_type=UtcTime)  # nobody sees it any more; retention ends it
    created_at: datetime = Field(sa_type=UtcTime)


class WebhookEvent(SQLModel, table=True):
    """Something that happened, as ids and amounts; what is sent is made of that, the same at every attempt."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        UniqueConstraint("cause"),
        Index("ix_webhook_event_customer_id", "customer_id"),
        Index("ix_webhook_event_friend_id", "friend_id"),
        Index("ix_webhook_event_created_at", "created_at"),
    )

    id: int = Field(primary_key=True, sa_type=BigId)
    type: str = Field(sa_type=Text)
    cause: str = Field(sa_type=Text)  # what made it: one cause makes one event, and its id (msg_…) is made of it
    customer_id: int | None = Field(default=None, sa_type=BigId)  # whom it is about
    friend_id: int | None = Field(default=None, sa_type=BigId)  # who else is in it
    data: Any = Field(default=None, nullable=True, sa_type=Json)  # None: whom it was about has been erased
    at: datetime = Field(sa_type=UtcTime)  # programme time
    created_at: datetime = Field(sa_type=UtcTime)  # likewise; how long it is kept


class WebhookDelivery(SQLModel, table=True):
    """One event for one endpoint, from the first attempt to the last."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("event_id", "endpoint_id"),
        Index("ix_webhook_delivery_endpoint_id", "endpoint_id", "id"),
        Index(
            "ix_webhook_delivery_pending",
            "endpoint_id",
            "next_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )

    id: int = Field(primary_key=True, sa_type=BigId)
    event_id: int = Field(foreign_key="webhook_event.id", sa_type=BigId)
    endpoint_id: int = Field(foreign_key="webhook_endpoint.id", sa_type=BigId)
    status: str = Field(default=PENDING, sa_type=Text)  # pending, delivered, failed, gone
    attempts: int = Field(default=0)  # counted before the sending; of this round
    next_at: datetime | None = Field(default=None, sa_type=UtcTime)  # the machine's clock; None: at once
    lease_until: datetime | None = Field(default=None, sa_type=UtcTime)  # somebody is sending it; likewise
    first_at: datetime | None = Field(default=None, sa_type=UtcTime)  # when its round began; likewise
    last_status: int | None = Field(default=None)  # what was answered; None: nothing was
    last_error: str | None = Field(default=None, sa_type=Text)  # code of what went wrong
    last_ms: int | None = Field(default=None)
    log: Any = Field(default_factory=list, sa_type=Json)  # the attempts, the newest last
    done_at: datetime | None = Field(default=None, sa_type=UtcTime)  # the machine's clock
    created_at: datetime = Field(sa_type=UtcTime)  # programme time
