"""What is to be said: which message of a chat goes out now, and which may not (rules 23, 25-29).

``claim`` here and ``settle`` in ``settling`` are the two ends of a send, each in a transaction under the chat's lease;
the sending lies between them. A message that may come twice stays due until it is sent; one that may not is
``sending`` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists
from sqlmodel import Session, col, or_, select

from bot.conversation import Look
from bot.judging import drop, ready
from bot.leases import chat_of, chats_of, has_updates, keep_lease, persons, release
from bot.pace import Pace, reserve
from bot.registry import gather
from bot.turn import SCREEN, STRIP, VIEW
from referrals.asking.contacts import mark_sending
from referrals.asking.staff import hand_to_owners
from referrals.notices import MONEY
from referrals.people.customers import sees_history
from referrals.programme import Programme
from referrals.reasons import OUTCOME_UNKNOWN, UNREACHABLE
from storage.customers import Customer
from storage.machine import machine_now
from storage.mailbox import AT_MOST_ONCE, DUE, SENDING, Chat, Outbox

SEND = timedelta(seconds=14)  # a lease while a message is under way: longer than the wait and two requests take
MERGED = "merged"
LOOK = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """One message to send: what it says and where, after so many seconds."""

    chat_id: int
    kind: str  # screen.<name>, view.<name> for the home message, or a notice
    data: Any  # of a merged message: a list of {"kind", "data"}
    locale: str | None
    name: str | None  # the customer's first name, where we know it
    is_owner: bool
    sees_history: bool
    wait: float
    edit: int | None = None
    rows: tuple[int, ...] = ()  # outbox ids; none for the home message
    once: bool = False  # at most once
    attempt: int = 1
    home: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to send now; ``released``: the lease is given back."""

    released: bool = field(default=True)


def claim(
    session: Session, chat_id: int, *, worker: str, programme: Programme, now: datetime, pace: Pace
) -> Plan | Idle:
    """The chat's next message, with its slot reserved and its attempt counted; without one the lease is given back.

    Raises:
        LeaseLost: The chat is somebody else's by now.
    """
    chat = keep_lease(session, chat_id, worker=worker, longer=SEND)
    if has_updates(session, chat_id):
        return Idle(released=False)
    _drop_in_flight(session, chat_id)
    plan = _next(session, chat, programme=programme, now=now)
    slot = reserve(session, chat, pace) if plan else None
    if plan is None or slot is None:
        release(session, chat_id, worker=worker)
        return Idle()
    return _started(session, plan, wait=slot.total_seconds(), now=now)


def drop_stranded(session: Session, *, now: datetime) -> int:
    """Notices for somebody without a chat that can be reached wait no longer: the next /start shows their money."""
    has_chat = exists().where(
        col(Chat.customer_id) == col(Outbox.customer_id), col(Chat.reachable), col(Chat.last_seen_at).is_not(None)
    )
    query = select(Outbox).where(Outbox.status == DUE, col(Outbox.chat_id).is_(None), Outbox.due_at <= now, ~has_chat)
    rows = session.exec(query.order_by(col(Outbox.due_at)).limit(LOOK)).all()
    chats = chats_of(session, {row.customer_id for row in rows if row.customer_id is not None})  # of merged people
    stranded = [row for row in rows if row.customer_id not in chats]
    for row in stranded:
        drop(session, row, UNREACHABLE)
    return len(stranded)


def due_rows(session: Session, chat: Chat, *, now: datetime) -> list[Outbox]:
    """What is due to this chat: answers in their order, then notices by their moment."""
    people = persons(session, chat.customer_id) if _is_main(session, chat) else []
    mine = or_(
        Outbox.chat_id == chat.chat_id,
        (col(Outbox.chat_id).is_(None)) & (col(Outbox.customer_id).in_(people)),
    )
    moment = machine_now(session)
    ready = or_(col(Outbox.retry_at).is_(None), col(Outbox.retry_at) <= moment)
    query = select(Outbox).where(Outbox.status == DUE, Outbox.due_at <= now, mine, ready)
    return list(session.exec(query.order_by(col(Outbox.due_at), col(Outbox.id)).limit(LOOK)))


def _is_main(session: Session, chat: Chat) -> bool:
    return chat.customer_id is not None and chat_of(session, chat.customer_id) == chat.chat_id


