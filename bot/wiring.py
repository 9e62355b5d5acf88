"""The composition root: the only module that knows everybody, and the order in which they stop.

``Service`` is one process of the programme in one or all of its roles. It opens nothing before
``start`` and leaves nothing open after ``stop``. The chat's rooms are loaded for the bot role only.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

import structlog

from bot.texts import Texts
from referrals.clock import Clock
from referrals.clock_row import read_offset, set_offset
from referrals.config import Config
from referrals.programme import CHAT_BASE, Programme, load_programme
from referrals.tasks import Tasks
from storage.database import Database, Overloaded

if TYPE_CHECKING:
    from bot.pace import Pace
    from bot.service import BotService
    from referrals.jobs.clock import JobClock
    from referrals.outside.webhooks import WebhookSender
    from referrals.web.app import UpdateHandler
    from referrals.web.serving import GuardedRunner

log = structlog.get_logger()

WEB, BOT, JOBS, ALL = "web", "bot", "jobs", "all"
ROLES = {ALL: frozenset({WEB, BOT, JOBS}), WEB: frozenset({WEB}), BOT: frozenset({BOT}), JOBS: frozenset({JOBS})}
ALLOCATIONS_BETWEEN_COLLECTIONS = 20_000
FOLLOW_SECONDS = 1.0  # how often a process looks where the programme's clock stands


class ClockRefused(Exception):
    """The programme's clock may not be moved on Telegram's own server (rules 35)."""


@dataclass
class Service:
    """One process: its database, its clocks, and the doors of its roles."""

    config: Config
    roles: frozenset[str]
    at: datetime | None = None  # where the programme's clock starts; None: where it stands
    chat_base: str = CHAT_BASE
    clock: Clock = field(default_factory=Clock)
    database: Database = field(init=False)
    programme: Programme = field(init=False)
    pace: Pace | None = None  # None: Telegram's own limits
    bot: BotService | None = None
    address: str = ""
    _is_open: bool = False
    _jobs: JobClock | None = None
    _webhooks: WebhookSender | None = None
    _web: GuardedRunner | None = None
    _tasks: Tasks = field(default_factory=Tasks)

    @cached_property
    def texts(self) -> Texts:
        """Every word that this process says."""
        return Texts(zone=self.config.programme.timezone, default=self.config.programme.locale)

    async def start(self) -> None:
        """Every door of the roles is open.

        Raises:
            ClockRefused: ``at``, or an offset that stands in the database, on Telegram's own server.
            OSError: The web port is taken.
        """
        self.database = Database.open(self.config.storage.url)
        self._is_open = True
        try:
            self.programme = await self.database.read(load_programme, self.config, chat_base=self.chat_base)
            await self._set_clock()
            if WEB in self.roles:
                await self._start_web()
            if JOBS in self.roles:
                await self._start_jobs()
            if BOT in self.roles:
                await self._start_bot()
        except BaseException:
            await self.stop()
            raise
        self._tasks.start(self._follow_clock(), name="clock")

    async def stop(self) -> None:
        """Not ready, listeners closed, polling ended, the database drained; within ten seconds."""
        if self._web is not None:
            await self._close_web()
        if self._webhooks is not None:
            await self._webhooks.stop()
        if self._jobs is not None:
            await self._jobs.stop()
        if self.bot is not None:
            await self.bot.stop()
        await self._tasks.stop()
        if self._is_open:
            self._is_open = False
            await self.database.stop()

    async def move_clock(self, moment: datetime) -> None:
        """The programme's clock stands at ``moment``, for every process of this database."""
        offset = moment - self.clock.machine()
        await self.database.write(set_offset, offset)
        self.clock.shift(offset)

    async def _set_clock(self) -> None:
        offset = await self.database.read(read_offset)
        if self.at is not None:
            offset = self.at - self.clock.machine()
        if self.config.telegram.is_real and (offset or self.at is not None):
            raise ClockRefused
        if self.at is not None:
            await self.database.write(set_offset, offset)
        self.clock.shift(offset)
        log.info("clock.stands", programme=self.clock.programme().isoformat(), offset_seconds=offset.total_seconds())

    async def _follow_clock(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                self.clock.shift(await self.database.read(read_offset))
            except Overloaded:
                log.warning("clock.unread")

    async def _start_bot(self) -> None:
        # The chat's library takes seconds to load: only this role pays, and the web answers meanwhile.
        await load_beside("bot.service")
        from bot.service import BotService  # noqa: PLC0415 - loaded a line above

        self.bot = BotService(
            self.database,
            programme=self.programme,
            clock=self.clock,
            texts=self.texts,
            tasks=self._tasks,
            pace=self.pace,
        )
        await self.bot.start()

    async def _start_web(self) -> None:
        from referrals.web.app import build_app  # noqa: PLC0415 - only the web role needs it
        from referrals.web.serving import start_web  # noqa: PLC0415 - likewise

        app = build_app(
            self.database,
            programme=self.programme,
            clock=self.clock,
            say=self.texts.say,
            telegram_inbox=self._telegram_inbox(),
        )
        web = self.config.web
        self._web = await start_web(app, host=web.host, port=web.port)
        host, port = self._web.addresses[0][:2]
        self.address = f"http://{host}:{port}"
        log.info("web.listens", host=host, port=port)

    def _telegram_inbox(self) -> UpdateHandler | None:
        """Updates by webhook are stored by the web role; the bot role works them off."""
        if self.config.telegram.mode != "webhook":
            return None
        from bot.inbox import webhook_door  # noqa: PLC0415 - only in webhook mode

        return webhook_door(self.database, clock=self.clock, config=self.config, wake=self._wake)

    def _wake(self) -> None:
        if self.bot is not None:
            self.bot.worker.wake.set()

    async def _close_web(self) -> None:
        from referrals.web.health import READINESS  # noqa: PLC0415 - loaded already by the web role

        if self._web is not None:
            self._web.app[READINESS].stopping = True
            await self._web.cleanup()

    async def _start_jobs(self) -> None:
        from referrals.jobs.clock import JobClock  # noqa: PLC0415 - only the jobs role needs it

        self._jobs = JobClock(self.database, programme=self.programme, clock=self.clock)
        self._jobs.start()
        from referrals.outside.webhooks import WebhookSender  # noqa: PLC0415 - likewise

        self._webhooks = WebhookSender(
            self.database, programme=self.programme, clock=self.clock, say=self.texts.say, tasks=self._tasks
        )
        self._tasks.start(self._webhooks.run(), name="webhooks")


async def run(service: Service) -> None:
    """The service works until it is told to stop: SIGTERM or Ctrl-C finishes what is in hand."""
    told = told_to_stop()
    try:
        await until(told, service.start())
        keep_what_is_loaded()
        await told.wait()
    finally:
        await service.stop()
    log.info("service.stopped")


def keep_what_is_loaded() -> None:
    """The collector leaves alone what has been loaded so far, and looks less often at what requests leave behind.

    A batch makes thousands of rows and no cycles; at the usual pace a fifth of its time goes into looking for some.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])


async def load_beside(name: str) -> None:
    """The module is loaded, by a thread that nobody waits for when the process is told to stop meanwhile."""
    loop = asyncio.get_running_loop()
    loaded: asyncio.Future[None] = loop.create_future()

    def load() -> None:
        try:
            import_module(name)
            fault = None
        except Exception as error:  # noqa: BLE001 - whatever it was, it is raised where the module is wanted
            fault = error
        with suppress(RuntimeError):  # the loop is closed: nobody wants it any more
            loop.call_soon_threadsafe(settle, fault)

    def settle(fault: Exception | None) -> None:
        if loaded.cancelled():
            return
        if fault is None:
            loaded.set_result(None)
        else:
            loaded.set_exception(fault)

    Thread(target=load, name=f"load:{name}", daemon=True).start()
    await loaded


def told_to_stop() -> asyncio.Event:
    """An event that SIGTERM and Ctrl-C set."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return told


async def until(told: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """The work is done, or it was cancelled because the event came first."""
    tasks = Tasks()
    working, waiting = tasks.start(work, name="work", awaited=True), tasks.start(_wait(told), name="told")
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        await tasks.stop()


async def _wait(told: asyncio.Event) -> None:
    await told.wait()
