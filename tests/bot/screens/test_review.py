"""/controle: what waits, in cards that only owners see and decide."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox.people import Person
from storage.database import Database
from storage.ledger import Bonus
from tests.bot.chat import OLGA, Play, staged
from tests.builders import friend, order

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
KEYS: dict[str, Any] = {"fraud__friends_per_hour": 1, "bonus__ambassador__per_month": 3}


async def olga(play: Play) -> Person:
    person = play.person("Olga", id=OLGA)
    await play.start(person)
    return person


async def crowd(play: Play, count: int = 3) -> tuple[Person, Person, int]:
    """Anna, Olga, and Anna's number; all of Anna's friends but the first wait."""
    owner = await olga(play)
    anna, customer_id, code = await play.connected("Anna")
    await play.deliver(*(order(number, friend(number), code=code) for number in range(1, count + 1)))
    return anna, owner, customer_id


def reviews(play: Play) -> list[str]:
    return [row["review"] for row in sorted(play.shop.rows(Bonus), key=lambda row: row["id"])]


async def test_one_press_decides_for_many_and_everybody_hears_what_concerns_them(database: Database) -> None:
    async with staged(database, **KEYS) as play:
        anna, owner, _ = await crowd(play)
        assert "2 bonussen wachten op jouw besluit" in owner.last.words
        assert "een collega kijkt hem eerst na" in " ".join(play.sent(anna.id)).lower()
        card = (await play.say(owner, "/controle")).words
        assert "• 3 bonussen in één uur (+60)" in card
        assert "2 bonussen, samen €\N{NO-BREAK SPACE}30" in card
        assert await play.press(owner, "Goedkeuren") == "Goedgekeurd; de bonus komt op de gewone dag bij het tegoed."
        assert reviews(play) == ["none", "passed", "passed"]
        assert (await play.say(owner, "/controle")).words == "Er wacht niets op controle."


async def test_what_waits_is_counted_when_it_is_told_and_told_when_it_is_there(database: Database) -> None:
    async with staged(database, **KEYS | {"bonus__ambassador__per_month": "none"}) as play:
        owner = await olga(play)
        _, _, code = await play.connected("Anna")
        play.shop.now = datetime(2026, 11, 27, 3, 0, tzinfo=AMSTERDAM)
        for number in range(1, 4):
            await play.deliver(order(number, friend(number), code=code, at=play.shop.now))
        assert play.sent(owner.id)[-1].startswith("Hoi Olga")
        await play.say(owner, "/controle")
        await play.press(owner, "Goedkeuren")
        play.shop.now = datetime(2026, 11, 27, 9, 0, tzinfo=AMSTERDAM)
        await play.turn()
        assert "besluit" not in owner.last.words
        later = [order(number, friend(number), code=code, at=play.shop.now) for number in range(4, 8)]
        await play.deliver(*later)
        assert "3 bonussen wachten op jouw besluit" in owner.last.words


async def test_a_no_has_a_reason_for_the_log_none_for_the_customer_and_a_way_back(database: Database) -> None:
    async with staged(database, **KEYS) as play:
        anna, owner, _ = await crowd(play, 2)
        await play.say(owner, "/controle")
        card = owner.last
        await play.press(owner, "Afwijzen")
        await play.press(owner, "Code misbruikt")
        assert reviews(play) == ["none", "turned_down"]
        assert "deze bonus telt niet mee. Klopt dat niet?" in anna.last.words
        await play.press(owner, "Toch goedkeuren")
        assert reviews(play) == ["none", "passed"]
        assert owner.last.id == card.id


async def test_trust_is_a_press_and_is_taken_back_by_another(database: Database) -> None:
    async with staged(database, **KEYS) as play:
        _, owner, _ = await crowd(play, 2)
        await play.say(owner, "/controle")
        await play.press(owner, "Vertrouw deze ambassadeur")
        assert reviews(play) == ["none", "passed"]
        assert await play.press(owner, "Niet meer vertrouwen") == "Bonussen van deze ambassadeur worden weer bekeken."


async def test_nobody_but_an_owner_sees_or_decides(database: Database) -> None:
    async with staged(database, **KEYS) as play:
        anna, owner, _ = await crowd(play, 2)
        await play.say(owner, "/controle")
        pressed = next(button for row in owner.last.rows for button in row if button["text"] == "Goedkeuren")
        assert "wachten" not in (await play.say(anna, "/controle")).words
        anna.press_on(anna.last, pressed)
        await play.turn()
        assert reviews(play) == ["none", "waiting"]


async def test_goodwill_is_given_for_what_an_ambassador_was_refused(database: Database) -> None:
    async with staged(database, **KEYS | {"bonus__ambassador__per_month": 1, "fraud__friends_per_hour": 9}) as play:
        anna, owner, customer_id = await crowd(play, 2)
        number = play.programme.number("customer", customer_id)
        shown = (await play.say(owner, f"/controle {number}")).words
        assert "bestelling 2 van 24 november bracht geen bonus" in shown
        assert "Dit jaar nog te geven: €\N{NO-BREAK SPACE}250" in shown
        assert (
            await play.press(owner, "Geef €\N{NO-BREAK SPACE}15 uit coulance") == "Gegeven. De ambassadeur hoort het."
        )
        assert "Een gebaar van ons: €\N{NO-BREAK SPACE}15. Je tegoed is nu €\N{NO-BREAK SPACE}15." in anna.last.words
