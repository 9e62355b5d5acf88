from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session

from referrals.asking.play import GIVE, REFERRAL_ASK, Candidate
from referrals.asking.plays import PLAYS, came_via_friend, promoter
from referrals.asking.plays.thanks import anniversary
from referrals.notices import UNASKED
from referrals.people.merge import merge_people
from storage.codes import Code
from storage.customers import Customer
from storage.database import Database
from storage.ledger import Bonus
from storage.mailbox import Chat
from storage.orders import Order
from tests.referrals.asking.somebody import TUESDAY, USUAL, local, programme
from tests.referrals.asking.stage import bought, brought, case, credited, linked, looked, person, visited

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
NOW = TUESDAY
HOLD = 21 * DAY  # the default


def due(session: Session, name: str, *, now: datetime = NOW, limit: int = 100, **more: Any) -> list[Candidate]:
    return PLAYS[name].candidates(session, programme=USUAL, now=now, limit=limit, **more)


def causes(session: Session, name: str, *, now: datetime = NOW) -> list[str]:
    return [one.subject for one in due(session, name, now=now)]


def window(session: Session, name: str, cause_at: datetime) -> tuple[list[str], list[str], list[str], list[str]]:
    """What is found just before it is due, when it is, just before it is stale, and when that is."""
    play = {"t3": (1, 7), "t6": (4, 30), "t8": (3, 14), "t9": (0, 14)}[name]
    opens, ends = cause_at + play[0] * DAY, cause_at + play[1] * DAY
    first, second, third, fourth = (
        causes(session, name, now=moment) for moment in (opens - MINUTE, opens, ends - MINUTE, ends)
    )
    return first, second, third, fourth


def test_every_play_is_named_once_with_a_notice_of_its_own_that_goes_at_most_once() -> None:
    """Rule 23."""
    assert {name: (play.kind, play.job) for name, play in PLAYS.items() if name.startswith("t")} == {
        "t3": (REFERRAL_ASK, "nudge"),
        "t6": (REFERRAL_ASK, "nudge"),
        "t8": (REFERRAL_ASK, "nudge"),
        "t9": (GIVE, "thank"),
    }
    assert len({play.notice for play in PLAYS.values()}) == len(PLAYS)
    assert {play.notice for play in PLAYS.values()} <= UNASKED
    assert all(play.name == name for name, play in PLAYS.items())
    assert [name for name, play in PLAYS.items() if play.held_out] == ["t3", "t6", "t8"]


def test_t3_is_about_the_second_kept_order_once_its_wait_is_over(database: Database) -> None:
    """Playbook T3: a day after the wait, for a week after it."""

    def scene(session: Session) -> None:
        anna = person(session)
        bought(session, anna, NOW - 60 * DAY)
        second = bought(session, anna, NOW - HOLD)
        bought(session, anna, NOW - HOLD + 2 * DAY)
        found = f"order:{second}"
        assert window(session, "t3", NOW) == ([], [found], [found], [])
        (one,) = due(session, "t3", now=NOW + DAY)
        assert (one.customer_id, one.cause_at, one.due_at, one.expires_at) == (anna, NOW, NOW + DAY, NOW + 7 * DAY)
        assert PLAYS["t3"].next_at(session, programme=USUAL, now=NOW) == NOW + DAY
        assert PLAYS["t3"].next_at(session, programme=USUAL, now=NOW + DAY) is None

    database.run(scene)


@pytest.mark.parametrize(
    "changes",
    [{"status": "cancelled"}, {"refunded_minor": 9000}, {"test": True}, {"status": "pending", "paid_at": None},
     {"base_minor": 0}],
    ids=str,
)  # fmt: skip
def test_an_order_that_was_not_kept_is_neither_the_second_nor_before_it(
    database: Database, changes: dict[str, Any]
) -> None:
    def scene(session: Session) -> None:
        anna, bram = person(session), person(session)
        bought(session, anna, NOW - 60 * DAY)
        bought(session, anna, NOW - HOLD - DAY, **changes)
        bought(session, bram, NOW - 60 * DAY, **changes)
        bought(session, bram, NOW - HOLD - DAY)
        assert due(session, "t3") == []

    database.run(scene)


