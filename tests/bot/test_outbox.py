from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from bot.leases import lease_chats
from bot.outbox import Plan, claim
from bot.pace import Pace, paused_until
from bot.settling import Failed, settle
from referrals.asking.cases import open_case
from referrals.notices import (
    AT_MOST_ONCE,
    BONUS_AVAILABLE,
    BONUS_HELD,
    POOL_EMPTY,
    Notice,
    tell_owners,
    write_notices,
)
from storage.cases import QUESTION
from storage.database import Database
from storage.mailbox import Chat
from tests.bot.chat import AT_ONCE, OLGA, Play, staged

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
GROUP = -1001
HELD = {"bonus": 1, "amount_minor": 1500, "before_minor": 0, "currency": "EUR",
        "available_at": "2026-12-15T11:00:00+00:00"}  # fmt: skip


def write(play: Play, customer: int, *, key: str = "k1", kind: str = BONUS_HELD, **more: Any) -> None:
    notice = Notice(kind, customer, key, {**HELD, **more.pop("data", {})}, **more)
    play.database.run(_write, notice, now=play.shop.now)


def _write(session: Session, notice: Notice, *, now: datetime) -> None:
    write_notices(session, [notice], now=now)


def status(play: Play, key: str = "k1") -> tuple[str, str | None]:
    row = play.outbox(unique_key=key)[0]
    return row["status"], row["dropped_because"]


def count(play: Play, fragment: str) -> int:
    return sum(fragment in text for text in play.sent())


async def test_money_is_told_with_its_number_and_the_home_message_follows(play: Play) -> None:
    """Rules 23 and 25."""
    anna, customer, _ = await play.connected("Anna")
    home = await play.start(anna)
    write(play, customer)
    await play.turn()
    number = play.programme.number("bonus", 1)
    assert f"(nr. {number})" in anna.last.words
    assert status(play) == ("sent", None)
    edits = [call.params["message_id"] for call in play.sandbox.calls if call.method == "editmessagetext"]
    assert edits == [home.id]


async def test_two_workers_never_send_one_notice_twice(play: Play) -> None:
    """Rule 23: two processes on one database, twenty customers; Telegram counts what it got."""
    people = [await play.connected(f"Anna{n}") for n in range(6)]
    other = play.another()
    for n, (_, customer, _) in enumerate(people):
        for place in range(3):
            write(play, customer, key=f"{n}:{place}", data={"bonus": 100 + 10 * n + place})
    await asyncio.gather(play.service.deliver_due(), other.deliver_due())
    await play.service.deliver_due()
    told = Counter(number for text in play.sent() for number in _numbers(play, text))
    assert set(told.values()) == {1}
    assert len(told) == 18
    await other.stop()


@pytest.mark.parametrize("kind", ["429", "500", "502-html", "reset"])
async def test_money_goes_again_until_telegram_takes_it(play: Play, kind: str) -> None:
    """Rule 23: at least once; nothing goes to the chat before the back-off is over."""
    _, customer, _ = await play.connected("Anna")
    play.sandbox.inject(kind, method="sendMessage", count=2, retry_after=30)
    write(play, customer)
    await play.turn()
    assert count(play, "Je bonus van") == 0
    assert status(play) == ("due", None)
    tried = len(play.sandbox.calls)
    await play.turn()
    assert play.sandbox.calls[tried:] == []
    for _ in range(2):
        play.database.run(_bot_may_speak)
        play.forget_waits()
        await play.turn()
    assert count(play, "Je bonus van") == 1
    assert status(play) == ("sent", None)


async def test_a_repeat_after_a_lost_answer_has_the_same_number(play: Play) -> None:
    """Rule 23: Telegram had it, we did not hear so; the customer sees that it is the same bonus."""
    _, customer, _ = await play.connected("Anna")
    play.sandbox.inject("reset-after", method="sendMessage")
    write(play, customer)
    await play.turn()
    play.forget_waits()
    await play.turn()
    said = [text for text in play.sent() if "Je bonus van" in text]
    assert len(said) == 2
    assert len(set(said)) == 1


async def test_retry_after_holds_the_whole_bot_back(play: Play) -> None:
    """Rule 26: it is stored in the row that all processes share."""
    (_, one, _), (_, two, _) = await play.connected("Anna"), await play.connected("Bram")
    play.sandbox.inject("429", method="sendMessage", retry_after=40)
    write(play, one, key="k1")
    await play.turn()
    write(play, two, key="k2")
    await play.turn()
    assert count(play, "Je bonus van") == 0
    assert play.database.look(paused_until) > datetime.now(UTC) + timedelta(seconds=30)  # noqa: TID251 - the machine's


@pytest.mark.parametrize("description", ["bot was blocked by the user", "user is deactivated"])
async def test_a_403_makes_the_chat_unreachable_until_they_write_again(play: Play, description: str) -> None:
    """Rule 28."""
    anna, customer, _ = await play.connected("Anna")
    play.sandbox.inject("403", method="sendMessage", description=description)
    write(play, customer)
    await play.turn()
    assert status(play) == ("dropped", "unreachable")
    assert [row["reachable"] for row in play.shop.rows(Chat)] == [False]
    write(play, customer, key="k2")
    await play.turn()
    assert status(play, "k2") == ("dropped", "unreachable")
    await play.start(anna)
    assert [row["reachable"] for row in play.shop.rows(Chat)] == [True]


