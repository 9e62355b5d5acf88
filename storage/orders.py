"""Orders in their last known state, with what was pinned when they were first paid, and the terms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Json, Minor, UtcTime


class Terms(SQLModel, table=True):
    """The bonus rules in force from a moment on, named by a hash of content and moment (rules 3)."""

    __tablename__ = "terms"

    id: str = Field(primary_key=True, sa_type=Text)  # SHA-256 of body and moment, first 32 hex digits
    body: Any = Field(sa_type=Json)
    in_force_from: datetime = Field(sa_type=UtcTime, index=True)


class Order(SQLModel, table=True):
    """A shop's order; one row for (shop, external id), newest state wins (rules 1)."""

    __tablename__ = "shop_order"
    __table_args__ = (
        UniqueConstraint("shop", "external_id"),
        Index("ix_shop_order_customer_id", "customer_id"),
        Index("ix_shop_order_ambassador_id_paid_at", "ambassador_id", "paid_at"),
        Index("ix_shop_order_paid_at", "paid_at"),
        Index(
            "ix_shop_order_delivered_at",
            "delivered_at",
            sqlite_where=text("delivered_at IS NOT NULL"),
            postgresql_where=text("delivered_at IS NOT NULL"),
        ),
        Index(
            "ix_shop_order_email_owner_id",
            "email_owner_id",
            sqlite_where=text("email_owner_id IS NOT NULL"),
            postgresql_where=text("email_owner_id IS NOT NULL"),
        ),
        Index(
            "ix_shop_order_needs_fetch",
            "shop",
            sqlite_where=text("needs_fetch"),
            postgresql_where=text("needs_fetch"),
        ),
        Index(
            "ix_shop_order_number",
            "shop",
            "number",
            sqlite_where=text("number IS NOT NULL"),
            postgresql_where=text("number IS NOT NULL"),
        ),
        Index("ix_shop_order_ip", "ip", sqlite_where=text("ip IS NOT NULL"), postgresql_where=text("ip IS NOT NULL")),
    )

    id: int = Field(primary_key=True, sa_type=BigId)
    shop: str = Field(sa_type=Text)
    external_id: str = Field(sa_type=Text)
    number: str | None = Field(default=None, sa_type=Text)  # what its buyer types, where that is not the id
    customer_id: int | None = Field(default=None, foreign_key="customer.id", sa_type=BigId)  # the buyer
    status: str = Field(sa_type=Text)  # pending, paid, completed, cancelled, refunded, deleted
    currency: str = Field(sa_type=Text)  # ISO 4217
    total_minor: int = Field(sa_type=Minor)
    base_minor: int = Field(sa_type=Minor)  # what bonuses count on, before refunds
    refunded_minor: int = Field(sa_type=Minor)
    over_refunded: bool = Field(default=False)  # the shop said more came back than was paid
    created_at: datetime = Field(sa_type=UtcTime)  # the shop's time
    paid_at: datetime | None = Field(default=None, sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)  # the state's version: (updated_at, rank, refunded, -base, digest)
    digest: str = Field(sa_type=Text)
    needs_fetch: bool = Field(default=False)  # the tie-break guessed; reconcile decides
    test: bool = Field(default=False)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    orders_count: int | None = Field(default=None)  # pinned: the shop's count, this order included
    phone: str | None = Field(default=None, sa_type=Text)  # keyed fingerprint, for rule 16 only
    address: str | None = Field(default=None, sa_type=Text)  # keyed fingerprint of where it goes, for the score only
    ip: str | None = Field(default=None, sa_type=Text)  # keyed fingerprint of the buyer's address that day, likewise
    email_owner_id: int | None = Field(default=None, sa_type=BigId)  # somebody else who has the buyer's address
    evidence: Any = Field(default_factory=list, sa_type=Json)  # every candidate: kind, ambassador, code, at
    misses: Any = Field(default_factory=list, sa_type=Json)  # codes that were not found: reason and code as typed
    pinned_at: datetime | None = Field(default=None, sa_type=UtcTime)  # when the first paid state was applied
    terms_id: str | None = Field(default=None, foreign_key="terms.id", sa_type=Text)
    ambassador_id: int | None = Field(default=None, sa_type=BigId)  # the decision
    referral_id: int | None = Field(default=None, sa_type=BigId)
    by_hand: bool = Field(default=False)
    reasons: Any = Field(default_factory=list, sa_type=Json)  # why it counts, waits or does not: code and data
    received_at: datetime = Field(sa_type=UtcTime)  # of the state that stands


class ShopWatermark(SQLModel, table=True):
    """How far a shop was asked for its orders, and how that went; one row from the first try on."""

    __tablename__ = "shop_watermark"

    shop: str = Field(primary_key=True, sa_type=Text)
    changed_until: datetime | None = Field(default=None, sa_type=UtcTime)  # the shop's time; all before it is applied
    whole_since: datetime | None = Field(default=None, sa_type=UtcTime)  # when every order it has was applied once
    shows_all: bool = Field(default=True)  # whether it showed orders of any age as the asking began
    ran_at: datetime = Field(sa_type=UtcTime)  # when it was asked last
    failures: int = Field(default=0)  # in a row
    error: str | None = Field(default=None, sa_type=Text)  # of the last try; holds no secret and nobody's data


class OrderRefund(SQLModel, table=True):
    """One refund of a shop that reports them on their own; it may be known before its order is (rules 2)."""

    __tablename__ = "order_refund"

    shop: str = Field(primary_key=True, sa_type=Text)
    external_id: str = Field(primary_key=True, sa_type=Text)  # of the order
    refund_id: str = Field(primary_key=True, sa_type=Text)
    amount_minor: int = Field(sa_type=Minor)  # the most that was heard of
    currency: str = Field(sa_type=Text)  # the order's where its state named the refund, else the buyer's
    received_at: datetime = Field(sa_type=UtcTime)
