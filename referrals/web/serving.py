"""Listening: connections that dawdle are closed, headers and bodies that are too big are refused (rules 43).

aiohttp closes a connection that is silent between two requests, and one whose header does not come to
an end (``keepalive_timeout`` runs from the last answer). It limits neither the header as a whole nor the
time of a body: that is added here.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import web

from referrals.web.limits import MAX_BODY_BYTES

COMPLETE_WITHIN_SECONDS = 10.0  # header and body, from the first byte
LINGER_SECONDS = 2.0  # what we still read of a body after the answer, so that the answer arrives
SHUTDOWN_SECONDS = 5.0  # aiohttp's own is sixty
MAX_HEADER_BYTES = 16 * 1024

HEADER_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BodyRefused(Exception):
    """The body is too big, too slow or broken."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class GuardedConnection(web.RequestHandler):
    """One connection that knows when its request began."""

    __slots__ = ("_first_byte_at", "_header_bytes", "request_began_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._first_byte_at = 0.0
        self._header_bytes = 0
        self.request_began_at = 0.0  # of the event loop's clock

    def data_received(self, data: bytes) -> None:
        """Bytes came; while nothing is being answered they are a header's."""
        idle, seen = self._waiter is not None, self._request_count
        if idle and not self._header_bytes:
            self._first_byte_at = self._loop.time()
        if idle:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._request_count != seen:
            self.request_began_at = self._first_byte_at if idle else self._loop.time()
            too_large = len(data) > MAX_HEADER_BYTES and self._longest_header() > MAX_HEADER_BYTES
            too_large = too_large or self._header_bytes - len(data) > MAX_HEADER_BYTES
            self._header_bytes = 0
        else:
            too_large = idle and self._header_bytes > MAX_HEADER_BYTES
        if too_large:
            self._refuse_header()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP is answered in a word: neither the log nor the answer repeats what was sent."""
        if status != HTTPStatus.BAD_REQUEST:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=status, headers={"Server": "ambassade"})
        response.force_close()
        return response

    def _longest_header(self) -> int:
        headers = (getattr(message, "raw_headers", ()) for message, _ in self._messages)
        return max((sum(len(name) + len(value) for name, value in header) for header in headers), default=0)

    def _refuse_header(self) -> None:
        if self.transport is not None:
            self.transport.write(HEADER_TOO_LARGE)
            self.force_close()
            if self._task_handler is not None:
                self._task_handler.cancel()  # nothing of the request is handled


class GuardedServer(web.Server):
    """Makes such connections."""

    def __call__(self) -> web.RequestHandler:
        """The next connection."""
        return GuardedConnection(self, loop=self._loop, **self._kwargs)


class GuardedRunner(web.AppRunner):
    """Runs an application behind these guards; use it where aiohttp's documentation says ``AppRunner``."""

    def __init__(self, app: web.Application, **kwargs: Any) -> None:
        kwargs = {"access_log": None, "shutdown_timeout": SHUTDOWN_SECONDS, **kwargs}
        super().__init__(
            app,
            keepalive_timeout=COMPLETE_WITHIN_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            **kwargs,
        )

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return GuardedServer(
            made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs  # noqa: SLF001 - aiohttp offers no door for a server of one's own
        )  # fmt: skip


async def start_web(app: web.Application, *, host: str, port: int) -> GuardedRunner:
    """The application listens; ``await runner.cleanup()`` stops it, ``runner.addresses`` says where it is.

    Raises:
        OSError: the port is taken.
    """
    runner = GuardedRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


async def read_body(request: web.Request) -> bytes:
    """The whole body, inflated where it was compressed.

    Raises:
        BodyRefused: over 1 MiB, not complete ten seconds after the request began, or broken on the way.
    """
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise BodyRefused(413, "body_too_large")
    try:
        if request.content.is_eof():
            return await request.read()
        began_at = getattr(request.protocol, "request_began_at", asyncio.get_running_loop().time())
        async with asyncio.timeout_at(began_at + COMPLETE_WITHIN_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise BodyRefused(413, "body_too_large") from error
    except TimeoutError as error:
        raise BodyRefused(408, "body_too_slow") from error
    except web.RequestPayloadError as error:
        raise BodyRefused(400, "body_broken") from error
