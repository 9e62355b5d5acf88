from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from storage.customers import ConnectToken, Identity
from storage.mailbox import Chat
from tests.bot.chat import Play
from tests.builders import order


def level(play: Play, person_id: int) -> str:
    rows = play.shop.rows(Identity)
    return next(str(row["level"]) for row in rows if row["kind"] == "telegram" and row["value"] == str(person_id))


def awaiting(play: Play) -> Any:
    return play.shop.rows(Chat)[0]["awaiting"]


async def test_a_fresh_link_asks_first_and_shows_no_name(play: Play) -> None:
    """Rule 19: it binds on [Ja, dat ben ik], and before that it says nothing of anybody."""
    customer, _ = play.shop.ambassador("Anna")
    anna = play.person("Annetje")
    question = await play.start(anna, play.connect_link(customer))
    assert "Anna" not in question.words
    assert question.buttons == ["Ja, dat ben ik", "Nee"]
    assert play.shop.rows(ConnectToken)[0]["used_at"] is None
    await play.press(anna, "Ja, dat ben ik")
    assert anna.last.words.startswith("Gekoppeld. Fijn dat je er bent, Anna.")
    assert play.shop.rows(Chat)[0]["customer_id"] == customer
    assert not question.rows


async def test_a_no_leaves_the_link_good(play: Play) -> None:
    """Rule 19."""
    customer, _ = play.shop.ambassador("Anna")
    link = play.connect_link(customer)
    chris, anna = play.person("Chris"), play.person("Anna")
    await play.start(chris, link)
    await play.press(chris, "Nee")
    assert chris.last.words == "Prima, er is niets gekoppeld."
    await play.start(anna, link)
    await play.press(anna, "Ja, dat ben ik")
    assert anna.last.words.startswith("Gekoppeld.")


async def test_the_same_chat_again_is_harmless(play: Play) -> None:
    """Rule 19."""
    customer, _ = play.shop.ambassador("Anna")
    link, anna = play.connect_link(customer), play.person("Anna")
    await play.start(anna, link)
    await play.press(anna, "Ja, dat ben ik")
    assert (await play.start(anna, link)).words.startswith("Deze chat is al gekoppeld.")


async def test_another_chat_hears_that_it_was_used_and_the_first_is_told(play: Play) -> None:
    """Rule 19."""
    customer, _ = play.shop.ambassador("Anna")
    link, anna, mats = play.connect_link(customer), play.person("Anna"), play.person("Mats")
    await play.start(anna, link)
    await play.press(anna, "Ja, dat ben ik")
    assert (await play.start(mats, link)).words.startswith("Deze link is al gebruikt")
    assert anna.last.words.startswith("Iemand gebruikte de link")


@pytest.mark.parametrize("payload", ["c_zomaariets", "c_"])
async def test_a_link_that_was_never_made_leads_to_the_order_number(play: Play, payload: str) -> None:
    said = await play.start(play.person("Anna"), payload)
    assert said.words.startswith("Deze link kennen we niet.")
    assert "Koppel mijn bestelling" in said.buttons


async def test_an_order_number_and_an_address_connect_a_chat_as_claimed(play: Play) -> None:
    """Rule 20: link and sign-ups at once, balance and history not before a one-time link."""
    play.shop.deliver(order(1001))
    bram = play.person("Bram")
    assert "bestelnummer" in (await play.start(bram, "o")).words
    assert "e-mailadres" in (await play.say(bram, "#1001")).words
    assert (await play.say(bram, "Bram@Example.nl")).words.startswith("Gevonden")
    assert level(play, bram.id) == "claimed"
    assert awaiting(play) is None
    for command in ("/tegoed", "/status", "/waarom"):
        assert "persoonlijke link uit onze mail" in (await play.say(bram, command)).words
    assert "/r/" in (await play.say(bram, "/link")).words


@pytest.mark.parametrize("number, address", [("1001", "mats@example.nl"), ("1002", "bram@example.nl"), ("1", "geen")])
async def test_every_miss_has_one_answer(play: Play, number: str, address: str) -> None:
    """Rule 20."""
    play.shop.deliver(order(1001))
    mats = play.person("Mats")
    await play.start(mats, "o")
    await play.say(mats, number)
    said = await play.say(mats, address)
    assert said.words.startswith("Een bestelling met dit nummer en dit e-mailadres vonden we niet")
    assert level(play, mats.id) == "verified"


async def test_too_many_tries_are_stopped(play: Play) -> None:
    """Rule 20: five a chat and hour."""
    mats = play.person("Mats")
    await play.start(mats)
    for number in range(6):
        await play.press(mats, "Koppel mijn bestelling")
        await play.say(mats, str(number))
        await play.say(mats, f"mats{number}@example.nl")
    assert mats.last.words.startswith("Dat waren veel pogingen.")


async def test_a_question_is_cancelled_by_its_button_or_forgotten_after_a_day(play: Play) -> None:
    """Rule 31: a text answer is awaited for less than a day."""
    bram = play.person("Bram")
    await play.start(bram, "o")
    await play.press(bram, "Annuleer")
    assert (await play.say(bram, "1001")).words.startswith("Dat begrijp ik niet.")
    await play.start(bram, "o")
    play.shop.now += timedelta(hours=25)
    assert (await play.say(bram, "1001")).words.startswith("Dat begrijp ik niet.")


async def test_a_command_is_never_taken_for_an_order_number(play: Play) -> None:
    bram = play.person("Bram")
    await play.start(bram, "o")
    assert (await play.say(bram, "/help")).words.startswith("Dit kun je hier doen")
    assert "e-mailadres" in (await play.say(bram, "1001")).words


async def test_an_address_is_never_logged(play: Play) -> None:
    with capture_logs() as logs:
        bram = play.person("Bram")
        await play.start(bram, "o")
        await play.say(bram, "1001")
        await play.say(bram, "geheim@example.nl")
    assert "geheim" not in str(logs)
    assert "geheim" not in str(play.outbox())
