from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from bot.sandbox.people import Person
from bot.sandbox.world import Message
from bot.screens.tips import RENDER, Tip
from bot.texts import Texts
from bot.voice import NOTICE, OutMessage, Voice
from referrals.asking.wishes import wishes_of
from referrals.jobs.registry import run_job
from referrals.notices import THANKS, TIP_NEVER_OPENED, TIP_SECOND_ORDER, TIP_SHARE_AGAIN
from storage.contacts import Contact
from storage.database import Database
from tests.bot.chat import Play, staged
from tests.referrals.asking.somebody import programme
from tests.referrals.asking.stage import bought, brought, credited, person, scored

DAY = timedelta(days=1)
TIPS = (TIP_SECOND_ORDER, TIP_SHARE_AGAIN, TIP_NEVER_OPENED)
BUTTONS = ["Deel mijn link", "Later", "Geen tips meer"]


@pytest.fixture
async def play(database: Database) -> AsyncIterator[Play]:
    """A programme that holds nobody out."""
    async with staged(database, cadence__holdout_percent=0) as play:
        yield play


async def reminded(play: Play, *, through_friend: bool = False) -> tuple[Person, int, Message]:
    """Anna made a link four days ago that nobody opened; the job has looked, and she has heard."""
    anna, customer, _ = await play.connected("Anna")
    play.database.run(_glad, customer, now=play.shop.now, through_friend=through_friend)
    await play.pass_days(4)
    await run_job(play.database, "nudge", programme=play.programme, now=play.shop.now)
    await play.turn()
    return anna, customer, anna.last


def _glad(session: Session, customer: int, *, now: datetime, through_friend: bool) -> None:
    for days in (200, 100):
        bought(session, customer, now - days * DAY)
    scored(session, customer, 9, now - 50 * DAY)
    if through_friend:
        brought(session, person(session), customer, now - 201 * DAY)


def _credited(session: Session, customer: int, *, now: datetime) -> None:
    credited(session, customer, now, friend=99)


def shown(phone: Person, message: Message) -> Message:
    """The message as it looks now."""
    return next(each for each in phone.chat if each.id == message.id)


def labels(message: Message) -> list[str]:
    return [button["text"] for row in message.rows for button in row]


def reacted(play: Play) -> list[bool]:
    return [row["reacted_at"] is not None for row in play.shop.rows(Contact)]


async def test_a_forgotten_link_is_shown_again_with_a_way_not_to_hear_of_it(play: Play) -> None:
    """Voice 8: the friend first; the second paragraph only if it is true."""
    _, _, message = await reminded(play)

    assert message.words == (
        "Je link ligt nog klaar, Anna.\nKen je iemand voor wie Atelier Noord ook iets is? "
        "Dan heb jij €\N{NO-BREAK SPACE}25 korting op de eerste bestelling voor diegene."
    )
    assert labels(message) == BUTTONS


async def test_who_came_through_a_friend_is_reminded_of_it(play: Play) -> None:
    """Playbook T7: in the words of voice 8."""
    _, _, message = await reminded(play, through_friend=True)

    assert message.words.endswith("\n\nZelf kwam je ook via iemand bij ons. Zo gaat dat vaak.")


async def test_a_press_on_share_brings_the_link_and_is_a_reaction(play: Play) -> None:
    anna, _, message = await reminded(play)

    await play.press(anna, "Deel mijn link", message=message)

    assert anna.last.words.startswith("Dit is jouw link om te delen:")
    assert reacted(play) == [True]


async def test_later_takes_the_buttons_away_and_is_a_reaction_too(play: Play) -> None:
    anna, customer, message = await reminded(play)

    assert await play.press(anna, "Later", message=message) == "Goed, later dan."

    assert labels(shown(anna, message)) == []
    assert reacted(play) == [True]
    assert play.database.look(wishes_of, customer).tips


