"""Referral codes and the clicks on their links."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime


class Code(SQLModel, table=True):
    """A code names its ambassador for ever and is never issued to anybody else (rules 17)."""

    __tablename__ = "code"
    __table_args__ = (
        UniqueConstraint("normalised"),
        Index("ix_code_customer_id", "customer_id"),
        Index("ix_code_created_at", "created_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    normalised: str = Field(sa_type=Text)  # capitals and digits, confusables folded
    display: str = Field(sa_type=Text)  # as it is shown: ANNA7K3Q
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    kind: str = Field(default="made", sa_type=Text)  # made or vanity
    main: bool = Field(default=True)  # the one that is shown; older ones stay aliases
    leaked_at: datetime | None = Field(default=None, sa_type=UtcTime)  # found where strangers look for codes
    retired_at: datetime | None = Field(default=None, sa_type=UtcTime)  # typed later it brings nobody; links still do
    created_at: datetime = Field(sa_type=UtcTime)


class Click(SQLModel, table=True):
    """One visit through a link; the token travels to the order (rules 21)."""

    __tablename__ = "click"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_click_code_id_at", "code_id", "at"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    token_hash: str = Field(sa_type=Text)  # SHA-256, hex
    code_id: int = Field(foreign_key="code.id", sa_type=BigId)
    customer_id: int | None = Field(default=None, sa_type=BigId)  # the chat person whom the shop button was made for
    shop: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=UtcTime)
