"""Which programme periods a job has done: the key (job, period) keeps a second run out (rules 36)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.bulk import insert_rows, update_rows
from storage.leases import JobRun

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

KEY = ("job", "period")


def is_finished(session: Session, job: str, period: str) -> bool:
    """Whether the job has been through this period."""
    run = session.get(JobRun, (job, period))
    return run is not None and run.finished_at is not None


def begin_run(session: Session, job: str, period: str, *, now: datetime) -> None:
    """The run is noted; one that was broken off keeps its beginning."""
    insert_rows(session, JobRun, [{"job": job, "period": period, "started_at": now}], ignore_conflicts=True)


def finish_run(session: Session, job: str, period: str, *, now: datetime, done: int = 0, failed: int = 0) -> None:
    """The period is done, with these counts."""
    row = {"job": job, "period": period, "finished_at": now, "done": done, "failed": failed}
    update_rows(session, JobRun, [row], key=KEY)
