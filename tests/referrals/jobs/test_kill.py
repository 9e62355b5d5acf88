from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from sqlmodel import Session, func, select

from referrals.jobs.leases import LEASE_SECONDS
from referrals.jobs.registry import run_job
from storage.bulk import update_rows
from storage.database import Database
from storage.leases import Lease
from storage.ledger import Bonus, Posting
from storage.mailbox import Outbox
from tests.builders import NOON, UNREVIEWED, Shop, friend, order

FRIENDS = 150
WORKER = """
import asyncio, sys
from datetime import timedelta
from referrals.jobs import release_bonuses
from referrals.jobs.registry import run_job
from storage.database import Database
from tests.builders import NOON, Shop
release_bonuses.CHUNK = 5
database = Database.open(sys.argv[1])
programme = Shop(database).programme
work = run_job(database, "release-bonuses", programme=programme, now=NOON + timedelta(days=30))
asyncio.run(work)
"""


def released(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Posting).where(Posting.kind == "release")).one()


def start_and_kill(database: Database, url: str, *, after: int) -> None:
    """Another process works on the job, and is killed where it stands once it has released so many."""
    worker = subprocess.Popen([sys.executable, "-c", WORKER, url])
    while database.look(released) < after and worker.poll() is None:
        pass
    worker.kill()
    worker.wait()


@pytest.mark.parametrize("after", [1, 40])
async def test_a_killed_worker_leaves_nothing_half_done_and_nothing_doubled(
    database: Database, database_url: str, after: int
) -> None:
    """Kill -9 in the middle of the job: the next worker does the rest, each bonus once."""
    shop = Shop(database, bonus__ambassador__per_month="none", bonus__ambassador__budget_per_month="none", **UNREVIEWED)
    _, code = shop.ambassador("Anna")
    shop.deliver(*[order(n, friend(n), code=code) for n in range(FRIENDS)])
    start_and_kill(database, database_url, after=after)
    before = database.look(released)
    assert after <= before < FRIENDS
    # Its lease ends by itself after so many seconds; here they have passed.
    assert LEASE_SECONDS <= 60
    database.run(update_rows, Lease, [{"name": "release-bonuses", "until": NOON - timedelta(days=999)}], key=("name",))
    result = await run_job(database, "release-bonuses", programme=shop.programme, now=NOON + timedelta(days=30))
    assert result["done"] == FRIENDS - before
    assert database.look(released) == FRIENDS
    assert {row["status"] for row in shop.rows(Bonus)} == {"available"}
    assert len([row for row in shop.rows(Outbox) if row["kind"] == "bonus_available"]) == FRIENDS
    assert shop.faults() == []
