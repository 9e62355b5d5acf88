"""``serve`` and ``demo``: a service from its configuration to its last transaction."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console

from bot.logs import start_logging
from bot.wiring import BOT, ROLES, ClockRefused, Service, run
from referrals.chance import Maker
from referrals.commands.opening import Failure, Misuse, open_database, read_moment
from referrals.config import Config, ConfigError, load_config
from referrals.programme import make_keys
from storage.schema import is_at_head, is_empty, upgrade

if TYPE_CHECKING:
    from pathlib import Path

    from bot.demo import Demo


@dataclass(frozen=True)
class _Told:
    """What the demo's start says on the terminal."""

    console: Console

    def __call__(self, step: str) -> None:
        self.console.print(f"  {STEPS[step]} …", style="dim")


STEPS = {
    "database": "making the tables",
    "programme": "starting the programme and the chat",
    "seed": "playing seven months of a small shop",
}


def run_service(path: Path, *, role: str, at: str | None) -> None:
    """The service runs until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: The configuration is wrong, or says nothing that this role needs.
        Misuse: ``at`` is no moment, or may not be used here.
        Failure: The database is not of this version, or the port is taken.
    """
    config = load_config(path, os.environ)
    roles = ROLES[role]
    if BOT in roles:
        config.require_bot()
    start_logging()
    _prepare(config)
    service = Service(
        config,
        roles,
        at=None if at is None else read_moment(at, option="--at", zone=ZoneInfo(config.programme.timezone)),
    )
    try:
        asyncio.run(run(service))
    except ClockRefused:
        raise Misuse(
            "--at: the programme's clock may not be moved while telegram.api_server is Telegram's own."
            if at
            else "The programme's clock in this database is moved, and telegram.api_server is Telegram's own."
        ) from None
    except OSError as fault:
        why = os.strerror(fault.errno) if fault.errno else str(fault)
        raise Failure(f"web.port: nothing can listen on {config.web.host}:{config.web.port}: {why}.") from None


def run_demo(*, port: int, empty: bool, database_url: str | None) -> None:
    """The try-out runs until SIGTERM or Ctrl-C. Raises: Failure."""
    from bot.demo import Demo, DemoSettings  # noqa: PLC0415 - the outside world is for the try-out only

    start_logging(level=logging.WARNING)
    console = Console(highlight=False)
    demo = Demo(DemoSettings(port=port, empty=empty, database_url=database_url))
    try:
        asyncio.run(_play(demo, console))
    except OSError as fault:
        raise Failure(str(fault)) from None


async def _play(demo: Demo, console: Console) -> None:
    console.print("Ambassade, the try-out")
    await demo.run(progress=_Told(console), ready=lambda: _welcome(demo, console))


def _welcome(demo: Demo, console: Console) -> None:
    lines = [
        "",
        f"  Chat with it      {demo.chat_url}",
        f"  Buy as a friend   {demo.shop_url}",
        f"  The programme     {demo.door_url}",
        "",
        "  Press START as Anna, ask for your link and share it with Bram; buy something as Bram in the shop.",
        "  The button Later moves the clock until the bonus has arrived. Ctrl-C stops everything.",
    ]
    for line in lines:
        console.print(line, soft_wrap=True)


def ask_telegram(config: Config) -> str:
    """The name of the bot behind the token, for ``doctor``; raises what Telegram answers instead."""
    from bot.telegram import Telegram  # noqa: PLC0415 - the chat's library costs seconds

    async def ask() -> str:
        telegram = Telegram(config.telegram)
        try:
            me = await telegram.get_me()
        finally:
            await telegram.close()
        return f"@{me.username}"

    config.require_bot()
    return asyncio.run(ask())


def _prepare(config: Config) -> None:
    """An empty database gets its tables and keys; one of another version is for ``migrate``."""
    try:
        empty = is_empty(config.storage.url)
    except ValueError as error:
        raise ConfigError([f"storage.url: {error}."]) from None
    if empty:
        upgrade(config.storage.url)
    if not is_at_head(config.storage.url):
        raise Failure("The database has not the tables of this version: run `ambassade migrate`.")
    database = open_database(config)
    try:
        database.run(make_keys, Maker())
    finally:
        database.close()
