from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, func, select
from structlog.testing import capture_logs

from referrals.figures.board import board
from referrals.figures.standings import is_behind
from referrals.jobs.leases import acquire_lease
from referrals.jobs.registry import JOBS, UnknownJob, run_job
from storage.bulk import insert_rows, update_rows
from storage.database import Database
from storage.leases import JobRun, Lease
from storage.ledger import Bonus, Entry, Posting
from storage.mailbox import Outbox
from storage.standings import Snapshot
from tests.builders import NOON, UNREVIEWED, Shop, friend, order
from tests.referrals.rewarding.purse import Purse


async def run(shop: Shop, name: str, **more: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"programme": shop.programme, "now": shop.now}
    return await run_job(more.pop("database", shop.database), name, **(settings | more))


def month_of_friends(database: Database, friends: int = 5) -> Shop:
    shop = Shop(database, bonus__ambassador__per_month="none", bonus__ambassador__budget_per_month="none", **UNREVIEWED)
    _, code = shop.ambassador("Anna")
    shop.deliver(*[order(n, friend(n), code=code) for n in range(friends)])
    return shop


def count(session: Session, table: Any, *conditions: Any) -> int:
    return session.exec(select(func.count()).select_from(table).where(*conditions)).one()


def nights_kept(session: Session) -> list[tuple[str, date]]:
    return [(row.period, row.taken_on) for row in session.exec(select(Snapshot)).all()]


async def test_nothing_is_released_before_its_time_and_everything_after_it(database: Database) -> None:
    """Rule 8: due is judged by the programme's clock."""
    shop = month_of_friends(database)
    assert (await run(shop, "release-bonuses"))["done"] == 0
    shop.now = NOON + timedelta(days=21)
    first = await run(shop, "release-bonuses")
    assert first == {"job": "release-bonuses", "now": shop.now.isoformat(), "done": 5, "skipped": 0, "failed": 0}
    assert (await run(shop, "release-bonuses"))["done"] == 0
    assert shop.faults() == []


async def test_two_workers_at_once_release_each_bonus_once(two: tuple[Database, Database]) -> None:
    """Two workers on one database: nothing doubled."""
    shop = month_of_friends(two[0], friends=120)
    shop.now = NOON + timedelta(days=30)
    results = await asyncio.gather(*[run(shop, "release-bonuses", database=two[n % 2]) for n in range(6)])
    assert sum(result["done"] for result in results) == 120
    assert shop.database.look(count, Posting, Posting.kind == "release") == 120
    assert shop.database.look(count, Outbox, Outbox.kind == "bonus_available") == 120
    assert shop.faults() == []


async def test_a_worker_that_was_killed_leaves_the_rest_to_the_next(two: tuple[Database, Database]) -> None:
    """A lease that nobody gives back ends by itself, and what was done stays done."""
    shop = month_of_friends(two[0])
    shop.now = NOON + timedelta(days=30)
    two[0].run(acquire_lease, "release-bonuses", owner="killed", seconds=30)
    assert (await run(shop, "release-bonuses", database=two[1]))["skipped"] == 1
    two[0].run(update_rows, Lease, [{"name": "release-bonuses", "until": NOON - timedelta(days=900)}], key=("name",))
    assert (await run(shop, "release-bonuses", database=two[1]))["done"] == 5


async def test_one_bad_bonus_fails_alone_and_is_told(database: Database) -> None:
    shop = month_of_friends(database)
    shop.now = NOON + timedelta(days=30)
    bad = shop.rows(Bonus)[2]["id"]
    taken = {"id": 10**9, "bonus_id": bad, "n": 1, "kind": "release", "reason": "", "commit_no": 0, "at": NOON}
    database.run(insert_rows, Posting, [taken])  # the number of its next posting is taken
    with capture_logs() as logs:
        result = await run(shop, "release-bonuses")
    assert (result["done"], result["failed"]) == (4, 1)
    assert {line["event"] for line in logs} == {"job.chunk_failed"}


async def test_a_turn_that_is_to_stop_ends_between_two_transactions(database: Database) -> None:
    shop = month_of_friends(database)
    shop.now = NOON + timedelta(days=30)
    assert (await run(shop, "release-bonuses", stopping=lambda: True))["done"] == 0
    assert (await run(shop, "release-bonuses"))["done"] == 5


async def test_vouchers_go_back_to_the_credit_when_their_time_is_over(database: Database) -> None:
    """Rule 36: due items, always looked for; twice is once, and their customers hear of it."""
    purse = Purse(Shop(database), bonuses=2)
    for amount in (1000, 500):
        purse.issue(amount)
    assert (await run(purse.shop, "expire-credit"))["done"] == 0
    purse.shop.pass_days(180)
    assert (await run(purse.shop, "expire-credit"))["done"] == 2
    assert (await run(purse.shop, "expire-credit"))["done"] == 0
    assert purse.accounts() == (0, 3000, 0, 0, 0)
    assert database.look(count, Outbox, Outbox.kind == "voucher_over") == 2
    assert purse.faults() == []


async def test_the_projection_follows_and_then_rests(database: Database) -> None:
    """Rule 34."""
    shop = month_of_friends(database)
    shop.pass_days(22)
    assert (await run(shop, "freeze-standings"))["done"] > 0
    assert not database.look(is_behind)
    assert (await run(shop, "freeze-standings"))["done"] == 0


