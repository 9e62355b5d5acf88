"""Scores: the one question a customer is asked after a delivery, and the answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime

NPS = "nps"


class Survey(SQLModel, table=True):
    """One question to one customer about one thing; whether and when it was sent stands in its ``Contact``."""

    __tablename__ = "survey"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index("ix_survey_customer_id", "customer_id"),
        Index("ix_survey_scored_at", "scored_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    kind: str = Field(default=NPS, sa_type=Text)  # nps
    subject: str = Field(sa_type=Text)  # order:<id>
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    score: int | None = Field(default=None)  # 0-10, the one that stands
    scored_at: datetime | None = Field(default=None, sa_type=UtcTime)  # the first tap; for 24 h it can be changed
    changed_at: datetime | None = Field(default=None, sa_type=UtcTime)  # the last tap that changed it
    skipped_at: datetime | None = Field(default=None, sa_type=UtcTime)
    why: str | None = Field(default=None, sa_type=Text)  # the customer's own words
    why_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
