"""The ticks: every worker looks every few seconds whether a job has something to do (rules 35).

APScheduler only ticks, in memory: what is due is asked of the programme's clock, who works of the lease.
"""

from __future__ import annotations

import asyncio
from datetime import UTC
from functools import partial

import structlog
from apscheduler.job import Job as ScheduledJob
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from referrals.clock import Clock
from referrals.clock_row import read_offset
from referrals.jobs.registry import JOBS, Job, owner_name, run_job
from referrals.programme import Programme
from storage.database import Database

log = structlog.get_logger()


class JobClock:
    """The ticking of one worker; started and stopped once, inside a running loop."""

    def __init__(self, database: Database, *, programme: Programme, clock: Clock) -> None:
        self._database, self._programme, self._clock = database, programme, clock
        self._owner = owner_name(programme)
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._working: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    def start(self) -> None:
        """Every job is looked at now and then every few seconds; a tick that comes late still comes, once."""
        for job in JOBS.values():
            self._scheduler.add_job(
                partial(self.tick, job), "interval", seconds=job.every_seconds, id=job.name, name=job.name,
                next_run_time=self._clock.machine(), misfire_grace_time=None, coalesce=True, max_instances=1,
            )  # fmt: skip
        self._scheduler.start()

    def jobs(self) -> list[ScheduledJob]:
        """What ticks, and how."""
        return list(self._scheduler.get_jobs())

    async def tick(self, job: Job) -> None:
        """One look at one job; what goes wrong is logged, and the next tick looks again."""
        if self._stopping:
            return
        self._working.add(job.name)
        self._idle.clear()
        try:
            await self._turn(job)
        except Exception:
            log.exception("job.failed", job=job.name)
        finally:
            self._working.discard(job.name)
            if not self._working:
                self._idle.set()

    async def stop(self) -> None:
        """No tick begins any more, and the turns in hand have ended between two of their transactions."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.pause()
        await self._idle.wait()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _turn(self, job: Job) -> None:
        self._clock.shift(await self._database.read(read_offset))
        result = await run_job(
            self._database, job.name, programme=self._programme, now=self._clock.programme(), owner=self._owner,
            stopping=lambda: self._stopping,
        )  # fmt: skip
        if result["done"] or result["failed"]:
            log.info("job.done", **result)
