"""The whole programme as it is run for real: every role in one service, a Telegram, a shop, over HTTP.

A test goes in through the contract's doors alone: signed hooks, the API with a key, links, chats and
the ``ambassade`` commands. What it reads is what people, shops and owners see.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from aiohttp import ClientSession, DummyCookieJar

from bot.logs import start_logging
from bot.pace import Pace
from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.world import Message
from bot.time_machine import TimeMachine
from bot.wiring import ROLES, Service
from referrals.clock import Clock
from referrals.config import parse_config
from tests.commands import Ran, run_command
from tests.installation import NAME, SECRET, SHOP, USERNAME, configuration, free_port, prepare, signed_message, toml

TUESDAY = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # noon in Amsterdam, nothing is quiet
QUICK = Pace(bot=timedelta(milliseconds=1), chat=timedelta(milliseconds=5))


@dataclass(frozen=True)
class Buyer:
    """Somebody with an account in the shop."""

    id: str
    email: str
    first_name: str
    orders: int | None = 1

    def body(self) -> dict[str, Any]:
        """As the shop tells it with an order."""
        counted = {} if self.orders is None else {"orders": self.orders}
        return {"id": self.id, "email": self.email, "first_name": self.first_name} | counted


BRAM = Buyer("77", "bram.bakker@example.nl", "Bram")
CHRIS = Buyer("78", "chris@example.nl", "Chris")


def friend(number: int | str) -> Buyer:
    """Somebody who buys for the first time."""
    return Buyer(f"friend-{number}", f"friend{number}@example.nl", f"Friend{number}")


def shop_button(message: Message) -> dict[str, str]:
    """What the shop finds in the address behind the button of an invitation."""
    address = next(button["url"] for row in message.rows for button in row if "url" in button)
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def until(happened: Callable[[], bool], *, within: float = 30.0) -> None:
    """It has happened.

    Raises:
        TimeoutError: It has not, within so many seconds.
    """
    async with asyncio.timeout(within):
        while not happened():  # noqa: ASYNC110 - what it waits for happens at other ends of HTTP
            await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Ambassador:
    """Somebody with a link: their public number, their code and what leads to them."""

    number: str
    buyer: Buyer
    code: str
    links: dict[str, str]
    chat: Person | None = None

    @property
    def phone(self) -> Person:
        """Their chat, as they see it."""
        assert self.chat is not None, "open it with chat=True"
        return self.chat


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def codes(self) -> list[str]:
        """The reasons in it, as codes."""
        return [why["code"] for why in self.body["reasons"]]


@dataclass
class World:
    """Olga's shop, its programme and its people."""

    engine: str
    folder: Path
    service: Service
    telegram: Sandbox
    http: ClientSession
    config_path: Path
    machine: TimeMachine
    log: StringIO
    key: str = ""
    others: list[Service] = field(default_factory=list)
    _deliveries: int = 0

    @property
    def now(self) -> datetime:
        """The programme's time."""
        return self.service.clock.programme()

    # The shop's door.

    async def hook(
        self,
        kind: str,
        data: Mapping[str, Any],
        *,
        secret: str = SECRET,
        via: Service | None = None,
        at: datetime | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The shop says something, signed as the reference library does; ``headers`` take its place."""
        body, signed = self.signed({"type": kind, "data": data}, secret=secret, at=at)
        sent = signed if headers is None else headers
        return await self.ask("POST", f"/hooks/{SHOP}", via=via, data=body, headers=sent)

    def signed(
        self, message: Mapping[str, Any], *, secret: str = SECRET, at: datetime | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """The message as the shop sends it: its bytes and the headers of Standard Webhooks."""
        self._deliveries += 1
        return signed_message(message, number=self._deliveries, at=at or Clock().machine(), secret=secret)

    async def order(self, number: str, buyer: Buyer = BRAM, **changes: Any) -> Reply:
        """The shop tells the state of an order: paid and for € 90, where nothing else is said."""
        return await self.hook("order.state", self.state(number, buyer, **changes))

    def state(self, number: str, buyer: Buyer = BRAM, **changes: Any) -> dict[str, Any]:
        """The state of an order, as the contract writes it."""
        at = changes.pop("at", self.now).isoformat()
        code = changes.pop("code", None)
        unpaid = changes.get("status") in {"pending", "cancelled"}
        return {
            "id": number,
            "status": "paid",
            "currency": "EUR",
            "total": "90.00",
            "refunded": "0.00",
            "created_at": at,
            "paid_at": None if unpaid else at,
            "updated_at": at,
            "customer": buyer.body(),
            "codes": [code] if code else [],
            "test": False,
        } | changes

    async def sign_up(self, buyer: Buyer, **more: Any) -> Reply:
        """The shop tells of an account."""
        data = {"id": buyer.id, "email": buyer.email, "first_name": buyer.first_name} | more
        return await self.hook("customer.state", {"created_at": self.now.isoformat()} | data)

    # The visitors' and the API's door.

    async def visit(self, address: str, **options: Any) -> dict[str, str]:
        """Somebody opens a link and lands in the shop; what the shop finds in its address."""
        answer = await self.ask("GET", urlsplit(address).path, **options)
        assert answer.status == 302, answer
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    async def get(self, path: str) -> Any:
        """What the API shows.

        Raises:
            AssertionError: It refused.
        """
        answer = await self.api("GET", path)
        assert answer.status == 200, answer
        return answer.body

    async def api(self, method: str, path: str, data: Any = None, **headers: str) -> Reply:
        """A call with the key."""
        bearer = {"Authorization": f"Bearer {self.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await self.ask(method, f"/api/v1{path}", json=data, headers=bearer)

    async def ask(self, method: str, path: str, *, via: Service | None = None, **options: Any) -> Reply:
        """A request as it is, to this service or another of the same database."""
        url = (via or self.service).address + path
        async with self.http.request(method, url, allow_redirects=False, **options) as answer:
            text = await answer.text()
            is_json = "json" in answer.content_type
            return Reply(answer.status, json.loads(text) if is_json else text, answer.headers)

    # People.

    def person(self, name: str, **more: Any) -> Person:
        """Somebody with a phone who has not pressed START."""
        return self.telegram.person(name, **more)

    async def ambassador(
        self, name: str = "Anna", *, email: str = "", locale: str = "nl", chat: bool = False
    ) -> Ambassador:
        """A customer of the shop who has a link; with ``chat`` their chat is connected too."""
        ambassador = await self.enrol(Buyer(f"amb-{name}", email or f"{name.lower()}@example.nl", name))
        if not chat:
            return ambassador
        phone = self.person(name, language_code=locale)
        await self.connect(phone, ambassador.number, locale=locale)
        return replace(ambassador, chat=phone)

    async def enrol(self, buyer: Buyer) -> Ambassador:
        """A customer of the shop gets a link."""
        account = {"shop": SHOP, "id": buyer.id, "email": buyer.email, "first_name": buyer.first_name}
        made = await self.api("POST", "/customers", account | {"ambassador": True})
        assert made.status in {200, 201}, made
        return Ambassador(made.body["customer"], buyer, made.body["code"], made.body["links"])

    async def connect(
        self, phone: Person, number: str, *, locale: str = "nl", hears: str = "connect.connected"
    ) -> None:
        """The chat follows a one-time link of this customer and says that it is theirs."""
        link = await self.api("POST", f"/customers/{number}/connect-link")
        assert link.status == 201, link
        phone.start(phone.start_payload(link.body["url"]))
        asked = await phone.wait_for(self.say("connect.ask", locale))
        phone.press(self.say("button.yes_me", locale), message=asked)
        await phone.wait_for(self.say(hears, locale, name=phone.user.first_name))

    def say(self, key: str, locale: str = "nl", **data: Any) -> str:
        """The catalogue's words, to find them in a chat."""
        return self.service.texts.say(key, locale, **{"shop": NAME} | data)

    # What came of it.

    async def balance(self, who: Ambassador, currency: str = "EUR") -> dict[str, int]:
        """The accounts of a customer that are not empty."""
        shown = await self.get(f"/customers/{who.number}")
        return {name: minor for name, minor in shown["balances"].get(currency, {}).items() if minor}

    async def referrals(self, who: Ambassador) -> list[dict[str, Any]]:
        """Their friends as the API lists them, the newest first."""
        listed: list[dict[str, Any]] = (await self.get(f"/referrals?customer={who.number}"))["items"]
        return listed

    async def settle(self) -> None:
        """Everything that was said is heard, and everything due is sent."""
        assert self.service.bot is not None
        await self.service.bot.deliver_due()

    async def pass_days(self, days: float) -> None:
        """The programme's clock goes on, and everything due on the way is done at its own moment."""
        await self.machine.travel(self.now + timedelta(days=days))

    async def command(self, *arguments: str) -> Ran:
        """An ``ambassade`` command beside the running service."""
        return await run_command(*arguments, config=self.config_path)

    async def audit(self) -> Ran:
        """The books are added up again by the command; a fault fails the test."""
        ran = await self.command("audit")
        assert ran.code == 0, ran
        return ran

    async def second_service(self) -> Service:
        """One more process' worth of the programme on the same database."""
        config = self.service.config
        config = config.model_copy(update={"web": config.web.model_copy(update={"port": 0})})
        other = Service(config, ROLES["all"], pace=QUICK)
        await other.start()
        self.others.append(other)
        return other

    async def close(self) -> None:
        """Nothing runs any more."""
        await self.http.close()
        for service in (*self.others, self.service):
            await service.stop()
        await self.telegram.stop()


@asynccontextmanager
async def opened(engine: str, url: str, folder: Path, **keys: Any) -> AsyncIterator[World]:
    """The world on a fresh database; ``keys`` are configuration keys such as ``hold__days=14``."""
    prepare(url)
    clock, log = Clock(), StringIO()
    start_logging(file=log)
    telegram = Sandbox(now=clock.machine, dates=clock.programme, username=USERNAME)
    await telegram.start()
    data = configuration(url, telegram, free_port(), **keys)
    path = folder / "config.toml"
    path.write_text(toml(data), encoding="utf-8")
    service = Service(parse_config(data, {}), ROLES["all"], at=TUESDAY, clock=clock, pace=QUICK)
    await service.start()
    http = ClientSession(cookie_jar=DummyCookieJar())
    world = World(engine, folder, service, telegram, http, path, TimeMachine(service), log)
    try:
        world.key = (await world.command("api-key", "create", "--name", "shop")).lines[-1]
        yield world
    finally:
        await world.close()
        structlog.reset_defaults()
