from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.people import Person
from referrals.asking.references import decline
from referrals.people.customers import set_state, stop
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.references import Reference
from tests.bot.chat import OLGA, Play, staged
from tests.referrals.asking.telling import (
    TEXT,
    WORDS,
    agreed,
    ask,
    buy,
    drafted,
    glad,
    on_the_wall,
    published,
    row,
    step,
)

JORIS = 9_000_002
SHORTER = "Een tafel voor zes.\nNu eten we elke dag samen."


async def owner(play: Play, name: str = "Olga", number: int = OLGA) -> Person:
    person = play.person(name, id=number)
    await play.start(person)
    return person


async def anna_agreed(play: Play) -> tuple[Person, Person, int]:
    """Anna said yes; the card is in Olga's chat."""
    anna, customer, _ = await play.connected("Anna")
    olga = await owner(play)
    buy(play.shop, customer)
    number = agreed(play.shop, customer)
    await play.turn()
    return anna, olga, number


def log(play: Play) -> list[dict[str, Any]]:
    return [each for each in play.shop.rows(AuditEvent) if each["action"].startswith("reference:")]


async def test_an_owner_places_it_and_the_customer_hears_where(play: Play) -> None:
    anna, olga, _ = await anna_agreed(play)
    assert f"“{TEXT}”\n— Anna · geverifieerde klant sinds 2025" in olga.last.words
    assert "akkoord met gebruik op de website" in olga.last.words
    assert await play.press(olga, "Plaatsen") == "Geplaatst. De klant hoort het."
    assert [item.shown.text for item in on_the_wall(play.shop)] == [TEXT]
    assert "Je ervaring staat op de website" in anna.last.words
    assert anna.press("Bekijk de muur").opens == "https://friends.example/wall"
    assert olga.last.words.startswith("Geplaatst:")
    (event,) = log(play)
    assert (event["actor"], event["before"]["status"], event["after"]["status"]) == (
        f"owner:{OLGA}", "customer_approved", "published",
    )  # fmt: skip


async def test_a_shorter_text_goes_back_to_the_customer_and_nothing_is_public_meanwhile(play: Play) -> None:
    """Requirement F4: any edit after the customer's yes resets it, and the original is kept."""
    anna, olga, number = await anna_agreed(play)
    await play.press(olga, "Plaatsen")
    await play.press(olga, "Korter maken")
    assert (
        "woorden van de klant" in (await play.say(olga, "Dit is de beste winkel van heel Nederland, koop hier!")).words
    )
    await play.say(olga, SHORTER)
    assert on_the_wall(play.shop) == []
    assert f"“{SHORTER}”" in anna.last.words
    assert "Zonder jouw ja gebeurt er niets" in anna.last.words
    assert not any("☑ Tekst" in button["text"] for line in anna.last.rows for button in line)
    assert (row(play.shop, number)["original"], row(play.shop, number)["text"]) == (TEXT, SHORTER)
    await play.press(anna, "☐ Tekst op de website")
    await play.press(anna, "Akkoord")
    assert on_the_wall(play.shop) == []
    await play.press(olga, "Plaatsen")
    assert [item.shown.text for item in on_the_wall(play.shop)] == [SHORTER]
    assert [(each["before"]["text"], each["after"]["text"]) for each in log(play)][1] == (TEXT, SHORTER)


async def test_a_shorter_text_may_be_a_reply_to_the_card_and_any_other_reply_is_no_answer(play: Play) -> None:
    """Rule 24: no update is set aside for it, and the text that is awaited is taken however it is sent."""
    _, olga, number = await anna_agreed(play)
    card = olga.last
    olga.say("Mooi.", reply_to=card)
    await play.turn()
    assert "begrijp ik niet" in olga.last.words
    await play.press(olga, "Korter maken", message=card)
    olga.say(SHORTER, reply_to=card)
    await play.turn()
    assert row(play.shop, number)["text"] == SHORTER
    assert {each["status"] for each in play.inbox()} == {"done"}