def test_t6_is_about_a_bonus_that_came_in_from_the_fourth_day_on_for_a_month(database: Database) -> None:
    """Rule 30: one share-again a bonus; never about what was taken back, or is the friend's."""

    def scene(session: Session) -> None:
        anna, bram = person(session), person(session)
        bonus = credited(session, anna, NOW, friend=bram)
        session.get_one(Bonus, credited(session, bram, NOW, friend=bram)).side = "friend"
        session.get_one(Bonus, credited(session, anna, NOW, friend=7)).status = "reversed"
        session.flush()
        assert window(session, "t6", NOW) == ([], [f"bonus:{bonus}"], [f"bonus:{bonus}"], [])
        assert PLAYS["t6"].next_at(session, programme=USUAL, now=NOW) == NOW + 4 * DAY

    database.run(scene)


def test_t8_is_about_a_link_that_nobody_opened_from_day_three_to_day_fourteen(database: Database) -> None:
    """Rule 30: one reminder; never opened by anyone, through no code of theirs, in the chat neither."""

    def scene(session: Session) -> None:
        anna, bram, chris, mats = (person(session) for _ in range(4))
        forgotten = linked(session, anna, NOW)
        visited(session, linked(session, bram, NOW), NOW + DAY)
        visited(session, linked(session, chris, NOW - 90 * DAY), NOW - 80 * DAY)
        linked(session, chris, NOW)
        linked(session, mats, NOW)
        brought(session, mats, bram, NOW, standing=False)
        assert window(session, "t8", NOW) == ([], [f"code:{forgotten}"], [f"code:{forgotten}"], [])
        assert PLAYS["t8"].next_at(session, programme=USUAL, now=NOW) == NOW + 3 * DAY

    database.run(scene)


def test_t8_is_about_the_code_that_is_shown(database: Database) -> None:
    def scene(session: Session) -> None:
        anna = person(session)
        old, new = linked(session, anna, NOW - 4 * DAY), linked(session, anna, NOW - 3 * DAY)
        session.get_one(Code, old).main = False
        session.flush()
        assert causes(session, "t8") == [f"code:{new}"]

    database.run(scene)


@pytest.mark.parametrize(
    "first, year, day",
    [
        ("2024-02-29", 1, "2025-02-28"),
        ("2024-02-29", 4, "2028-02-29"),
        ("2023-02-28", 1, "2024-02-28"),
        ("2023-03-01", 1, "2024-03-01"),
        ("2025-12-31", 1, "2026-12-31"),
        ("2025-01-31", 1, "2026-01-31"),
        ("2023-11-26", 3, "2026-11-26"),
    ],
)
def test_t9_thanks_ambassadors_on_the_day_that_their_first_order_comes_round(
    database: Database, first: str, year: int, day: str
) -> None:
    """Playbook T9: from midnight where the shop is, for two weeks; a leap day comes round each year."""

    def scene(session: Session) -> None:
        anna = person(session, since=local(f"{first}T23:30"))
        linked(session, anna, local(f"{first}T23:30"))
        begins = local(f"{day}T00:00")
        subject = f"years:{anna}:{year}"
        assert window(session, "t9", begins) == ([], [subject], [subject], [])
        (one,) = due(session, "t9", now=begins)
        assert (one.data, one.expires_at) == ({"years": year}, begins + 14 * DAY)
        assert PLAYS["t9"].next_at(session, programme=USUAL, now=begins - 100 * DAY) == begins

    database.run(scene)
    assert anniversary(date.fromisoformat(first), year) == date.fromisoformat(day)


def test_t9_thanks_for_the_third_friend_once_whatever_they_order(database: Database) -> None:
    """Playbook T9."""

    def scene(session: Session) -> None:
        anna = person(session)
        friends = [person(session, chat=False) for _ in range(4)]
        credited(session, anna, NOW - 9 * DAY, friend=friends[0])
        credited(session, anna, NOW - 8 * DAY, friend=friends[0])
        credited(session, anna, NOW - 8 * DAY, friend=friends[1])
        assert causes(session, "t9") == []
        credited(session, anna, NOW - 2 * DAY, friend=friends[2])
        credited(session, anna, NOW - 2 * DAY, friend=friends[3])
        credited(session, anna, NOW - DAY, friend=friends[2])
        (one,) = due(session, "t9")
        assert (one.subject, one.cause_at, one.data) == (f"friends:{anna}:3", NOW - 2 * DAY, {"friends": 3})

    database.run(scene)


