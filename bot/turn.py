"""One update, one transaction: who speaks, what their screen answers, and where the answer waits (rules 24).

``run_turn`` finds the visitor, runs the screen, writes what it answers to the outbox and marks the update done, all in
the screen's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from bot.conversation import Answer, Await, Home, Look, Outcome, Press, Reply, Screen, Strip, View, Visitor
from bot.leases import keep_lease
from bot.registry import gather
from referrals.people.customers import get_customer, meet, sees_history
from referrals.people.persons import clean_name
from referrals.programme import Programme
from referrals.reasons import STALE
from storage.bulk import insert_rows
from storage.database import books
from storage.machine import machine_now
from storage.mailbox import DONE, DROPPED, DUE, NEW, Chat, Inbox, Outbox, to_chat

SCREEN = "screen."  # before the name of a screen in the outbox
VIEW = "view."  # before the name of a view
STRIP = SCREEN + "strip"
NOBODY = 0  # as whom a colleague speaks in the staff's group: no customer has this number
BACKLOG = timedelta(seconds=5)  # what is older when it is heard waited for us, not for its turn


@dataclass(frozen=True, slots=True)
class Event:
    """What came in, as far as every screen needs it."""

    inbox_id: int
    key: str  # of the update; answers are named after it, so that they are never written twice
    chat_id: int
    telegram_id: int
    first_name: str | None
    language_code: str | None
    at: datetime | None  # Telegram's date of the message; None for a press
    message_id: int | None  # the message whose button was pressed
    waited: bool = False  # it lay at Telegram while we were away


def run_turn(
    session: Session,
    event: Event,
    screen: Screen,
    arguments: dict[str, Any],
    *,
    worker: str,
    programme: Programme,
    now: datetime,
) -> Outcome:
    """The screen has run, its answers are in the outbox, the update is done; a repeat changes nothing.

    Raises:
        LeaseLost: The chat is somebody else's by now.
    """
    chat = keep_lease(session, event.chat_id, worker=worker)
    row = session.get(Inbox, event.inbox_id)
    if row is None or row.status != NEW:
        return Outcome(None, None)
    is_staff = is_staff_group(event.chat_id, programme=programme)
    meeting = _colleague if is_staff else _visitor
    visitor = meeting(session, event, chat, programme=programme, now=now)
    replies = screen(session, visitor, programme=programme, **arguments)
    session.flush()
    session.refresh(chat)
    waited = not is_staff and _waited(event, row, visitor)
    _apply(session, chat, replies, visitor=visitor, event=event, waited=waited, programme=programme)
    row.status, row.result, row.done_at = DONE, "applied", now
    press = next((reply.key for reply in replies if isinstance(reply, Press)), None)
    locale = None if is_staff else get_customer(session, visitor.customer_id).locale
    return Outcome(press, locale or chat.language_code)


def is_staff_group(chat_id: int, *, programme: Programme) -> bool:
    """Whether this is the group that answers cases; one colleague's own chat in its place is a chat like any other."""
    return chat_id < 0 and chat_id == programme.config.telegram.staff_chat_id


@books
def run_turn_with_books(
    session: Session, event: Event, screen: Screen, arguments: dict[str, Any], **rest: Any
) -> Outcome:
    """``run_turn`` for a screen that attributes or posts."""
    return run_turn(session, event, screen, arguments, **rest)


def close_update(session: Session, inbox_id: int, *, now: datetime) -> None:
    """Nobody hears such an update: it is done, and nothing came of it."""
    row = session.get(Inbox, inbox_id)
    if row is not None and row.status == NEW:
        row.status, row.result, row.done_at = DONE, "ignored", now


def _visitor(session: Session, event: Event, chat: Chat, *, programme: Programme, now: datetime) -> Visitor:
    moment = machine_now(session)
    at = now if event.at is None else min(now, event.at)  # dates from outside count as programme time (rules 35)
    is_new = chat.last_seen_at is None
    customer_id = meet(
        session,
        telegram_id=event.telegram_id,
        chat_id=event.chat_id,
        first_name=event.first_name,
        language_code=event.language_code,
        at=at,
        now=now,
    )
    customer = get_customer(session, customer_id)
    return Visitor(
        customer_id=customer.id,
        chat_id=event.chat_id,
        telegram_id=event.telegram_id,
        name=event.first_name,
        locale=customer.locale or event.language_code,
        is_owner=event.telegram_id in programme.config.telegram.owner_ids,
        stopped=customer.stopped_at is not None,
        is_new=is_new,
        message_id=event.message_id,
        home_message_id=chat.home_message_id,
        awaiting=chat.awaiting,
        at=at,
        now=now,
        machine_now=moment,
    )


