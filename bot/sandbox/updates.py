"""Updates that wait for the bot, and the long polling that fetches them.

An update stays until it is confirmed (an offset above it, a 2xx from the webhook) or too old to be
of use. Source: telegram-bot-api Client.cpp: lifetimes, queue ids, the treatment of impatient pollers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.refusals import Json, Refusal, conflict

DAY = 86_400
LIFETIMES = {"callback_query": 150, "inline_query": 30, "chosen_inline_result": 600, "pre_checkout_query": 150}
QUEUES = {"callback_query": 3 << 33, "my_chat_member": 6 << 33, "inline_query": 1 << 33}
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
LONGEST_POLL = 50
MOST_UPDATES = 100
GATHER_SECONDS = 0.002  # what arrives together is answered together


@dataclass(frozen=True)
class Waiting:
    """An update that was not confirmed yet; ``queue`` is whose order it keeps."""

    id: int
    body: Json
    queue: int
    expires: float  # machine time


class Updates:
    """The queue of one bot; also what it asked to be told about."""

    def __init__(self, *, seconds: Callable[[], float], first_id: int = 860_000_001) -> None:
        self._seconds = seconds
        self._next_id = first_id
        self.waiting: dict[int, Waiting] = {}
        self.allowed: list[str] = []
        self.listeners: list[Callable[[], None]] = []
        self._arrivals: list[asyncio.Future[None]] = []

    def add(self, kind: str, body: Json, *, subject: int) -> int | None:
        """Queue an update of this kind; None when the bot did not ask for the kind.

        ``subject`` is the chat for messages and the person for presses and blocks.
        """
        if kind not in self.allowed if self.allowed else kind in NOT_BY_DEFAULT:
            return None
        update_id, self._next_id = self._next_id, self._next_id + 1
        expires = self._seconds() + LIFETIMES.get(kind, DAY)
        queue = subject + QUEUES.get(kind, 0)
        self.waiting[update_id] = Waiting(update_id, {"update_id": update_id, kind: body}, queue, expires)
        arrivals, self._arrivals = self._arrivals, []
        for arrival in arrivals:
            if not arrival.done():
                arrival.set_result(None)
        for listener in self.listeners:
            listener()
        return update_id

    def arrival(self) -> asyncio.Future[None]:
        """A future that is done when the next update is queued."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals.append(future)
        return future

    def pending(self) -> list[Waiting]:
        """What waits, oldest first; what is too old is gone."""
        now = self._seconds()
        for update_id in [update.id for update in self.waiting.values() if update.expires <= now]:
            del self.waiting[update_id]
        return list(self.waiting.values())

    def confirm(self, update_id: int) -> None:
        """This one update will not come again."""
        self.waiting.pop(update_id, None)

    def confirm_below(self, offset: int) -> None:
        """No update below the offset will come again; a negative one keeps that many of the newest."""
        ids = [update.id for update in self.pending()]
        gone = ids[:offset] if offset < 0 else [number for number in ids if number < offset]
        for number in gone:
            del self.waiting[number]

    def remember_allowed(self, allowed: list[str] | None) -> None:
        """Keep the list for the updates to come; None leaves it, an empty list is the default."""
        if allowed is not None:
            self.allowed = list(allowed)


class Polling:
    """Long polling: one request at a time, updates repeated until their offset is passed."""

    def __init__(self, updates: Updates) -> None:
        self._updates = updates
        self._current: asyncio.Future[Refusal] | None = None
        self._last_offset: int | None = None
        self._last_start = 0.0

    async def get(self, *, offset: int = 0, limit: int = MOST_UPDATES, timeout: float = 0) -> list[Json]:  # noqa: ASYNC109 - Telegram's word
        """Up to ``limit`` updates, after at most ``timeout`` seconds.

        Raises:
            Refusal: 409 as soon as a second poller comes, or a webhook is set.
        """
        self.end(conflict("terminated by other getUpdates request; make sure that only one bot instance is running"))
        loop = asyncio.get_running_loop()
        limit, timeout = max(1, min(limit, MOST_UPDATES)), max(0, min(timeout, LONGEST_POLL))
        if offset == self._last_offset:  # impatient pollers are slowed down
            timeout = max(timeout, 3) if loop.time() < self._last_start + 3 else timeout
            limit = 1 if loop.time() < self._last_start + 0.5 else limit
        self._last_offset, self._last_start = offset, loop.time()
        if offset:
            self._updates.confirm_below(offset)
        self._current = ended = loop.create_future()
        try:
            await self._arrival(ended, until=loop.time() + timeout)
            return [update.body for update in self._updates.pending()[:limit]]
        finally:
            if self._current is ended:
                self._current = None

    def end(self, why: Refusal) -> None:
        """Answer the request that waits now, if any, with this refusal."""
        if self._current is not None and not self._current.done():
            self._current.set_result(why)
        self._current = None

    async def _arrival(self, ended: asyncio.Future[Refusal], *, until: float) -> None:
        loop = asyncio.get_running_loop()
        while not self._updates.pending() and loop.time() < until:
            arrival = self._updates.arrival()
            either: set[asyncio.Future[Any]] = {arrival, ended}
            await asyncio.wait(either, timeout=until - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            arrival.cancel()
            if ended.done():
                raise ended.result()
            await asyncio.sleep(GATHER_SECONDS)
