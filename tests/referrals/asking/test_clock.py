"""Clocks that are put forward and back, stand still or jump; days of 23 and 25 hours, leap days, ends of months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from referrals.asking import contacts
from referrals.asking.cadence import Drop, Go, Verdict, Wait
from referrals.asking.play import GIVE, REFERRAL_ASK, Candidate, Play
from referrals.asking.plays import PLAYS
from referrals.notices import THANKS
from storage.contacts import Contact
from storage.database import Database
from storage.mailbox import Outbox
from tests.referrals.asking.somebody import TUESDAY, USUAL, anna, judged, local, said
from tests.referrals.asking.stage import bought, person, scored

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
THANK = Play("t9", GIVE, "thank", THANKS, lambda *_, **__: [], lambda *_, **__: None, held_out=False)


def planned(session: Session, count: int, *, now: datetime = TUESDAY, fresh: int = 14) -> list[Outbox]:
    """So many thanks to one customer, planned at this moment."""
    one = person(session)
    found = [Candidate(one, f"cause:{n}", now, now, now + fresh * DAY) for n in range(count)]
    contacts.plan(session, THANK, found, programme=USUAL, now=now)
    return list(session.exec(select(Outbox).order_by(Outbox.unique_key)))


def now_judged(session: Session, row: Outbox, now: datetime) -> Verdict:
    facts = contacts.facts_to_send(session, row.customer_id or 0)
    return contacts.judge_notice(session, row, facts, programme=USUAL, now=now)


def test_while_the_clock_stands_still_one_message_goes(database: Database) -> None:
    """Rule 30: an hour of looks at one moment is one slot."""

    def scene(session: Session) -> None:
        first, *others = planned(session, 4)
        assert now_judged(session, first, TUESDAY) == Go()
        contacts.mark_sending(session, [first], now=TUESDAY)
        for _ in range(20):
            for row in others:
                assert now_judged(session, row, TUESDAY) == Wait(TUESDAY + 7 * DAY, "contact_cap")

    database.run(scene)


def test_when_the_clock_jumps_no_burst_comes_after_it(database: Database) -> None:
    """Rules 27 and 30: eight days late one goes, the next waits as if nothing had happened, the rest is never said."""

    def scene(session: Session) -> None:
        first, *others = planned(session, 4)
        jumped = TUESDAY + 8 * DAY
        assert now_judged(session, first, jumped) == Go()
        contacts.mark_sending(session, [first], now=jumped)
        assert [now_judged(session, row, jumped) for row in others] == [Drop("contact_cap")] * 3
        assert {row.reason for row in session.exec(select(Contact)) if row.sent_at is None} == {"contact_cap"}

    database.run(scene)


def test_a_clock_that_is_put_back_opens_no_slot_and_no_gate(database: Database) -> None:
    """Rule 29: what lies ahead was said, and nothing is judged before its cause."""

    def scene(session: Session) -> None:
        first, second = planned(session, 2)
        contacts.mark_sending(session, [first], now=TUESDAY + 2 * DAY)
        for back in (TUESDAY + DAY, TUESDAY, TUESDAY - 100 * DAY):
            assert now_judged(session, second, back) == Wait(TUESDAY + 9 * DAY, "contact_cap")

    database.run(scene)


@pytest.mark.parametrize(
    "late, found", [(timedelta(), 0), (DAY, 1), (7 * DAY - MINUTE, 1), (7 * DAY, 0), (300 * DAY, 0)]
)
def test_a_job_that_looks_late_finds_what_is_fresh_and_never_the_rest(
    database: Database, late: timedelta, found: int
) -> None:
    """Rule 29: after downtime asks are not caught up with."""

    def scene(session: Session) -> int:
        one = person(session)
        bought(session, one, TUESDAY - 90 * DAY)
        bought(session, one, TUESDAY - 21 * DAY)
        scored(session, one, 9, TUESDAY - 60 * DAY)
        return len(PLAYS["t3"].candidates(session, programme=USUAL, now=TUESDAY + late, limit=9))

    assert database.run(scene) == found


@pytest.mark.parametrize(
    "evening, morning",
    [
        ("2026-03-28T21:00", datetime(2026, 3, 30, 7, 0, tzinfo=UTC)),  # Sunday has 23 hours
        ("2026-10-24T21:00", datetime(2026, 10, 26, 8, 0, tzinfo=UTC)),  # 25 hours
        ("2028-02-28T21:00", datetime(2028, 2, 29, 8, 0, tzinfo=UTC)),
        ("2026-02-28T21:00", datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),  # the month ends on a Saturday
        ("2026-12-31T21:00", datetime(2027, 1, 1, 8, 0, tzinfo=UTC)),
    ],
)
def test_what_is_planned_in_the_evening_goes_at_nine_by_the_clock_on_the_wall(
    database: Database, evening: str, morning: datetime
) -> None:
    """Rule 29."""

    def scene(session: Session) -> datetime:
        (row,) = planned(session, 1, now=local(evening))
        return row.due_at

    assert database.run(scene) == morning


@pytest.mark.parametrize("said_at", ["2026-03-28T11:00", "2026-10-24T11:00", "2028-02-28T11:00", "2026-01-31T11:00"])
def test_a_week_is_a_week_of_hours_whatever_the_clocks_do(said_at: str) -> None:
    """Rule 30: not a minute less, also where a day is short."""
    before = local(said_at).astimezone(UTC)
    facts = anna(said=(said(GIVE, before),))

    assert judged(GIVE, facts, now=before + 7 * DAY) == Go()
    assert judged(GIVE, facts, now=before + 7 * DAY - MINUTE) == Wait(before + 7 * DAY, "contact_cap")


@pytest.mark.parametrize("first", ["2027-12-31T12:00", "2028-01-01T12:00", "2026-02-24T12:00", "2026-09-01T12:00"])
def test_the_tenure_counts_days_over_leap_days_ends_of_months_and_changes_of_the_clock(first: str) -> None:
    """A7: sixty times twenty-four hours."""
    since = local(first).astimezone(UTC)
    facts = anna(first_paid_at=since)
    ready = since + 60 * DAY

    assert judged(REFERRAL_ASK, facts, now=ready - MINUTE) != Go()
    assert judged(REFERRAL_ASK, facts, now=ready + 2 * DAY if ready.weekday() == 6 else ready) == Go()
