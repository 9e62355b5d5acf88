"""References: a customer's words for the portfolio, and the two gates they pass."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Json, UtcTime


class Reference(SQLModel, table=True):
    """One reference on its way; what is on the wall is decided by the gates' records, not by the status alone."""

    __tablename__ = "reference"
    __table_args__ = (
        Index("ix_reference_customer_id", "customer_id"),
        Index("ix_reference_status_published_at", "status", "published_at"),  # the wall, and what waits
        Index(
            "ix_reference_rest_until",
            "rest_until",
            sqlite_where=text("rest_until IS NOT NULL"),
            postgresql_where=text("rest_until IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    status: str = Field(sa_type=Text)
    # nominated, invited, accepted, snoozed, declined, answering, draft, customer_approved, published, owner_declined,
    # withdrawn, over
    answers: Any = Field(default_factory=list, sa_type=Json)  # three texts, in order
    original: str | None = Field(default=None, sa_type=Text)  # as the answers made it
    text: str | None = Field(default=None, sa_type=Text)  # the exact text that is meant now
    text_hash: str | None = Field(default=None, sa_type=Text)  # SHA-256 of all that is shown of it (asking/shown.py)
    uses: Any = Field(default_factory=list, sa_type=Json)  # website, social, print: what is ticked
    name_shown: str = Field(default="", sa_type=Text)  # first_name, initials, anonymous; empty: not chosen yet
    name: str | None = Field(default=None, sa_type=Text)  # exactly as it will be shown
    town: str | None = Field(default=None, sa_type=Text)
    since: int | None = Field(default=None)  # the year of "customer since", as it will be shown
    locale: str | None = Field(default=None, sa_type=Text)  # of the text
    contact_key: str | None = Field(default=None, sa_type=Text)  # the Contact that invited; None: nobody was written to
    rest_until: datetime | None = Field(default=None, sa_type=UtcTime)  # no other invitation before this
    version: int = Field(default=0)  # of the text; buttons name it, old ones do nothing
    rewarded: bool = Field(default=False)  # a thank-you was given: the wall says so
    nominated_at: datetime | None = Field(default=None, sa_type=UtcTime)  # an owner asked that they be invited
    invited_at: datetime | None = Field(default=None, sa_type=UtcTime)
    snoozed_until: datetime | None = Field(default=None, sa_type=UtcTime)
    owner_approved_hash: str | None = Field(default=None, sa_type=Text)
    owner_approved_at: datetime | None = Field(default=None, sa_type=UtcTime)
    owner_approved_by: int | None = Field(default=None, sa_type=BigId)  # Telegram id
    published_at: datetime | None = Field(default=None, sa_type=UtcTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)


class Consent(SQLModel, table=True):
    """The customer's yes to one exact text and the uses they ticked; never edited but for its withdrawal."""

    __tablename__ = "consent"
    __table_args__ = (UniqueConstraint("reference_id", "n"), Index("ix_consent_customer_id", "customer_id"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    reference_id: int = Field(foreign_key="reference.id", sa_type=BigId)
    n: int = Field(default=0)  # counts the consents of one reference
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    chat_id: int = Field(sa_type=BigId)
    text_hash: str = Field(sa_type=Text)
    uses: Any = Field(default_factory=list, sa_type=Json)
    wording: str = Field(sa_type=Text)  # version of the question as it was put: 1:nl
    given_at: datetime = Field(sa_type=UtcTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcTime)
