"""Servers that answer what a test tells them: a shop's, with a client that asks without waiting, and a webhook's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from referrals.chance import Maker
from referrals.outside.client import ShopClient, open_http
from referrals.shop_settings import Shop


@dataclass
class Scripted:
    """Answers one after another, the last one for ever; what it was asked stays with it."""

    answers: list[web.Response | Callable[[web.Request], web.StreamResponse]] = field(default_factory=list)
    asked: list[web.Request] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(await request.json() if request.can_read_body else None)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            return answer(request)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


class Halfway(Maker):
    """Chance that always says a half: waits are what they are on average."""

    def fraction(self) -> float:
        return 0.5


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", scripted.answer)
    async with TestServer(app) as running:
        scripted.url = str(running.make_url("")).rstrip("/")
        yield scripted


@pytest.fixture
def waits() -> list[float]:
    """How long the client would have waited."""
    return []


Asking = Callable[..., ShopClient]


@pytest.fixture
async def asking(server: Scripted, waits: list[float]) -> AsyncIterator[Asking]:
    """A client of the scripted server, of either kind of shop."""

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    async with open_http() as http:

        def client(kind: str = "woocommerce", url: str | None = None) -> ShopClient:
            return ShopClient(shop_of(kind, url or server.url), http, maker=Halfway(), pause=pause)

        yield client


def shop_of(kind: str, url: str, **api: Any) -> Shop:
    """A shop that is called at this address."""
    keys = {"woocommerce": {"key": "ck_sesame", "secret": "cs_sesame"}, "shopify": {"token": "shpat_sesame"}}[kind]
    return Shop.model_validate(
        {
            "name": "winkel",
            "kind": kind,
            "secrets": ["hook's secret"],
            "landing_url": "https://shop.example/?ref={code}",
            "api": {"url": url, **keys, **api},
        }
    )


@dataclass
class Receiver:
    """Somebody's server: what came to it, and what it answers."""

    url: str = ""
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.Response:
        self.came.append((dict(request.headers), await request.read()))
        if self.hold is not None:
            await self.hold.wait()
        return self.answers.pop(0) if self.answers else web.Response(status=204)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()
