"""Money: bonuses with a life, and the double-entry postings that carry them. Nothing is ever edited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Json, Minor, UtcTime

HELD, AVAILABLE, RESERVED, REDEEMED, DEBT = "held", "available", "reserved", "redeemed", "debt"
EXPIRED = "expired"  # credit that nobody used in time: it lies there and is worth nothing
COST, GOODWILL = "cost", "goodwill"  # the programme's own accounts
CUSTOMER_ACCOUNTS = (HELD, AVAILABLE, RESERVED, REDEEMED, EXPIRED, DEBT)

UNREVIEWED, WAITING, PASSED, TURNED_DOWN, MADE_GOOD = "none", "waiting", "passed", "turned_down", "made_good"
GOODWILL_SIDE = "goodwill"  # of a bonus that an owner gave; no rule owes it, so none takes it back


class Bonus(SQLModel, table=True):
    """What one origin is worth to one customer: a lot (rules 6, 9). ``amount_minor`` is the sum of its postings."""

    __tablename__ = "bonus"
    __table_args__ = (
        UniqueConstraint("origin", "customer_id", "side", "currency"),  # new ones come at its end, by their order
        Index("ix_bonus_customer_id_month", "customer_id", "month"),
        Index("ix_bonus_friend_id", "friend_id"),
        Index("ix_bonus_status_available_at", "status", "available_at"),
        Index("ix_bonus_referral_id", "referral_id"),
        Index(
            "ix_bonus_of_no_friend",
            "customer_id",
            sqlite_where=text("friend_id IS NULL"),
            postgresql_where=text("friend_id IS NULL"),
        ),
        Index(
            "ix_bonus_under_review",
            "customer_id",
            sqlite_where=text("under_review"),
            postgresql_where=text("under_review"),
        ),
        Index(
            "ix_bonus_waiting",  # for an owner's decision
            "customer_id",
            sqlite_where=text("review = 'waiting'"),
            postgresql_where=text("review = 'waiting'"),
        ),
    )

    id: int = Field(primary_key=True, sa_type=BigId)
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)  # who gets it
    side: str = Field(sa_type=Text)  # ambassador, friend or goodwill
    currency: str = Field(sa_type=Text)
    origin: str = Field(sa_type=Text)  # order:<id>, referral:<id>, milestone:<friends>
    friend_id: int | None = Field(default=None, sa_type=BigId)  # None: for several friends together
    order_id: int | None = Field(default=None, sa_type=BigId)
    referral_id: int | None = Field(default=None, sa_type=BigId)
    amount_minor: int = Field(default=0, sa_type=Minor)  # booked now; 0 when refused or taken back
    wanted_minor: int = Field(default=0, sa_type=Minor)  # what the friend's orders alone would give
    revenue_minor: int = Field(default=0, sa_type=Minor)  # kept base of the order, for boards and figures
    budget_minor: int = Field(default=0, sa_type=Minor)  # budget it has taken, never given back (rules 6c)
    status: str = Field(sa_type=Text)  # held, available, refused, reversed
    under_review: bool = Field(default=False)  # waits for an owner's decision, or for the shop's history (rules 13)
    review: str = Field(default=UNREVIEWED, sa_type=Text)  # none, waiting, passed, turned_down, made_good (goodwill)
    score: int | None = Field(default=None)  # 0 to 100, when it was made; None: not looked at
    signals: Any = Field(default_factory=list, sa_type=Json)  # what the score is made of: code, points and data
    typed: bool = Field(default=False)  # a code at the checkout, without a visit through a link or a sign-up
    capped: bool = Field(default=False)  # the month was full (rules 6b)
    earned_at: datetime = Field(sa_type=UtcTime)  # paid_at of the order, sign-up of the friend
    available_at: datetime = Field(sa_type=UtcTime)
    released_at: datetime | None = Field(default=None, sa_type=UtcTime)
    month: str = Field(sa_type=Text)  # local month of earned_at: 2026-11
    sort_key: str = Field(sa_type=Text)  # (earned_at, shop, external id), for the month cap
    terms_id: str = Field(foreign_key="terms.id", sa_type=Text)
    postings: int = Field(default=0)  # how many; the next one's n
    reasons: Any = Field(default_factory=list, sa_type=Json)
    created_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)


class Posting(SQLModel, table=True):
    """One booking of one bonus; its entries sum to zero. Append-only (a trigger refuses the rest)."""

    __tablename__ = "posting"
    __table_args__ = (UniqueConstraint("bonus_id", "n"), Index("ix_posting_commit_no", "commit_no"))

    id: int = Field(primary_key=True, sa_type=BigId)
    bonus_id: int = Field(foreign_key="bonus.id", sa_type=BigId)
    n: int  # counts this bonus' own postings, from 0
    kind: str = Field(sa_type=Text)  # credit, adjust, release, reverse, transfer, lapse; of vouchers: Cause.kind
    reason: str = Field(sa_type=Text)  # reason code of the step
    friends: int = Field(default=0)  # +1 when the friend becomes approved, -1 when that falls away
    revenue_minor: int = Field(default=0, sa_type=Minor)  # moves with friends, for standings
    commit_no: int = Field(sa_type=BigId)  # commit order, taken under the books lock (rules 34)
    at: datetime = Field(sa_type=UtcTime)  # programme time


class Entry(SQLModel, table=True):
    """One side of a posting: so much to this account (positive) or from it (negative)."""

    __tablename__ = "entry"
    __table_args__ = (
        Index(
            "ix_entry_customer_id_currency_account",
            "customer_id",
            "currency",
            "account",
            sqlite_where=text("customer_id IS NOT NULL"),
            postgresql_where=text("customer_id IS NOT NULL"),
        ),
        Index("ix_entry_posting_id", "posting_id"),
        Index("ix_entry_bonus_id", "bonus_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    posting_id: int = Field(foreign_key="posting.id", sa_type=BigId)
    bonus_id: int = Field(foreign_key="bonus.id", sa_type=BigId)  # the lot
    customer_id: int | None = Field(default=None, foreign_key="customer.id", sa_type=BigId)  # None: the programme
    account: str = Field(sa_type=Text)  # held, available, reserved, redeemed, expired, debt, cost, goodwill
    currency: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=Minor)


class Budget(SQLModel, table=True):
    """What a month's budget has given out; first come, never refilled."""

    __tablename__ = "budget"

    month: str = Field(primary_key=True, sa_type=Text)
    currency: str = Field(primary_key=True, sa_type=Text)
    spent_minor: int = Field(default=0, sa_type=Minor)
