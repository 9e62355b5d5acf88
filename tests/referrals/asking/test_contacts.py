from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from referrals.asking import contacts
from referrals.asking.cadence import Drop, Go, Verdict, Wait
from referrals.asking.contacts import Planned, facts_to_send, judge_notice, plan
from referrals.asking.play import GIVE, REFERRAL_ASK, Candidate, Play
from referrals.notices import THANKS, TIP_NEVER_OPENED, TIP_SHARE_AGAIN
from referrals.people.merge import merge_people
from storage.contacts import Contact
from storage.customers import Customer
from storage.database import Database
from storage.mailbox import Outbox
from tests.referrals.asking.somebody import TUESDAY, USUAL, local, programme
from tests.referrals.asking.stage import bought, brought, person, rows, scored

DAY, MINUTE, NOW = timedelta(days=1), timedelta(minutes=1), TUESDAY
Prepared = list[str]


def play(name: str = "t6", *, kind: str = REFERRAL_ASK, **more: Any) -> Play:
    def nobody(*_: Any, **__: Any) -> list[Candidate]:
        return []

    return Play(
        name,
        kind,
        "nudge",
        more.pop("notice", TIP_SHARE_AGAIN),
        nobody,
        lambda *_, **__: None,
        **{"held_out": True, **more},
    )


TIP, THANK = play(), play("t9", kind=GIVE, notice=THANKS)


def one(customer_id: int, subject: str = "bonus:1", *, at: datetime = NOW, fresh: int = 14, **data: Any) -> Candidate:
    return Candidate(customer_id, subject, at - DAY, at, at + fresh * DAY, data)


def ready(session: Session) -> int:
    """Somebody whom nothing keeps from being asked."""
    anna = person(session)
    bought(session, anna, NOW - 200 * DAY)
    bought(session, anna, NOW - 100 * DAY)
    scored(session, anna, 9, NOW - 90 * DAY)
    return anna


def planned(session: Session, candidates: Sequence[Candidate], *, of: Play = TIP, **more: Any) -> Planned:
    return plan(session, of, candidates, **{"programme": USUAL, "now": NOW, **more})


def outbox(session: Session) -> list[Outbox]:
    return list(session.exec(select(Outbox).order_by(Outbox.unique_key)))


def contact(session: Session, key: str = "t6:bonus:1") -> Contact:
    session.flush()
    return session.exec(select(Contact).where(Contact.key == key)).one()


def now_judged(session: Session, row: Outbox, *, now: datetime = NOW, **keys: Any) -> Verdict:
    facts = facts_to_send(session, row.customer_id or 0)
    return judge_notice(session, row, facts, programme=programme(**keys), now=now)


def test_a_candidate_is_planned_with_a_notice_that_goes_at_most_once(database: Database) -> None:
    """Rules 23 and 29: the notice carries its cause, its moment and its end, and what names its contact."""

    def scene(session: Session) -> None:
        anna = ready(session)
        assert planned(session, [one(anna, words="x")]) == Planned(planned=1)
        (row,) = outbox(session)
        kept = contact(session)
        assert (row.unique_key, row.customer_id, row.kind) == ("t6:bonus:1", anna, TIP_SHARE_AGAIN)
        assert (row.message_class, row.status, row.due_at, row.expires_at) == (
            "at_most_once",
            "due",
            NOW,
            NOW + 14 * DAY,
        )
        assert row.data == {"words": "x", "contact": "t6:bonus:1"}
        assert (kept.status, kept.reason, kept.sent_at, kept.planned_at) == ("planned", None, None, NOW)
        assert (kept.play, kept.kind, kept.cause_at, kept.expires_at) == ("t6", REFERRAL_ASK, NOW - DAY, NOW + 14 * DAY)

    database.run(scene)


def test_planning_twice_is_planning_once(database: Database) -> None:
    """Rule 23: the same cause again, in one list or in another, changes nothing."""

    def scene(session: Session) -> None:
        anna = ready(session)
        assert planned(session, [one(anna), one(anna)]) == Planned(planned=1)
        assert planned(session, [one(anna)], now=NOW + DAY) == Planned()
        assert len(outbox(session)) == len(rows(session, Contact)) == 1

    database.run(scene)


