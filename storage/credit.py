"""Until when credit stands: a row for each lot that has come to its customer's credit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime


class CreditTerm(SQLModel, table=True):
    """When a lot of credit ends, and which warnings its customer has had of that; it follows the ledger."""

    __tablename__ = "credit_term"
    __table_args__ = (
        Index(
            "ix_credit_term_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )

    bonus_id: int = Field(primary_key=True, foreign_key="bonus.id", sa_type=BigId)
    until_at: datetime = Field(sa_type=UtcTime)  # what is credit then expires
    warnings: int = Field(default=0)  # how many of expiry.warn_days, the longest first
    warned_at: datetime | None = Field(default=None, sa_type=UtcTime)  # the last of them
    next_at: datetime | None = Field(
        default=None, sa_type=UtcTime
    )  # the next warning or the end; None: nothing is left
