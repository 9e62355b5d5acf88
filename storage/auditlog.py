"""What owners and staff did, with before and after."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, Json, UtcTime


class AuditEvent(SQLModel, table=True):
    """One action, tagged subject:action."""

    __tablename__ = "audit_event"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    at: datetime = Field(sa_type=UtcTime, index=True)
    actor: str = Field(sa_type=Text)  # owner:<telegram id>, key:<name>, command
    action: str = Field(sa_type=Text)  # referral:by_hand, api_key:create
    subject: str = Field(sa_type=Text)  # referral:12
    before: Any = Field(default=None, nullable=True, sa_type=Json)
    after: Any = Field(default=None, nullable=True, sa_type=Json)
