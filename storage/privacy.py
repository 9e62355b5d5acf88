"""What can be shown about personal data: every word on consent, and what was asked of the programme through a shop."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime

OPEN, DONE, NOBODY = "open", "done", "nobody"


class ConsentWord(SQLModel, table=True):
    """One yes or no of a customer, as it was said; a later word is a row of its own."""

    __tablename__ = "consent_word"
    __table_args__ = (Index("ix_consent_word_customer_id", "customer_id"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigId)  # made by the database
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    about: str = Field(sa_type=Text)  # marketing, name_on_link, messages, tips, scores, portfolio
    given: bool = Field()
    channel: str = Field(sa_type=Text)  # where it was said: shop:webshop, chat
    wording: str | None = Field(default=None, sa_type=Text)  # of our question; None: the shop asked in its own
    said_at: datetime = Field(sa_type=UtcTime)
    recorded_at: datetime = Field(sa_type=UtcTime)


class PrivacyRequest(SQLModel, table=True):
    """What somebody asked of a shop about their data, and the shop of us."""

    __tablename__ = "privacy_request"
    __table_args__ = (
        UniqueConstraint("shop", "kind", "account", "asked_at"),
        Index(
            "ix_privacy_request_open",
            "asked_at",
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigId)  # made by the database
    shop: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)  # redact, data_request, shop_redact
    account: str = Field(default="", sa_type=Text)  # the shop's id of the customer; empty: nobody's, or erased
    status: str = Field(default=OPEN, sa_type=Text)  # open, done, nobody: none of ours has this account
    asked_at: datetime = Field(sa_type=UtcTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcTime)
