"""``ambassade demo``: the programme, a Telegram, a shop and their people in one process (rules 44)."""

from __future__ import annotations

import socket
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.pace import Pace
from bot.sandbox.build import OLGA, TryOut, build_sandbox
from bot.sandbox.sandbox import TOKEN
from bot.sandbox.shop import ShopSettings
from bot.seed import seed
from bot.seed_reference import OWNER as RUBENS_NAME
from bot.seed_reference import RUBEN
from bot.time_machine import TimeMachine
from bot.wiring import ALL, ROLES, Service, told_to_stop, until
from referrals.chance import Maker
from referrals.config import Config, parse_config
from referrals.keys import create_key
from referrals.programme import make_keys
from storage.database import Database
from storage.schema import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "Atelier Noord"
SHOP = "webshop"
CONTACT = "hallo@ateliernoord.example"
USERNAME = "atelier_noord_bot"
HOST = "127.0.0.1"
TUESDAY = 1
PORT_TRIES = 50
ZONE = "Europe/Amsterdam"
QUICK = Pace(bot=timedelta(milliseconds=2), chat=timedelta(milliseconds=20))


@dataclass(frozen=True)
class DemoSettings:
    """What the command line says."""

    port: int = 8080
    empty: bool = False
    database_url: str | None = None  # None: a new SQLite file


class Demo:
    """The whole try-out: opened by ``start``, closed by ``stop``; ``run`` does both."""

    def __init__(self, settings: DemoSettings) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ambassade-demo-", ignore_cleanup_errors=True)
        self._settings = settings
        self._port = free_port(settings.port)
        self._secret = Maker().key()
        self._database_url = settings.database_url or f"sqlite:///{Path(self._folder.name) / 'demo.db'}"
        self.service = Service(self._config(), ROLES[ALL], pace=QUICK)
        self.service.at = next_tuesday(self.service.clock.machine())
        self.time_machine = TimeMachine(self.service)
        self.try_out = self._build()

    @property
    def programme_url(self) -> str:
        """Where the programme answers."""
        return f"http://{HOST}:{self._port}"

    @property
    def door_url(self) -> str:
        """The programme's own page: the way into the chat."""
        return f"{self.programme_url}/c"

    @property
    def chat_url(self) -> str:
        """The page with the three phones."""
        return f"{self.try_out.page.url}/"

    @property
    def shop_url(self) -> str:
        """The demo shop."""
        return f"{self.try_out.page.url}/shop"

    async def run(self, *, progress: Callable[[str], None], ready: Callable[[], None]) -> None:
        """Everything runs until SIGTERM or Ctrl-C."""
        told = told_to_stop()
        try:
            await until(told, self.start(progress=progress))
            if not told.is_set():
                ready()
            await told.wait()
        finally:
            await self.stop()

    async def start(self, *, progress: Callable[[str], None]) -> None:
        """Everything answers and the shop has its past; ``progress`` hears what is being done."""
        progress("database")
        upgrade(self._database_url)
        prepare(self._database_url)
        await self.try_out.start(page_port=free_port(self._port + 1), host=HOST)
        self.service.config = self._config(api_server=self.try_out.telegram.url, page=self.try_out.page.url)
        self.service.chat_base = f"{self.try_out.page.url}/t.me"
        progress("programme")
        await self.service.start()
        self.try_out.shop.mail.key = await self._shop_key()
        if not self._settings.empty:
            progress("seed")
            await seed(self.service, self.try_out, self.time_machine)

    async def stop(self) -> None:
        """Everything is closed and the new file is gone."""
        await self.service.stop()
        await self.try_out.stop()
        self._folder.cleanup()

    async def _shop_key(self) -> str:
        """A key for the shop, which puts a link into the chat into its mails."""
        key, _ = await self.service.database.write(
            create_key, name=SHOP, scopes=("customers:write",), actor="command", programme=self.service.programme,
            now=self.service.clock.programme(),
        )  # fmt: skip
        return key

    def _build(self) -> TryOut:
        try_out = build_sandbox(
            say=self.service.texts.say,
            shop=ShopSettings(
                hook_url=f"{self.programme_url}/hooks/{SHOP}",
                secret=self._secret,
                programme_base_url=self.programme_url,
                name=NAME,
            ),
            time_machine=self.time_machine,
            now=self.service.clock.machine,
            programme_now=self.service.clock.programme,
            token=TOKEN,
            username=USERNAME,
            wall_url=f"{self.programme_url}/wall",
        )
        try_out.telegram.person(RUBENS_NAME, id=RUBEN)
        return try_out

    def _config(self, **outside: str) -> Config:
        return demo_config(self._port, database_url=self._database_url, secret=self._secret, **outside)


def demo_config(port: int, *, database_url: str, secret: str, api_server: str = "", page: str = "") -> Config:
    """The configuration of the shop Atelier Noord; its landing page is the demo shop."""
    data: dict[str, Any] = {
        "programme": {
            "name": NAME,
            "base_url": f"http://{HOST}:{port}",
            "contact": CONTACT,
            "no_history": True,
            "colour": "#2f5d50",
        },
        "storage": {"url": database_url},
        "web": {"host": HOST, "port": port},
        "telegram": {
            "token": TOKEN,
            "username": USERNAME,
            "api_server": api_server or f"http://{HOST}:{port}",
            "owner_ids": [OLGA, RUBEN],
        },
        "shops": [
            {
                "name": SHOP,
                "kind": "woocommerce",
                "secrets": [secret],
                "landing_url": f"{page or 'http://' + HOST}/shop?ref={{code}}",
            },
        ],
        "bonus": {
            "ambassador": {"kind": "fixed", "amount": "15.00", "min_order": "25.00"},
            "friend": {"kind": "fixed", "amount": "25.00", "min_order": "150.00"},
        },
        "cadence": {"holdout_percent": 0},
    }
    return parse_config(data, {})


def prepare(url: str) -> None:
    """The database has the installation's keys."""
    database = Database.open(url)
    try:
        database.run(make_keys, Maker())
    finally:
        database.close()


def next_tuesday(now: datetime) -> datetime:
    """The coming Tuesday at 10:00 local: a day on which nothing is quiet."""
    zone = ZoneInfo(ZONE)
    today = now.astimezone(zone).date()
    day = today + timedelta(days=(TUESDAY - today.weekday()) % 7)
    return datetime.combine(day, time(10), zone).astimezone(UTC)


def free_port(wanted: int) -> int:
    """This port, or the next one that nobody listens on.

    Raises:
        OSError: None of the next ``PORT_TRIES`` is free.
    """
    for port in range(wanted, wanted + PORT_TRIES):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {wanted} to {wanted + PORT_TRIES - 1}")
