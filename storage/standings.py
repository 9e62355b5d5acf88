"""Places in a period: a projection of the ledger that can be rebuilt at any time (rules 34)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Minor, UtcTime


class Standing(SQLModel, table=True):
    """One customer's totals in one period."""

    __tablename__ = "standing"
    __table_args__ = (Index("ix_standing_place", "period", "friends", "revenue_minor"),)

    period: str = Field(primary_key=True, sa_type=Text)  # 2026-W47, 2026-11, 2026-Q4, 2026, all
    customer_id: int = Field(primary_key=True, sa_type=BigId)
    friends: int = Field(default=0)
    revenue_minor: int = Field(default=0, sa_type=Minor)
    bonus_minor: int = Field(default=0, sa_type=Minor)


class StandingCount(SQLModel, table=True):
    """How many customers of a period have exactly so many friends: own rank without counting people."""

    __tablename__ = "standing_count"

    period: str = Field(primary_key=True, sa_type=Text)
    friends: int = Field(primary_key=True)
    customers: int = Field(default=0)


class Snapshot(SQLModel, table=True):
    """Places as they were on a night, or at the end of a closed period."""

    __tablename__ = "snapshot"

    period: str = Field(primary_key=True, sa_type=Text)
    taken_on: date = Field(primary_key=True)  # local date
    customer_id: int = Field(primary_key=True, sa_type=BigId)
    place: int
    friends: int


class Watermark(SQLModel, table=True):
    """Up to which commit number a projection has come."""

    __tablename__ = "watermark"

    name: str = Field(primary_key=True, sa_type=Text)
    commit_no: int = Field(default=0, sa_type=BigId)
    at: datetime = Field(sa_type=UtcTime)
