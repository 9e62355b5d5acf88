"""The try-out as a whole (rules 35, 44)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from bot.demo import Demo, DemoSettings, free_port, next_tuesday
from bot.sandbox.build import ANNA, OLGA
from bot.sandbox.shop import NotNow
from bot.sandbox.shop_orders import Buyer
from bot.sandbox.world import Message
from bot.seed import AMBASSADORS
from bot.texts import catalogue
from referrals.figures.board import board
from referrals.rewarding.books import audit
from storage.contacts import Contact
from storage.ledger import Bonus
from storage.mailbox import QUARANTINED, Inbox
from tests.builders import NOON
from tests.rows import rows_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def quiet(_step: str) -> None:
    """Nobody watches the start."""


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """A shop without a past, open."""
    demo = Demo(DemoSettings(port=free_port(18080), empty=True))
    await demo.start(progress=quiet)
    yield demo
    await demo.stop()


async def test_the_shop_has_a_believable_past_and_its_books_balance() -> None:
    """Rule 44: seeded only through hooks and updates, on a Tuesday at 10:00, audit clean afterwards."""
    demo = Demo(DemoSettings(port=free_port(18180)))
    steps: list[str] = []
    try:
        await demo.start(progress=steps.append)
        service = demo.service
        now = service.clock.programme()
        year = service.database.look(board, period="all", programme=service.programme, now=now, top=10).as_dict()
        stored = rows_of(service.database, Inbox)
        faults = service.database.look(audit)
        said = {row["play"] for row in rows_of(service.database, Contact) if row["status"] == "sent"}
        async with aiohttp.ClientSession() as client, client.get(f"{demo.programme_url}/wall.json") as answer:
            wall = (await answer.json())["items"]
    finally:
        await demo.stop()

    local = now.astimezone(AMSTERDAM)
    assert (local.strftime("%A"), local.hour, local.minute) == ("Tuesday", 10, 0)
    assert steps == ["database", "programme", "seed"]
    assert {row["name"] for row in year["rows"]} & {one.nickname or one.name for one in AMBASSADORS}
    assert year["rows"][0]["friends"] >= 3
    assert {row["kind"] for row in stored} == {"hook", "telegram"}
    assert not [row for row in stored if row["status"] == QUARANTINED]
    assert faults == []
    assert said >= {"score", "reference"}
    assert [(item["name"], item["verified"]) for item in wall] == [("Marit", True)]


async def test_a_newcomer_plays_a_whole_year(demo: Demo) -> None:
    """Rule 44: by the mail into the chat, then with the buttons of the time machine alone, in a few minutes."""
    year = Newcomer(demo)
    async with asyncio.timeout(200):
        await year.buys_and_connects()
        await year.gives_a_ten_and_has_a_link()
        await year.brings_bram_and_hears_of_the_bonus()
        await year.buys_again_and_gets_a_tip()
        await year.is_on_the_wall_and_withdraws()
        await year.is_thanked_after_a_year()

    assert demo.service.database.look(audit) == []


class Newcomer:
    """Somebody at the page, who is Anna."""

    def __init__(self, demo: Demo) -> None:
        self.demo, self.shop = demo, demo.try_out.shop
        self.anna, self.olga = (demo.try_out.telegram.people[who] for who in (ANNA, OLGA))
        self.code = ""

    async def buys_and_connects(self) -> None:
        self.anna.start(await self.mail(await self.buys("Anna", 11)))
        await self.press("button.yes_me", await self.hears("connect.ask"))
        await self.hears("connect.connected", name="Anna")

    async def gives_a_ten_and_has_a_link(self) -> None:
        await self.until("score.scale")
        await self.press("10", await self.hears("score.scale"))
        await self.press("button.score_link", await self.hears("score.thanks"))
        link = await self.anna.wait_for("/r/")
        self.code = link.words.partition("/r/")[2].split()[0]

    async def brings_bram_and_hears_of_the_bonus(self) -> None:
        await self.buys("Bram", 12, code=self.code)
        await self.hears("notice.bonus_held")
        await self.until("notice.bonus_available")

    async def buys_again_and_gets_a_tip(self) -> None:
        await self.buys("Anna", 14)
        await self.until(button="button.tip_share")

    async def is_on_the_wall_and_withdraws(self) -> None:
        self.olga.start()
        await self.until(button="button.reference.yes")
        await self.press("button.reference.yes")
        for number in (1, 2, 3):
            await self.hears(f"reference.question.{number}")
            self.anna.say(f"Antwoord {number}.")
        draft = await self.hears("reference.consent.intro")
        await self.press(self.say("reference.unticked", label=self.say("button.reference.website")), draft)
        await self.press("button.reference.agree", draft)
        card = await self.olga.wait_for(self.say("reference.owner.state.customer_approved"))
        self.olga.press(self.say("button.reference.place"), message=card)
        await self.hears("notice.reference_published")
        assert len(await self.wall()) == 1
        self.anna.say("/referentie")
        await self.press("button.reference.away.all", await self.hears("reference.withdraw_any_time"))
        await self.hears("reference.withdrawn")
        assert await self.wall() == []

    async def is_thanked_after_a_year(self) -> None:
        await self.until("notice.thanks", months=13)

    # The page, and what it shows.

    async def until(self, key: str = "", *, button: str = "", months: int = 7) -> None:
        """[+1 maand] until Anna reads it; [Later] would do as well and take more presses."""
        for _ in range(months):
            await self.demo.time_machine.forward(months=1)
            if any(
                self.say(button) in one.buttons if button else self.start(key) in one.words for one in self.anna.chat
            ):
                return
        raise AssertionError(f"{key or button} did not come: {[one.words[:60] for one in self.anna.chat[-5:]]}")

    async def press(self, key: str, message: Message | None = None) -> None:
        button = self.say(key) if key.startswith("button.") else key
        before = self.anna.mark()
        await self.anna.press(button, message=message).answered(within=10)
        await self.anna.wait_for("", after=before)

    async def hears(self, key: str, **data: str) -> Message:
        return await self.anna.wait_for(self.say(key, **data) if data else self.start(key))

    def start(self, key: str) -> str:
        """The words of a text before the first thing that is filled in."""
        found = catalogue("nl").translations.ngettext(key, key, 1)
        template = catalogue("nl").translations.gettext(key) if found == key else found
        return template.partition("{")[0].splitlines()[0]

    def say(self, key: str, **data: str) -> str:
        return self.demo.service.texts.say(key, "nl", **{"shop": "Atelier Noord"} | data)

    async def buys(self, name: str, product: int, *, code: str = "") -> int:
        order = await self.shop.checkout(Buyer(name, f"{name.lower()}@example.nl"), {product: 1}, code=code)
        await self.demo.service.move_clock(self.demo.service.clock.programme() + timedelta(minutes=1))
        return (await self.shop.pay(order.id)).id

    async def mail(self, order: int) -> str:
        return (await self.shop.mail_link(order)).partition("start=")[2]

    async def wall(self) -> list[object]:
        async with aiohttp.ClientSession() as client, client.get(f"{self.demo.programme_url}/wall.json") as answer:
            items: list[object] = (await answer.json())["items"]
            return items


async def test_a_new_demo_balances_and_later_lands_at_ten_on_a_day_that_is_not_quiet(demo: Demo) -> None:
    """Rule 44."""
    service = demo.service
    assert service.database.look(audit) == []
    assert rows_of(service.database, Bonus) == []

    landed = [(await demo.time_machine.later()).astimezone(AMSTERDAM) for _ in range(7)]

    assert {(moment.hour, moment.minute) for moment in landed} == {(10, 0)}
    assert "Sunday" not in {moment.strftime("%A") for moment in landed}
    assert landed == sorted(landed)


async def test_the_time_machine_keeps_local_time_over_a_clock_change(demo: Demo) -> None:
    """Rule 44: 10:00 is 10:00 on both sides of the last Sunday of March."""
    await demo.time_machine.travel(datetime(2027, 3, 27, 10, tzinfo=AMSTERDAM))

    landed = await demo.time_machine.forward(2)

    assert landed.astimezone(AMSTERDAM).replace(second=0, microsecond=0) == datetime(2027, 3, 29, 10, tzinfo=AMSTERDAM)


async def test_links_into_the_chat_open_the_chat_page(demo: Demo) -> None:
    """Rule 44: no link of the try-out leads to Telegram's own site."""
    async with aiohttp.ClientSession() as client, client.get(demo.door_url) as answer:
        text = await answer.text()

    assert answer.status == 200
    assert f"{demo.try_out.page.url}/t.me/atelier_noord_bot?start=o" in text
    assert "https://t.me" not in text


