"""Who there is: customers, the identities that name them, one-time tokens that connect a chat."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime

ACTIVE, EXCLUDED, STAFF, ERASED = "active", "excluded", "staff", "erased"
SHOP, EMAIL, TELEGRAM, GUEST = "shop", "email", "telegram", "guest"
VERIFIED, CLAIMED = "verified", "claimed"


class Customer(SQLModel, table=True):
    """A person the programme knows; a friend who only bought is one without names."""

    __tablename__ = "customer"
    __table_args__ = (
        Index("ix_customer_state", "state"),
        Index(
            "ix_customer_first_paid_at",  # who has been one for so many days now
            "first_paid_at",
            sqlite_where=text("first_paid_at IS NOT NULL"),
            postgresql_where=text("first_paid_at IS NOT NULL"),
        ),
        Index(
            "ix_customer_ambassadors",  # whose anniversary is near
            "first_paid_at",
            sqlite_where=text("ambassador_since IS NOT NULL"),
            postgresql_where=text("ambassador_since IS NOT NULL"),
        ),
    )

    id: int = Field(primary_key=True, sa_type=BigId)
    state: str = Field(default=ACTIVE, sa_type=Text)  # active, excluded, staff, erased
    first_name: str | None = Field(default=None, sa_type=Text)  # only of connected customers and those the shop sent
    nickname: str | None = Field(default=None, sa_type=Text)  # shown on the board once chosen (opt-in)
    locale: str | None = Field(default=None, sa_type=Text)  # nl or en; None: the programme's
    timezone: str | None = Field(default=None, sa_type=Text)  # IANA name; None: the programme's
    marketing_consent: bool | None = Field(default=None)  # None: unknown
    consent_at: datetime | None = Field(default=None, sa_type=UtcTime)  # when that was said: a newer word only stands
    link_consent: bool = Field(default=False)  # may the friend's page show the first name
    ambassador_since: datetime | None = Field(default=None, sa_type=UtcTime)
    code_leaked_at: datetime | None = Field(default=None, sa_type=UtcTime)  # one of their codes is, and none came since
    trusted_at: datetime | None = Field(default=None, sa_type=UtcTime)  # an owner's word: their bonuses skip the queue
    first_paid_at: datetime | None = Field(default=None, sa_type=UtcTime)  # "klant sinds"
    stopped_at: datetime | None = Field(default=None, sa_type=UtcTime)  # /stop, or blocked
    paused_until: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)


class Identity(SQLModel, table=True):
    """One name by which a shop, a mail address or a chat knows a customer; unique for ever."""

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("kind", "shop", "value"),
        Index("ix_identity_customer_id", "customer_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    kind: str = Field(sa_type=Text)  # shop, email (keyed fingerprint), telegram (user id), guest (order of a guest)
    shop: str = Field(default="", sa_type=Text)  # shop name for shop and guest, else empty
    value: str = Field(sa_type=Text)  # external id as text, hex fingerprint, Telegram id, order id
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    level: str = Field(default=VERIFIED, sa_type=Text)  # verified or claimed (rules 20)
    mailbox: str | None = Field(default=None, sa_type=Text)  # of an email: fingerprint of what stands before the @
    created_at: datetime = Field(sa_type=UtcTime)


class Phone(SQLModel, table=True):
    """Fingerprints seen with a customer that never join people: phones, where orders go, others' mail (rules 16)."""

    __tablename__ = "phone"
    __table_args__ = (Index("ix_phone_value", "value"),)

    customer_id: int = Field(foreign_key="customer.id", primary_key=True, sa_type=BigId)
    value: str = Field(primary_key=True, sa_type=Text)  # keyed hex fingerprint


class CustomerAlias(SQLModel, table=True):
    """A customer that was merged into another one; readers resolve it (rules 15)."""

    __tablename__ = "customer_alias"

    merged_id: int = Field(foreign_key="customer.id", primary_key=True, sa_type=BigId)
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId, index=True)
    at: datetime = Field(sa_type=UtcTime)


class ConnectToken(SQLModel, table=True):
    """A one-time deep link that binds a chat to a customer; only its hash is kept (rules 19)."""

    __tablename__ = "connect_token"

    token_hash: str = Field(primary_key=True, sa_type=Text)  # SHA-256, hex
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId, index=True)
    created_at: datetime = Field(sa_type=UtcTime)  # the machine's clock
    expires_at: datetime = Field(sa_type=UtcTime)  # the machine's clock
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)
    used_by: int | None = Field(default=None, sa_type=BigId)  # Telegram chat id
