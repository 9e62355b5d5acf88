"""The other half in one story: who is happy gets a link, who is not gets a person; through the contract's doors."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.people import Person
from bot.sandbox.world import Message
from tests.installation import OLGA_ID
from tests.world import Buyer, World, opened

ANNA, CHRIS = Buyer("a1", "anna@example.nl", "Anna"), Buyer("c1", "chris@example.nl", "Chris")


# A language an engine: what is said does not depend on where it is kept.
@pytest.mark.parametrize("engine, locale", [("sqlite", "nl"), ("postgresql", "en")])
async def test_from_the_delivery_to_a_link_and_to_an_answer(
    engine: str, database_url: str, tmp_path: Path, locale: str
) -> None:
    """Rules 18, 31 and 32: asked a week after the delivery; a 10 brings the link, a 4 a colleague and no other ask."""
    async with opened(engine, database_url, tmp_path) as world:
        owner = world.person("Olga", id=OLGA_ID, language_code=locale)
        owner.start()
        anna, chris = [await a_customer(world, buyer, locale) for buyer in (ANNA, CHRIS)]
        await delivered_a_week_ago(world)
        await anna_gets_her_link(world, anna, locale)
        card = await chris_gets_a_person(world, chris, owner, locale)
        await the_answer_goes_both_ways(world, chris, owner, card, locale)
        figures = await world.get("/figures")
        assert (figures["scores"]["count"], figures["scores"]["asked"], figures["scores"]["nps"]) == (2, 2, 0.0)
        assert figures["cases"] == {"open": 1, "overdue": 1}
        assert "klemt" not in world.log.getvalue()


async def a_customer(world: World, buyer: Buyer, locale: str) -> Person:
    """They ordered and connected their chat."""
    await world.order(buyer.id, buyer)
    made = await world.api("POST", "/customers", {"shop": "webshop", "id": buyer.id, "email": buyer.email})
    phone = world.person(buyer.first_name, language_code=locale)
    await world.connect(phone, made.body["customer"], locale=locale)
    return phone


async def delivered_a_week_ago(world: World) -> None:
    """The shop reports the deliveries; a week later the time machine stops at the question."""
    for buyer in (ANNA, CHRIS):
        state = {"order": buyer.id, "status": "delivered", "at": world.now.isoformat()}
        assert (await world.hook("delivery.state", state)).body["status"] == "applied"
    await world.pass_days(8)


async def anna_gets_her_link(world: World, anna: Person, locale: str) -> None:
    """A 10: thanks and the button in one message, then why."""
    question = await anna.wait_for(world.say("notice.score_asked", locale))
    before = anna.mark()
    anna.press("10", message=question)
    thanks = await anna.wait_for(world.say("score.thanks", locale), after=before)
    await anna.wait_for(world.say("score.why", locale, score=10), after=before)
    anna.press(world.say("button.score_link", locale), message=thanks)
    await anna.wait_for("/r/", after=before)
    anna.say("Prachtig!")
    await anna.wait_for(world.say("score.why_thanks", locale), after=before)


async def chris_gets_a_person(world: World, chris: Person, owner: Person, locale: str) -> Message:
    """A 4: the owner's phone shows it, and what went wrong."""
    question = await chris.wait_for(world.say("notice.score_asked", locale))
    chris.press("4", message=question)
    card = await owner.wait_for(world.say("case.low", locale, score=4).replace("<b>", "").replace("</b>", ""))
    await chris.wait_for(world.say("score.low", locale, when="…").partition("…")[0])
    chris.say("De la klemt")
    await owner.wait_for("De la klemt")
    return card


async def the_answer_goes_both_ways(world: World, chris: Person, owner: Person, card: Message, locale: str) -> None:
    """A reply reaches Chris; solved, and then not; a day without an answer is told, and to Chris nothing is sold."""
    owner.say("Ik stuur iemand langs.", reply_to=card)
    await chris.wait_for("Ik stuur iemand langs.")
    owner.press(world.say("button.case_solved", locale), message=card)
    solved = await chris.wait_for(world.say("notice.case_solved", locale))
    chris.press(world.say("button.case_again", locale), message=solved)
    before = owner.mark()
    chris.say("Hij klemt nog steeds")
    await owner.wait_for("Hij klemt nog steeds", after=before)
    heard, before = len(chris.chat), owner.mark()
    await world.pass_days(1)
    alarm = world.say("case.alarm", locale).replace("<b>", "").replace("</b>", "")
    await owner.wait_for(alarm, after=before)
    assert [message.words for message in chris.chat[heard:] if message.sender.is_bot] == []
