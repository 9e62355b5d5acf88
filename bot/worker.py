"""Chats at work: leased one by one, their updates heard in order, their messages sent at the pace that is allowed."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from aiogram import Dispatcher
from aiogram.types import Update
from pydantic import ValidationError
from sqlmodel import Session

from bot.conversation import Outcome, Screen, Turn
from bot.dispatcher import dispatch, event_of, parse, press_of
from bot.inbox import NO_FAULT, SEEN_FAULT, Taken, take_update
from bot.leases import LeaseLost, lease_chats, release
from bot.outbox import Plan, claim, drop_stranded
from bot.pace import Pace
from bot.registry import render
from bot.screens.unknown import say_refusal
from bot.settling import Failed, Result, set_aside, settle
from bot.staff import hear_staff
from bot.telegram import Telegram
from bot.texts import Texts
from bot.turn import SCREEN, STRIP, Event, close_update, is_staff_group, run_turn, run_turn_with_books
from bot.voice import ANSWER, HOME, NOTICE, Voice
from referrals.clock import Clock
from referrals.errors import ProgrammeError
from referrals.programme import Programme
from referrals.tasks import Tasks
from storage.database import Database, OutcomeUnknown, Overloaded
from storage.installation import Setting

log = structlog.get_logger()

SLOTS = 8  # chats that are served at once
LOOK_SECONDS = 1.0  # between two looks for work that another process left
RETRY_SECONDS = 0.2  # before an update that failed has its next try
BUSY_SECONDS = 1.0  # before anything is asked again of a database that takes nothing


@dataclass
class Worker:
    """One process' share of the chats."""

    name: str
    database: Database
    telegram: Telegram
    dispatcher: Dispatcher
    texts: Texts
    programme: Programme
    clock: Clock
    tasks: Tasks
    pace: Pace
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[asyncio.Task[None]] = field(default_factory=set)
    stopping: bool = False

    async def run(self) -> None:
        """Look for work until cancelled: at once when something was stored here, else every second."""
        while not self.stopping:
            self.wake.clear()
            started = await self.look() if len(self.serving) < SLOTS else 0
            if not started:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), LOOK_SECONDS)

    async def look(self, now: datetime | None = None) -> int:
        """Lease as many chats as there are free slots and start on them; returns how many.

        ``now`` stands for the programme's clock all the while.
        """
        try:
            chats = await self.database.write(
                _lease, worker=self.name, now=self._now(now), most=SLOTS - len(self.serving)
            )
        except (Overloaded, OutcomeUnknown):
            await asyncio.sleep(BUSY_SECONDS)
            return 0
        for chat_id in chats:
            task = self.tasks.start(self.serve(chat_id, now=now), name=f"chat:{chat_id}")
            self.serving.add(task)
            task.add_done_callback(self._served)
        return len(chats)

    async def drain(self) -> None:
        """Everything that is in hand is done."""
        while self.serving:
            await asyncio.wait(set(self.serving))

    async def serve(self, chat_id: int, *, now: datetime | None = None) -> None:
        """The chat's updates are heard and its messages sent, until there is nothing or the lease is lost."""
        try:
            await self.hear(chat_id)
            while not self.stopping:
                planned = await self.database.write(
                    claim, chat_id, worker=self.name, programme=self.programme, now=self._now(now), pace=self.pace
                )
                if isinstance(planned, Plan):
                    await self.send(planned, now=now)
                elif planned.released:
                    return
                else:
                    await self.hear(chat_id)
            await self.database.write(release, chat_id, worker=self.name)
        except LeaseLost:
            log.info("chat.lost", chat=chat_id)
        except (Overloaded, OutcomeUnknown):
            log.warning("chat.database_busy", chat=chat_id)
            await asyncio.sleep(BUSY_SECONDS)
        except Exception as error:  # noqa: BLE001 - one chat that meets a fault of ours must not be tried without end
            log.error("chat.failed", chat=chat_id, error=type(error).__name__, at=_places(error))  # noqa: TRY400
            await self.database.write(set_aside, chat_id, worker=self.name)

    async def hear(self, chat_id: int) -> None:
        """Every update of the chat has had its turn, in order; one that fails has three."""
        blame = 0
        while not self.stopping:
            now = self.clock.programme()
            taken = await self.database.write(take_update, chat_id, worker=self.name, now=now, blame=blame)
            if taken is None:
                return
            blame = 0
            try:
                await self._hear_one(taken, now=now)
            except (Overloaded, OutcomeUnknown):
                blame = NO_FAULT
                await asyncio.sleep(BUSY_SECONDS)
            except LeaseLost:
                raise
            except Exception as error:  # noqa: BLE001 - whatever an update breaks is counted against it
                blame = SEEN_FAULT
                log.error("update.failed", inbox=taken.inbox_id, error=type(error).__name__, at=_places(error))  # noqa: TRY400
                await asyncio.sleep(RETRY_SECONDS)

    async def send(self, plan: Plan, *, now: datetime | None = None) -> None:
        """The message went out, or did not, and that is stored."""
        await asyncio.sleep(plan.wait)
        result = await self._deliver(plan)
        await self.database.write(
            settle, plan, result, worker=self.name, now=self._now(now),
            jitter=self.programme.maker.fraction(),
        )  # fmt: skip

    async def _hear_one(self, taken: Taken, *, now: datetime) -> None:
        update = _parsed(self.telegram, taken)
        event = event_of(update, taken) if update else None
        if update is None or event is None:
            await self.database.write(close_update, taken.inbox_id, now=now)
            return
        turn = Turn(run=_runner(self, event, now=now), asked=taken.asked)
        try:
            if is_staff_group(event.chat_id, programme=self.programme):
                await hear_staff(update, turn)
            else:
                await dispatch(self.dispatcher, self.telegram.bot, update, turn)
        except ProgrammeError as error:
            await turn.write(say_refusal, code=error.code)
        if turn.outcome is None:
            await self.database.write(close_update, taken.inbox_id, now=now)
        await self._answer_press(update, turn.outcome)

    async def _answer_press(self, update: Update, outcome: Outcome | None) -> None:
        """After the commit and best effort: an answered press shows no spinner, a lost answer loses nothing."""
        press = press_of(update)
        if press is None:
            return
        text = self.texts.say(outcome.press, outcome.locale) if outcome and outcome.press else None
        await self.telegram.answer_press(press.id, text)

    async def _deliver(self, plan: Plan) -> Result:
        if plan.kind == STRIP:
            return await self.telegram.strip(plan.chat_id, plan.edit or 0)
        try:
            message = render(plan.kind.removeprefix(SCREEN), plan.data, self._voice(plan))
        except Exception as error:  # noqa: BLE001 - a message that cannot be said must not stop the chat
            log.error("message.unsaid", kind=plan.kind, error=type(error).__name__, at=_places(error))  # noqa: TRY400
            return Failed("refused")
        if plan.edit is not None and message.photo is None:
            result = await self.telegram.edit(plan.chat_id, plan.edit, message)
            if not (isinstance(result, Failed) and result.kind == "gone"):
                return result
        file_id = await self.database.read(_file_id, message.photo.name) if message.photo else None
        return await self.telegram.send(plan.chat_id, message, file_id=file_id)

    def _voice(self, plan: Plan) -> Voice:
        place = HOME if plan.home else ANSWER if plan.kind.startswith(SCREEN) else NOTICE
        return Voice(
            self.texts,
            self.texts.locale(plan.locale),
            self.programme,
            place=place,
            is_owner=plan.is_owner,
            sees_history=plan.sees_history,
            name=plan.name,
            now=self.clock.programme(),
        )

    def _now(self, now: datetime | None) -> datetime:
        return now or self.clock.programme()

    def _served(self, task: asyncio.Task[None]) -> None:
        self.serving.discard(task)
        self.wake.set()


def _runner(worker: Worker, event: Event, *, now: datetime) -> Any:
    async def run(screen: Screen, arguments: dict[str, Any]) -> Outcome:
        use_case = run_turn_with_books if getattr(screen, "books", False) else run_turn
        return await worker.database.write(
            use_case, event, screen, arguments, worker=worker.name, programme=worker.programme, now=now
        )

    return run


def _parsed(telegram: Telegram, taken: Taken) -> Update | None:
    try:
        return parse(telegram.bot, taken)
    except ValidationError as error:
        raise NotAnUpdate(f"{error.error_count()} faults") from None  # pydantic would repeat what was typed


def _places(error: BaseException) -> list[str]:
    """Where it happened. ``log.exception`` would show values too, and those may be what somebody typed."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames][-8:]


class NotAnUpdate(ValueError):
    """The library does not understand this update."""


def _lease(session: Session, *, worker: str, now: datetime, most: int) -> list[int]:
    drop_stranded(session, now=now)
    return lease_chats(session, worker=worker, now=now, most=most)


def _file_id(session: Session, name: str) -> str | None:
    row = session.get(Setting, f"file:{name}")
    return row.value or None if row else None
