"""A stage for lines of the drill: a database, a Telegram, processes of the service, and the doors to them."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.world import Message
from tests.outside.databases import Databases
from tests.outside.processes import HOST, Ran, Worker, ambassade
from tests.outside.settings import USERNAME, write_config
from tests.outside.shop import SECRET, SHOP, Buyer, machine_now, order, signed

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday: nothing is quiet
YES = "Ja, dat ben ik"
PATIENCE_SECONDS = 60.0
FRIENDS_OF_ONE = 200  # the most that the API lists at once


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(repr=False)

    @property
    def codes(self) -> list[str]:
        """The reasons in it, as codes."""
        return [why["code"] for why in self.body["reasons"]]


@dataclass(frozen=True)
class Ambassador:
    """Somebody with a link, and the phone that they may have connected."""

    number: str
    code: str
    buyer: Buyer
    links: Mapping[str, str]
    phone: Person


@dataclass
class Stage:
    """Everything that lines with the same configuration play on."""

    engine: str
    workers: list[Worker]
    telegram: Sandbox
    http: aiohttp.ClientSession
    key: str
    kills: int
    _at: datetime = NOON
    _since: float = 0.0
    _deliveries: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self) -> datetime:
        """The programme's time."""
        return self._at + timedelta(seconds=time.monotonic() - self._since)

    async def open(self, at: datetime) -> None:
        """The service runs, and its clock shows this moment."""
        self._at, self._since = at, time.monotonic()
        await self.workers[0].start(at=at)
        await asyncio.gather(*(worker.start() for worker in self.workers[1:]))

    async def pass_days(self, days: float) -> None:
        """The service was stopped, and goes on so many days later."""
        for worker in self.workers:
            await worker.stop()
        await self.open(self.now + timedelta(days=days))

    # The shop's door.

    async def hook(self, kind: str, data: Mapping[str, Any], *, secret: str = SECRET, **more: Any) -> Reply:
        """The shop says something, signed at this moment or ``at`` another; ``headers`` take the signature's place."""
        at = more.pop("at", None) or machine_now()
        body, headers = signed({"type": kind, "data": data}, number=next(self._deliveries), secret=secret, at=at)
        return await self.ask("POST", f"/hooks/{SHOP}", data=body, **{"headers": headers} | more)

    async def order(self, number: str, buyer: Buyer, **changes: Any) -> Reply:
        """The shop tells the state of an order; paid now, unless ``at`` another moment."""
        return await self.hook("order.state", order(number, buyer, **{"at": self.now} | changes))

    async def sign_up(self, buyer: Buyer, **more: Any) -> Reply:
        """The shop tells of an account."""
        account = {"id": buyer.id, "email": buyer.email, "first_name": buyer.first_name}
        return await self.hook("customer.state", {"created_at": self.now.isoformat()} | account | more)

    # The visitors' and the API's door.

    async def visit(self, address: str) -> dict[str, str]:
        """Somebody opens a link and lands in the shop; what the shop finds in its address."""
        answer = await self.ask("GET", urlsplit(address).path)
        assert answer.status == 302, answer
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    async def api(self, method: str, path: str, data: Any = None, **headers: str) -> Reply:
        """A call with the key."""
        bearer = {"Authorization": f"Bearer {self.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await self.ask(method, f"/api/v1{path}", json=data, headers=bearer)

    async def get(self, path: str) -> Any:
        """What the API shows."""
        answer = await self.api("GET", path)
        assert answer.status == 200, answer
        return answer.body

    async def ask(self, method: str, path: str, *, via: int = 0, **options: Any) -> Reply:
        """A request as it is, to the first process or another one."""
        worker = self.workers[via]
        worker.in_flight += 1
        try:
            async with self.http.request(method, worker.url + path, allow_redirects=False, **options) as answer:
                text = await answer.text()
                body = json.loads(text) if "json" in answer.content_type else text
                return Reply(answer.status, body, answer.headers)
        finally:
            worker.in_flight -= 1

    # People.

    async def ambassador(self, name: str, *, email: str = "", chat: bool = False) -> Ambassador:
        """A customer of the shop who has a link; with ``chat`` their phone is connected too."""
        buyer = Buyer(f"amb-{name}", email or f"{name.lower()}@example.nl", name)
        ambassador = await self.enrol(buyer)
        if chat:
            await self.connect(ambassador.phone, ambassador.number)
        return ambassador

    async def enrol(self, buyer: Buyer) -> Ambassador:
        """A customer of the shop gets a link."""
        account = {"shop": SHOP, "id": buyer.id, "email": buyer.email, "first_name": buyer.first_name}
        made = await self.api("POST", "/customers", account | {"ambassador": True})
        assert made.status in {200, 201}, made
        phone = self.telegram.person(buyer.first_name)
        return Ambassador(made.body["customer"], made.body["code"], buyer, made.body["links"], phone)

    async def connect(self, phone: Person, number: str) -> Message:
        """The phone follows a one-time link of this customer and says yes; what the bot says to that."""
        link = await self.api("POST", f"/customers/{number}/connect-link")
        assert link.status == 201, link
        phone.start(phone.start_payload(link.body["url"]))
        await until(lambda: any(YES in message.buttons for message in phone.chat))
        asked = next(message for message in reversed(phone.chat) if YES in message.buttons)
        before = phone.mark()
        phone.press(YES, message=asked)
        await until(lambda: any(_is_new(message, before) and message is not asked for message in phone.chat))
        return phone.last

    # What came of it.

    async def balance(self, who: Ambassador) -> dict[str, int]:
        """The accounts of a customer that are not empty, in euros."""
        shown = await self.get(f"/customers/{who.number}")
        return {name: minor for name, minor in shown["balances"].get("EUR", {}).items() if minor}

    async def referrals(self, who: Ambassador) -> list[dict[str, Any]]:
        """Their friends as the API lists them, the newest first."""
        return await self._listed(f"/referrals?customer={who.number}")

    async def bonuses(self, who: Ambassador) -> list[dict[str, Any]]:
        """Their bonuses, likewise."""
        return await self._listed(f"/bonuses?customer={who.number}")

    async def _listed(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        page: dict[str, Any] = {"next_cursor": ""}
        while page["next_cursor"] is not None:
            cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else ""
            page = await self.get(f"{path}&limit={FRIENDS_OF_ONE}{cursor}")
            items += page["items"]
        return items

    async def command(self, *arguments: str) -> Ran:
        """An ``ambassade`` command beside the running service."""
        worker = self.workers[0]
        ran = await ambassade(*arguments, config=worker.config, environment=worker.environment)
        assert ran.code == 0, f"{arguments} ended with {ran.code}: {ran.output[-500:]}{ran.errors[-500:]}"
        return ran

    def log(self) -> str:
        """What every process wrote."""
        return "\n".join(worker.log.read_text(encoding="utf-8") for worker in self.workers)


def _is_new(message: Message, before: int) -> bool:
    return message.sender.is_bot and message.revision > before


async def until(happened: Callable[[], bool], *, within: float = PATIENCE_SECONDS) -> None:
    """It has happened, within so many seconds."""
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {within:.0f} s"
        await asyncio.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def staged(
    databases: Databases, environment: Mapping[str, str], *, processes: int = 1, kills: int = 10
) -> AsyncIterator[Stage]:
    """The service runs on a database of its own under this environment; nothing of it outlives the block."""
    began = time.monotonic()
    telegram = Sandbox(
        now=machine_now, dates=lambda: NOON + timedelta(seconds=time.monotonic() - began), username=USERNAME
    )
    async with telegram, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        ports, url = [free_port() for _ in range(processes)], databases.copy()
        path = databases.folder / f"config-{ports[0]}.toml"
        write_config(path, url=url, port=ports[0], telegram=telegram.url, token=telegram.token)
        workers = [Worker(port, path, environment, databases.folder / f"service-{port}.log") for port in ports]
        telegram.webhooks.pace = 0.02
        stage = Stage(databases.engine, workers, telegram, http, databases.key, kills)
        try:
            await stage.open(NOON)
            yield stage
        finally:
            for worker in workers:
                worker.kill()
