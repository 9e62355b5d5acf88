"""Asks and thanks on their way through the outbox: judged when they are sent, at most once, the reason kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from bot.leases import LeaseLost, lease_chats
from bot.outbox import Plan, claim
from bot.settling import Failed, Sent, settle
from referrals.asking.contacts import plan
from referrals.asking.play import Candidate
from referrals.asking.play import Play as AskPlay
from referrals.asking.plays import PLAYS
from referrals.notices import BONUS_HELD, UNASKED, Notice, write_notices
from referrals.people.customers import stop
from storage.contacts import Contact
from storage.database import Database
from tests.bot.chat import AT_ONCE, Play, staged
from tests.referrals.asking.somebody import local
from tests.referrals.asking.stage import bought, scored

DAY = timedelta(days=1)
FRESH = 14 * DAY
TIP, THANKS, BONUS = "Je link ligt nog klaar", "Dat betekent veel", "staat klaar"


@pytest.fixture
async def play(database: Database) -> AsyncIterator[Play]:
    """A programme that holds nobody out."""
    async with staged(database, cadence__holdout_percent=0) as play:
        yield play


async def glad(play: Play, name: str = "Anna") -> int:
    """Somebody with a chat whom nothing keeps from being asked."""
    _, customer, _ = await play.connected(name)
    play.database.run(_glad, customer, now=play.shop.now)
    return customer


def ask(play: Play, customer: int, name: str = "t8", *, number: int = 1, fresh: timedelta = FRESH) -> str:
    """The play has found them, for some cause; returns the key."""
    subject = f"cause:{customer}:{number}"
    data = {"years": 2} if name == "t9" else {}
    candidate = Candidate(customer, subject, play.shop.now, play.shop.now, play.shop.now + fresh, data)
    play.database.run(_plan, PLAYS[name], candidate, programme=play.programme, now=play.shop.now)
    return f"{name}:{subject}"


def contact(play: Play, key: str) -> dict[str, Any]:
    return next(row for row in play.shop.rows(Contact) if row["key"] == key)


def stands(play: Play, key: str) -> tuple[str, str | None, bool]:
    """How the contact stands: its status, its reason, and whether it counts as said."""
    row = contact(play, key)
    return row["status"], row["reason"], row["sent_at"] is not None


def waits(play: Play, key: str) -> tuple[str, str | None]:
    row = play.outbox(unique_key=key)[0]
    return row["status"], row["dropped_because"]


def count(play: Play, fragment: str) -> int:
    return sum(fragment in text for text in play.sent())


async def test_an_ask_counts_as_said_and_the_next_one_waits_for_its_slot(play: Play) -> None:
    """Rules 23, 29 and 30: one a week; thanks and a month open the way for the next ask, while it is fresh."""
    customer = await glad(play)
    keys = [ask(play, customer, name, fresh=90 * DAY) for name in ("t8", "t9", "t6")]

    await play.turn()

    assert (count(play, THANKS), count(play, TIP)) == (1, 0)  # a give comes before an ask
    assert stands(play, keys[1]) == ("sent", None, True)
    assert contact(play, keys[1])["sent_at"] == play.shop.now
    assert [stands(play, keys[place]) for place in (0, 2)] == [("planned", "contact_cap", False)] * 2
    await play.pass_days(7)
    assert (count(play, THANKS), count(play, TIP)) == (1, 1)
    assert stands(play, keys[2]) == ("not_sent", "contact_cap", False)  # ninety days of nothing after a reminder


async def test_money_goes_before_what_is_asked_and_a_score_before_a_tip(play: Play) -> None:
    """Playbook 3.3: answer, bonus, score, ask; one of the asks wins, the other is judged again later."""
    customer = await glad(play)
    tip = ask(play, customer, "t8")
    score = ask(play, customer, "score")
    held = {
        "bonus": 1,
        "amount_minor": 1500,
        "before_minor": 0,
        "currency": "EUR",
        "available_at": "2026-12-15T11:00:00+00:00",
    }
    play.database.run(_write, Notice(BONUS_HELD, customer, "money", held), now=play.shop.now)

    await play.turn()

    said = [text for text in play.sent() if BONUS in text or TIP in text or "Eén vraag" in text]
    assert [BONUS in said[0], "Eén vraag" in said[1]] == [True, True]
    assert len(said) == 2
    assert (stands(play, score)[0], stands(play, tip)) == ("sent", ("not_sent", "contact_cap", False))


@pytest.mark.parametrize(
    "moment, morning", [("2026-11-27T20:00", "2026-11-28T09:00"), ("2026-11-29T12:00", "2026-11-30T09:00")]
)
async def test_nothing_is_asked_in_quiet_hours_or_on_a_quiet_day(play: Play, moment: str, morning: str) -> None:
    """Rule 29: due at noon, and nobody worked until the evening or until Sunday; it waits for a morning."""
    customer = await glad(play)
    key = ask(play, customer)
    play.shop.now = local(moment)

    await play.turn()

    assert count(play, TIP) == 0
    assert (play.outbox(unique_key=key)[0]["due_at"], contact(play, key)["reason"]) == (local(morning), "quiet_hours")
    play.shop.now = local(morning)
    await play.turn()
    assert count(play, TIP) == 1


async def test_who_stops_after_it_was_planned_hears_nothing_and_the_reason_stays(play: Play) -> None:
    """Rule 28: judged again in the transaction that claims it."""
    customer = await glad(play)
    key = ask(play, customer)
    play.database.run(_stop, customer, now=play.shop.now)

    await play.turn()

    assert count(play, TIP) == 0
    assert (stands(play, key), waits(play, key)) == (("not_sent", "stopped", False), ("dropped", "stopped"))


async def test_a_message_that_grew_stale_while_nobody_worked_is_dropped(play: Play) -> None:
    """Rules 27 and 29: money comes late, an ask does not."""
    customer = await glad(play)
    key = ask(play, customer, fresh=2 * DAY)
    play.shop.now += 2 * DAY

    await play.turn()

    assert (stands(play, key), waits(play, key)) == (("not_sent", "stale", False), ("dropped", "stale"))


@pytest.mark.parametrize(
    "kind, sent, then",
    [
        ("429", 1, ("sent", None, True)),
        ("reset-after", 1, ("sent", "outcome_unknown", True)),
        ("500", 0, ("sent", "outcome_unknown", True)),
        ("400", 0, ("not_sent", "internal_error", False)),
        ("403", 0, ("not_sent", "unreachable", False)),
    ],
)
async def test_what_telegram_answers_decides_whether_it_was_said(
    play: Play, kind: str, sent: int, then: tuple[str, str | None, bool]
) -> None:
    """Rule 23: refused for sure goes again, an unknown outcome never; what may have arrived fills the slot."""
    customer = await glad(play)
    key = ask(play, customer)
    play.sandbox.inject(kind, method="sendMessage", retry_after=5)
    await play.turn()
    if kind == "429":
        assert stands(play, key) == ("planned", None, False)
    for _ in range(2):
        play.forget_waits()
        await play.turn()

    assert count(play, TIP) == sent
    assert stands(play, key) == then


async def test_a_sender_that_dies_between_the_claim_and_the_answer_sends_nothing_twice(play: Play) -> None:
    """Rule 23: ``sending`` and ``sent_at`` are committed first; whoever takes over drops it and the slot stays used."""
    customer = await glad(play)
    key, other = ask(play, customer), ask(play, customer, "t9")
    play.shop.now = contact(play, key)["planned_at"]
    first = _claimed(play, worker="died")
    assert (waits(play, other)[0], stands(play, other)) == ("sending", ("sent", None, True))
    play.forget_waits()

    await play.turn()

    assert (count(play, THANKS), count(play, TIP)) == (0, 0)
    assert waits(play, other) == ("dropped", "outcome_unknown")
    assert stands(play, other) == ("sent", "outcome_unknown", True)
    assert stands(play, key) == ("planned", "contact_cap", False)
    assert first.once


async def test_an_answer_that_comes_after_the_lease_was_lost_changes_nothing(play: Play) -> None:
    """Rules 23 and 24: the first worker was only slow; the second one has dropped what it could not know."""
    customer = await glad(play)
    key, _ = ask(play, customer, "t9"), ask(play, customer)
    slow = _claimed(play, worker="slow")
    play.forget_waits()
    await play.turn()

    with pytest.raises(LeaseLost):
        play.database.run(settle, slow, Sent(7), worker="slow", now=play.shop.now, jitter=0.0)

    assert waits(play, key) == ("dropped", "outcome_unknown")
    assert stands(play, key) == ("sent", "outcome_unknown", True)


async def test_a_claim_that_was_refused_for_sure_is_planned_again(play: Play) -> None:
    """Rule 23."""
    customer = await glad(play)
    key = ask(play, customer)
    claimed = _claimed(play, worker="one")

    play.database.run(settle, claimed, Failed("unsent"), worker="one", now=play.shop.now, jitter=0.0)

    assert (waits(play, key)[0], stands(play, key)) == ("due", ("planned", None, False))


async def test_two_workers_on_one_database_say_nothing_twice(play: Play) -> None:
    """Rules 23 and 30: six people with three messages each; Telegram counts one for each of them."""
    people = [await glad(play, f"Anna{number}") for number in range(6)]
    for customer in people:
        for name in ("t8", "t9", "t6"):
            ask(play, customer, name, fresh=60 * DAY)
    other = play.another()
    before = len(play.sent())

    for _ in range(2):
        await asyncio.gather(play.service.deliver_due(), other.deliver_due())

    told = Counter(call.params["chat_id"] for call in play.sandbox.calls if call.method == "sendmessage")
    assert len(play.sent()) - before == count(play, THANKS) == len(people)
    assert len(told) == len(people)
    await other.stop()


async def test_every_unasked_notice_goes_at_most_once_whoever_writes_it(play: Play) -> None:
    """Rule 23: the class follows from the kind."""
    customer = await glad(play)
    notices = [Notice(kind, customer, f"by-hand:{kind}") for kind in sorted(UNASKED)]
    for notice in notices:
        play.database.run(_write, notice, now=play.shop.now)

    assert {row["message_class"] for row in play.outbox() if row["kind"] in UNASKED} == {"at_most_once"}
    await play.turn()
    assert {row["dropped_because"] for row in play.outbox() if row["kind"] in UNASKED} == {"internal_error"}


def _claimed(play: Play, *, worker: str) -> Plan:
    [chat] = play.database.run(lease_chats, worker=worker, now=play.shop.now, most=8)
    found = play.database.run(claim, chat, worker=worker, programme=play.programme, now=play.shop.now, pace=AT_ONCE)
    assert isinstance(found, Plan)
    return found


def _glad(session: Session, customer: int, *, now: datetime) -> None:
    for days in (200, 100):
        bought(session, customer, now - days * DAY)
    scored(session, customer, 9, now - 50 * DAY)


def _plan(session: Session, of: AskPlay, candidate: Candidate, /, **how: Any) -> None:
    plan(session, of, [candidate], **how)


def _write(session: Session, notice: Notice, *, now: datetime) -> None:
    write_notices(session, [notice], now=now)


def _stop(session: Session, customer: int, *, now: datetime) -> None:
    stop(session, customer, now=now)
