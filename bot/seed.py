"""The try-out's past: seven months of a small shop, played through its own doors (rules 44).

Everything comes in as hooks of the demo shop, visits to links and messages in chats; nothing is
written into the database by hand, so the books balance as they would have. Most of it happens in the last nine weeks;
what goes before is how the first experience came onto the wall (``seed_reference``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from bot.sandbox.shop_orders import PRODUCTS, Buyer
from bot.seed_reference import Regular
from referrals.people.persons import LONGEST_NICKNAME

if TYPE_CHECKING:
    from bot.sandbox.build import TryOut
    from bot.sandbox.people import Person
    from bot.time_machine import TimeMachine
    from bot.wiring import Service

WEEKS = 9
EARLIER = 154  # days before those nine weeks: a reference takes half a year
A_MOMENT = timedelta(minutes=3)  # a shop counts whole seconds: two states of one second would have to be fetched
FIRST_EXTRA = 6_000_001  # Telegram ids of people who are not on the page


@dataclass(frozen=True)
class Ambassador:
    """Somebody who bought, connected their chat and asked for a link, so many days into the past."""

    name: str
    day: int
    product: str
    nickname: str | None = None
    score: int | None = None  # what they answer, eleven days or a quiet Sunday more after they bought
    why: str = ""


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
    Ambassador("Sanne", 0, "table", nickname="Sanne uit Noord", score=10, why="Tot op de centimeter zoals getekend."),
    Ambassador("Joost", 2, "bench", score=9),
    Ambassador("Fatima", 5, "stool", nickname="Fatima", score=8, why="Hij kwam een dag later dan beloofd."),
    Ambassador("Noor", 12, "rack", nickname="Noortje"),
    Ambassador("Kees", 20, "board", score=10),
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

ANSWERED = 14  # days after the order
Step = tuple[int, Callable[[], Awaitable[None]]]


class Past:
    """Plays the months, step by step."""

    def __init__(self, service: Service, try_out: TryOut) -> None:
        self._service = service
        self._try_out = try_out
        self._codes: dict[str, str] = {}  # by ambassador
        self._orders: dict[str, int] = {}  # by friend
        self._people: dict[str, Person] = {}
        self._web = aiohttp.ClientSession()

    async def close(self) -> None:
        """Nobody visits any more."""
        await self._web.close()

    def steps(self) -> list[Step]:
        """What happens on which day, in order."""
        steps: list[Step] = [(one.day, self._joins(one)) for one in AMBASSADORS]
        steps += [(one.day + ANSWERED, self._answers(one)) for one in AMBASSADORS if one.score is not None]
        for friend in FRIENDS:
            steps.append((friend.day, self._buys(friend)))
            if friend.returned_after is not None:
                steps.append((friend.day + friend.returned_after, self._sends_back(friend)))
        steps = [(day + EARLIER, step) for day, step in steps]
        return sorted([*steps, *Regular(self).steps()], key=lambda step: step[0])

    def person(self, name: str) -> Person:
        """Somebody's phone."""
        return self._people[name]

    def arrives(self, name: str, *, id: int | None = None) -> Person:
        """Likewise, of somebody who is not on the page and comes now."""
        number = FIRST_EXTRA + len(self._people) if id is None else id
        self._people[name] = self._try_out.telegram.person(name, id=number)
        return self._people[name]

    def _joins(self, one: Ambassador) -> Callable[[], Awaitable[None]]:
        async def join() -> None:
            order = await self.order(one.name, one.product)
            person = self.arrives(one.name)
            await self.connect(person, order)
            self._codes[one.name] = await self.link(person)
            if one.nickname:
                await self._choose_nickname(person, one.nickname)

        return join

    def _answers(self, one: Ambassador) -> Callable[[], Awaitable[None]]:
        async def answer() -> None:
            await self.score(self.person(one.name), one.score or 0, why=one.why)

        return answer

    async def score(self, person: Person, score: int, *, why: str = "") -> None:
        """The question that stands in their chat is answered, perhaps with words."""
        asked = await person.wait_for(self.say("score.scale"))
        before = person.mark()
        person.press(str(score), message=asked)
        await person.wait_for(self.say("score.stands", score=score).partition("<")[0], after=before)
        if why:
            person.say(why)
            await person.wait_for(self.say("score.why_thanks"))

    async def link(self, person: Person) -> str:
        """The code of the link that they ask for."""
        person.say("/link")
        shown = await person.wait_for("/r/")
        return shown.words.partition("/r/")[2].split()[0]

    async def connect(self, person: Person, order: int) -> None:
        """By order number and address, as a packing slip leads to."""
        person.start("o")
        await person.wait_for(self.say("connect.order"))
        person.say(str(order))
        await person.wait_for(self.say("connect.email"))
        person.say(address(person.user.first_name))
        await person.wait_for(self.say("connect.claimed"))

    def say(self, key: str, **data: Any) -> str:
        """The catalogue's words, to find them in a chat."""
        return self._service.texts.say(key, "nl", **{"shop": self._service.config.programme.name} | data)

    async def _choose_nickname(self, person: Person, nickname: str) -> None:
        person.say("/ranglijst")
        button = self.say("button.nickname")
        while True:
            board = await person.wait_for(self.say("board.no_nickname"))
            if button in board.buttons:
                break
        person.press(button, message=board)
        await person.wait_for(self.say("board.nickname_ask", count=LONGEST_NICKNAME))
        person.say(nickname)
        await person.wait_for(nickname)

    def _buys(self, friend: Friend) -> Callable[[], Awaitable[None]]:
        async def buy() -> None:
            code = self._codes[friend.via]
            found = {"code": code} if friend.by_code else await self._visit(code)
            self._orders[friend.name] = await self.order(friend.name, friend.product, **found)

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

    async def order(self, name: str, product: str, *, code: str = "", ref: str = "", click: str = "") -> int:
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
    """The months have passed, and the clock stands where it stood."""
    today = service.clock.programme()
    first = today - timedelta(weeks=WEEKS, days=EARLIER)
    past = Past(service, try_out)
    try:
        await service.move_clock(first)
        for day, step in past.steps():
            await machine.travel(first + timedelta(days=day), landing=False)
            await step()
        await machine.travel(today)
    finally:
        await past.close()