def _next(session: Session, chat: Chat, *, programme: Programme, now: datetime) -> Plan | None:
    """Answers first, then the home message, then notices, and last the buttons of old messages."""
    customer = session.get(Customer, chat.customer_id) if chat.customer_id else None
    rows = due_rows(session, chat, now=now)
    if not chat.reachable:
        _give_up(session, chat, rows, programme=programme, now=now)
        return None
    answers = [row for row in rows if row.kind.startswith(SCREEN) and row.kind != STRIP]
    strips = [row for row in rows if row.kind == STRIP]
    if answers:
        return _plan(session, chat, customer, answers[:1], programme=programme)
    if chat.home_dirty:
        return _home(session, chat, customer, programme=programme, now=now)
    notices = [row for row in rows if not row.kind.startswith(SCREEN)]
    going = ready(session, notices, customer, programme=programme, now=now)
    session.flush()
    together = [row for row in going if row.kind in MONEY] if going and going[0].kind in MONEY else going[:1]
    chosen = together or strips[:1]
    return _plan(session, chat, customer, chosen, programme=programme) if chosen else None


def _give_up(session: Session, chat: Chat, rows: Sequence[Outbox], *, programme: Programme, now: datetime) -> None:
    """Nobody reads this chat: nothing waits for it; of the staff's group the owners get what colleagues were to read.

    Every way in which a chat becomes unreachable ends here, and nothing of a group's is dropped before it.
    """
    if chat.chat_id == programme.config.telegram.staff_chat_id:
        hand_to_owners(session, group=chat.chat_id, programme=programme, now=now)
    for row in rows:
        drop(session, row, UNREACHABLE)
    chat.home_dirty = False
    session.flush()


def _plan(
    session: Session, chat: Chat, customer: Customer | None, rows: Sequence[Outbox], *, programme: Programme
) -> Plan:
    first = rows[0]
    is_screen = first.kind.startswith(SCREEN)
    data = first.data["answer"] if is_screen else first.data
    merged = len(rows) > 1
    said = [{"kind": row.kind, "data": row.data} for row in rows]
    common = _reader(session, chat, customer, programme=programme)
    return Plan(
        chat_id=chat.chat_id,
        kind=MERGED if merged else first.kind,
        data=said if merged else data,
        edit=first.data.get("edit") if is_screen else first.message_id,  # said again: it shows how things are now
        rows=tuple(row.id for row in rows if row.id is not None),
        once=first.message_class == AT_MOST_ONCE,
        attempt=first.attempts + 1,
        wait=0.0,
        **common,
    )


def _home(session: Session, chat: Chat, customer: Customer | None, *, programme: Programme, now: datetime) -> Plan:
    view = chat.home_view or "home"
    common = _reader(session, chat, customer, programme=programme)
    look = Look(
        customer_id=chat.customer_id or 0,
        chat_id=chat.chat_id,
        is_owner=common["is_owner"],
        sees_history=common["sees_history"],
        now=now,
    )
    return Plan(
        chat_id=chat.chat_id,
        kind=VIEW + view,
        data=gather(session, view, look, programme=programme),
        edit=chat.home_message_id,
        wait=0.0,
        home=True,
        **common,
    )


def _reader(session: Session, chat: Chat, customer: Customer | None, *, programme: Programme) -> dict[str, Any]:
    """Who reads it: their language, their name where we know it, and what they may see."""
    sees = sees_history(session, telegram_id=chat.chat_id)
    return {
        "locale": (customer.locale if customer else None) or chat.language_code,
        "name": customer.first_name if customer and sees else None,
        "is_owner": chat.chat_id in programme.config.telegram.owner_ids,
        "sees_history": sees,
    }


def _started(session: Session, plan: Plan, *, wait: float, now: datetime) -> Plan:
    """The attempt is counted; one that may go once counts as said from here on, before it is sent (rules 23)."""
    for row_id in plan.rows:
        row = session.get(Outbox, row_id)
        if row is not None:
            row.attempts += 1
            row.status = SENDING if plan.once else DUE
            if plan.once:
                mark_sending(session, [row], now=now)
    session.flush()
    return replace(plan, wait=wait)


def _drop_in_flight(session: Session, chat_id: int) -> None:
    """Whoever had the lease before died between committing ``sending`` and the answer: it does not go twice."""
    chat = session.get(Chat, chat_id)
    people = persons(session, chat.customer_id if chat else None)
    mine = or_(Outbox.chat_id == chat_id, col(Outbox.customer_id).in_(people))
    for row in session.exec(select(Outbox).where(Outbox.status == SENDING, mine)):
        drop(session, row, OUTCOME_UNKNOWN)
