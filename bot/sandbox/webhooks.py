"""Updates brought to the bot's own address: in order per queue, again and again until it says 2xx.

Source: telegram-bot-api WebhookActor.cpp: queues, back-off, Retry-After, 410.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

from bot.sandbox.refusals import Json, Refusal, bad_request, too_many
from bot.sandbox.updates import Updates, Waiting
from referrals.tasks import Tasks

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
MOST_CONNECTIONS = 100
DEFAULT_CONNECTIONS = 40
LONGEST_WAIT = 60.0
LONGEST_RETRY_AFTER = 3600
GONE_SECONDS = 23 * 3600
ANSWER_SECONDS = 60
NOT_IN_A_REPLY = ("get", "setwebhook", "deletewebhook", "close", "logout")


@dataclass
class Webhook:
    """Where updates go, and what went wrong lately."""

    url: str = ""
    secret: str = ""
    max_connections: int = DEFAULT_CONNECTIONS
    last_error: str = ""
    last_error_date: int = 0
    gone_since: float = 0.0


@dataclass
class Delivery:
    """One attempt, for tests to look at."""

    update_id: int
    status: int  # 0 = no answer
    headers: dict[str, str] = field(default_factory=dict)


class Webhooks:
    """Delivers while an address is set; one update in flight per queue."""

    def __init__(
        self, updates: Updates, *, seconds: Callable[[], float], call: Callable[[str, Json], Awaitable[object]]
    ) -> None:
        self._updates = updates
        self._seconds = seconds
        self._call = call
        self._tasks = Tasks()
        self._busy: set[int] = set()
        self._slots = asyncio.Semaphore(DEFAULT_CONNECTIONS)
        self._session: aiohttp.ClientSession | None = None
        self._last_set = 0.0
        self.hook = Webhook()
        self.deliveries: list[Delivery] = []
        self.pace = 1.0  # tests shorten the waits between attempts
        updates.listeners.append(self.pump)

    def set(self, url: str, *, secret: str = "", max_connections: int = DEFAULT_CONNECTIONS) -> str:
        """Deliver to ``url`` from now on ("" = to nobody); returns Telegram's sentence about it.

        Raises:
            Refusal: 400 for an address or secret that cannot be, 429 when set twice a second.
        """
        if url and not re.match(r"https?://[^\s/]+", url):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
            raise bad_request("secret token contains unallowed characters")
        changed = (url, secret) != (self.hook.url, self.hook.secret)
        loop_time = asyncio.get_running_loop().time()
        if url and changed and loop_time < self._last_set + 1:
            raise too_many(1)
        self._last_set = loop_time if url else self._last_set
        most = max(1, min(max_connections, MOST_CONNECTIONS))
        self.hook = Webhook(url, secret, most) if changed else self.hook
        self._slots = asyncio.Semaphore(most)
        self.pump()
        if not url:
            return "Webhook was deleted" if changed else "Webhook is already deleted"
        return "Webhook was set" if changed else "Webhook is already set"

    def info(self) -> Json:
        """As getWebhookInfo tells it."""
        body: Json = {
            "url": self.hook.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.pending()),
        }
        if self.hook.url:
            body["max_connections"] = self.hook.max_connections
        if self.hook.last_error:
            body |= {"last_error_date": self.hook.last_error_date, "last_error_message": self.hook.last_error}
        return body | ({"allowed_updates": self._updates.allowed} if self._updates.allowed else {})

    def pump(self) -> None:
        """Start a worker for every queue that has something and none yet."""
        if not self.hook.url:
            return
        for update in self._updates.pending():
            if update.queue not in self._busy:
                self._busy.add(update.queue)
                self._tasks.start(self._work(update.queue, hook=self.hook), name=f"webhook:{update.queue}")

    async def stop(self) -> None:
        """Deliver nothing more."""
        self.hook = Webhook()
        await self._tasks.stop()
        if self._session is not None:
            await self._session.close()

    async def _work(self, queue: int, *, hook: Webhook) -> None:
        attempts = 0
        try:
            while self.hook is hook and (update := self._first(queue)) is not None:
                async with self._slots:
                    wait = await self._deliver(update, hook=hook)
                if wait is None:
                    self._updates.confirm(update.id)
                    attempts = 0
                    continue
                attempts += 1
                backoff = 0.0 if attempts == 1 else min(2.0 ** (attempts - 1), LONGEST_WAIT)
                await asyncio.sleep(max(wait, backoff) * self.pace)
        finally:
            self._busy.discard(queue)
        self.pump()  # the address may have changed meanwhile

    def _first(self, queue: int) -> Waiting | None:
        return next((update for update in self._updates.pending() if update.queue == queue), None)

    async def _deliver(self, update: Waiting, *, hook: Webhook) -> float | None:
        """None when it arrived, else the seconds that the bot asked for before the next attempt."""
        headers = {"Content-Type": "application/json"} | ({SECRET_HEADER: hook.secret} if hook.secret else {})
        delivery = Delivery(update.id, 0, headers)
        self.deliveries.append(delivery)
        try:
            async with self._client().post(
                hook.url, data=json.dumps(update.body), headers=headers, allow_redirects=False
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as fault:
            self._failed(hook, "Read timeout expired" if isinstance(fault, TimeoutError) else "Connection failed")
            return 0.0
        delivery.status = response.status
        if response.ok and response.status < HTTPStatus.MULTIPLE_CHOICES:
            hook.gone_since = 0.0
            await self._run_reply(body)
            return None
        self._failed(hook, f"Wrong response from the webhook: {response.status} {response.reason}")
        self._notice_gone(hook, gone=response.status == HTTPStatus.GONE)
        after = response.headers.get("Retry-After", "")
        return float(min(int(after), LONGEST_RETRY_AFTER)) if after.isdecimal() else 0.0

    async def _run_reply(self, body: bytes) -> None:
        """A method may stand in the answer; nobody learns what came of it."""
        try:
            reply = json.loads(body)
        except ValueError:
            return
        method = str(reply.pop("method", "")).lower() if isinstance(reply, dict) else ""
        if method and not method.startswith(NOT_IN_A_REPLY):
            try:
                await self._call(method, reply)
            except Refusal as refusal:
                self.hook.last_error = refusal.description

    def _failed(self, hook: Webhook, why: str) -> None:
        hook.last_error, hook.last_error_date = why, int(self._seconds())

    def _notice_gone(self, hook: Webhook, *, gone: bool) -> None:
        if not gone:
            hook.gone_since = 0.0
        elif not hook.gone_since:
            hook.gone_since = self._seconds()
        elif self._seconds() - hook.gone_since > GONE_SECONDS and self.hook is hook:
            self.hook = Webhook()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
            self._session = aiohttp.ClientSession(timeout=limits, connector=aiohttp.TCPConnector(limit=0))
        return self._session