async def test_last_nights_places_are_those_of_midnight_however_late_they_are_frozen(database: Database) -> None:
    """Rule 33: a friend of this morning moves a place since last night."""
    shop = Shop(database)
    codes = [shop.ambassador(name)[1] for name in ("Anna", "Mats")]
    yesterday, morning = NOON - timedelta(days=1), NOON - timedelta(hours=2)
    shop.deliver(order(1, friend(1), code=codes[1], at=yesterday), order(2, friend(2), code=codes[0], at=morning))
    shop.deliver(order(3, friend(3), code=codes[0], at=morning))
    for days in (20, 1):  # Mats' friend is released on the evening, Anna's two on the day after
        shop.now += timedelta(hours=1)
        shop.pass_days(days)
    assert (await run(shop, "freeze-standings"))["done"] > 0
    found = database.look(board, period="month", programme=shop.programme, now=shop.now)
    assert [(row.name, row.place, row.move) for row in found.rows] == [("Anna", 1, None), ("Mats", 2, -1)]


async def test_a_night_is_frozen_once_and_only_the_last_one_is_kept(database: Database) -> None:
    """Rule 36: the key is (job, programme period)."""
    shop = month_of_friends(database)
    shop.pass_days(22)
    nights = set()
    for _ in range(3):
        for _ in range(2):
            await run(shop, "freeze-standings")
        nights.add((shop.now - timedelta(days=1)).date().isoformat())
        shop.now += timedelta(days=1)
    runs = database.look(lambda session: session.exec(select(JobRun.period)).all())
    assert set(runs) == nights
    kept = database.look(nights_kept)
    assert len({key for key, _ in kept}) == len(kept)


async def test_a_broken_off_night_is_frozen_anew(database: Database) -> None:
    shop = month_of_friends(database)
    shop.pass_days(22)
    shop.now += timedelta(days=1)
    night = (shop.now - timedelta(days=1)).date()
    database.run(
        insert_rows, JobRun, [{"job": "freeze-standings", "period": night.isoformat(), "started_at": shop.now}]
    )
    wrong = {"period": "all", "taken_on": night, "customer_id": shop.rows(Bonus)[0]["customer_id"], "place": 99}
    database.run(insert_rows, Snapshot, [wrong | {"friends": 1}])
    await run(shop, "freeze-standings")
    places = database.look(lambda session: session.exec(select(Snapshot.place).where(Snapshot.period == "all")).all())
    assert list(places) == [1]


async def test_after_weeks_away_the_nights_on_which_a_period_ended_are_frozen(database: Database) -> None:
    shop = month_of_friends(database)
    shop.pass_days(22)
    await run(shop, "freeze-standings")
    shop.now += timedelta(days=20)  # from 16 December to 5 January
    await run(shop, "freeze-standings")
    kept = database.look(nights_kept)
    assert {key: night.isoformat() for key, night in kept} == {
        "2026-W51": "2026-12-20", "2026-12": "2026-12-31", "2026-Q4": "2026-12-31", "2026": "2026-12-31",
        "all": "2027-01-04",
    }  # fmt: skip


async def test_two_workers_freeze_and_project_once(two: tuple[Database, Database]) -> None:
    shop = month_of_friends(two[0], friends=30)
    shop.now = NOON + timedelta(days=30)
    for name in ("release-bonuses", "freeze-standings"):
        await asyncio.gather(*[run(shop, name, database=two[n % 2]) for n in range(4)])
    found = two[0].look(board, period="all", programme=shop.programme, now=shop.now)
    assert [row.friends for row in found.rows] == [30]


async def test_the_nightly_audit_looks_once_a_day_and_keeps_what_it_found(database: Database) -> None:
    shop = month_of_friends(database)
    assert await run(shop, "audit") | {"now": ""} == {"job": "audit", "now": "", "done": 1, "skipped": 0, "failed": 0}
    assert (await run(shop, "audit"))["done"] == 0
    lot = shop.rows(Bonus)[0]
    wrong = {
        "bonus_id": lot["id"],
        "account": "held",
        "currency": "EUR",
        "amount_minor": 5,
        "customer_id": lot["customer_id"],
    }
    database.run(insert_rows, Entry, [wrong | {"posting_id": shop.rows(Posting)[0]["id"]}])
    shop.now += timedelta(days=1)
    with capture_logs() as logs:
        assert (await run(shop, "audit"))["failed"] > 0
    assert logs[0]["event"] == "audit.fault"
    kept = database.look(lambda session: session.exec(select(JobRun.failed).order_by(JobRun.period)).all())
    assert kept[0] == 0
    assert kept[-1] > 0


async def test_looking_when_nothing_is_due_writes_nothing(database: Database) -> None:
    shop = Shop(database)
    assert (await run(shop, "release-bonuses"))["skipped"] == 0
    assert database.look(count, Lease) == 0


async def test_a_job_that_there_is_not_is_refused(database: Database) -> None:
    with pytest.raises(UnknownJob):
        await run(Shop(database), "make-coffee")


def test_the_jobs_of_this_release_have_the_contracts_names() -> None:
    planned = {"ask-scores", "nudge", "thank", "invite-references"}
    assert {"release-bonuses", "freeze-standings", "audit"} | planned <= set(JOBS)
    assert set(JOBS) <= planned | {
        "release-bonuses", "expire-credit", "freeze-standings", "win-back", "digest", "watchdog", "reconcile",
        "retention", "audit", "make-coupons",  # the last is ours beside them
    }  # fmt: skip