def test_at_night_it_is_planned_for_the_morning(database: Database) -> None:
    """Rule 29: the first moment that is not quiet, past Sunday."""

    def scene(session: Session) -> None:
        night = local("2026-11-28T23:00")
        planned(session, [one(ready(session), at=night)], now=night)
        assert outbox(session)[0].due_at == local("2026-11-30T09:00")
        assert contact(session).reason == "quiet_hours"

    database.run(scene)


@pytest.mark.parametrize("reason", ["stopped", "unreachable", "too_early"])
def test_who_may_not_be_asked_keeps_the_reason_and_no_notice_is_written(database: Database, reason: str) -> None:
    """Rule 28: every message that is not sent has its reason."""

    def scene(session: Session) -> None:
        anna = person(session, chat=reason != "unreachable", stopped_at=NOW if reason == "stopped" else None)
        assert planned(session, [one(anna)]) == Planned(not_sent=1)
        assert outbox(session) == []
        assert (contact(session).status, contact(session).reason) == ("not_sent", reason)

    database.run(scene)


def test_a_customer_whom_nobody_knows_any_more_stops_no_page(database: Database) -> None:
    def scene(session: Session) -> None:
        merged, anna = person(session), ready(session)
        merge_people(session, from_id=merged, to_id=anna, now=NOW)
        assert planned(session, [one(merged), one(anna, "bonus:2")]) == Planned(planned=2)
        assert {row["customer_id"] for row in rows(session, Contact)} == {anna}

    database.run(scene)


def test_the_hold_out_hears_nothing_and_is_counted_after_the_gates(database: Database) -> None:
    """Rule 30: of those who might be asked a share is left alone; thanks have no hold-out."""
    all_held = programme(cadence__holdout_percent=100)

    def scene(session: Session) -> None:
        anna, stopped = ready(session), person(session, stopped_at=NOW)
        planned(session, [one(anna), one(stopped, "bonus:2")], programme=all_held)
        assert contact(session).reason == "in_hold_out"
        assert contact(session, "t6:bonus:2").reason == "stopped"
        thanks = play("t9", kind=GIVE, held_out=False, notice=THANKS)
        assert planned(session, [one(anna, "years:1")], of=thanks, programme=all_held).planned == 1

    database.run(scene)


def test_what_a_play_prepares_is_made_for_those_who_are_planned_only(database: Database) -> None:
    made: list[str] = []

    def prepare(_: Session, chosen: Sequence[Candidate], **__: Any) -> dict[str, dict[str, Any]]:
        made.extend(each.subject for each in chosen)
        return {each.subject: {"survey": 7} for each in chosen}

    def scene(session: Session) -> None:
        anna, stopped = ready(session), person(session, stopped_at=NOW)
        planned(session, [one(anna), one(stopped, "bonus:2")], of=play(prepare=prepare))
        assert made == ["bonus:1"]
        assert outbox(session)[0].data["survey"] == 7

    database.run(scene)


def test_only_who_came_through_a_friend_is_told_so(database: Database) -> None:
    """Voice 8: the second paragraph only if true, and in no thanks."""

    def scene(session: Session) -> list[bool]:
        anna, bram = ready(session), ready(session)
        brought(session, anna, bram, NOW)
        planned(session, [one(anna), one(bram, "bonus:2")])
        planned(session, [one(bram, "years:1")], of=THANK)
        return ["through_friend" in row.data for row in outbox(session)]

    assert database.run(scene) == [False, True, False]


def test_it_is_judged_again_when_it_is_sent(database: Database) -> None:
    """Rules 28 and 29: what was fine when it was planned may not be now; the reason stays with the contact."""

    def scene(session: Session) -> None:
        anna = ready(session)
        planned(session, [one(anna)])
        (row,) = outbox(session)
        assert now_judged(session, row) == Go()
        assert now_judged(session, row, now=local("2026-11-24T22:00")) == Wait(local("2026-11-25T09:00"), "quiet_hours")
        assert (contact(session).status, contact(session).reason) == ("planned", "quiet_hours")
        assert now_judged(session, row, now=NOW + 14 * DAY) == Drop("stale")
        session.get_one(Customer, anna).stopped_at = NOW
        session.flush()
        assert now_judged(session, row) == Drop("stopped")
        assert (contact(session).status, contact(session).reason, contact(session).sent_at) == (
            "not_sent", "stopped", None,
        )  # fmt: skip

    database.run(scene)


