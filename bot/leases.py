"""Chats are leased, not rows: one lease covers what came in from a chat and what goes out to it (rules 24).

Leases run on the machine's clock as the database reads it, so that workers with wrong clocks keep apart too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, Update, func, or_, update
from sqlmodel import Session, col, select

from bot.pace import AHEAD, paused_until
from referrals.people.persons import survivors, with_merged
from storage.bulk import fetch_in
from storage.machine import machine_now
from storage.mailbox import DUE, NEW, Chat, Inbox, Outbox

WORK = timedelta(seconds=5)  # between two transactions of a chat; a killed worker's chat waits no longer
CANDIDATES = 200  # rows that one look considers


class LeaseLost(Exception):
    """Somebody else has the chat now; whoever lost it has done nothing since."""


def find_work(session: Session, *, now: datetime) -> list[int]:
    """Chats that nobody has and for which something came in or is due: those with updates first."""
    moment = machine_now(session)
    wanted = dict.fromkeys(_with_updates(session))
    if paused_until(session) <= moment + AHEAD:
        ready = _ready(session, [*_with_messages(session, now=now, moment=moment), *_with_home(session)], moment)
        wanted.update(dict.fromkeys(ready))
    return _free(session, list(wanted), moment)


def lease_chats(session: Session, *, worker: str, now: datetime, most: int) -> list[int]:
    """Up to so many chats are this worker's."""
    leased = []
    for chat_id in sorted(find_work(session, now=now)[:most]):
        moment = machine_now(session)
        statement = update(Chat).where(col(Chat.chat_id) == chat_id, _is_free(moment))
        if _changed(session, statement.values(lease_owner=worker, lease_until=moment + WORK)):
            leased.append(chat_id)
    return leased


def keep_lease(session: Session, chat_id: int, *, worker: str, longer: timedelta = WORK) -> Chat:
    """The chat, still this worker's and locked by this transaction.

    Raises:
        LeaseLost: It is not.
    """
    statement = update(Chat).where(col(Chat.chat_id) == chat_id, col(Chat.lease_owner) == worker)
    if not _changed(session, statement.values(lease_until=machine_now(session) + longer)):
        raise LeaseLost(chat_id)
    return session.exec(select(Chat).where(Chat.chat_id == chat_id).execution_options(populate_existing=True)).one()


def release(session: Session, chat_id: int, *, worker: str) -> None:
    """Anybody may have the chat, unless somebody else has it already."""
    statement = update(Chat).where(col(Chat.chat_id) == chat_id, col(Chat.lease_owner) == worker)
    _changed(session, statement.values(lease_owner=None, lease_until=None))


def persons(session: Session, customer_id: int | None) -> list[int]:
    """The customer and everybody who was merged into them: what was written to those is for the same chat."""
    return [] if customer_id is None else with_merged(session, customer_id)


def chat_of(session: Session, customer_id: int) -> int | None:
    """Where this customer is written to: the chat they used last; None where there is none that can be reached."""
    query = select(Chat.chat_id).where(Chat.customer_id == customer_id, col(Chat.reachable))
    order = (col(Chat.last_seen_at).desc(), col(Chat.chat_id))
    return session.exec(query.where(col(Chat.last_seen_at).is_not(None)).order_by(*order)).first()


def chats_of(session: Session, customer_ids: Iterable[int]) -> dict[int, int]:
    """``chat_of`` for many, merged people included, in a few statements however many they are."""
    living = survivors(session, customer_ids)
    columns = ("customer_id", "chat_id", "last_seen_at", "reachable")
    rows = fetch_in(session, Chat, "customer_id", sorted(set(living.values())), columns=columns)
    used = [row for row in rows if row["reachable"] and row["last_seen_at"] is not None]
    used.sort(key=lambda row: (row["last_seen_at"], -row["chat_id"]))
    last = {row["customer_id"]: row["chat_id"] for row in used}  # the later one stands
    return {one: last[other] for one, other in living.items() if other in last}


def has_updates(session: Session, chat_id: int) -> bool:
    """Is there something that this chat said and nobody has heard yet?"""
    query = select(Inbox.id).where(Inbox.status == NEW, Inbox.chat_id == chat_id)
    return session.exec(query.limit(1)).first() is not None


def _with_updates(session: Session) -> list[int]:
    query = select(Inbox.chat_id).where(Inbox.status == NEW, col(Inbox.chat_id).is_not(None))
    rows = session.exec(query.distinct().limit(CANDIDATES))
    return [chat_id for chat_id in rows if chat_id is not None]


def _with_messages(session: Session, *, now: datetime, moment: datetime) -> list[int]:
    due = select(Outbox.chat_id, Outbox.customer_id).where(
        Outbox.status == DUE, Outbox.due_at <= now, or_(col(Outbox.retry_at).is_(None), col(Outbox.retry_at) <= moment)
    )
    grouped = due.group_by(col(Outbox.chat_id), col(Outbox.customer_id)).order_by(func.min(Outbox.due_at))
    rows = session.exec(grouped.limit(CANDIDATES)).all()
    found = [chat_id for chat_id, _ in rows if chat_id is not None]
    unsaid = dict.fromkeys(customer for chat_id, customer in rows if chat_id is None and customer)
    chats = chats_of(session, unsaid)
    return [*found, *(chats[customer_id] for customer_id in unsaid if customer_id in chats)]


def _with_home(session: Session) -> list[int]:
    query = select(Chat.chat_id).where(col(Chat.home_dirty), col(Chat.reachable))
    return list(session.exec(query.limit(CANDIDATES)))


def _ready(session: Session, chat_ids: list[int], moment: datetime) -> list[int]:
    """Those to which something may be sent within a second."""
    query = select(Chat.chat_id).where(col(Chat.chat_id).in_(chat_ids), col(Chat.next_at) > moment + AHEAD)
    later = set(session.exec(query)) if chat_ids else set()
    return [chat_id for chat_id in chat_ids if chat_id not in later]


def _free(session: Session, chat_ids: list[int], moment: datetime) -> list[int]:
    if not chat_ids:
        return []
    free = set(session.exec(select(Chat.chat_id).where(col(Chat.chat_id).in_(chat_ids), _is_free(moment))))
    return [chat_id for chat_id in chat_ids if chat_id in free]


def _is_free(moment: datetime) -> ColumnElement[bool]:
    return or_(col(Chat.lease_until).is_(None), col(Chat.lease_until) <= moment)


def _changed(session: Session, statement: Update) -> bool:
    result = session.execute(statement.execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1
