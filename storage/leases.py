"""Who may run a job now, and which periods were done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from storage.columns import BigId, UtcTime


class Lease(SQLModel, table=True):
    """A job's lease; the fence rises at each take-over (rules 36)."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True, sa_type=Text)
    owner: str | None = Field(default=None, sa_type=Text)
    until: datetime | None = Field(default=None, sa_type=UtcTime)  # database time, the machine's clock
    fence: int = Field(default=0, sa_type=BigId)


class JobRun(SQLModel, table=True):
    """One run of a job; for jobs of a period the key keeps a second one out."""

    __tablename__ = "job_run"

    job: str = Field(primary_key=True, sa_type=Text)
    period: str = Field(primary_key=True, sa_type=Text)  # programme period, or the run's moment
    started_at: datetime = Field(sa_type=UtcTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)
    done: int = Field(default=0)
    skipped: int = Field(default=0)
    failed: int = Field(default=0)
