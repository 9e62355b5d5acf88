"""Nobody waits unheard: who is told of a broken promise, when, and once (rule 31, G6)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from typing import Any

from sqlmodel import Session, func, select

from referrals.asking.cases import Colleague, open_case, staff_says
from referrals.jobs import watchdog
from referrals.jobs.registry import run_job
from storage.bulk import update_rows
from storage.cases import QUESTION, Case
from storage.database import Database
from storage.leases import Lease
from storage.mailbox import Outbox
from tests.builders import NOON, Shop

OLGA, PIET, GROUP = 9_000_001, 9_000_002, -1001
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PROMISED = NOON + 4 * HOUR  # a Tuesday, 16.00
WAITING = 60
WORKER = """
import asyncio, sys
from datetime import timedelta
from referrals.jobs import watchdog
from referrals.jobs.registry import run_job
from storage.database import Database
from tests.builders import NOON, Shop
watchdog.CHUNK = 2
database = Database.open(sys.argv[1])
programme = Shop(database, telegram__owner_ids=[9000001]).programme
asyncio.run(run_job(database, "watchdog", programme=programme, now=NOON + timedelta(hours=5)))
"""


def waiting(database: Database, **keys: Any) -> tuple[Shop, int]:
    """Anna asked something at noon; the number of her case."""
    shop = Shop(database, **{"telegram__owner_ids": [OLGA, PIET], "telegram__staff_chat_id": GROUP, **keys})
    anna, _ = shop.ambassador("Anna")
    return shop, database.run(_open, anna, shop)


def _open(session: Session, customer_id: int, shop: Shop) -> int:
    how: dict[str, Any] = {"kind": QUESTION, "text": "Waar blijft mijn tafel?", "programme": shop.programme}
    number = open_case(session, customer_id, now=shop.now, **how).id
    assert number is not None
    return number


async def look(shop: Shop, database: Database | None = None) -> int:
    done: int = (await run_job(database or shop.database, "watchdog", programme=shop.programme, now=shop.now))["done"]
    return done


def alarms(shop: Shop) -> list[tuple[int, int]]:
    """Which alarm went where."""
    rows = [row for row in shop.rows(Outbox) if row["kind"] == "case_alarm" and row["status"] != "dropped"]
    return sorted((row["data"]["alarm"], row["chat_id"]) for row in rows)


def answer(shop: Shop, case: int) -> None:
    how: dict[str, Any] = {"colleague": Colleague(OLGA), "programme": shop.programme}
    shop.database.run(staff_says, case, text="Morgen.", now=shop.now, **how)


async def test_a_silence_goes_to_the_staff_then_to_every_owner_and_then_to_them_daily(database: Database) -> None:
    """Requirement G6: warn, escalate, and silence always escalates; each alarm once."""
    shop, _ = waiting(database)
    heard = {
        PROMISED - timedelta(seconds=1): 0,
        PROMISED: 1,
        PROMISED + HOUR: 0,
        PROMISED + 4 * HOUR + 13 * HOUR: 1,  # 09.00: at 20.00 nobody is at work
        PROMISED + DAY: 0,
        PROMISED + DAY + 17 * HOUR: 1,
        PROMISED + 2 * DAY + 17 * HOUR: 1,
    }
    for moment, done in heard.items():
        shop.now = moment
        assert (moment, await look(shop), await look(shop)) == (moment, done, 0)
    assert alarms(shop) == [(1, GROUP), (2, OLGA), (2, PIET), (3, OLGA), (3, PIET), (4, OLGA), (4, PIET)]


async def test_an_answer_ends_it_and_the_next_wait_is_counted_anew(database: Database) -> None:
    shop, case = waiting(database)
    shop.now = PROMISED
    await look(shop)
    answer(shop, case)
    shop.now += 9 * DAY
    assert await look(shop) == 0
    database.run(_open, shop.rows(Case)[0]["customer_id"], shop)
    shop.now += DAY
    assert await look(shop) == 1
    assert shop.rows(Case)[0]["alarms"] == 2


async def test_taking_it_is_no_answer(database: Database) -> None:
    shop, case = waiting(database)
    database.run(update_rows, Case, [{"id": case, "status": "taken", "taken_by": OLGA}], key=("id",))
    shop.now = PROMISED
    assert await look(shop) == 1


async def test_after_a_night_in_which_nobody_looked_one_alarm_is_told_and_not_three(database: Database) -> None:
    shop, _ = waiting(database)
    shop.now = NOON + 3 * DAY
    assert await look(shop) == 1
    assert alarms(shop) == [(4, OLGA), (4, PIET)]


async def test_an_alarm_waits_for_the_morning_and_an_answer_takes_it_back(database: Database) -> None:
    shop, case = waiting(database)
    shop.now = NOON + 10 * HOUR  # 22.00
    assert await look(shop) == 1
    (row,) = [row for row in shop.rows(Outbox) if row["kind"] == "case_alarm"]
    assert row["due_at"] == NOON + 21 * HOUR  # 09.00
    answer(shop, case)
    assert alarms(shop) == []


async def test_without_a_group_the_owners_hear_both(database: Database) -> None:
    shop, _ = waiting(database, telegram__owner_ids=[OLGA])
    shop.now = PROMISED
    await look(shop)
    shop.now = PROMISED + 17 * HOUR
    await look(shop)
    assert alarms(shop) == [(1, GROUP), (2, OLGA)]


async def test_two_workers_raise_each_alarm_once(database: Database, two: tuple[Database, Database]) -> None:
    """Rule 23: two live workers say nothing twice."""
    shop, _ = waiting(database)
    for number in range(20):
        shop.now = PROMISED + number * DAY
        await asyncio.gather(*(look(shop, worker) for worker in two))
    raised = alarms(shop)
    assert len(raised) == len(set(raised))
    assert shop.rows(Case)[0]["alarms"] == max(number for number, _ in raised)


def raised(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Outbox).where(Outbox.kind == "case_alarm")).one()


def start_and_kill(database: Database, url: str) -> None:
    """Another process looks, and is killed where it stands once it has told a few."""
    worker = subprocess.Popen([sys.executable, "-c", WORKER, url])
    while database.look(raised) < 4 and worker.poll() is None:
        pass
    worker.kill()
    worker.wait()


async def test_a_killed_watchdog_leaves_no_silence_untold_and_none_twice(database: Database, database_url: str) -> None:
    """Kill -9 in the middle: the next one tells the rest, each once."""
    shop = Shop(database, telegram__owner_ids=[OLGA])
    for number in range(WAITING):
        customer_id, _ = shop.ambassador(f"Customer{number}")
        database.run(_open, customer_id, shop)
    start_and_kill(database, database_url)
    assert 4 <= database.look(raised) < WAITING
    database.run(update_rows, Lease, [{"name": "watchdog", "until": NOON - 999 * DAY}], key=("name",))
    shop.now = NOON + 5 * HOUR
    await look(shop)
    told = [row["data"]["case"] for row in shop.rows(Outbox) if row["kind"] == "case_alarm"]
    assert sorted(told) == sorted(case["id"] for case in shop.rows(Case))


def test_the_next_alarm_is_a_stop_of_the_time_machine(database: Database) -> None:
    """Rule 44: the try-out stops where a silence is told."""
    shop, case = waiting(database)
    how = {"programme": shop.programme}
    assert database.look(watchdog.next_at, now=NOON, **how) == PROMISED
    assert database.look(watchdog.next_at, now=PROMISED, **how) is None
    database.run(update_rows, Case, [{"id": case, "alarms": 1}], key=("id",))
    assert database.look(watchdog.next_at, now=PROMISED, **how) == PROMISED + 17 * HOUR
    answer(shop, case)
    assert database.look(watchdog.next_at, now=NOON, **how) is None