async def test_no_more_tips_is_one_press_and_leaves_the_link(play: Play) -> None:
    """Rule 28, and C4: opting out is as easy as joining."""
    anna, customer, message = await reminded(play)

    assert await play.press(anna, "Geen tips meer", message=message) == "Je krijgt geen tips meer."

    assert not play.database.look(wishes_of, customer).tips
    assert "Je link blijft gewoon werken" in anna.last.words
    assert labels(shown(anna, message)) == []
    play.database.run(_credited, customer, now=play.shop.now)
    await play.pass_days(5)
    await run_job(play.database, "nudge", programme=play.programme, now=play.shop.now)
    await play.turn()
    assert [row["reason"] for row in play.shop.rows(Contact)] == [None, "unwanted"]
    assert sum("nog klaar" in text or "Dankzij jou" in text for text in play.sent()) == 1


async def test_a_press_on_somebody_elses_tip_reacts_to_nothing(play: Play) -> None:
    """Callback data is never a right."""
    _, _, message = await reminded(play)
    bram, _, _ = await play.connected("Bram")
    stolen = next(button for row in message.rows for button in row if button["text"] == "Later")

    assert stolen["callback_data"].startswith("t1|later|t8:code:")
    await play.say(bram, "/help")
    bram.press_on(bram.last, stolen)
    await play.turn()
    assert reacted(play) == [False]


def voice(locale: str = "nl", *, name: str | None = "Anna", sees: bool = True, **keys: Any) -> Voice:
    return Voice(Texts(), locale, programme(**keys), place=NOTICE, name=name, sees_history=sees)


def said(kind: str, speaker: Voice, **data: Any) -> OutMessage:
    return RENDER[kind](speaker, {"contact": "t6:bonus:123456789", **data})


@pytest.mark.parametrize("locale", ["nl", "en"])
@pytest.mark.parametrize("name", [None, "Wilhelmina-Alexandrina van der Kruis tot Boschveld aan de Maas"])
@pytest.mark.parametrize("friend", [{}, {"bonus__friend__amount": "25.00"}])
@pytest.mark.parametrize("kind", TIPS)
def test_a_tip_reads_in_both_languages_with_any_name_and_with_any_gift(
    kind: str, friend: dict[str, Any], name: str | None, locale: str
) -> None:
    message = said(kind, voice(locale, name=name, **friend), through_friend=True)

    assert "…" not in message.text
    assert len(message.text) < 1000
    assert ("25" in message.text) == bool(friend)
    assert (name or "Anna") in message.text if name else "Anna" not in message.text
    assert [len(row) for row in message.rows] == [1, 2]
    assert all(len((button.callback_data or "").encode()) <= 64 for row in message.rows for button in row)


@pytest.mark.parametrize("locale, words", [("nl", "Je bent nu een jaar klant"), ("en", "for a year now")])
@pytest.mark.parametrize("name", ["Anna", None])
def test_thanks_ask_nothing(locale: str, words: str, name: str | None) -> None:
    """Playbook T9, A6: no button at all."""
    message = said(THANKS, voice(locale, name=name), years=1)

    assert words in message.text
    assert message.rows == ()
    assert ("Anna" in message.text) == bool(name)


@pytest.mark.parametrize(
    "data, words",
    [({"years": 3}, "nu 3 jaar klant"), ({"friends": 3}, "Al 3 vrienden vonden"), ({"friends": 10}, "Al 10 vrienden")],
)
def test_thanks_say_what_for(data: dict[str, int], words: str) -> None:
    assert words in said(THANKS, voice(), **data).text


def test_of_a_claimed_account_nothing_of_its_history_is_told() -> None:
    """Rule 20: neither that a friend came nor that they came through one."""
    message = said(TIP_SHARE_AGAIN, voice(name=None, sees=False), through_friend=True)

    assert message.text.startswith("Je link ligt nog klaar.")
    assert "Zelf kwam je" not in message.text


def test_the_buttons_data_names_its_contact_whole() -> None:
    data = Tip(does="off", contact="t9:years:77:2").pack()

    assert Tip.unpack(data).contact == "t9:years:77:2"


async def test_a_forged_button_with_a_symbol_that_no_database_keeps_is_an_old_one(play: Play) -> None:
    anna, _, _ = await play.connected("Anna")
    anna.press_on(anna.last, {"text": "?", "callback_data": "t1|off|\x00"})
    await play.turn()
    assert {row["status"] for row in play.inbox()} == {"done"}