async def test_a_worker_that_dies_after_a_group_was_lost_loses_no_card(database: Database) -> None:
    """Rules 23 and 31: the group is unreachable, and nobody has given its card to the owners yet; it goes to them."""
    async with staged(database, telegram__staff_chat_id=GROUP) as play:
        owner, (_, anna, _) = play.person("Olga", id=OLGA), await play.connected("Anna")
        await play.start(owner)
        play.database.run(_complain, anna, play)
        play.database.run(_lose_group, play)
        play.forget_waits()
        await play.turn()
        assert "Vraag van een klant" in owner.last.words
        assert "Waar blijft hij?" in owner.last.words
        assert [row["dropped_because"] for row in play.outbox(chat_id=GROUP)] == ["unreachable"]


def _complain(session: Session, customer: int, play: Play) -> None:
    open_case(session, customer, kind=QUESTION, text="Waar blijft hij?", programme=play.programme, now=play.shop.now)


def _lose_group(session: Session, play: Play) -> None:
    """One worker tries the card, stores what Telegram said, and dies."""
    lease_chats(session, worker="died", now=play.shop.now, most=8)
    plan = claim(session, GROUP, worker="died", programme=play.programme, now=play.shop.now, pace=AT_ONCE)
    assert isinstance(plan, Plan)
    settle(session, plan, Failed("unreachable"), worker="died", now=play.shop.now, jitter=0.0)


async def test_a_block_is_heard_of_and_ends_with_their_next_message(play: Play) -> None:
    """Rule 28."""
    anna, _, _ = await play.connected("Anna")
    anna.block()
    await play.turn()
    assert [row["reachable"] for row in play.shop.rows(Chat)] == [False]
    await play.start(anna)
    assert anna.last.words.startswith("Jouw overzicht")


async def test_a_message_that_telegram_refuses_is_dropped_and_the_next_one_goes(play: Play) -> None:
    anna, customer, _ = await play.connected("Anna")
    play.sandbox.inject("400", method="sendMessage", description="can't parse entities")
    write(play, customer)
    await play.turn()
    assert status(play) == ("dropped", "internal_error")
    assert (await play.say(anna, "/help")).words.startswith("Dit kun je hier doen")


@pytest.mark.parametrize(
    "kind, then, sent",
    [("429", "due", 0), ("reset-after", "dropped", 1), ("500", "dropped", 0), ("502-html", "dropped", 0)],
)
async def test_what_may_go_once_goes_again_only_when_it_was_refused_for_sure(
    play: Play, kind: str, then: str, sent: int
) -> None:
    """Rule 23: at most once."""
    _, customer, _ = await play.connected("Anna")
    write(play, customer, message_class=AT_MOST_ONCE)
    play.sandbox.inject(kind, method="sendMessage")
    await play.turn()
    assert status(play)[0] == then
    play.forget_waits()
    play.database.run(_bot_may_speak)
    await play.turn()
    assert count(play, "Je bonus van") == (1 if then == "due" else sent)


async def test_what_may_go_once_is_dropped_when_its_sender_died(play: Play) -> None:
    """Rule 23: ``sending`` is committed first; whoever finds it does not know, and does not send."""
    _, customer, _ = await play.connected("Anna")
    write(play, customer, message_class=AT_MOST_ONCE)
    [chat] = play.database.run(lease_chats, worker="died", now=play.shop.now, most=8)
    play.database.run(claim, chat, worker="died", programme=play.programme, now=play.shop.now, pace=AT_ONCE)
    assert status(play) == ("sending", None)
    play.forget_waits()
    write(play, customer, key="k2", data={"bonus": 2})
    await play.turn()
    assert status(play) == ("dropped", "outcome_unknown")
    assert count(play, "Je bonus van") == 1


async def test_money_waits_for_the_end_of_the_quiet_hours(play: Play) -> None:
    """Rule 29: quiet hours hold money back, quiet days and age do not."""
    _, customer, _ = await play.connected("Anna")
    play.shop.now = datetime(2026, 11, 28, 22, 30, tzinfo=AMSTERDAM)  # a Saturday night
    write(play, customer)
    await play.turn()
    assert count(play, "Je bonus van") == 0
    assert play.outbox(unique_key="k1")[0]["due_at"] == datetime(2026, 11, 29, 9, 0, tzinfo=AMSTERDAM)
    play.shop.now = datetime(2026, 11, 29, 9, 0, tzinfo=AMSTERDAM)  # Sunday morning, a quiet day
    await play.turn()
    assert count(play, "Je bonus van") == 1


