from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from referrals.clock import Clock
from referrals.clock_row import read_offset, set_offset
from referrals.jobs.clock import JobClock
from referrals.jobs.registry import JOBS
from storage.database import Database
from storage.ledger import Bonus
from tests.builders import NOON, Shop, order


class StillClock(Clock):
    """A machine's clock that stands still."""

    def machine(self) -> datetime:
        return NOON


def statuses(shop: Shop) -> list[str]:
    return [row["status"] for row in shop.rows(Bonus)]


def test_the_offset_is_nothing_until_somebody_sets_it(database: Database) -> None:
    """Rule 35: one row that all roles share."""
    assert database.look(read_offset) == timedelta()
    for offset in (timedelta(days=21, microseconds=7), -timedelta(hours=3)):
        database.run(set_offset, offset)
        assert database.look(read_offset) == offset


async def test_a_tick_asks_the_programmes_clock_what_is_due(database: Database) -> None:
    """Rule 35: moving the offset releases, though the machine's clock stands still."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    ticking = JobClock(database, programme=shop.programme, clock=StillClock())
    await ticking.tick(JOBS["release-bonuses"])
    assert statuses(shop) == ["held"]
    database.run(set_offset, timedelta(days=21))
    await ticking.tick(JOBS["release-bonuses"])
    assert statuses(shop) == ["available"]


async def test_ticks_come_by_themselves_until_the_clock_is_stopped(database: Database) -> None:
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    database.run(set_offset, NOON + timedelta(days=30) - Clock().machine())
    ticking = JobClock(database, programme=shop.programme, clock=Clock())
    ticking.start()
    for _ in range(200):
        if statuses(shop) == ["available"]:
            break
        await asyncio.sleep(0.05)
    await ticking.stop()
    assert statuses(shop) == ["available"]


async def test_a_late_tick_still_comes_and_never_beside_itself(database: Database) -> None:
    """APScheduler's default grace of one second would drop the tick after a stall."""
    ticking = JobClock(database, programme=Shop(database).programme, clock=StillClock())
    ticking.start()
    settings = [(job.misfire_grace_time, job.coalesce, job.max_instances) for job in ticking.jobs()]
    await ticking.stop()
    assert settings == [(None, True, 1)] * len(JOBS)


async def test_a_job_that_fails_is_logged_and_looked_at_again(database: Database) -> None:
    shop = Shop(database)
    gone = Database.open("sqlite:///no/such/folder/ambassade.db")
    ticking = JobClock(gone, programme=shop.programme, clock=Clock())
    with capture_logs() as logs:
        for _ in range(2):
            await ticking.tick(JOBS["audit"])
    await ticking.stop()
    assert [line["event"] for line in logs] == ["job.failed"] * 2
    await gone.stop()


def test_the_offset_survives_a_reopening(database: Database, database_url: str) -> None:
    database.run(set_offset, datetime(2026, 12, 15, tzinfo=UTC) - NOON)
    again = Database.open(database_url)
    assert again.look(read_offset) == timedelta(days=20, hours=13)
    again.close()