def _colleague(session: Session, event: Event, chat: Chat, *, programme: Programme, now: datetime) -> Visitor:
    """Who speaks in the staff's group: the chat stays nobody's, and what is answered there is in its language."""
    chat.reachable = True
    return Visitor(
        customer_id=NOBODY,
        chat_id=event.chat_id,
        telegram_id=event.telegram_id,
        name=clean_name(event.first_name),
        locale=chat.language_code,
        is_owner=event.telegram_id in programme.config.telegram.owner_ids,
        stopped=False,
        is_new=False,
        message_id=event.message_id,
        home_message_id=None,
        awaiting=None,
        at=now,
        now=now,
        machine_now=machine_now(session),
    )


def _waited(event: Event, row: Inbox, visitor: Visitor) -> bool:
    old = event.at is not None and event.at + BACKLOG < min(visitor.machine_now, visitor.now)
    return event.waited or old or row.received_at + BACKLOG < visitor.now


def _apply(
    session: Session,
    chat: Chat,
    replies: Sequence[Reply],
    *,
    visitor: Visitor,
    event: Event,
    waited: bool,
    programme: Programme,
) -> None:
    rows = []
    for place, reply in enumerate(replies):
        if isinstance(reply, (Answer, View)):
            name, said = _said(session, visitor, reply, programme=programme)
            data = {"answer": said, "edit": reply.edit, "waited": waited}
            rows.append(to_chat(chat.chat_id, name, data, key=f"answer:{event.key}:{place}", now=visitor.now))
        elif isinstance(reply, Strip):
            rows.append(strip_row(chat.chat_id, reply.message_id, now=visitor.now))
        elif isinstance(reply, Home):
            rows += _set_home(chat, reply, now=visitor.now)
        elif isinstance(reply, Await):
            asked = {"what": reply.what, "since": visitor.now.isoformat(), **reply.data}
            chat.awaiting = asked if reply.what else None
    if waited and any(isinstance(reply, (Answer, View, Home)) for reply in replies):
        _drop_earlier(session, chat.chat_id)
    session.add(chat)
    session.flush()
    insert_rows(session, Outbox, rows, ignore_conflicts=True)


def strip_row(chat_id: int, message_id: int, *, now: datetime) -> dict[str, Any]:
    """A row of the outbox that takes a message's buttons away."""
    data = {"answer": {}, "edit": message_id, "waited": False}
    return to_chat(chat_id, STRIP, data, key=f"strip:{chat_id}:{message_id}", now=now)


def _set_home(chat: Chat, home: Home, *, now: datetime) -> list[dict[str, Any]]:
    chat.home_view, chat.home_dirty = home.view, True
    old = chat.home_message_id
    if not home.anew or old is None:
        return []
    chat.home_message_id = None
    return [strip_row(chat.chat_id, old, now=now)]


def _said(
    session: Session, visitor: Visitor, reply: Answer | View, *, programme: Programme
) -> tuple[str, dict[str, Any]]:
    """The kind of an answer and its data; of a view, as things are in this transaction."""
    if isinstance(reply, Answer):
        return SCREEN + reply.screen, reply.data
    look = Look(
        customer_id=get_customer(session, visitor.customer_id).id,
        chat_id=visitor.chat_id,
        is_owner=visitor.is_owner,
        sees_history=sees_history(session, telegram_id=visitor.telegram_id),
        now=visitor.now,
    )
    return SCREEN + VIEW + reply.view, gather(session, reply.view, look, programme=programme)


def _drop_earlier(session: Session, chat_id: int) -> None:
    """Of what a chat said while we were away only the last is answered (rules 27)."""
    query = select(Outbox).where(Outbox.chat_id == chat_id, Outbox.status == DUE, col(Outbox.kind).startswith(SCREEN))
    for row in session.exec(query):
        if row.data.get("waited"):
            row.status, row.dropped_because = DROPPED, STALE
