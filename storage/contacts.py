"""What was said to whom unasked, or was not and why; and what customers wish to hear."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime

PLANNED, SENT, NOT_SENT = "planned", "sent", "not_sent"


class Contact(SQLModel, table=True):
    """One message of our own accord: planned, sent (at most once), or not sent with its reason (rules 28-30)."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_contact_customer_id_sent_at", "customer_id", "sent_at"),
        Index("ix_contact_play_planned_at", "play", "planned_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    key: str = Field(sa_type=Text)  # play:subject, also the unique key of its notice
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    play: str = Field(sa_type=Text)  # score, t3, t6, t8, t9, reference, …
    kind: str = Field(sa_type=Text)  # score, referral_ask, reference_ask, give
    status: str = Field(sa_type=Text)  # planned, sent, not_sent
    reason: str | None = Field(default=None, sa_type=Text)  # why it was not sent, or waits
    cause_at: datetime = Field(sa_type=UtcTime)  # what it is about
    planned_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)  # afterwards it is stale
    sent_at: datetime | None = Field(default=None, sa_type=UtcTime)  # programme time, set before the sending begins
    judged_at: datetime | None = Field(default=None, sa_type=UtcTime)  # when it was last judged
    reacted_at: datetime | None = Field(default=None, sa_type=UtcTime)  # a press on it, or a visit to the link


class Wishes(SQLModel, table=True):
    """What a customer wants to hear and when; who never chose has no row."""

    __tablename__ = "wishes"
    __table_args__ = (
        Index("ix_wishes_no_tips", "customer_id", sqlite_where=text("NOT tips"), postgresql_where=text("NOT tips")),
    )

    customer_id: int = Field(primary_key=True, foreign_key="customer.id", sa_type=BigId)
    tips: bool = Field(default=True)  # asks to share the link
    scores: bool = Field(default=True)  # the question after a delivery
    portfolio: bool = Field(default=True)  # invitations to be a reference
    quiet_from: str | None = Field(default=None, sa_type=Text)  # HH:MM of their own; None: the programme's
    quiet_until: str | None = Field(default=None, sa_type=Text)
    updated_at: datetime = Field(sa_type=UtcTime)