async def test_news_for_owners_waits_for_the_morning_and_goes_to_owners_only(play: Play) -> None:
    """Whatever writes it: the sender judges. Somebody who is no owner any more does not get it."""
    owner, former = play.person("Olga", id=OLGA), play.person("Otto", id=OLGA + 1)
    await play.start(owner)
    await play.start(former)
    play.shop.now = datetime(2026, 11, 28, 22, 30, tzinfo=AMSTERDAM)
    data = {"amount_minor": 1500, "currency": "EUR", "count": 0}
    owners = [OLGA, OLGA + 1]
    play.database.run(tell_owners, POOL_EMPTY, "k1", data, owners=owners, now=play.shop.now)
    await play.turn()
    morning = datetime(2026, 11, 29, 9, 0, tzinfo=AMSTERDAM)
    assert play.outbox(unique_key=f"k1:{OLGA}")[0]["due_at"] == morning
    assert status(play, f"k1:{OLGA + 1}") == ("dropped", "stale")
    play.shop.now = morning
    await play.turn()
    assert status(play, f"k1:{OLGA}") == ("sent", None)


async def test_answers_to_their_own_messages_know_no_quiet_hours(play: Play) -> None:
    """Rule 29."""
    anna = play.person("Anna")
    play.shop.now = datetime(2026, 11, 28, 3, 0, tzinfo=AMSTERDAM)
    assert (await play.start(anna)).words.startswith("Hoi Anna")


async def test_a_stopped_customer_gets_answers_only(play: Play) -> None:
    """Rule 28."""
    anna, customer, _ = await play.connected("Anna")
    await play.say(anna, "/stop")
    write(play, customer)
    await play.turn()
    assert status(play) == ("dropped", "stopped")
    assert (await play.say(anna, "/help")).words.startswith("Dit kun je hier doen")


async def test_a_notice_for_nobodys_chat_waits_no_longer(play: Play) -> None:
    """Rule 28: it is dropped with its reason; the money shows at the next /start."""
    customer, _ = play.shop.ambassador("Anna")
    write(play, customer)
    await play.turn()
    assert status(play) == ("dropped", "unreachable")


async def test_money_notices_that_waited_together_are_one_message(play: Play) -> None:
    """Rule 27: after downtime, one message with a line each; of one bonus only the last news."""
    anna, customer, _ = await play.connected("Anna")
    write(play, customer, key="k1", data={"bonus": 1})
    write(play, customer, key="k2", data={"bonus": 2})
    write(play, customer, key="k3", kind=BONUS_AVAILABLE, data={"bonus": 1, "balance_minor": 1500, "friends": 1})
    before = len(play.sent())
    await play.turn()
    assert len(play.sent()) == before + 1
    one, two = (play.programme.number("bonus", number) for number in (1, 2))
    assert anna.last.words.count(one) == 1
    assert f"Bonus binnen: € 15 (nr. {one})" in anna.last.words.replace("\N{NO-BREAK SPACE}", " ")
    assert two in anna.last.words
    assert {status(play, key)[0] for key in ("k1", "k2", "k3")} == {"sent"}


async def test_the_third_friend_is_thanked_by_name(play: Play) -> None:
    anna, customer, _ = await play.connected("Anna")
    write(play, customer, kind=BONUS_AVAILABLE, data={"balance_minor": 4500, "friends": 3})
    await play.turn()
    said = anna.last.words.replace("\N{NO-BREAK SPACE}", " ")
    assert "Je bonus is binnen: € 15. Je tegoed is nu € 45." in said
    assert "Al 3 keer vond iemand ons via jou. Dank je, Anna." in said


async def test_a_chat_gets_one_message_a_second_and_the_bot_thirty(database: Database) -> None:
    """Rule 26: slots are reserved in the database, at most a second ahead."""
    pace = Pace(chat=timedelta(seconds=0.4))
    async with staged(database, pace=pace) as play:
        anna = play.person("Anna")
        anna.start()
        for _ in range(3):
            anna.say("/help")
        await play.turn()
        times = [call.at for call in play.sandbox.calls if call.method == "sendmessage"]
        gaps = [after - before for before, after in pairwise(times)]
        assert len(gaps) == 3
        assert min(gaps) > 0.3


async def test_nothing_is_reserved_more_than_a_second_ahead(play: Play) -> None:
    """Rules 23 and 26: twenty slots a second are given out, then the sender waits with the rest."""
    people = [await play.connected(f"A{n}") for n in range(3)]
    slow = Pace(bot=timedelta(seconds=0.9), chat=timedelta())
    for n, (_, customer, _) in enumerate(people):
        write(play, customer, key=f"k{n}")
    chats = play.database.run(lease_chats, worker="w", now=play.shop.now, most=8)
    plans = [
        play.database.run(claim, chat, worker="w", programme=play.programme, now=play.shop.now, pace=slow)
        for chat in chats
    ]
    waits = [plan.wait for plan in plans if hasattr(plan, "wait")]
    assert len(waits) == 2
    assert max(waits) <= 1.0


def _bot_may_speak(session: Session) -> None:
    from storage.mailbox import BotPace  # noqa: PLC0415 - used here only

    for row in session.exec(select(BotPace)):
        row.next_at = datetime(2020, 1, 1, tzinfo=UTC)


def _numbers(play: Play, text: str) -> list[str]:
    import re  # noqa: PLC0415 - used here only

    return re.findall(r"nr\. ([A-Z0-9]+)", text)
