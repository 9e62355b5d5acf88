"""Complaints and questions that a person answers, and what was said about them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime

OPEN, TAKEN, SOLVED = "open", "taken", "solved"
LOW_SCORE, QUESTION = "low_score", "question"
CUSTOMER, STAFF = "customer", "staff"


class Case(SQLModel, table=True):
    """One complaint or question; while it is not solved its customer is asked nothing (rules 31)."""

    __tablename__ = "case_file"
    __table_args__ = (
        UniqueConstraint("survey_id"),
        Index("ix_case_file_customer_id", "customer_id"),
        Index(
            "ix_case_file_unsolved",
            "promised_at",
            sqlite_where=text("solved_at IS NULL"),
            postgresql_where=text("solved_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigId)
    kind: str = Field(sa_type=Text)  # low_score, question
    survey_id: int | None = Field(default=None, foreign_key="survey.id", sa_type=BigId)
    status: str = Field(default=OPEN, sa_type=Text)  # open, taken, solved
    opened_at: datetime = Field(sa_type=UtcTime)
    promised_at: datetime = Field(sa_type=UtcTime)  # when the customer was told to have an answer
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)  # the first word of a person
    waiting_since: datetime | None = Field(default=None, sa_type=UtcTime)  # the customer spoke last; None: we did
    taken_by: int | None = Field(default=None, sa_type=BigId)  # Telegram id of a colleague
    taken_at: datetime | None = Field(default=None, sa_type=UtcTime)
    solved_by: int | None = Field(default=None, sa_type=BigId)
    solved_at: datetime | None = Field(default=None, sa_type=UtcTime)
    alarms: int = Field(default=0)  # how often the watchdog has spoken about the silence that lasts


class CaseMessage(SQLModel, table=True):
    """What the customer or a colleague said in a case."""

    __tablename__ = "case_message"
    __table_args__ = (Index("ix_case_message_case_id", "case_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    case_id: int = Field(foreign_key="case_file.id", sa_type=BigId)
    said_by: str = Field(sa_type=Text)  # customer, staff
    telegram_id: int | None = Field(default=None, sa_type=BigId)  # of the colleague
    text: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcTime)
