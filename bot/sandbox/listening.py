"""A listener of its own for each of the sandbox's sites."""

from __future__ import annotations

import errno

from aiohttp import web

TRIES = 20


class Listener:
    """An application and the address on which it answers."""

    def __init__(self, app: web.Application, *, cancels: bool = False) -> None:
        self._app = app
        self._cancels = cancels  # whether a caller that goes away ends what it waits for
        self._runner: web.AppRunner | None = None
        self.url = ""  # without a slash at the end; empty while it does not listen

    async def start(self, *, host: str, port: int) -> None:
        """Listen on this port, or on the next free one; 0 is any.

        Raises:
            OSError: when none of the ``TRIES`` ports from here is free.
        """
        self._runner = web.AppRunner(
            self._app, handler_cancellation=self._cancels, access_log=None, shutdown_timeout=1.0
        )
        await self._runner.setup()
        for number in range(port, port + (TRIES if port else 1)):
            try:
                await web.TCPSite(self._runner, host, number, reuse_address=True).start()
                break
            except OSError as fault:
                if fault.errno != errno.EADDRINUSE or number == port + TRIES - 1:
                    await self._runner.cleanup()
                    raise
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Answer nobody any more."""
        if self._runner is not None:
            await self._runner.cleanup()
