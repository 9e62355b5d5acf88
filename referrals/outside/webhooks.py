"""Webhooks out: what happened is posted to whoever subscribed, signed after Standard Webhooks.

Every worker of the jobs role sends; what is due, and whose it is, is asked of the database
(``subscribers.deliveries``).
No request is made inside a transaction, no redirect is followed, and of an answer its status is what counts.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import ClientError, ClientResponse, ClientSession
from yarl import URL

from referrals.clock import Clock
from referrals.outside.addresses import PrivateAddress, open_session
from referrals.programme import Programme
from referrals.recruiting.shops.signing import sign_standard
from referrals.subscribers.addresses import PORTS, AddressRefused, check_address, is_named
from referrals.subscribers.deliveries import (
    Sending,
    Settled,
    anything_due,
    claim_deliveries,
    release_deliveries,
    settle_deliveries,
)
from referrals.subscribers.schedule import Attempt
from referrals.tasks import Tasks
from storage.database import Database, OutcomeUnknown, Overloaded

log = structlog.get_logger()

TIMEOUT_SECONDS = 20.0
LOOK_SECONDS = 1.0  # between two looks when nothing happens
STOP_SECONDS = 2.0  # what is under way may still arrive
ANSWER_BYTES = 1024  # of a refusal, for whoever looks after the endpoint
TOO_SLOW, REFUSED_ADDRESS, NO_ANSWER = "timeout", "address_refused", "connection_failed"
_PERSONAL = re.compile(r"\S+@\S+|\+?\d[\d\s().-]{6,}\d")  # addresses and telephone numbers
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff]+")

Say = Callable[..., str]


class WebhookSender:
    """One worker's share of the sending; ``run`` until ``stop``."""

    def __init__(self, database: Database, *, programme: Programme, clock: Clock, say: Say, tasks: Tasks) -> None:
        self._database, self._programme, self._clock, self._say, self._tasks = database, programme, clock, say, tasks
        self._settle = functools.partial(settle_deliveries, programme=programme)  # one object: one batch
        self._under_way: dict[asyncio.Task[None], Sending] = {}
        self._sessions: dict[bool, ClientSession] = {}
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """What is due is sent: at once when a lane becomes free here, else looked for every second."""
        while not self._stopping:
            self._wake.clear()
            try:
                await self.look()
            except (Overloaded, OutcomeUnknown):
                log.warning("webhooks.database_busy")
            except Exception:
                log.exception("webhooks.failed")
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)

    async def look(self) -> int:
        """Whatever may go now is on its way; returns how many that are."""
        if not await self._database.read(anything_due):
            return 0
        sendings = await self._database.write(claim_deliveries, programme=self._programme)
        if self._stopping:
            await self._database.write(release_deliveries, sendings)
            return 0
        for sending in sendings:
            task = self._tasks.start(self._deliver(sending), name=f"webhook:{sending.delivery_id}")
            self._under_way[task] = sending
            task.add_done_callback(self._ended)
        return len(sendings)

    async def drain(self) -> None:
        """Everything that is on its way has arrived or failed."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def stop(self) -> None:
        """Nothing more is taken; what is under way may arrive, and the rest is given back for the next worker."""
        self._stopping = True
        self._wake.set()
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=STOP_SECONDS)
        late = dict(self._under_way)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            with suppress(Overloaded, OutcomeUnknown):
                await self._database.write(release_deliveries, list(late.values()))
        for session in self._sessions.values():
            await session.close()

    def body_of(self, sending: Sending) -> bytes:
        """The message: type, when it happened, and its data with a sentence beside every reason."""
        data = {name: self._told(value) if name == "reasons" else value for name, value in sending.data.items()}
        message = {"type": sending.type, "timestamp": sending.at.isoformat(), "data": data}
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()

    async def post(self, sending: Sending) -> Attempt:
        """One request, and what came of it; whatever goes wrong outside is part of the result."""
        body, began = self.body_of(sending), time.monotonic()
        headers = sign_standard(
            body, secret=sending.secrets[0], also=sending.secrets[1:], message_id=sending.message_id,
            at=self._clock.machine(),
        )  # fmt: skip
        status, error, retry_after, answer = None, None, None, ""
        try:
            session = self._session_for(sending.url)
            async with session.post(
                URL(sending.url, encoded=True), data=body, headers={**headers, "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:  # fmt: skip
                status, retry_after = response.status, response.headers.get("Retry-After")
                answer = "" if response.ok else await _beginning(response)
        except Exception as fault:  # noqa: BLE001 - whatever a stranger's server does to us, the delivery is tried again
            error = None if status is not None else _code_of(fault)
        return Attempt(status, round((time.monotonic() - began) * 1000), error, retry_after, answer)

    async def _deliver(self, sending: Sending) -> None:
        what = await self.post(sending)
        log.info("webhook.sent", delivery=sending.delivery_id, endpoint=sending.endpoint_id, status=what.status,
                 error=what.error, ms=what.ms, attempt=sending.attempt)  # fmt: skip
        item = Settled(sending.delivery_id, sending.endpoint_id, sending.attempt, what, self._clock.programme())
        try:
            await self._database.batch(self._settle, item)
        except (Overloaded, OutcomeUnknown):
            log.warning("webhook.unsettled", delivery=sending.delivery_id)  # its lease ends, and it is sent again

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        self._wake.set()

    def _session_for(self, url: str) -> ClientSession:
        """The client for this address: guarded, unless the operator has named the host. Raises AddressRefused."""
        named = self._programme.config.webhooks.private_hosts
        parts = urlsplit(check_address(url, named=named))
        guarded = not is_named(parts.hostname or "", parts.port or PORTS[parts.scheme], named=named)
        if guarded not in self._sessions:
            self._sessions[guarded] = open_session(seconds=TIMEOUT_SECONDS, guarded=guarded)
        return self._sessions[guarded]

    def _told(self, reasons: list[dict[str, Any]]) -> list[dict[str, Any]]:
        locale = self._programme.config.programme.locale
        return [{**why, "text": self._sentence(why, locale)} for why in reasons]

    def _sentence(self, why: Mapping[str, Any], locale: str) -> str:
        data = {name: value for name, value in why.items() if name != "code"}
        try:
            return self._say(f"reason.{why['code']}", locale, **{"typed": "…"} | data)
        except KeyError:
            return str(why["code"])


async def _beginning(response: ClientResponse) -> str:
    """The first words of a refusal, without what may be somebody's address or number."""
    read = b""
    try:
        while len(read) < ANSWER_BYTES and (more := await response.content.read(ANSWER_BYTES - len(read))):
            read += more
    except (ClientError, OSError, TimeoutError):
        return ""
    words = _UNPRINTABLE.sub(" ", read.decode("utf-8", "replace"))
    return _PERSONAL.sub("…", words).strip()


def _code_of(fault: Exception) -> str:
    """What went wrong, as a code: the words of a fault may hold the address, and that may hold a secret."""
    known: list[BaseException | None] = [fault, fault.__cause__, getattr(fault, "os_error", None)]
    if any(isinstance(each, PrivateAddress | AddressRefused) for each in known):
        return REFUSED_ADDRESS
    return TOO_SLOW if isinstance(fault, TimeoutError) else NO_ANSWER
