"""What became of a message: sent, to be tried again, or given up with its reason (rules 23, 25, 26, 28)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from bot.judging import drop
from bot.leases import keep_lease, release
from bot.outbox import Plan
from bot.pace import slow_down
from bot.turn import SCREEN, STRIP, strip_row
from referrals.asking.contacts import mark_unsent
from referrals.notices import ACCOUNT, CASES, STAFF, UNASKED
from referrals.privacy import export
from referrals.privacy.traces import close_chat
from referrals.reasons import INTERNAL_ERROR, OUTCOME_UNKNOWN, UNREACHABLE
from storage.bulk import insert_rows
from storage.installation import Setting
from storage.machine import machine_now
from storage.mailbox import DUE, SENT, Chat, Outbox

HANDED_OUT = SCREEN + export.HANDED_OUT
LAST_WORDS = frozenset({SCREEN + "erased", STRIP})
LONGEST_BACKOFF = 300.0  # seconds
FAULT = timedelta(minutes=1)


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


def settle(session: Session, plan: Plan, result: Result, *, worker: str, now: datetime, jitter: float) -> None:
    """What became of the message is stored; ``jitter`` in [0, 1) spreads repeated tries.

    Raises:
        LeaseLost: The chat is somebody else's by now.
    """
    chat = keep_lease(session, plan.chat_id, worker=worker)
    found = [session.get(Outbox, row_id, with_for_update=True) for row_id in plan.rows]
    rows = [row for row in found if row is not None]
    if isinstance(result, Sent):
        _settle_sent(session, chat, plan, rows, result, now=now)
    else:
        _settle_failed(session, chat, plan, rows, result, jitter=jitter)
    session.flush()
    if plan.kind in LAST_WORDS and not plan.is_owner and chat.customer_id is None:
        _end(session, plan.chat_id)


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


def _end(session: Session, chat_id: int) -> None:
    """The chat of somebody who was erased is gone once nothing is left to be said in it."""
    if session.exec(select(Outbox.id).where(Outbox.chat_id == chat_id, Outbox.status == DUE).limit(1)).first() is None:
        close_chat(session, chat_id)


def _settle_sent(
    session: Session, chat: Chat, plan: Plan, rows: Sequence[Outbox], result: Sent, *, now: datetime
) -> None:
    for row in rows:
        # What staff are shown may have changed while it was under way; then it is due again, and edited in place.
        status = SENT if row.kind not in STAFF or row.data == plan.data else DUE
        row.status, row.message_id, row.sent_at, row.retry_at = status, result.message_id, now, None
        if row.kind == HANDED_OUT:
            row.data = row.data | {"answer": {}}  # they have it; here it would only be a second copy
    if result.file is not None:
        session.merge(Setting(key=f"file:{result.file[0]}", value=result.file[1]))
    if plan.home:
        _keep_home(session, chat, plan, result, now=now)
    elif rows and _is_news(plan.kind) and chat.home_message_id is not None:
        chat.home_dirty = True  # the money on it has changed


def _is_news(kind: str) -> bool:
    """Whether the home message says something else after such a notice."""
    return kind not in ACCOUNT | CASES | STAFF | UNASKED and not kind.startswith(SCREEN)


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
        # What colleagues are to read stays due: the next claim gives it to those who can be reached.
        return _drop_all(session, [row for row in rows if row.kind not in STAFF], UNREACHABLE)
    if result.kind == "refused":
        chat.home_dirty = chat.home_dirty and not plan.home
        return _drop_all(session, rows, INTERNAL_ERROR)
    if result.kind == "slow":
        seconds = result.retry_after or 1.0
        slow_down(session, chat, seconds=seconds)
        return _again(session, chat, rows, seconds=seconds)
    if result.kind == "unknown" and plan.once:
        return _drop_all(session, rows, OUTCOME_UNKNOWN)
    return _again(session, chat, rows, seconds=_backoff(plan.attempt, jitter))


def _again(session: Session, chat: Chat, rows: Sequence[Outbox], *, seconds: float) -> None:
    """It stays due, and nothing goes to this chat before so many seconds have passed."""
    until = machine_now(session) + timedelta(seconds=seconds)
    for row in rows:
        row.status, row.retry_at = DUE, until
    mark_unsent(session, [row for row in rows if row.kind in UNASKED])
    chat.next_at = max(chat.next_at or until, until)


def _backoff(attempt: int, jitter: float) -> float:
    return min(2.0 ** min(attempt - 1, 10), LONGEST_BACKOFF) * (0.75 + jitter / 2)


def _drop_all(session: Session, rows: Sequence[Outbox], because: str) -> None:
    for row in rows:
        drop(session, row, because)
