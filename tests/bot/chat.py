"""A whole chat for a test: the sandbox's Telegram, the bot on a real database, and the cast with their phones.

Nothing runs by itself: ``turn`` lets the bot hear what was said and say what is due.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from bot.pace import Pace
from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.world import Message
from bot.service import BotService
from bot.texts import Texts
from referrals.clock import Clock
from referrals.people.tokens import make_connect_token
from referrals.programme import Programme
from referrals.recruiting.shops import OrderState
from referrals.tasks import Tasks
from storage.database import Database
from storage.mailbox import BotPace, Chat, Inbox, Outbox
from tests.builders import Shop

AT_ONCE = Pace(bot=timedelta(), chat=timedelta())
OLGA = 9_000_001
USERNAME = "atelier_noord_bot"


class ShopClock(Clock):
    """The programme's clock stands where the test's shop is; the machine's runs."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.shop = shop

    def programme(self) -> datetime:
        return self.shop.now


class Play:
    """The stage."""

    def __init__(self, database: Database, sandbox: Sandbox, *, pace: Pace = AT_ONCE, **keys: Any) -> None:
        settings = {
            "telegram__token": sandbox.token,
            "telegram__api_server": sandbox.url,
            "telegram__owner_ids": [OLGA],
            "programme__name": "Atelier Noord",
            "bonus__friend__amount": "25.00",
            **keys,
        }
        self.database, self.sandbox = database, sandbox
        self.shop = Shop(database, **settings)
        self.texts = Texts()
        self.tasks = Tasks()
        self.clock = ShopClock(self.shop)
        self.service = self.another(pace=pace)
        self.offset: int | None = None

    def another(self, *, pace: Pace = AT_ONCE) -> BotService:
        """One more process of the bot on the same database."""
        return BotService(
            self.database, programme=self.programme, clock=self.clock, texts=self.texts, tasks=self.tasks, pace=pace
        )

    @property
    def programme(self) -> Programme:
        return self.shop.programme

    def person(self, name: str, **more: Any) -> Person:
        return self.sandbox.person(name, **more)

    async def hear(self, *, waited: bool = False) -> None:
        """What people did is stored and acknowledged.

        Where nobody did anything nothing is asked: Telegram makes a bot that asks again in vain wait three seconds.
        """
        if self.offset is not None and all(number < self.offset for number in self.sandbox.updates.waiting):
            return
        self.offset = await self.service.take_updates(offset=self.offset, seconds=0, waited=waited)

    async def turn(self, *, waited: bool = False) -> None:
        """The bot hears everything and says everything that is due."""
        await self.hear(waited=waited)
        await self.service.deliver_due()

    async def deliver(self, *states: OrderState) -> None:
        """The shop reports these orders, and whoever gets money from them hears of it."""
        self.shop.deliver(*states)
        await self.turn()

    async def pass_days(self, days: float) -> None:
        """The programme's clock goes on; what becomes available is told."""
        self.shop.pass_days(days)
        await self.turn()

    async def say(self, person: Person, text: str) -> Message:
        """The person writes; the bot's newest message afterwards."""
        person.say(text)
        await self.turn()
        return person.last

    async def start(self, person: Person, payload: str | None = None) -> Message:
        """The person presses START."""
        person.start(payload)
        await self.turn()
        return person.last

    async def press(self, person: Person, button: str, *, message: Message | None = None) -> str:
        """The person presses; what the button says for a moment."""
        pressed = person.press(button, message=message)
        await self.turn()
        return str((await pressed.answered(within=1.0)).get("text") or "")

    def connect_link(self, customer_id: int) -> str:
        """A one-time payload for this customer."""
        token, _ = self.database.run(
            make_connect_token, customer_id, programme=self.programme, machine_now=self.clock.machine()
        )
        return f"c_{token}"

    async def connected(self, name: str) -> tuple[Person, int, str]:
        """Somebody with a link whose chat is connected: the person, the customer and the code."""
        customer_id, code = self.shop.ambassador(name)
        person = self.person(name)
        await self.start(person, self.connect_link(customer_id))
        await self.press(person, "Ja, dat ben ik")
        return person, customer_id, code

    def forget_waits(self) -> None:
        """The machine's clock has gone on: every back-off is over, every lease has ended."""
        self.database.run(_forget_waits)

    def outbox(self, **where: Any) -> list[dict[str, Any]]:
        return [row for row in self.shop.rows(Outbox) if all(row[name] == value for name, value in where.items())]

    def inbox(self) -> list[dict[str, Any]]:
        return [row for row in self.shop.rows(Inbox) if row["kind"] == "telegram"]

    def sent(self, chat_id: int | None = None) -> list[str]:
        """The texts of all messages that Telegram took as new ones."""
        return [
            str(call.params.get("text") or call.params.get("caption"))
            for call in self.sandbox.calls
            if call.method in ("sendmessage", "sendphoto") and not call.error
            if chat_id is None or call.params.get("chat_id") == chat_id
        ]

    async def close(self) -> None:
        await self.service.stop()
        await self.tasks.stop()


def _forget_waits(session: Session) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    for row in session.exec(select(Outbox)):
        row.retry_at = None
    for chat in session.exec(select(Chat)):
        chat.next_at, chat.lease_until = None, long_ago
    for pace in session.exec(select(BotPace)):
        pace.next_at = long_ago


@asynccontextmanager
async def staged(database: Database, *, pace: Pace = AT_ONCE, **keys: Any) -> AsyncIterator[Play]:
    """A play whose Telegram listens."""
    machine = Clock().machine
    async with Sandbox(now=machine, username=USERNAME) as sandbox:
        play = Play(database, sandbox, pace=pace, **keys)
        try:
            yield play
        finally:
            await play.close()
