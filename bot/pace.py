"""How fast Telegram may be spoken to: one bucket for all processes and one for each chat, in the database (rules 26).

Sending is the bottleneck: Telegram lets a bot send about 30 messages a second, one a second to a chat, and answers
whatever is too fast with 429 and the seconds to wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from storage.bulk import insert_rows
from storage.machine import machine_now
from storage.mailbox import BotPace, Chat

BOT = "bot"
AHEAD = timedelta(seconds=1)  # no slot later than this is reserved (rules 23)
GROUP = 3  # times as slow: Telegram takes 20 messages a minute in a group, whose number is below nought
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """The gaps between two messages; the try-out and the tests may hurry."""

    bot: timedelta = timedelta(seconds=1) / 30
    chat: timedelta = timedelta(seconds=1)


def reserve(session: Session, chat: Chat, pace: Pace) -> timedelta | None:
    """A slot for one message is this worker's: how long to wait for it; None where none is free within a second."""
    moment = machine_now(session)
    row = _row(session)
    slot = max(moment, row.next_at, chat.next_at or moment)
    if slot > moment + AHEAD:
        return None
    row.next_at = max(moment, row.next_at) + pace.bot
    chat.next_at = slot + (pace.chat if chat.chat_id > 0 else pace.chat * GROUP)
    session.flush()
    return slot - moment


def slow_down(session: Session, chat: Chat, *, seconds: float) -> None:
    """Telegram said when it wants to hear of this bot again: nothing is sent before that, to nobody."""
    until = machine_now(session) + timedelta(seconds=seconds)
    row = _row(session)
    row.next_at = max(row.next_at, until)
    chat.next_at = max(chat.next_at or until, until)
    session.flush()


def paused_until(session: Session) -> datetime:
    """Before this moment the bot sends nothing."""
    row = session.get(BotPace, BOT)
    return row.next_at if row else LONG_AGO


def _row(session: Session) -> BotPace:
    """The bot's row, held until the end of the transaction."""
    insert_rows(session, BotPace, [{"name": BOT, "next_at": LONG_AGO}], ignore_conflicts=True)
    query = select(BotPace).where(BotPace.name == BOT).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()
