"""Changes on their way to the open pages: server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from aiohttp import web

from bot.sandbox.refusals import Json

HEARTBEAT_SECONDS = 15
MOST_BEHIND = 500  # a page that lags further asks for everything anew


class Live:
    """The pages that are open now."""

    def __init__(self) -> None:
        self._pages: set[asyncio.Queue[Json]] = set()

    def tell(self, event: Json) -> None:
        """Every open page will hear of it."""
        for page in self._pages:
            if page.qsize() >= MOST_BEHIND:
                continue
            page.put_nowait({"kind": "reload"} if page.qsize() == MOST_BEHIND - 1 else event)

    async def stream(self, request: web.Request, *, heartbeat: Callable[[], Json]) -> web.StreamResponse:
        """Keep a page up to date until it goes away."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        page: asyncio.Queue[Json] = asyncio.Queue()
        self._pages.add(page)
        try:
            event = heartbeat()
            while True:
                await response.write(f"data: {json.dumps(event)}\n\n".encode())
                try:
                    event = await asyncio.wait_for(page.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    event = heartbeat()
        except (ConnectionError, asyncio.CancelledError):
            return response
        finally:
            self._pages.discard(page)
