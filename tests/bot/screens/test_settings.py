"""What a customer wants to hear, chosen by buttons in the message that shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sandbox.people import Person
from bot.screens.settings import PRESETS
from referrals.asking.wishes import wishes_of
from storage.customers import Customer
from storage.database import Database
from tests.bot.chat import Play, staged
from tests.builders import order


async def settings_of(play: Play, person: Person) -> str:
    """The overview turned to the page with everything on it; what it says."""
    await play.start(person)
    await play.press(person, "Meer")
    await play.press(person, "Berichten")
    return person.last.words


def customer(play: Play, number: int) -> dict[str, Any]:
    return next(row for row in play.shop.rows(Customer) if row["id"] == number)


async def test_the_page_says_what_the_owner_configured_and_what_always_comes(play: Play) -> None:
    """Rules 28 and 30: honest about caps and hours, and about what no switch touches."""
    anna, _, _ = await play.connected("Anna")
    said = await settings_of(play, anna)
    assert "hooguit één bericht in 7 dagen.\nIn 30 dagen zijn het er samen hooguit 3." in said
    assert "Nooit tussen 20.00 uur en 9.00 uur. Ook niet op zondag." in said
    assert "Wat altijd komt: antwoorden op wat je vraagt, bericht over je bonus en je tegoed" in said


async def test_other_caps_hours_and_days_are_told_as_they_are(database: Database) -> None:
    """Rule 30: holidays are quiet days where they are named."""
    keys: dict[str, Any] = {
        "cadence__per_week": 2,
        "cadence__per_month": 8,
        "cadence__quiet_until": "08:30",
        "cadence__quiet_days": ["saturday", "sunday", "12-25", "2027-04-26"],
        "programme__locale": "en",
    }
    async with staged(database, **keys) as play:
        anna = play.person("Anna", language_code="en")
        await play.start(anna)
        assert "at most 2 messages a week on my own account. Rather not? Type /stop." in anna.last.words
        for button in ("More", "Messages"):
            await play.press(anna, button)
        assert "at most 2 messages in 7 days.\nNever between 8 pm and 8.30 am." in anna.last.words
        assert "Nor on Saturday, Sunday, 25 December, and 26 April." in anna.last.words


async def test_a_programme_that_asks_nothing_says_so(database: Database) -> None:
    async with staged(database, cadence__per_week=0) as play:
        anna = play.person("Anna")
        assert "Uit mezelf stuur ik je niets" in (await play.start(anna)).words
        assert "Uit mezelf stuur ik je niets." in await settings_of(play, anna)


@pytest.mark.parametrize(
    "kind,off,on",
    [
        ("tips", "Zet tips uit", "Zet tips aan"),
        ("scores", "Zet de vraag na een levering uit", "Zet de vraag na een levering aan"),
        ("portfolio", "Zet vragen om je ervaring uit", "Zet vragen om je ervaring aan"),
    ],
)
async def test_a_kind_is_switched_in_place_off_and_on(play: Play, kind: str, off: str, on: str) -> None:
    """Rule 28; opting out takes one press, as opting in does."""
    anna, number, _ = await play.connected("Anna")
    await settings_of(play, anna)
    home = anna.last
    for button, wanted in ((off, False), (on, True)):
        assert await play.press(anna, button) == "Bewaard."
        assert getattr(play.database.look(wishes_of, number), kind) is wanted
    assert anna.last is home
    assert off in home.buttons


async def test_a_pause_of_months_is_told_and_can_be_ended(play: Play) -> None:
    """Rule 28: a pause is no stop; START does not end it."""
    anna, number, _ = await play.connected("Anna")
    assert (await play.say(anna, "/pauze")).buttons[:2] == ["1 maand", "3 maanden"]
    await play.press(anna, "3 maanden")
    assert "Je pauze loopt tot 24 februari; tot dan vraag ik je niets." in anna.last.words
    assert customer(play, number)["paused_until"] == datetime(2027, 2, 24, 11, tzinfo=UTC)
    assert "Je pauze loopt tot 24 februari" in await settings_of(play, anna)
    await play.say(anna, "/pause")
    await play.press(anna, "Beëindig de pauze")
    assert customer(play, number)["paused_until"] is None


async def test_hours_of_ones_own_are_chosen_and_given_back(play: Play) -> None:
    """Rule 29: the hours are the customer's; money waits for them too."""
    anna, number, _ = await play.connected("Anna")
    await settings_of(play, anna)
    await play.press(anna, "Kies de uren")
    await play.press(anna, "Tussen 11.00 uur en 20.00 uur")
    assert "Nooit tussen 20.00 uur en 11.00 uur; dat koos je zelf." in anna.last.words
    wished = play.database.look(wishes_of, number)
    assert (wished.quiet_from, wished.quiet_until) == PRESETS["late"]
    await play.press(anna, "Kies de uren")
    await play.press(anna, "Neem de gewone uren")
    assert "Nooit tussen 20.00 uur en 9.00 uur." in anna.last.words


@pytest.mark.parametrize("word", ["/stop", "/STOP", "stop", " Stop! "])
async def test_stop_works_in_one_step_while_a_text_is_awaited(play: Play, word: str) -> None:
    """C4 and rule 28: whatever they were asked, the word is no answer to it."""
    anna, number, _ = await play.connected("Anna")
    await play.say(anna, "/ranglijst")
    await play.press(anna, "Kies een bijnaam")
    assert (await play.say(anna, word)).words.startswith("Gedaan: ik stuur je niets meer.")
    assert customer(play, number)["stopped_at"] is not None
    assert customer(play, number)["nickname"] is None
    assert (await play.say(anna, "Annie")).words.startswith("Dat begrijp ik niet.")


async def test_the_button_stops_too_and_another_brings_messages_back(play: Play) -> None:
    """C4: leaving is as easy as joining, and so is coming back."""
    anna, number, code = await play.connected("Anna")
    await settings_of(play, anna)
    home = anna.last
    await play.press(anna, "Stop alle berichten")
    assert anna.last.words.startswith("Gedaan: ik stuur je niets meer.")
    assert "dat vroeg je met /stop" in home.words
    await play.deliver(order(1, code=code))
    assert anna.last.words.startswith("Gedaan")
    await play.press(anna, "Zet berichten weer aan", message=home)
    assert customer(play, number)["stopped_at"] is None


async def test_who_is_asked_nothing_anyway_reads_why(play: Play) -> None:
    """Rule 28: a chat that is not connected, and a no to advertising."""
    chris = play.person("Chris")
    assert "Zolang deze chat niet aan een bestelling gekoppeld is" in await settings_of(play, chris)
    anna, number, _ = await play.connected("Anna")
    play.database.run(lambda session: setattr(session.get(Customer, number), "marketing_consent", False))
    assert "koos je ervoor geen reclame te krijgen" in await settings_of(play, anna)


async def test_a_choice_that_there_is_not_brings_home_anew(play: Play) -> None:
    """Rule 25: callback data is never a right, nor a value."""
    anna, number, _ = await play.connected("Anna")
    await settings_of(play, anna)
    for data in ("w1:money:off", "w1:pause:12", "w1:hours:never", "w1:tips:maybe"):
        button = anna.last.rows[0][0]
        button["callback_data"] = data
        assert await play.press(anna, button["text"]) == "Deze knop is van eerder. Hieronder staat je overzicht."
        await settings_of(play, anna)
    assert play.database.look(wishes_of, number).tips
    assert customer(play, number)["paused_until"] is None