def test_nobody_is_thanked_for_years_who_has_no_link(database: Database) -> None:
    def scene(session: Session) -> None:
        person(session, since=NOW - 366 * DAY)
        assert due(session, "t9") == []
        assert PLAYS["t9"].next_at(session, programme=USUAL, now=NOW) is None

    database.run(scene)


def everybody(session: Session, *, now: datetime = NOW) -> dict[str, int]:
    """For each play somebody who is due, the oldest cause first."""
    people = {name: person(session) for name in ("t3", "t6", "t8", "t9")}
    friend = person(session, chat=False)
    bought(session, people["t3"], now - 60 * DAY)
    bought(session, people["t3"], now - HOLD - 2 * DAY)
    credited(session, people["t6"], now - 5 * DAY, friend=friend)
    linked(session, people["t8"], now - 4 * DAY)
    session.get_one(Customer, people["t9"]).first_paid_at = now - 366 * DAY
    session.get_one(Customer, people["t9"]).ambassador_since = now - 300 * DAY
    session.flush()
    return people


def test_who_has_no_chat_is_no_candidate_and_who_blocked_it_is_one_with_its_reason(database: Database) -> None:
    def scene(session: Session) -> None:
        people = everybody(session)
        for name, customer_id in people.items():
            assert [one.customer_id for one in due(session, name)] == [customer_id], name
            session.get_one(Chat, 1000 + customer_id).reachable = False
        assert [len(due(session, name)) for name in people] == [1] * 4
        for customer_id in people.values():
            session.delete(session.get_one(Chat, 1000 + customer_id))
        session.flush()
        assert [len(due(session, name)) for name in people] == [0] * 4
        assert [PLAYS[name].next_at(session, programme=USUAL, now=NOW - 30 * DAY) for name in people] == [None] * 4

    database.run(scene)


def test_each_cause_is_looked_at_once(database: Database) -> None:
    """Rule 23: it has its one contact, whether it was planned or not."""

    def scene(session: Session) -> None:
        everybody(session)
        first = looked(session, "t3", "t6", "t8", "t9", programme=USUAL, now=NOW)
        assert {name: each.planned + each.not_sent for name, each in first.items()} == dict.fromkeys(first, 1)
        assert [causes(session, name) for name in first] == [[], [], [], []]

    database.run(scene)


