"""A web door on a port of its own, with a real database behind it and real HTTP before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar

from bot.texts import Texts
from referrals.chance import Maker
from referrals.clock import Clock
from referrals.config import parse_config
from referrals.people.customers import enrol_ambassador
from referrals.programme import Programme, load_programme, make_keys
from referrals.recruiting.shops import CustomerState
from referrals.recruiting.sign_ups import apply_customers
from referrals.web.app import build_app
from referrals.web.door import DOOR, Door
from referrals.web.serving import GuardedRunner, start_web
from storage.database import Database

SECRET = "Sk3uTh7noordWest"
OLDER_SECRET = "Tw33deGeheimNoord"
STANDARD_SECRET = "whsec_QXRlbGllciBOb29yZCBzdGFuZGFhcmQgaG9vaw=="
CONFIG: dict[str, Any] = {
    "programme": {
        "name": "Atelier Noord",
        "base_url": "https://noord.example",
        "colour": "#0a7d5a",
        "terms_url": "https://noord.example/voorwaarden",
        "contact": "olga@noord.example",
        "no_history": True,
    },
    "telegram": {"username": "noord_bot"},
    "shops": [
        {
            "name": "winkel",
            "kind": "woocommerce",
            "secrets": [OLDER_SECRET, SECRET],
            "landing_url": "https://winkel.example/hallo?utm_source=vriend#top",
        },
        {
            "name": "atelier",
            "kind": "standard",
            "secrets": [STANDARD_SECRET],
            "landing_url": "https://atelier.example/?ref={code}",
        },
    ],
    "bonus": {"friend": {"amount": "10.00", "min_order": "25.00"}},
}


class StandingClock(Clock):
    """A clock that stands still."""

    moment = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def machine(self) -> datetime:
        return self.moment


@dataclass
class Web:
    """The door as its visitors meet it, and what lies behind it."""

    url: str
    http: ClientSession
    database: Database
    programme: Programme
    clock: StandingClock
    runner: GuardedRunner
    door: Door

    async def get(self, path: str, **options: Any) -> ClientResponse:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, data: bytes, **options: Any) -> ClientResponse:
        return await self.ask("POST", path, data=data, **options)

    async def ask(self, method: str, path: str, **options: Any) -> ClientResponse:
        answer = await self.http.request(method, self.url + path, allow_redirects=False, **options)
        await answer.read()
        return answer

    def enrol(self, name: str = "Anna", *, shop_id: str = "1") -> tuple[int, str]:
        """An ambassador whom the shop knows: the customer and the code."""
        state = CustomerState(shop="winkel", id=shop_id, email=f"{name}@example.com".lower(), first_name=name)
        now = self.clock.programme() - timedelta(days=90)
        outcome = self.database.run(apply_customers, [state], programme=self.programme, now=now)[0]
        assert outcome.customer_id is not None
        view = self.database.run(enrol_ambassador, outcome.customer_id, programme=self.programme, now=now)
        return outcome.customer_id, view.code


def make_programme(database: Database, config: dict[str, Any] = CONFIG) -> Programme:
    database.run(make_keys, Maker())
    return database.look(load_programme, parse_config(config))


def paper_programme() -> Programme:
    """The same programme for tests without a database."""
    return Programme(config=parse_config(CONFIG), fingerprint_key=b"key", number_salt="salt")


async def open_web(database: Database, programme: Programme, **options: Any) -> Web:
    clock = StandingClock()
    say = Texts(default=programme.config.programme.locale).say
    app = build_app(database, programme=programme, clock=clock, say=say, **options)
    runner = await start_web(app, host="127.0.0.1", port=0)
    host, port = runner.addresses[0]
    # No cookie is kept, and nothing of the test's machine is sent along.
    http = ClientSession(cookie_jar=CookieJar(), headers={"User-Agent": "Mozilla/5.0"})
    return Web(f"http://{host}:{port}", http, database, programme, clock, runner, app[DOOR])


async def close_web(web: Web) -> None:
    await web.http.close()
    await web.runner.cleanup()


@pytest.fixture
async def web(database: Database) -> AsyncIterator[Web]:
    """The door of Atelier Noord."""
    opened = await open_web(database, make_programme(database))
    yield opened
    await close_web(opened)
