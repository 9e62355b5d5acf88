"""What belongs to this installation: made keys, the programme clock's offset, the bot's name, id counters, API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Json, UtcTime


class Setting(SQLModel, table=True):
    """A value that is made or learnt, not configured."""

    __tablename__ = "setting"

    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)


class Counter(SQLModel, table=True):
    """The next number of a kind; blocks are reserved with one statement."""

    __tablename__ = "counter"

    name: str = Field(primary_key=True, sa_type=Text)
    next: int = Field(default=1, sa_type=BigId)


class ApiKey(SQLModel, table=True):
    """A key for the API; shown once, stored hashed."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("key_hash"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    name: str = Field(sa_type=Text)
    key_hash: str = Field(sa_type=Text)  # SHA-256, hex
    scopes: str = Field(default="*", sa_type=Text)  # space separated, * for all
    created_at: datetime = Field(sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)


class IdempotencyKey(SQLModel, table=True):
    """The reply to a request that may be repeated for 24 hours (rules 40)."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("api_key_id", "method", "path", "value"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    api_key_id: int = Field(foreign_key="api_key.id", sa_type=BigId)
    method: str = Field(sa_type=Text)
    path: str = Field(sa_type=Text)
    value: str = Field(sa_type=Text)
    body_hash: str = Field(sa_type=Text)
    status: int
    reply: Any = Field(default=None, nullable=True, sa_type=Json)
    created_at: datetime = Field(sa_type=UtcTime, index=True)
