"""The pairs of ambassador and friend, also those that lost or were refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Json, UtcTime

INVITED, SIGNED_UP, ORDERED, REFUSED = "invited", "signed_up", "ordered", "refused"


class Referral(SQLModel, table=True):
    """One pair; at most one pair of a friend *stands* (rules 16). From ``on_hold`` on the status is derived."""

    __tablename__ = "referral"
    __table_args__ = (
        UniqueConstraint("ambassador_id", "friend_id"),
        Index(
            "uq_referral_standing",
            "friend_id",
            unique=True,
            sqlite_where=text("standing"),
            postgresql_where=text("standing"),
        ),
        Index("ix_referral_friend_id", "friend_id"),
        Index(
            "ix_referral_signed_up_at",
            "signed_up_at",
            sqlite_where=text("signed_up_at IS NOT NULL"),
            postgresql_where=text("signed_up_at IS NOT NULL"),
        ),
    )

    id: int = Field(primary_key=True, sa_type=BigId)
    ambassador_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    friend_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    code_id: int | None = Field(default=None, foreign_key="code.id", sa_type=BigId)
    stage: str = Field(sa_type=Text)  # stored part of the status: invited, signed_up, ordered, refused
    standing: bool = Field(default=False)
    evidence: str = Field(sa_type=Text)  # code, sign_up, click, by_hand
    evidence_at: datetime = Field(sa_type=UtcTime)
    invited_at: datetime | None = Field(default=None, sa_type=UtcTime)  # START with r_ (its message's date)
    signed_up_at: datetime | None = Field(default=None, sa_type=UtcTime)
    by_hand_at: datetime | None = Field(default=None, sa_type=UtcTime)
    by_hand_by: str | None = Field(default=None, sa_type=Text)  # who, for the audit
    reasons: Any = Field(default_factory=list, sa_type=Json)
    created_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)
