"""The jobs by name, and one turn of one of them: look, take the lease, work, give it back."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from referrals.jobs import (
    audit,
    expire_credit,
    freeze_standings,
    make_coupons,
    plan_plays,
    reconcile,
    release_bonuses,
    retention,
    watchdog,
)
from referrals.jobs.leases import Held, LeaseLost, acquire_lease, release_lease
from referrals.jobs.turn import Turn, never
from referrals.programme import Programme
from storage.database import Database

log = structlog.get_logger()


class UnknownJob(KeyError):
    """No job has this name."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job: how often each worker looks, whether there is anything to do, and the work under the lease.

    ``next_at`` is the next moment after ``now`` at which something falls due; without it the job has none of its own.
    """

    name: str
    every_seconds: int
    is_due: Callable[..., bool]  # (session, *, programme, now)
    work: Callable[[Turn], Awaitable[None]]
    next_at: Callable[..., datetime | None] | None = None  # (session, *, programme, now)


def _planner(name: str) -> Job:
    """The job that plans the plays of this name."""
    return Job(
        name,
        60,
        partial(plan_plays.is_due, job=name),
        partial(plan_plays.work, job=name),
        partial(plan_plays.next_at, job=name),
    )


JOBS = {
    job.name: job
    for job in (
        Job(release_bonuses.NAME, 5, release_bonuses.is_due, release_bonuses.work, release_bonuses.next_at),
        Job(expire_credit.NAME, 30, expire_credit.is_due, expire_credit.work, expire_credit.next_at),
        Job(make_coupons.NAME, 5, make_coupons.is_due, make_coupons.work, make_coupons.next_at),
        Job(freeze_standings.NAME, 2, freeze_standings.is_due, freeze_standings.work),
        Job(audit.NAME, 60, audit.is_due, audit.work),
        Job(reconcile.NAME, 60, reconcile.is_due, reconcile.work),
        Job(retention.NAME, 300, retention.is_due, retention.work),
        Job(watchdog.NAME, 20, watchdog.is_due, watchdog.work, watchdog.next_at),
        *(_planner(name) for name in plan_plays.NAMES),
    )
}


def owner_name(programme: Programme) -> str:
    """A name that no other worker has: machine, process and a token."""
    return f"{socket.gethostname()}:{os.getpid()}:{programme.maker.token(6)}"


async def run_job(
    database: Database,
    name: str,
    *,
    programme: Programme,
    now: datetime,
    owner: str | None = None,
    stopping: Callable[[], bool] = never,
) -> dict[str, Any]:
    """The job has looked once, and done what was due at ``now`` on the programme's clock.

    ``skipped`` is 1 where another worker has the turn; nothing due is no skip. Any number of workers may run it at
    once, late, twice or after a kill.

    Raises:
        UnknownJob: There is no such job.
    """
    if name not in JOBS:
        raise UnknownJob(name)
    job = JOBS[name]
    done, skipped, failed = 0, 0, 0
    if await database.read(job.is_due, programme=programme, now=now):
        held = await database.write(acquire_lease, name, owner=owner or owner_name(programme))
        if held is None:
            skipped = 1
        else:
            turn = Turn(database, programme, now, held, stopping)
            await _work(job, turn, held)
            done, skipped, failed = turn.done, turn.skipped, turn.failed
    return {"job": name, "now": now.isoformat(), "done": done, "skipped": skipped, "failed": failed}


async def _work(job: Job, turn: Turn, held: Held) -> None:
    try:
        await job.work(turn)
    except LeaseLost:
        log.warning("job.lease_lost", job=job.name)
        turn.skipped += 1
    finally:
        await turn.database.write(_give_back, held)


def _give_back(session: Session, held: Held) -> None:
    release_lease(session, held)
