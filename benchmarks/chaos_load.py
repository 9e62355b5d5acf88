"""The load of a kill test, and what the client knows of every call: acknowledged, refused, or unknown.

Orders, sign-ups, clicks and people who press START, over real HTTP, while workers come and go.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from benchmarks.chaos_workers import Worker
from bot.sandbox.sandbox import Sandbox
from referrals.chance import Maker
from referrals.clock import Clock
from tests.installation import SHOP, signed_message

ORDER, SIGN_UP, CLICK, START = "order", "sign_up", "click", "start"
KINDS = (ORDER, ORDER, ORDER, SIGN_UP, CLICK, CLICK)  # one after the other
ACKED, REFUSED, UNKNOWN = "acked", "refused", "unknown"
REFUSED_SECONDS = 0.25
ANSWER_SECONDS = 15.0
START_EVERY = 0.4  # seconds between two people who press START: Telegram takes 30 messages a second
FIRST_CHAT = 8_000_001
UNCHECKED = 503  # whether it was applied nobody knows: the door may have stopped waiting for it


@dataclass(frozen=True)
class Code:
    """An ambassador's code, and the chat that hears of it."""

    code: str
    customer: str
    chat_id: int


@dataclass
class Log:
    """What became of every call, by its kind and the key that the database knows it by."""

    calls: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    codes: dict[tuple[str, str], str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, kind: str, key: str, outcome: str) -> None:
        """One more answer to this call, or none."""
        self.calls.setdefault((kind, key), []).append(outcome)

    def keys(self, kind: str, outcome: str) -> set[str]:
        """The keys whose last word is this: acknowledged once is acknowledged, else one unknown leaves it unknown."""
        return {key for (of, key), outcomes in self.calls.items() if of == kind and last_word(outcomes) == outcome}

    def count(self) -> Counter[str]:
        """How many calls ended how."""
        return Counter(last_word(outcomes) for outcomes in self.calls.values())

    def attempts(self) -> int:
        """How often anything was sent."""
        return sum(len(outcomes) for outcomes in self.calls.values())


def last_word(outcomes: Sequence[str]) -> str:
    """What is known of a call after all its attempts."""
    return next((outcome for outcome in (ACKED, UNKNOWN) if outcome in outcomes), REFUSED)


class Load:
    """Clients that go on until they are told to stop."""

    def __init__(
        self, workers: Sequence[Worker], telegram: Sandbox, codes: Sequence[Code], *, clock: Clock, clients: int
    ) -> None:
        self.log = Log()
        self.persons: dict[int, str] = {}  # chats that pressed START, and with whose code
        self._workers, self._telegram, self._codes, self._clock = workers, telegram, codes, clock
        self._clients, self._maker = clients, Maker()
        self._number = 0
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Everybody calls until ``stop``."""
        # Without keep-alive: the library would quietly repeat a request on a connection that was cut.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as http:
            http._retry_connection = False  # noqa: SLF001 - it would repeat a visit that was cut off, unseen
            await asyncio.gather(*(self._client(http) for _ in range(self._clients)), self._starters())

    def messages(self) -> int:
        """How many messages Telegram has taken."""
        return len(self._telegram.calls_of("sendMessage"))

    def stop(self) -> None:
        """Nothing new is begun."""
        self._stopping.set()

    async def _client(self, http: aiohttp.ClientSession) -> None:
        while not self._stopping.is_set():
            self._number += 1
            number = self._number
            kind = KINDS[number % len(KINDS)]
            code = self._codes[number % len(self._codes)].code
            if kind == CLICK:
                await self._click(http, str(number), code)
            else:
                await self._hook(http, kind, str(number), code)

    async def _hook(self, http: aiohttp.ClientSession, kind: str, key: str, code: str) -> None:
        """Sent as a shop does: what was not acknowledged comes again, except half of it, which stays unknown."""
        message = order(key, code, at=self._clock.programme()) if kind == ORDER else sign_up(key, code)
        self.log.codes[kind, key] = code
        while not self._stopping.is_set():
            body, headers = signed_message(message, number=key, at=self._clock.machine())
            status, _ = await self._call(http, "POST", f"/hooks/{SHOP}", data=body, headers=headers)
            self.log.note(kind, key, outcome_of(status, self.log, key))
            if status == 200 or self._maker.fraction() < 0.5:  # noqa: PLR2004 - the shop's success, one half
                return

    async def _click(self, http: aiohttp.ClientSession, number: str, code: str) -> None:
        status, address = await self._call(http, "GET", f"/r/{code}")
        token = parse_qs(urlsplit(address).query).get("click", [""])[0]
        if status == 302 and token:  # noqa: PLR2004 - a visit that was recorded
            self.log.note(CLICK, token, ACKED)
        else:
            self.log.note(CLICK, number, REFUSED if status == 0 else UNKNOWN)

    async def _call(self, http: aiohttp.ClientSession, method: str, path: str, **options: Any) -> tuple[int, str]:
        """The status and where it leads; 0: nobody listened, -1: cut off or too late."""
        worker = self._workers[self._number % len(self._workers)]
        worker.in_flight += 1
        try:
            async with http.request(method, worker.url + path, allow_redirects=False, **options) as answer:
                await answer.read()
                return answer.status, answer.headers.get("Location", "")
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(REFUSED_SECONDS)  # the worker that starts needs the machine
            return 0, ""
        except (aiohttp.ClientError, TimeoutError, OSError):
            return -1, ""
        finally:
            worker.in_flight -= 1

    async def _starters(self) -> None:
        """Friends press START, one after the other; Telegram keeps it until somebody takes it."""
        number = 0
        while not self._stopping.is_set():
            code = self._codes[number % len(self._codes)].code
            person = self._telegram.person("Friend", id=FIRST_CHAT + number)
            person.start(f"r_{code}")
            self.persons[person.id] = code
            self.log.note(START, str(person.id), ACKED)
            number += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), START_EVERY)


def outcome_of(status: int, log: Log, key: str) -> str:
    """What the client knows after this answer."""
    if status == 200:  # noqa: PLR2004 - the shop's success
        return ACKED
    if status == 0:
        return REFUSED
    if status not in (-1, UNCHECKED):
        log.wrong.append(f"{key} was answered {status}")
    return UNKNOWN


def order(key: str, code: str, *, at: datetime) -> Mapping[str, Any]:
    """A first order of somebody new, paid at once."""
    return {
        "type": "order.state",
        "data": {
            "id": key,
            "status": "paid",
            "currency": "EUR",
            "total": "90.00",
            "created_at": at.isoformat(),
            "paid_at": at.isoformat(),
            "updated_at": at.isoformat(),
            "customer": {"id": f"buyer-{key}", "email": f"buyer{key}@example.nl", "orders": 1},
            "codes": [code],
        },
    }


def sign_up(key: str, code: str) -> Mapping[str, Any]:
    """Somebody new opens an account with a code."""
    account = {"id": f"signed-{key}", "email": f"signed{key}@example.nl", "codes": [code]}
    return {"type": "customer.state", "data": account}
