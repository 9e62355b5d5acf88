"""The bot as a service: it takes updates by polling or webhook, and works on chats until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import AiogramError, TelegramConflictError, TelegramRetryAfter
from aiohttp import web

from bot.commands import tell_commands
from bot.dispatcher import build_dispatcher
from bot.inbox import ALLOWED_UPDATES, NoUpdate, incoming, store_all, webhook_door
from bot.pace import Pace
from bot.telegram import POLL_SECONDS, Telegram
from bot.texts import Texts
from bot.worker import Worker
from referrals.clock import Clock
from referrals.config import Config
from referrals.people.customers import learn_bot_name
from referrals.programme import Programme
from referrals.tasks import Tasks
from storage.database import Database, OutcomeUnknown, Overloaded

log = structlog.get_logger()

WEBHOOK_PATH = "/telegram/webhook"
FIRST_BACKOFF = 0.5  # seconds
LONGEST_BACKOFF = 30.0
CONFLICT_SECONDS = 5.0  # another poller of this token is at work
STOP_SECONDS = 5.0


class BotService:
    """Everything that the chat needs while it is open.

    ``telegram_inbox`` is the handler of ``POST /telegram/webhook``; a web role without a bot makes its own with
    ``bot.inbox.webhook_door``.
    """

    def __init__(
        self,
        database: Database,
        *,
        programme: Programme,
        clock: Clock,
        texts: Texts,
        tasks: Tasks,
        config: Config | None = None,
        pace: Pace | None = None,
        session: BaseSession | None = None,
    ) -> None:
        """``session`` stands in for HTTP in tests; ``pace`` hurries the try-out."""
        self.config = config or programme.config
        self.telegram = Telegram(self.config.telegram, session=session)
        self._database, self._texts, self._tasks, self._clock = database, texts, tasks, clock
        self.worker = Worker(
            name=programme.maker.token(),
            database=database,
            telegram=self.telegram,
            dispatcher=build_dispatcher(),
            texts=texts,
            programme=programme,
            clock=clock,
            tasks=tasks,
            pace=pace or Pace(),
        )
        self.telegram_inbox: Callable[[web.Request], Awaitable[web.StreamResponse]] = webhook_door(
            database, config=self.config, clock=clock, wake=self.worker.wake.set
        )
        self._running: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Updates are taken and messages go out from now on, as soon as Telegram answers."""
        self._running = [
            self._tasks.start(self._meet_telegram(), name="bot:telegram"),
            self._tasks.start(self.worker.run(), name="bot:worker"),
        ]

    async def stop(self) -> None:
        """No more updates are asked for; what is in hand is finished within five seconds, or is done again later."""
        self.worker.stopping = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self.worker.serving:
            _, late = await asyncio.wait(set(self.worker.serving), timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.telegram.close()

    async def deliver_due(self, now: datetime | None = None) -> int:
        """Everything that was said is heard and everything that is due at ``now`` is sent; returns chats served.

        What Telegram refuses for the moment is left for later.
        """
        served = 0
        while True:
            started = await self.worker.look(now)
            await self.worker.drain()
            served += started
            if not started:
                return served

    async def take_updates(self, *, offset: int | None, seconds: int, waited: bool = False) -> int | None:
        """One poll: what came is stored, then acknowledged by the number that the next poll asks for."""
        plain = await self.telegram.updates(offset=offset, seconds=seconds, allowed=ALLOWED_UPDATES)
        if not plain:
            return offset
        now = self._clock.programme()
        items = []
        for update in plain:
            try:
                staff_chat = self.config.telegram.staff_chat_id
                items.append(incoming(update, received_at=now, waited=waited, staff_chat=staff_chat))
            except NoUpdate:
                log.warning("update.nonsense")
        await store_all(self._database, items)
        self.worker.wake.set()
        return max((item.update_id for item in items), default=(offset or 1) - 1) + 1

    async def _meet_telegram(self) -> None:
        """Learn who the bot is, tell the menu, then poll; or have the webhook set and leave."""
        await self._until_done(self._introduce)
        if self.config.telegram.mode == "polling":
            await self._poll()

    async def _introduce(self) -> None:
        me = await self.telegram.get_me()
        if me.username:
            await self._database.write(learn_bot_name, me.username)
        secret = self.config.telegram.webhook_secret
        if self.config.telegram.mode == "webhook" and secret is not None:
            address = f"{self.config.programme.base_url.rstrip('/')}{WEBHOOK_PATH}"
            await self.telegram.use_webhook(address, secret=secret.get_secret_value(), allowed=ALLOWED_UPDATES)
        else:
            await self.telegram.use_polling()
        await tell_commands(
            self.telegram, self._database, texts=self._texts, owners=self.config.telegram.owner_ids,
            default=self._texts.default,
        )  # fmt: skip

    async def _poll(self) -> None:
        """Ask for updates for ever; nothing is acknowledged that is not stored."""
        offset: int | None = None
        first = True

        async def once() -> None:
            nonlocal offset, first
            offset = await self.take_updates(offset=offset, seconds=0 if first else POLL_SECONDS, waited=first)
            first = False

        while True:
            await self._until_done(once)

    async def _until_done(self, step: Callable[[], Awaitable[None]]) -> None:
        """The step, again and again until Telegram and the database take it."""
        failures = 0
        while True:
            try:
                return await step()
            except TelegramRetryAfter as error:
                pause = float(error.retry_after)
            except TelegramConflictError:
                log.warning("poll.conflict")
                pause = CONFLICT_SECONDS
            except (TimeoutError, AiogramError, Overloaded, OutcomeUnknown, OSError) as error:
                log.warning("telegram.away", error=type(error).__name__)
                pause = min(FIRST_BACKOFF * 2**failures, LONGEST_BACKOFF)
            failures = min(failures + 1, 10)
            await asyncio.sleep(pause)
