"""The seam of background tasks: nobody else calls ``asyncio.create_task``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Coroutine

log = structlog.get_logger()


class Tasks:
    """Background tasks of one service: held, named, logged when they fail, cancelled together."""

    def __init__(self) -> None:
        """No task yet."""
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], *, name: str, awaited: bool = False) -> asyncio.Task[None]:
        """Run ``work`` until it ends or ``stop`` cancels it; who awaits it hears of its failure, no log does."""
        task = asyncio.create_task(work, name=name)  # noqa: TID251 - this is the seam
        self._running.add(task)
        task.add_done_callback(self._running.discard if awaited else self._ended)
        return task

    async def stop(self) -> None:
        """Cancel what still runs and wait for it."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("task.failed", task=task.get_name(), exc_info=task.exception())
