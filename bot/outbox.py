"""What is to be said: which message of a chat goes out now, and what becomes of it (rules 23, 25-29).

``claim`` and ``settle`` are the two ends of a send, each in a transaction under the chat's lease; the sending lies
between them. A message that may come twice stays due until it is sent; one that may not is ``sending`` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, or_, select

from bot.conversation import Look
from bot.leases import chat_of, has_updates, keep_lease, persons, release
from bot.pace import Pace, reserve, slow_down
from bot.quiet import quiet_until
from bot.registry import gather
from bot.turn import SCREEN, STRIP, VIEW, strip_row
from referrals.notices import ACCOUNT, MONEY
from referrals.people.customers import access_of, survivor
from referrals.programme import Programme
from referrals.reasons import INTERNAL_ERROR, OUTCOME_UNKNOWN, STALE, STOPPED, UNREACHABLE
from storage.bulk import insert_rows
from storage.customers import Customer
from storage.installation import Setting
from storage.machine import machine_now
from storage.mailbox import AT_MOST_ONCE, DROPPED, DUE, SENDING, SENT, Chat, Outbox

SEND = timedelta(seconds=14)  # a lease while a message is under way: longer than the wait and two requests take
LONGEST_BACKOFF = 300.0  # seconds
FAULT = timedelta(minutes=1)
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
class Sent:
    """Telegram has it; a file that was uploaded can be named next time."""

    message_id: int | None
    file: tuple[str, str] | None = None  # name, Telegram's file id


@dataclass(frozen=True, slots=True)
class Failed:
    """Telegram does not have it, or nobody knows."""

    kind: str  # slow, unreachable, refused, gone, unsent, unknown
    retry_after: float | None = None
    forget_file: str | None = None


Result = Sent | Failed


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
    return _started(session, plan, wait=slot.total_seconds())


def settle(session: Session, plan: Plan, result: Result, *, worker: str, now: datetime, jitter: float) -> None:
    """What became of the message is stored; ``jitter`` in [0, 1) spreads repeated tries.

    Raises:
        LeaseLost: The chat is somebody else's by now.
    """
    chat = keep_lease(session, plan.chat_id, worker=worker)
    rows = [row for row in (session.get(Outbox, row_id) for row_id in plan.rows) if row is not None]
    if isinstance(result, Sent):
        _settle_sent(session, chat, plan, rows, result, now=now)
    else:
        _settle_failed(session, chat, plan, rows, result, jitter=jitter)
    session.flush()


def set_aside(session: Session, chat_id: int, *, worker: str) -> None:
    """The chat is left alone for a minute after a fault of our own, and its home message is the plain one.

    Raises:
        LeaseLost: The chat is somebody else's by now.
    """
    chat = keep_lease(session, chat_id, worker=worker)
    chat.home_dirty, chat.home_view = False, "home"
    chat.next_at = machine_now(session) + FAULT
    session.flush()
    release(session, chat_id, worker=worker)


def drop_stranded(session: Session, *, now: datetime) -> int:
    """Notices for somebody without a chat that can be reached wait no longer: the next /start shows their money."""
    query = select(Outbox).where(Outbox.status == DUE, col(Outbox.chat_id).is_(None), Outbox.due_at <= now)
    dropped = 0
    for row in session.exec(query.order_by(col(Outbox.due_at)).limit(LOOK)):
        if row.customer_id is None or chat_of(session, survivor(session, row.customer_id)) is None:
            _drop(row, UNREACHABLE)
            dropped += 1
    return dropped


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
        for row in rows:
            _drop(row, UNREACHABLE)
        chat.home_dirty = False
        session.flush()
        return None
    answers = [row for row in rows if row.kind.startswith(SCREEN) and row.kind != STRIP]
    strips = [row for row in rows if row.kind == STRIP]
    if answers:
        return _plan(session, chat, customer, answers[:1], programme=programme)
    if chat.home_dirty:
        return _home(session, chat, customer, programme=programme, now=now)
    notices = [row for row in rows if not row.kind.startswith(SCREEN)]
    notices = [row for row in notices if _may_go(row, customer, programme=programme, now=now)]
    money = [row for row in notices if row.kind in MONEY]
    session.flush()
    chosen = money if len(money) > 1 else (notices[:1] or strips[:1])
    return _plan(session, chat, customer, chosen, programme=programme) if chosen else None


def _may_go(row: Outbox, customer: Customer | None, *, programme: Programme, now: datetime) -> bool:
    """Judge the notice at its moment; one that may not go is dropped with its reason, or waits (rules 28, 29)."""
    moment = max(now, row.as_of)
    if row.kind in ACCOUNT:
        return True
    if customer is not None and customer.stopped_at is not None:
        _drop(row, STOPPED)
        return False
    if row.expires_at is not None and row.expires_at <= moment:
        _drop(row, STALE)
        return False
    until = quiet_until(moment, programme=programme, zone=customer.timezone if customer else None)
    if until is not None:
        row.due_at = until
        return False
    return True


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
        edit=first.data.get("edit") if is_screen else None,
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
    access = access_of(session, telegram_id=chat.chat_id)
    sees = access is None or access.sees_history
    return {
        "locale": (customer.locale if customer else None) or chat.language_code,
        "name": customer.first_name if customer and sees else None,
        "is_owner": chat.chat_id in programme.config.telegram.owner_ids,
        "sees_history": sees,
    }


def _started(session: Session, plan: Plan, *, wait: float) -> Plan:
    for row_id in plan.rows:
        row = session.get(Outbox, row_id)
        if row is not None:
            row.attempts += 1
            row.status = SENDING if plan.once else DUE
    session.flush()
    return replace(plan, wait=wait)


def _settle_sent(
    session: Session, chat: Chat, plan: Plan, rows: Sequence[Outbox], result: Sent, *, now: datetime
) -> None:
    for row in rows:
        row.status, row.message_id, row.sent_at, row.retry_at = SENT, result.message_id, now, None
    if result.file is not None:
        session.merge(Setting(key=f"file:{result.file[0]}", value=result.file[1]))
    if plan.home:
        _keep_home(session, chat, plan, result, now=now)
    elif rows and plan.kind not in ACCOUNT and not plan.kind.startswith(SCREEN) and chat.home_message_id is not None:
        chat.home_dirty = True  # the money on it has changed


def _keep_home(session: Session, chat: Chat, plan: Plan, result: Sent, *, now: datetime) -> None:
    """The home message is clean (under the lease nobody made it dirty meanwhile), and where it is is known.

    One that was sent anew while an older one lived leaves that without buttons.
    """
    chat.home_dirty = False
    chat.home_view = (chat.home_view or "home").partition(":")[0].removesuffix(".new")  # one is welcomed once
    if result.message_id is None or result.message_id == plan.edit:
        return
    chat.home_message_id = result.message_id
    if plan.edit is not None:
        row = strip_row(chat.chat_id, plan.edit, now=now)
        insert_rows(session, Outbox, [row], ignore_conflicts=True)


def _settle_failed(
    session: Session, chat: Chat, plan: Plan, rows: Sequence[Outbox], result: Failed, *, jitter: float
) -> None:
    if result.forget_file is not None:
        session.merge(Setting(key=f"file:{result.forget_file}", value=""))
        return _again(session, chat, rows, seconds=0.0)
    if result.kind == "unreachable":
        chat.reachable, chat.home_dirty = False, False
        return _drop_all(rows, UNREACHABLE)
    if result.kind == "refused":
        chat.home_dirty = chat.home_dirty and not plan.home
        return _drop_all(rows, INTERNAL_ERROR)
    if result.kind == "slow":
        seconds = result.retry_after or 1.0
        slow_down(session, chat, seconds=seconds)
        return _again(session, chat, rows, seconds=seconds)
    if result.kind == "unknown" and plan.once:
        return _drop_all(rows, OUTCOME_UNKNOWN)
    return _again(session, chat, rows, seconds=_backoff(plan.attempt, jitter))


def _again(session: Session, chat: Chat, rows: Sequence[Outbox], *, seconds: float) -> None:
    """It stays due, and nothing goes to this chat before so many seconds have passed."""
    until = machine_now(session) + timedelta(seconds=seconds)
    for row in rows:
        row.status, row.retry_at = DUE, until
    chat.next_at = max(chat.next_at or until, until)


def _backoff(attempt: int, jitter: float) -> float:
    return min(2.0 ** min(attempt - 1, 10), LONGEST_BACKOFF) * (0.75 + jitter / 2)


def _drop_in_flight(session: Session, chat_id: int) -> None:
    """Whoever had the lease before died between committing ``sending`` and the answer: it does not go twice."""
    chat = session.get(Chat, chat_id)
    people = persons(session, chat.customer_id if chat else None)
    mine = or_(Outbox.chat_id == chat_id, col(Outbox.customer_id).in_(people))
    for row in session.exec(select(Outbox).where(Outbox.status == SENDING, mine)):
        _drop(row, OUTCOME_UNKNOWN)


def _drop_all(rows: Sequence[Outbox], because: str) -> None:
    for row in rows:
        _drop(row, because)


def _drop(row: Outbox, because: str) -> None:
    row.status, row.dropped_because, row.retry_at = DROPPED, because, None