def test_the_moment_is_never_before_the_cause(database: Database) -> None:
    """Rule 29: judged at max(programme clock, as_of), so a clock that was put back opens no gate."""

    def scene(session: Session) -> None:
        planned(session, [one(ready(session))])
        (row,) = outbox(session)
        assert now_judged(session, row, now=local("2026-11-20T22:00")) == Go()
        contacts.mark_sending(session, [row], now=local("2026-11-20T22:00"))
        assert contact(session).sent_at == NOW

    database.run(scene)


def test_what_is_being_sent_counts_as_said_and_what_was_refused_for_sure_does_not(database: Database) -> None:
    """Rule 23: ``sent_at`` before the sending; an unknown outcome stays said, for the caps count it."""

    def scene(session: Session) -> None:
        anna = ready(session)
        planned(session, [one(anna), one(anna, "bonus:2")])
        first, second = outbox(session)
        contacts.mark_sending(session, [first], now=NOW)
        assert (contact(session).status, contact(session).sent_at) == ("sent", NOW)
        assert now_judged(session, second) == Drop("contact_cap")  # thirty days, and it is fresh for fourteen
        contacts.mark_unsent(session, [first])
        assert (contact(session).status, contact(session).sent_at) == ("planned", None)
        contacts.mark_sending(session, [first], now=NOW)
        contacts.mark_not_sent(session, [first], because="outcome_unknown")
        assert (contact(session).reason, contact(session).sent_at) == ("outcome_unknown", NOW)
        contacts.mark_not_sent(session, [first], because="unreachable")
        assert (contact(session).status, contact(session).sent_at) == ("not_sent", None)

    database.run(scene)


def test_a_press_is_kept_once_and_only_of_who_was_asked(database: Database) -> None:
    def scene(session: Session) -> None:
        anna, bram, later = ready(session), ready(session), person(session)
        planned(session, [one(anna)])
        react = contacts.mark_reacted
        assert react(session, anna, key="t6:bonus:1", now=NOW) is None  # it has not been sent
        contacts.mark_sending(session, outbox(session), now=NOW)
        assert react(session, bram, key="t6:bonus:1", now=NOW) is None
        assert react(session, anna, key="t6:nothing", now=NOW) is None
        merge_people(session, from_id=anna, to_id=later, now=NOW)
        assert react(session, later, key="t6:bonus:1", now=NOW + MINUTE) is not None
        react(session, later, key="t6:bonus:1", now=NOW + DAY)
        assert contact(session).reacted_at == NOW + MINUTE

    database.run(scene)


def test_a_score_that_went_down_cancels_what_was_planned(database: Database) -> None:
    """Rule 31: of the kinds that are named, of nobody else, and nothing that was said already."""

    def scene(session: Session) -> None:
        anna, bram = ready(session), ready(session)
        planned(session, [one(anna), one(bram, "bonus:2"), one(anna, "bonus:3")])
        planned(session, [one(anna, "years:1")], of=THANK)
        contacts.mark_sending(session, [row for row in outbox(session) if row.unique_key == "t6:bonus:3"], now=NOW)
        session.flush()
        assert contacts.cancel_planned(session, anna, because="low_score") == 1
        session.expire_all()
        assert {row.unique_key: (row.status, row.dropped_because) for row in outbox(session)} == {
            "t6:bonus:1": ("dropped", "low_score"),
            "t6:bonus:2": ("due", None),
            "t6:bonus:3": ("due", None),
            "t9:years:1": ("due", None),
        }
        assert (contact(session).status, contact(session).reason) == ("not_sent", "low_score")

    database.run(scene)


def test_a_notice_without_its_contact_is_not_sent(database: Database) -> None:
    """Rule 30: nothing goes out that the caps do not count."""

    def scene(session: Session) -> Verdict:
        anna = ready(session)
        row = Outbox(
            unique_key="stray", customer_id=anna, kind=TIP_NEVER_OPENED, message_class="at_most_once", as_of=NOW,
            due_at=NOW, created_at=NOW,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return now_judged(session, row)

    assert database.run(scene) == Drop("internal_error")