async def test_a_customer_who_thinks_better_of_a_shorter_text_takes_it_off_every_card(play: Play) -> None:
    anna, olga, number = await anna_agreed(play)
    card = olga.last
    await play.press(olga, "Korter maken")
    await play.say(olga, SHORTER)
    await play.press(anna, "Toch niet")
    assert card.words == "De klant ziet er toch van af."
    assert row(play.shop, number)["text"] is None


async def test_liever_niet_is_said_kindly(play: Play) -> None:
    anna, olga, number = await anna_agreed(play)
    await play.press(olga, "Liever niet")
    assert "Dank je voor je woorden" in anna.last.words
    assert row(play.shop, number)["status"] == "owner_declined"
    assert "wordt niet geplaatst" in (await play.say(anna, "/referentie")).words


async def test_a_published_one_can_be_thanked_for_and_taken_down(play: Play) -> None:
    anna, olga, _ = await anna_agreed(play)
    await play.press(olga, "Plaatsen")
    await play.press(olga, "☐ Kreeg een bedankje")
    assert on_the_wall(play.shop)[0].thanked
    await play.press(olga, "Haal van de muur")
    assert on_the_wall(play.shop) == []
    assert "van de muur gehaald" in anna.last.words


async def test_a_card_whose_time_is_over_says_so_and_does_nothing(play: Play) -> None:
    """Whoever pressed it would ask the customer outside every cap, whatever they wish (rules 28, 30)."""
    anna, olga, number = await anna_agreed(play)
    await play.press(olga, "Plaatsen")
    card, rows = olga.last, olga.last.rows
    play.shop.now += timedelta(days=800)
    told = len(play.sent(anna.id))
    for label in ("Korter maken", "Haal van de muur", "☐ Kreeg een bedankje"):
        button = next(each for line in rows for each in line if each["text"] == label)
        pressed = olga.press_on(card, button)
        await play.turn()
        assert (await pressed.answered(within=1))["text"] == "Dit is intussen veranderd. Zo staat het nu."
    assert card.words == "De tijd is om; deze ervaring staat nergens meer."
    found = row(play.shop, number)
    assert (found["status"], found["rewarded"], len(log(play))) == ("published", False, 1)
    assert play.sent(anna.id)[told:] == []


async def test_of_two_owners_who_press_at_once_one_decides(database: Database) -> None:
    """Rule 24 holds a chat, not a reference: the row is locked, and the second owner sees what the first one did."""
    async with staged(database, telegram__owner_ids=[OLGA, JORIS]) as play:
        joris = await owner(play, "Joris", JORIS)
        _, olga, number = await anna_agreed(play)
        pressed = [olga.press("Plaatsen"), joris.press("Liever niet")]
        other = play.another()
        await play.hear()
        await asyncio.gather(play.service.deliver_due(), other.deliver_due())
        await play.turn()
        said = {(await each.answered(within=1))["text"] for each in pressed}
        assert "Dit is intussen veranderd. Zo staat het nu." in said
        assert len(said) == 2
        assert len(log(play)) == 1
        assert (row(play.shop, number)["status"] == "published") == (len(on_the_wall(play.shop)) == 1)
        assert olga.last.words.split(":")[0] == joris.last.words.split(":")[0]
        await other.stop()


async def test_a_card_that_somebody_else_presses_does_nothing(play: Play) -> None:
    _, olga, number = await anna_agreed(play)
    mats, _, _ = await play.connected("Mats")
    for label in ("Plaatsen", "Korter maken", "Liever niet"):
        button = next(each for line in olga.last.rows for each in line if each["text"] == label)
        mats.press_on(mats.last, button)
        await play.turn()
        assert "begrijp ik niet" in mats.last.words
    assert row(play.shop, number)["status"] == "customer_approved"


async def test_a_card_of_an_older_version_places_nothing(play: Play) -> None:
    anna, olga, number = await anna_agreed(play)
    button = next(each for line in olga.last.rows for each in line if each["text"] == "Plaatsen")
    await play.say(anna, "/referentie")
    await play.press(anna, "Aanpassen")
    assert olga.last.words.startswith("Ligt weer bij de klant")
    olga.press_on(olga.last, button)
    await play.turn()
    assert (row(play.shop, number)["status"], on_the_wall(play.shop)) == ("draft", [])


