"""The try-out's past: nine weeks of a small shop, played through its own doors (rules 44).

Everything comes in as hooks of the demo shop, visits to links and messages in chats; nothing is
written into the database by hand, so the books balance as they would have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import aiohttp

from bot.sandbox.shop_orders import PRODUCTS, Buyer
from referrals.people.persons import LONGEST_NICKNAME

if TYPE_CHECKING:
    from bot.sandbox.build import TryOut
    from bot.sandbox.people import Person
    from bot.time_machine import TimeMachine
    from bot.wiring import Service

WEEKS = 9
A_MOMENT = timedelta(minutes=3)  # a shop counts whole seconds: two states of one second would have to be fetched
FIRST_EXTRA = 6_000_001  # Telegram ids of people who are not on the page


@dataclass(frozen=True)
class Ambassador:
    """Somebody who bought, connected their chat and asked for a link, so many days into the past."""

    name: str
    day: int
    product: str
    nickname: str | None = None


@dataclass(frozen=True)
class Friend:
    """Somebody who came through a link and bought; perhaps it came back after so many days."""

    name: str
    via: str
    day: int
    product: str
    returned_after: int | None = None
    by_code: bool = False  # typed the code instead of tapping the link


AMBASSADORS = (
    Ambassador("Sanne", 0, "table", nickname="Sanne uit Noord"),
    Ambassador("Joost", 2, "bench"),
    Ambassador("Fatima", 5, "stool", nickname="Fatima"),
    Ambassador("Noor", 12, "rack", nickname="Noortje"),
    Ambassador("Kees", 20, "board"),
)
FRIENDS = (
    Friend("Lisa", "Sanne", 6, "bench"),
    Friend("Daan", "Joost", 9, "table"),
    Friend("Mila", "Sanne", 15, "stool"),
    Friend("Bas", "Fatima", 17, "rack", by_code=True),
    Friend("Eva", "Joost", 22, "bench", returned_after=9),
    Friend("Tom", "Sanne", 29, "table", by_code=True),
    Friend("Roos", "Noor", 33, "stool"),
    Friend("Sem", "Fatima", 38, "bench"),
    Friend("Iris", "Sanne", 45, "rack"),
    Friend("Niels", "Kees", 48, "wax"),
    Friend("Vera", "Joost", 52, "stool"),
    Friend("Hugo", "Sanne", 58, "board", by_code=True),
    Friend("Lot", "Fatima", 60, "table"),
)

Step = tuple[int, Callable[[], Awaitable[None]]]


class Past:
    """Plays the nine weeks, step by step."""

    def __init__(self, service: Service, try_out: TryOut) -> None:
        self._service = service
        self._try_out = try_out
        self._codes: dict[str, str] = {}  # by ambassador
        self._orders: dict[str, int] = {}  # by friend
        self._web = aiohttp.ClientSession()

    async def close(self) -> None:
        """Nobody visits any more."""
        await self._web.close()

    def steps(self) -> list[Step]:
        """What happens on which day, in order."""
        steps: list[Step] = [(one.day, self._joins(one, number)) for number, one in enumerate(AMBASSADORS)]
        for friend in FRIENDS:
            steps.append((friend.day, self._buys(friend)))
            if friend.returned_after is not None:
                steps.append((friend.day + friend.returned_after, self._sends_back(friend)))
        return sorted(steps, key=lambda step: step[0])

    def _joins(self, one: Ambassador, number: int) -> Callable[[], Awaitable[None]]:
        async def join() -> None:
            order = await self._order(one.name, one.product)
            person = self._try_out.telegram.person(one.name, id=FIRST_EXTRA + number)
            await self._connect(person, str(order), address(one.name))
            person.say("/link")
            link = await person.wait_for("/r/")
            self._codes[one.name] = link.words.partition("/r/")[2].split()[0]
            if one.nickname:
                await self._choose_nickname(person, one.nickname)

        return join

    async def _connect(self, person: Person, order: str, email: str) -> None:
        say = self._service.texts.say
        person.start("o")
        await person.wait_for(say("connect.order", "nl"))
        person.say(order)
        await person.wait_for(say("connect.email", "nl"))
        person.say(email)
        await person.wait_for(say("connect.claimed", "nl"))

    async def _choose_nickname(self, person: Person, nickname: str) -> None:
        say = self._service.texts.say
        person.say("/ranglijst")
        button = say("button.nickname", "nl")
        while True:
            board = await person.wait_for(say("board.no_nickname", "nl"))
            if button in board.buttons:
                break
        person.press(button, message=board)
        await person.wait_for(say("board.nickname_ask", "nl", count=LONGEST_NICKNAME))
        person.say(nickname)
        await person.wait_for(nickname)

    def _buys(self, friend: Friend) -> Callable[[], Awaitable[None]]:
        async def buy() -> None:
            code = self._codes[friend.via]
            found = {"code": code} if friend.by_code else await self._visit(code)
            self._orders[friend.name] = await self._order(friend.name, friend.product, **found)

        return buy

    def _sends_back(self, friend: Friend) -> Callable[[], Awaitable[None]]:
        async def send_back() -> None:
            await self._try_out.shop.refund(self._orders[friend.name])

        return send_back

    async def _visit(self, code: str) -> dict[str, str]:
        """Tap the link; what the shop finds in its address."""
        base = self._service.config.programme.base_url
        async with self._web.get(f"{base}/r/{code}", allow_redirects=False) as answer:
            query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {"ref": query["ref"][0], "click": query["click"][0]}

    async def _order(self, name: str, product: str, *, code: str = "", ref: str = "", click: str = "") -> int:
        """An order that is paid at once and sent on."""
        shop = self._try_out.shop
        basket = {next(each.id for each in PRODUCTS if each.key == product): 1}
        order = await shop.checkout(Buyer(name, address(name)), basket, code=code, ref=ref, click=click)
        for step in (shop.pay, shop.complete):
            await self._service.move_clock(self._service.clock.programme() + A_MOMENT)
            await step(order.id)
        return order.id


def address(name: str) -> str:
    """Everybody's mail address."""
    return f"{name.lower()}@example.nl"


async def seed(service: Service, try_out: TryOut, machine: TimeMachine) -> None:
    """The nine weeks have passed, and the clock stands where it stood."""
    today = service.clock.programme()
    first = today - timedelta(weeks=WEEKS)
    past = Past(service, try_out)
    try:
        await service.move_clock(first)
        for day, step in past.steps():
            await machine.travel(first + timedelta(days=day))
            await step()
        await machine.travel(today)
    finally:
        await past.close()
