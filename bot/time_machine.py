"""The try-out's time machine: steps the programme's clock through everything that falls due (rules 35, 44)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from referrals.asking.quiet import is_quiet_day
from referrals.calendar import add_local_months
from referrals.figures.moves import FREEZE
from referrals.figures.periods import local_day
from referrals.jobs.audit import NAME as AUDIT
from referrals.jobs.registry import JOBS, run_job
from referrals.jobs.upcoming import next_due

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from bot.wiring import Service

LANDING = time(10, 0)  # local
LONGEST = timedelta(days=31)  # that one step passes over in which nobody on the page hears anything
WORKING = tuple(name for name in JOBS if name not in (FREEZE, AUDIT))  # by whose work something may fall due
TURNS = 20  # of the jobs at one moment, before it is taken that they have nothing more to do


class TimeMachine:
    """Moves the clock of a running service; what falls due on the way is done at its own moment."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._moving = asyncio.Lock()

    async def later(self, *, enough: Callable[[], bool] = lambda: True) -> datetime:
        """From due moment to due moment until it is enough, landing at 10:00 on a day that is not quiet.

        It is enough, too, when nothing more is due or a month has passed.
        """
        landed = started = self._service.clock.programme()
        while True:
            due = await self._next_due()
            landed = await self.travel(self._landing(max(due or landed, landed)))
            if due is None or enough() or landed >= started + LONGEST:
                return landed

    async def forward(self, days: int = 0, *, months: int = 0) -> datetime:
        """So many days and calendar months on, at 10:00; from the 31st, on the last day that the month has."""
        zone = self._service.programme.zone
        then = add_local_months(self._service.clock.programme(), months, zone)
        return await self.travel(self._at_ten(local_day(then, zone=zone) + timedelta(days=days)))

    async def travel(self, until: datetime, *, landing: bool = True) -> datetime:
        """To this moment, through every due one in order; never back.

        Jobs that only look on are run where one lands, for they catch up with any number of nights.
        """
        async with self._moving:
            while True:
                due = await self._next_due()
                if due is None or due >= until:
                    break
                await self._stop_at(due, names=WORKING)
            await self._stop_at(max(until, self._service.clock.programme()), names=tuple(JOBS) if landing else WORKING)
        return self._service.clock.programme()

    async def settle(self, names: Sequence[str] = tuple(JOBS)) -> None:
        """Everything due at this moment is done, by these jobs, and said."""
        database, programme = self._service.database, self._service.programme
        for _ in range(TURNS):
            now = self._service.clock.programme()
            turns = [await run_job(database, name, programme=programme, now=now) for name in names]
            names = WORKING
            if not any(turn["done"] or turn["skipped"] for turn in turns if turn["job"] in WORKING):
                break
        if self._service.bot is not None:
            await self._service.bot.deliver_due()

    async def _next_due(self) -> datetime | None:
        now = self._service.clock.programme()
        return await self._service.database.read(next_due, programme=self._service.programme, now=now)

    async def _stop_at(self, moment: datetime, *, names: Sequence[str]) -> None:
        await self._service.move_clock(moment)
        await self.settle(names)

    def _landing(self, moment: datetime) -> datetime:
        """The first 10:00 from this moment on, on a day that is not quiet."""
        quiet = self._service.config.cadence.quiet_days
        day = local_day(moment, zone=self._service.programme.zone)
        while self._at_ten(day) <= moment or is_quiet_day(day, quiet):
            day += timedelta(days=1)
        return self._at_ten(day)

    def _at_ten(self, day: date) -> datetime:
        return datetime.combine(day, LANDING, self._service.programme.zone).astimezone(UTC)
