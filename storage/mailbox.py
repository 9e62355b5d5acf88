"""What came in (hooks and updates, bytes as received), what is to be said, and the chats it goes to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Json, UtcTime

NEW, DONE, QUARANTINED = "new", "done", "quarantined"
DUE, SENDING, SENT, DROPPED = "due", "sending", "sent", "dropped"
AT_LEAST_ONCE, AT_MOST_ONCE = "at_least_once", "at_most_once"


class Inbox(SQLModel, table=True):
    """One delivery as it arrived."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("kind", "external_key"),  # update_id of Telegram; hooks have none that can be trusted
        Index(
            "ix_inbox_new",
            "chat_id",
            "id",
            sqlite_where=text("status = 'new'"),
            postgresql_where=text("status = 'new'"),
        ),
        Index("ix_inbox_status_received_at", "status", "received_at"),
        Index(
            "ix_inbox_bodies",  # of whom, and since when, a body is kept
            "subject",
            "received_at",
            sqlite_where=text("body IS NOT NULL"),
            postgresql_where=text("body IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    kind: str = Field(sa_type=Text)  # hook, api, reconcile, telegram
    source: str = Field(sa_type=Text)  # shop name; telegram
    external_key: str | None = Field(default=None, sa_type=Text)
    chat_id: int | None = Field(default=None, sa_type=BigId)
    headers: Any = Field(default_factory=dict, sa_type=Json)  # those the adapter needs, never a secret
    body: bytes | None = Field(default=None, sa_type=LargeBinary)  # None after privacy.inbox_days
    digest: str = Field(sa_type=Text)  # SHA-256 of the body, hex
    status: str = Field(default=NEW, sa_type=Text)  # new, done, quarantined
    result: str | None = Field(default=None, sa_type=Text)  # applied, unchanged, ignored, quarantined
    reason: str | None = Field(default=None, sa_type=Text)  # why it is quarantined; of what kind it is ignored
    subject: str | None = Field(default=None, sa_type=Text)  # order:1001, customer:77, chat:6172839405
    attempts: int = Field(default=0)  # counted before the work (rules 24)
    received_at: datetime = Field(sa_type=UtcTime)  # programme time
    done_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Outbox(SQLModel, table=True):
    """A notice: what the core wants said, as key and data without prose."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("unique_key"),
        Index("ix_outbox_due", "due_at", sqlite_where=text("status = 'due'"), postgresql_where=text("status = 'due'")),
        Index("ix_outbox_customer_id", "customer_id"),
        Index(
            "ix_outbox_chat_id_status",
            "chat_id",
            "status",
            sqlite_where=text("chat_id IS NOT NULL"),
            postgresql_where=text("chat_id IS NOT NULL"),
        ),
        Index(
            "ix_outbox_chat_id_message_id",  # what a colleague replies to
            "chat_id",
            "message_id",
            sqlite_where=text("chat_id IS NOT NULL AND message_id IS NOT NULL"),
            postgresql_where=text("chat_id IS NOT NULL AND message_id IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    unique_key: str = Field(sa_type=Text)
    customer_id: int | None = Field(default=None, sa_type=BigId)  # the chat is looked up when it is sent
    chat_id: int | None = Field(default=None, sa_type=BigId)  # set for answers on a screen
    kind: str = Field(sa_type=Text)  # key of the notice or screen
    data: Any = Field(default_factory=dict, sa_type=Json)
    message_class: str = Field(sa_type=Text)  # at_least_once, at_most_once
    as_of: datetime = Field(sa_type=UtcTime)  # its cause
    due_at: datetime = Field(sa_type=UtcTime)  # programme time
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    status: str = Field(default=DUE, sa_type=Text)  # due, sending, sent, dropped
    attempts: int = Field(default=0)
    retry_at: datetime | None = Field(default=None, sa_type=UtcTime)  # the machine's clock
    dropped_because: str | None = Field(default=None, sa_type=Text)  # reason code
    message_id: int | None = Field(default=None, sa_type=BigId)
    sent_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)


def to_chat(
    chat_id: int, kind: str, data: dict[str, Any], *, key: str, now: datetime, due_at: datetime | None = None
) -> dict[str, Any]:
    """A row of the outbox that goes to a chat rather than to a customer: at least once, now unless said otherwise."""
    return {
        "unique_key": key,
        "chat_id": chat_id,
        "kind": kind,
        "data": data,
        "message_class": AT_LEAST_ONCE,
        "as_of": now,
        "due_at": due_at or now,
        "created_at": now,
    }


class Chat(SQLModel, table=True):
    """A Telegram chat: whom it belongs to, its lease, its pace, its home message (rules 24-26)."""

    __tablename__ = "chat"
    __table_args__ = (
        Index("ix_chat_customer_id", "customer_id"),
        Index(
            "ix_chat_heard_from",  # who can be spoken to, without a look at the chat itself
            "customer_id",
            sqlite_where=text("last_seen_at IS NOT NULL"),
            postgresql_where=text("last_seen_at IS NOT NULL"),
        ),
    )

    chat_id: int = Field(primary_key=True, sa_type=BigId)
    customer_id: int | None = Field(default=None, foreign_key="customer.id", sa_type=BigId)
    language_code: str | None = Field(default=None, sa_type=Text)  # what the app said; the choice is the customer's
    reachable: bool = Field(default=True)  # False after a block or 403, True again at their next message
    home_message_id: int | None = Field(default=None, sa_type=BigId)
    home_dirty: bool = Field(default=False)
    home_view: str | None = Field(default=None, sa_type=Text)  # which screen the home message shows
    awaiting: Any = Field(default=None, nullable=True, sa_type=Json)  # a text answer is awaited: what for, since when
    lease_owner: str | None = Field(default=None, sa_type=Text)
    lease_until: datetime | None = Field(default=None, sa_type=UtcTime)  # the machine's clock
    next_at: datetime | None = Field(default=None, sa_type=UtcTime)  # not before this, the machine's clock
    last_seen_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)


class BotPace(SQLModel, table=True):
    """One row for the bot: the token bucket that all processes share (rules 26)."""

    __tablename__ = "bot_pace"

    name: str = Field(primary_key=True, sa_type=Text)
    next_at: datetime = Field(sa_type=UtcTime)  # the machine's clock
