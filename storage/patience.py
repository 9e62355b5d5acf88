"""Callers who wait no longer than so many seconds: one timer for all, as one each costs as much as a row."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any


class Patience:
    """How long a door lets its callers wait. Whoever has waited so long gets a TimeoutError; all belong to one loop."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def watched(self) -> int:
        """How many are remembered."""
        return len(self._waiting)

    def watch(self, future: asyncio.Future[Any]) -> None:
        """The future is done after ``seconds`` at the latest."""
        waiting = self._waiting
        while waiting and waiting[0][1].done():
            waiting.popleft()
        loop = future.get_loop()
        waiting.append((loop.time() + self.seconds, future))
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Those who came first have waited long enough; the timer is set to whoever is next."""
        waiting, now = self._waiting, loop.time()
        while waiting and (waiting[0][0] <= now or waiting[0][1].done()):
            _, future = waiting.popleft()
            if not future.done():
                future.set_exception(TimeoutError("the database had no answer in time"))
        self._timer = loop.call_at(waiting[0][0], self._expire, loop) if waiting else None