async def test_an_owner_sees_what_waits_and_nominates_by_number(play: Play) -> None:
    anna, olga, _ = await anna_agreed(play)
    assert "1 ervaring wacht op je ja: /referentie" in (await play.say(olga, "/vandaag")).words
    assert "wacht op je ja" in (await play.say(olga, "/referentie")).words
    bram, friend, _ = await play.connected("Bram")
    number = play.programme.number("customer", friend)
    assert "nog niets gekocht" in (await play.say(olga, f"/referentie {number}")).words
    glad(play.shop, "Bram", score=9)
    assert ask(play.shop) == []
    assert "nodig ik deze klant uit" in (await play.say(olga, f"/referentie {number.lower()}")).words
    assert "nog niet weer aan de beurt" in (await play.say(olga, f"/referentie {number}")).words
    assert ask(play.shop) == [None]
    await play.turn()
    assert "Bram, je bent nu 2 jaar klant. Zouden we jouw ervaring" in bram.last.words
    assert "kennen we niet" in (await play.say(olga, "/referentie NIEMAND")).words
    assert "Je zei ja tegen deze tekst" in (await play.say(anna, f"/referentie {number}")).words


async def test_what_an_owner_did_at_night_is_told_in_the_morning_if_it_is_still_so(play: Play) -> None:
    """Rule 29: deleted words are not sent again, and at the sending even time alone makes news untrue."""
    anna, olga, number = await anna_agreed(play)
    play.shop.now = play.shop.now.replace(hour=21)
    await play.press(olga, "Korter maken")
    await play.say(olga, SHORTER)
    await play.say(anna, "/referentie")
    await play.press(anna, "Toch niet")
    published(play.shop, row(play.shop, number)["customer_id"])
    told = len(play.sent(anna.id))
    await play.pass_days(900.6)
    assert play.sent(anna.id)[told:] == []


async def test_stopping_withdraws_nothing_and_being_excluded_hides_it(play: Play) -> None:
    """Rule 28: who stopped hears only answers; their words stay where they allowed them."""
    anna, customer, _ = await play.connected("Anna")
    published(play.shop, customer)
    play.database.run(stop, customer, now=play.shop.now)
    assert len(on_the_wall(play.shop)) == 1
    await play.turn()
    assert "staat op de website" in (await play.say(anna, "/referentie")).words
    for state, seen in (("excluded", 0), ("active", 1), ("erased", 0)):
        play.database.run(set_state, customer, state=state, why="test", actor="command", now=play.shop.now)
        assert len(on_the_wall(play.shop)) == seen


async def test_a_reference_whose_time_is_over_leaves_by_itself_and_is_asked_about_once(play: Play) -> None:
    anna, olga, _ = await anna_agreed(play)
    await play.press(olga, "Plaatsen")
    glad(play.shop, "Anna", days_ago=300)
    await play.pass_days(731)
    assert on_the_wall(play.shop) == []
    glad(play.shop, "Anna", days_ago=100, score=9)
    assert None in ask(play.shop)
    await play.turn()
    assert "stond 24 maanden op onze muur" in anna.last.words
    before = len(ask(play.shop))
    await play.press(anna, "Ja, graag")
    assert f"“{TEXT}”" in anna.last.words
    await play.press(anna, "☐ Tekst op de website")
    await play.press(anna, "Akkoord")
    await play.press(olga, "Plaatsen")
    assert len(on_the_wall(play.shop)) == 1
    assert len(ask(play.shop)) == before


@pytest.mark.parametrize("silent", ["draft", "declined"])
async def test_nothing_that_was_not_agreed_to_reaches_an_owner(play: Play, silent: str) -> None:
    _, customer, _ = await play.connected("Anna")
    olga = await owner(play)
    number = drafted(play.shop, customer)
    if silent == "declined":
        step(play.shop, number, decline, programme=play.programme)
    await play.turn()
    await play.say(olga, "/referentie")
    assert not any(word in text for text in play.sent(OLGA) for word in WORDS)
    assert len(play.shop.rows(Reference)) == 1