@pytest.mark.parametrize("name", ["t3", "t6", "t8", "t9"])
def test_pages_follow_each_other_without_a_gap(database: Database, name: str) -> None:
    """A page begins at the cause at which the last one ended, also where many have the same."""

    def scene(session: Session) -> None:
        for number in range(12):
            everybody(session, now=NOW - (number // 4) * DAY)
        found, after = [], None
        while page := [one for one in due(session, name, limit=5, after=after) if one not in found][:3]:
            found += page
            after = page[-1].cause_at
        assert [one.cause_at for one in found] == sorted(one.cause_at for one in found)
        assert sorted(one.subject for one in found) == sorted(causes(session, name))
        assert len(found) == 12

    database.run(scene)


def plan_of(session: Session, ask: Callable[[], object]) -> str:
    """How SQLite goes about the statements that this makes."""
    asked: list[tuple[str, Any]] = []
    connection = session.connection()

    def note(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    event.listen(connection, "before_cursor_execute", note)
    ask()
    event.remove(connection, "before_cursor_execute", note)
    plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all() for sql, values in asked]
    return "\n".join(str(row[-1]) for rows in plans for row in rows)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "name, index",
    [
        ("t3", "shop_order USING INDEX ix_shop_order_paid_at"),
        ("t6", "bonus USING INDEX ix_bonus_status_available_at"),
        ("t8", "code USING INDEX ix_code_created_at"),
        ("t9", "customer USING INDEX ix_customer_ambassadors"),
    ],
)
def test_a_million_customers_are_found_by_an_index(database: Database, name: str, index: str) -> None:
    """Performance E: no table is read through and nothing is sorted, for the first hundred and for the next moment."""

    def scene(session: Session) -> str:
        everybody(session)
        later = plan_of(session, lambda: PLAYS[name].next_at(session, programme=USUAL, now=NOW - 30 * DAY))
        return plan_of(session, lambda: due(session, name)) + "\n" + later

    plan = database.run(scene)

    assert index in plan
    assert "SCAN" not in plan.replace("SCAN CONSTANT ROW", "")
    assert "ORDER BY" not in plan


@pytest.mark.parametrize(
    "changes, may",
    [({}, True), ({"stopped_at": NOW}, False), ({"state": "excluded"}, False), ({"paused_until": NOW + DAY}, True)],
)
def test_t1_offers_the_link_to_who_takes_part_and_did_not_stop(
    database: Database, changes: dict[str, Any], may: bool
) -> None:
    """Rule 18: readiness, caps and pauses gate only what the clock starts."""

    def scene(session: Session) -> bool:
        return promoter.may_offer(session, person(session, **changes), now=NOW)

    assert database.run(scene) is may


@pytest.mark.parametrize("days, may", [(29, False), (30, True)])
def test_t1_offers_no_link_with_a_case_open_or_within_a_month_of_a_return(
    database: Database, days: int, may: bool
) -> None:
    """Rule 18: a case that is solved is no case, also within its fourteen days."""

    def scene(session: Session) -> list[bool]:
        returned, complaining, solved = (person(session) for _ in range(3))
        bought(session, returned, NOW - 60 * DAY, refunded_minor=1, updated_at=NOW - days * DAY)
        case(session, complaining, NOW - DAY)
        case(session, solved, NOW - DAY, solved_at=NOW - MINUTE)
        return [promoter.may_offer(session, one, now=NOW) for one in (returned, complaining, solved)]

    assert database.run(scene) == [may, False, True]


@pytest.mark.parametrize("consent, said", [(True, "Anna"), (False, "")])
def test_t7_names_who_brought_them_only_with_that_ones_consent(database: Database, consent: bool, said: str) -> None:
    def scene(session: Session) -> list[str | None]:
        anna, bram = person(session, first_name="Anna", link_consent=consent), person(session)
        brought(session, anna, bram, NOW)
        return [came_via_friend.came_via(session, one) for one in (anna, bram)]

    assert database.run(scene) == [None, said]


def test_the_wait_of_t3_is_that_of_the_programme(database: Database) -> None:
    def scene(session: Session) -> list[int]:
        anna = person(session)
        bought(session, anna, NOW - 60 * DAY)
        bought(session, anna, NOW - 12 * DAY)
        short = programme(hold__days=10)
        return [len(PLAYS["t3"].candidates(session, programme=each, now=NOW, limit=9)) for each in (USUAL, short)]

    assert database.run(scene) == [0, 1]


def test_a_cause_that_fell_away_is_no_cause_when_it_is_sent(database: Database) -> None:
    """Rule 29: the order went back, the bonus was taken back, the link was opened; the message is not said any more."""

    def scene(session: Session) -> None:
        anna, bram = person(session), person(session)
        bought(session, anna, NOW - 60 * DAY)
        order, bonus, code = (
            bought(session, anna, NOW - HOLD), credited(session, anna, NOW, friend=bram), linked(session, bram, NOW)
        )  # fmt: skip
        subjects = {"t3": f"order:{order}", "t6": f"bonus:{bonus}", "t8": f"code:{code}", "score": f"order:{order}"}
        assert [is_still(session, name, subject) for name, subject in subjects.items()] == [True] * 4
        session.get_one(Order, order).status = "deleted"
        session.get_one(Bonus, bonus).status = "reversed"
        session.flush()
        visited(session, code, NOW)
        assert [is_still(session, name, subject) for name, subject in subjects.items()] == [False] * 4

    database.run(scene)


def is_still(session: Session, name: str, subject: str) -> bool:
    still = PLAYS[name].still
    assert still is not None
    return still(session, subject)


def test_who_was_thanked_for_a_year_is_not_thanked_again_under_another_number(database: Database) -> None:
    """Rule 15: after a merge the person is who they were."""

    def scene(session: Session) -> None:
        year = NOW - 365 * DAY
        older = person(session, since=year - DAY, chat=False, created_at=year - DAY)
        newer = person(session, since=year, created_at=year, ambassador_since=year)
        assert looked(session, "t9", programme=USUAL, now=NOW)["t9"].planned == 1
        merge_people(session, from_id=newer, to_id=older, now=NOW)
        assert due(session, "t9", now=NOW + DAY) == []

    database.run(scene)
