from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from referrals.asking.play import GIVE, Candidate, Play
from referrals.asking.plays import thanks
from referrals.jobs import plan_plays
from referrals.jobs.leases import acquire_lease
from referrals.jobs.registry import JOBS, run_job
from referrals.jobs.turn import Turn
from referrals.jobs.upcoming import next_due
from referrals.notices import THANKS, Notice, write_notices
from referrals.programme import Programme
from storage.contacts import Contact
from storage.database import Database
from storage.mailbox import Outbox
from tests.builders import BRAM, NOON, Shop, order
from tests.referrals.asking.somebody import programme
from tests.referrals.asking.stage import bought, credited, linked, person, scored
from tests.rows import rows_of

DAY = timedelta(days=1)
LOOSE = programme(asking__min_orders=1, cadence__holdout_percent=0)


def crowd(session: Session, count: int) -> None:
    """So many promoters who made a link four days ago that nobody opened; every tenth has stopped."""
    for number in range(count):
        one = person(session, stopped_at=NOON if number % 10 == 0 else None)
        bought(session, one, NOON - 100 * DAY)
        scored(session, one, 9, NOON - 90 * DAY)
        linked(session, one, NOON - 4 * DAY)


async def test_everybody_who_is_due_is_planned_page_after_page(database: Database) -> None:
    """Rule 30: more than two pages; what is not sent is counted as skipped, and a second look finds nothing."""
    database.run(crowd, 230)

    first = await run_job(database, "nudge", programme=LOOSE, now=NOON)
    second = await run_job(database, "nudge", programme=LOOSE, now=NOON + DAY)

    assert (first["done"], first["skipped"], first["failed"]) == (207, 23, 0)
    assert (second["done"], second["skipped"], second["failed"]) == (0, 0, 0)
    assert len(rows_of(database, Outbox)) == 207
    assert {row["reason"] for row in rows_of(database, Contact)} == {None, "stopped"}


async def test_a_third_friend_is_thanked_for_once_however_many_came(database: Database) -> None:
    """Rule 30: the thanks of one are told apart from those of another, and a second look finds nobody."""

    def friends(session: Session) -> None:
        for one, count in ((person(session), 4), (person(session), 3)):
            for number in range(count):
                credited(session, one, NOON - (count - number) * DAY, friend=person(session, chat=False))

    database.run(friends)

    first = await run_job(database, "thank", programme=LOOSE, now=NOON)

    assert first["done"] + first["skipped"] == 2
    assert database.look(thanks.candidates, programme=LOOSE, now=NOON, limit=5) == []


async def test_a_play_that_finds_whom_it_planned_before_comes_to_an_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in one query must not keep the job, and the machine, at it for ever."""
    anna = database.run(lambda session: person(session, chat=True))
    again = Candidate(anna, "order:1", NOON - DAY, NOON, NOON + DAY)
    play = Play("t9", GIVE, "thank", THANKS, lambda *_, **__: [again], lambda *_, **__: None, held_out=False)
    monkeypatch.setattr(plan_plays, "PLAYS", {"t9": play})
    database.run(lambda session: bought(session, anna, NOON - 100 * DAY))

    async with asyncio.timeout(20):
        turns = [await run_job(database, "thank", programme=LOOSE, now=NOON) for _ in range(2)]

    assert [turn["done"] + turn["skipped"] for turn in turns] == [1, 0]


async def test_two_workers_at_once_plan_each_once(database: Database) -> None:
    """Rules 23 and 36: the lease keeps them apart, the keys would too."""
    database.run(crowd, 30)

    results = await asyncio.gather(*(run_job(database, "nudge", programme=LOOSE, now=NOON) for _ in range(4)))

    assert sum(each["done"] for each in results) == 27
    assert len(rows_of(database, Contact)) == 30
    assert len(rows_of(database, Outbox)) == 27


async def test_whom_it_fails_on_is_left_and_all_others_are_planned(database: Database) -> None:
    """One poisoned candidate in a page costs nobody else their message, and its own turn is not without end."""
    people = database.run(lambda session: [person(session) for _ in range(5)])

    def candidates(session: Session, *, now: datetime, limit: int, **_: Any) -> list[Candidate]:
        known = set(session.exec(select(Contact.key)))
        found = [Candidate(one, f"person:{one}", now, now, now + DAY) for one in people]
        return [one for one in found if f"x:{one.subject}" not in known][:limit]

    def prepare(_: Session, chosen: Sequence[Candidate], **__: Any) -> dict[str, dict[str, Any]]:
        if any(one.customer_id == people[2] for one in chosen):
            raise RuntimeError("poison")
        return {}

    play = Play("x", GIVE, "thank", THANKS, candidates, lambda *_, **__: None, held_out=False, prepare=prepare)
    held = await database.write(acquire_lease, "thank", owner="test")
    assert held is not None
    turn = Turn(database, LOOSE, NOON, held)

    await plan_plays._plan_all(turn, play)

    assert (turn.done, turn.skipped, turn.failed) == (4, 0, 1)
    assert {row["customer_id"] for row in rows_of(database, Contact)} == set(people) - {people[2]}


async def test_a_turn_that_shall_stop_stops_between_two_pages(database: Database) -> None:
    database.run(crowd, 250)
    looks = iter([False] * 3)  # T3 and T6 have nobody, and one page of T8

    result = await run_job(
        database, "nudge", programme=LOOSE, now=NOON, owner="one", stopping=lambda: next(looks, True)
    )

    assert result["done"] + result["skipped"] == 100


@pytest.mark.parametrize("job", plan_plays.NAMES)
async def test_every_planner_looks_and_finds_nothing_in_an_empty_shop(database: Database, job: str) -> None:
    """Contract 8: run-job NAME of each."""
    result = await run_job(database, job, programme=LOOSE, now=NOON)

    assert result == {"job": job, "now": NOON.isoformat(), "done": 0, "skipped": 0, "failed": 0}
    assert JOBS[job].next_at is not None


def upcoming(database: Database, programme: Programme, now: datetime) -> datetime | None:
    return database.look(next_due, programme=programme, now=now)


def test_the_time_machine_stops_at_whatever_comes_next(database: Database) -> None:
    """Rule 44: a bonus, a message or a play, the first of them; after the last one nothing."""
    shop = Shop(database)
    assert upcoming(database, shop.programme, NOON) is None
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, BRAM, code=code))
    assert upcoming(database, shop.programme, NOON) == NOON + 21 * DAY  # the bonus
    database.run(_told, NOON + 20 * DAY)
    assert upcoming(database, shop.programme, NOON) == NOON + 20 * DAY  # a message
    database.run(crowd, 1)
    assert upcoming(database, shop.programme, NOON - 2 * DAY) == NOON - DAY  # three days after a link was made
    assert upcoming(database, shop.programme, NOON + 20 * DAY) == NOON + 21 * DAY
    assert upcoming(database, shop.programme, NOON + 22 * DAY) != NOON + 21 * DAY


def test_a_bonus_that_waits_for_its_review_is_not_what_comes_next(database: Database) -> None:
    """Rules 13 and 44: the job would not release it, so the time machine does not stop there."""
    shop = Shop(database, programme__no_history=False)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, BRAM, code=code))

    assert upcoming(database, shop.programme, NOON) is None


def _told(session: Session, at: datetime) -> None:
    one = person(session, chat=False)
    write_notices(session, [Notice("bonus_held", one, "later", due_at=at)], now=NOON)