async def test_the_mail_after_an_order_connects_its_buyer_for_sure(demo: Demo) -> None:
    """Rules 19 and 44: through the API, as a real shop would, and into the chat page."""
    say, anna = demo.service.texts.say, demo.try_out.telegram.people[ANNA]
    order = await demo.try_out.shop.checkout(Buyer("Anna", "anna@example.nl"), {11: 1})
    with pytest.raises(NotNow):
        await demo.try_out.shop.mail_link(order.id)
    await demo.try_out.shop.pay(order.id)
    link = await demo.try_out.shop.mail_link(order.id)
    assert link.startswith(f"{demo.try_out.page.url}/t.me/atelier_noord_bot?start=c_")
    anna.start(link.partition("start=")[2])
    asked = await anna.wait_for(say("connect.ask", shop="Atelier Noord").splitlines()[-1])
    anna.press(say("button.yes_me"), message=asked)
    await anna.wait_for(say("connect.connected", name="Anna").partition(".")[0])


async def test_the_page_leads_to_the_wall_and_moves_by_months(demo: Demo) -> None:
    """Rule 44."""
    page = demo.try_out.page.url
    await demo.time_machine.travel(datetime(2027, 1, 31, 10, tzinfo=AMSTERDAM))
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{page}/api/state") as answer:
            assert (await answer.json())["wall"] == f"{demo.programme_url}/wall"
        async with client.post(f"{page}/api/time/forward", json={"months": 1}) as answer:
            landed = datetime.fromisoformat((await answer.json())["now"])
    assert landed.astimezone(AMSTERDAM).replace(second=0, microsecond=0) == datetime(2027, 2, 28, 10, tzinfo=AMSTERDAM)


def test_a_port_in_use_is_the_next_free_one() -> None:
    """Rule 44."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert free_port(port) > port


@pytest.mark.parametrize("days", range(7))
def test_the_demo_starts_on_the_coming_tuesday(days: int) -> None:
    """Rule 44."""
    now = NOON + timedelta(days=days)

    start = next_tuesday(now)

    assert start.astimezone(AMSTERDAM).strftime("%A %H:%M") == "Tuesday 10:00"
    assert timedelta(hours=-4) < start - now < timedelta(days=7)
