"""A whole year of one customer, as its people see it: from the first order to the withdrawn reference.

Over real HTTP and a recorded Telegram; the clock steps through every due moment as the try-out's time machine does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.people import Person
from bot.sandbox.world import Message
from tests.installation import OLGA_ID, SHOP
from tests.world import Buyer, World, opened, shop_button

ANNA = Buyer("amb-Anna", "anna@example.nl", "Anna")
BRAM = Buyer("77", "bram@example.nl", "Bram")
WORDS = {
    "nl": ("Een tafel die past.", "We eten weer samen.", "Aan iedereen die op maat zoekt."),
    "en": ("A table that fits.", "We eat together again.", "To whoever looks for made to measure."),
}


# A language an engine: what is said does not depend on where it is kept.
@pytest.mark.parametrize("engine, locale", [("sqlite", "nl"), ("postgresql", "en")])
async def test_a_year_from_the_first_order_to_the_withdrawn_reference(
    engine: str, database_url: str, tmp_path: Path, locale: str
) -> None:
    """Rules 18, 23 and 28 to 32: a score, a link, a friend, a bonus, a tip, a reference, its withdrawal, thanks."""
    async with opened(engine, database_url, tmp_path) as world:
        year = Year(world, locale)
        await year.anna_buys_and_gives_a_ten()
        await year.bram_comes_through_her_link_and_is_glad_too()
        await year.the_bonus_arrives()
        await year.two_reasons_make_one_tip()
        await year.her_words_come_onto_the_wall_through_two_gates()
        await year.she_withdraws_and_they_are_gone()
        await year.a_year_later_she_is_thanked()
        await year.the_owner_reads_what_was_said_and_what_not()
        await world.audit()


class Year:
    """Anna, Bram and Olga with their phones."""

    def __init__(self, world: World, locale: str) -> None:
        self.world, self.locale = world, locale
        self.started = world.now
        self.anna = world.person("Anna", language_code=locale)
        self.bram = world.person("Bram", language_code=locale)
        self.olga = world.person("Olga", id=OLGA_ID, language_code=locale)
        self.number = ""
        self.code = ""

    async def anna_buys_and_gives_a_ten(self) -> None:
        """T1: a week after the delivery one question; a 10 brings thanks and the link in the same breath."""
        await self.world.order("2001", ANNA)
        self.number = await self.customer(ANNA)
        await self.world.connect(self.anna, self.number, locale=self.locale)
        await self.day(2)
        delivered = {"order": "2001", "status": "delivered", "at": self.world.now.isoformat()}
        await self.world.hook("delivery.state", delivered)
        await self.day(10)
        asked = await self.hears(self.anna, "score.scale")
        await self.presses(self.anna, "10", asked)
        thanks = await self.hears(self.anna, "score.thanks")
        why = await self.hears(self.anna, "score.why", score=10)
        self.anna.say("Op de centimeter.")
        await self.hears(self.anna, "score.why_thanks")
        await self.presses(self.anna, self.say("button.score_link"), thanks)
        link = await self.anna.wait_for("/r/")
        self.code = link.words.partition("/r/")[2].split()[0]
        assert (why.id > thanks.id, "0" in asked.buttons) == (True, True)

    async def bram_comes_through_her_link_and_is_glad_too(self) -> None:
        """T7: whoever came through a friend is told so when they give a 9 themselves."""
        shown = await self.world.get(f"/customers/{self.number}")
        self.bram.start(self.bram.start_payload(shown["links"]["chat"]))
        gift = await self.bram.wait_for(self.code)
        await self.world.order("1001", BRAM, **shop_button(gift))
        await self.hears(self.anna, "notice.bonus_held", first=True)
        await self.day(21)
        asked = await self.hears(self.bram, "score.scale")
        await self.presses(self.bram, "9", asked)
        thanks = await self.hears(self.bram, "score.thanks")
        assert self.say("score.came_via_somebody") in thanks.words
        assert "Anna" not in thanks.words

    async def the_bonus_arrives(self) -> None:
        await self.day(33)
        await self.hears(self.anna, "notice.bonus_available", first=True)

    async def two_reasons_make_one_tip(self) -> None:
        """T3 and T6 are due within a month: one is said, once she is a customer for sixty days."""
        await self.world.order("2002", ANNA)
        await self.day(59)
        assert self.with_button(self.anna, "button.tip_share") == []
        await self.day(100)
        (tip,) = self.with_button(self.anna, "button.tip_share")
        before = self.anna.mark()
        await self.presses(self.anna, self.say("button.tip_share"), tip)
        await self.anna.wait_for("/r/", after=before)

    async def her_words_come_onto_the_wall_through_two_gates(self) -> None:
        """Half a year a customer: three questions, the exact text, what is ticked; then an owner."""
        self.olga.start()
        await self.day(185)
        (invited,) = self.with_button(self.anna, "button.reference.yes")
        await self.presses(self.anna, self.say("button.reference.yes"), invited)
        for number, words in enumerate(WORDS[self.locale], start=1):
            await self.hears(self.anna, f"reference.question.{number}", first=True)
            self.anna.say(words)
        exact = await self.hears(self.anna, "reference.consent.intro")
        assert all(words in exact.words for words in WORDS[self.locale])
        assert await self.wall() == []
        await self.ticks("reference.unticked", "button.reference.website")
        await self.ticks("reference.unticked", "button.reference.first_name", name="Anna")
        await self.presses(self.anna, self.say("button.reference.agree"))
        card = await self.hears(self.olga, "reference.owner.state.customer_approved")
        assert await self.wall() == []
        await self.presses(self.olga, self.say("button.reference.place"), card)
        await self.hears(self.anna, "notice.reference_published", first=True)
        (item,) = await self.wall()
        assert (item["name"], item["verified"], item["customer_since"]) == ("Anna", True, 2026)
        assert all(words in item["text"] for words in WORDS[self.locale])

    async def she_withdraws_and_they_are_gone(self) -> None:
        """At once, and in one press."""
        await self.day(200)
        self.anna.say("/referentie" if self.locale == "nl" else "/reference")
        shown = await self.hears(self.anna, "reference.withdraw_any_time")
        await self.presses(self.anna, self.say("button.reference.away.all"), shown)
        await self.hears(self.anna, "reference.withdrawn", first=True)
        assert await self.wall() == []

    async def a_year_later_she_is_thanked(self) -> None:
        """T9: nothing is asked."""
        before = self.anna.mark()
        await self.day(366)
        thanks = await self.anna.wait_for(self.say("notice.thanks"), after=before)
        assert self.say("notice.thanks.years", count=1, name="Anna") in thanks.words

    async def the_owner_reads_what_was_said_and_what_not(self) -> None:
        """Rules 28 to 30: in the chat and in the API, each with its reason."""
        items = (await self.world.get(f"/contacts?customer={self.number}&limit=200"))["items"]
        said = [item["play"] for item in reversed(items) if item["status"] == "sent"]
        unsaid = {(item["play"], item["reasons"][0]["code"]) for item in items if item["status"] == "not_sent"}
        assert said == ["score", "t6", "reference", "t9"]
        assert unsaid >= {("score", "contact_cap"), ("t3", "contact_cap")}
        self.olga.say(f"/{'waarom' if self.locale == 'nl' else 'why'} {self.number}")
        log = await self.hears(self.olga, "contacts.messages")
        for play in ("score", "t3", "t6", "t9", "reference"):
            assert self.say(f"contacts.play.{play}") in log.words

    # What one does, and what one sees.

    async def day(self, number: int) -> None:
        """The clock goes on to so many days after the beginning."""
        await self.world.pass_days(number - (self.world.now - self.started).days)

    async def customer(self, buyer: Buyer) -> str:
        """The shop's account, which is no ambassador's yet (rule 18)."""
        account = {"shop": SHOP, "id": buyer.id, "email": buyer.email, "first_name": buyer.first_name}
        made = await self.world.api("POST", "/customers", account)
        assert made.body["code"] is None
        return str(made.body["customer"])

    def say(self, key: str, **data: Any) -> str:
        """The catalogue's words."""
        return self.world.say(key, self.locale, **data)

    async def hears(self, person: Person, key: str, *, first: bool = False, **data: Any) -> Message:
        """The newest message with these words, or, with ``first``, with those before the first thing filled in."""
        words = self.say(key, **data)
        return await person.wait_for(plain(words.partition("…")[0]) if first else plain(words))

    async def presses(self, person: Person, button: str, message: Message | None = None) -> None:
        """The bot has answered the press."""
        await person.press(button, message=message).answered(within=10)
        await self.world.settle()

    async def ticks(self, mark: str, key: str, **data: Any) -> None:
        """A box is ticked below the newest exact text."""
        await self.presses(self.anna, self.say(mark, label=self.say(key, **data)))

    def with_button(self, person: Person, key: str) -> list[Message]:
        """The messages with this button."""
        return [one for one in person.chat if self.say(key) in one.buttons]

    async def wall(self) -> list[dict[str, Any]]:
        """What anybody sees."""
        items: list[dict[str, Any]] = (await self.world.ask("GET", "/wall.json")).body["items"]
        return items


def plain(words: str) -> str:
    """Without the marks of bold."""
    return words.replace("<b>", "").replace("</b>", "")
