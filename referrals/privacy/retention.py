"""What is kept no longer than ``[privacy]`` says, found outside the writer and taken away in chunks (rules 41).

What must stay does: the books, orders and their evidence, the hash of a delivery and what came of it, the key of a
message so that it is never said twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists
from sqlmodel import Session, col, select

from referrals.privacy.traces import emptied
from referrals.subscribers.privacy import drop_endpoints, drop_events
from storage.bulk import fetch_in, update_rows
from storage.codes import Click
from storage.customers import ConnectToken
from storage.installation import IdempotencyKey
from storage.machine import machine_now
from storage.mailbox import DONE, DROPPED, DUE, NEW, QUARANTINED, SENT, Chat, Inbox, Outbox
from storage.standings import Watermark

if TYPE_CHECKING:
    from referrals.programme import Programme

QUARANTINE = timedelta(days=30)
LINKS = timedelta(days=30)  # after its end a one-time link still says that it is too old
REPLIES = timedelta(hours=24)  # rules 40
NOBODYS = timedelta(days=30)  # a chat that never came to be anybody's
CHUNK = 500  # rows a transaction
MOST = 20 * CHUNK  # bodies found at once
MARK = "retention:outbox"  # up to which row messages are blank
ABOUT = ("case", "reference", "contact")  # numbers in a message by which a later reply is understood

Row = dict[str, Any]
Chunk = Callable[..., int | None]  # (session, *, programme, now): rows taken away; None when there are no more


def old_bodies(session: Session, *, programme: Programme, now: datetime) -> list[int]:
    """Deliveries whose body has been kept long enough, the oldest first as far as it matters, up to ``MOST``."""
    done, quarantined = _ends(programme, now)
    found = select(Inbox.id).where(col(Inbox.body).is_not(None), Inbox.received_at < max(done, quarantined))
    ids = [each for each in session.exec(found) if each is not None]
    columns = ("id", "status", "received_at", "done_at")
    return [
        row["id"]
        for start in range(0, len(ids), MOST)
        for row in fetch_in(session, Inbox, "id", ids[start : start + MOST], columns=columns)
        if _is_over(row, done=done, quarantined=quarantined)
    ][:MOST]


def empty_bodies(session: Session, ids: Sequence[int], *, programme: Programme, now: datetime) -> int:
    """These bodies are gone; one that was quarantined cannot be replayed any more and waits for nobody."""
    done, quarantined = _ends(programme, now)
    columns = ("id", "kind", "subject", "status", "result", "received_at", "done_at")
    rows = fetch_in(session, Inbox, "id", ids, columns=columns, extra="body IS NOT NULL")
    over = [emptied(row, now=now) for row in rows if _is_over(row, done=done, quarantined=quarantined)]
    update_rows(session, Inbox, over, key=("id",))
    return len(over)


def drop_clicks(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """Visits that no order can name any more are gone; what an order named stands in its own evidence."""
    end = now - timedelta(days=programme.config.privacy.click_days)  # never less than attribution.window_days
    first = session.exec(select(Click.id, Click.at).order_by(col(Click.id)).limit(CHUNK)).all()
    old = [click_id for click_id, at in first if at < end]
    session.execute(delete(Click).where(col(Click.id).in_(old)))
    return len(old) or None


def blank_messages(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """What was said long ago is words no more; its key stays, so that it is not said again."""
    end = now - timedelta(days=programme.config.privacy.message_days)
    mark = session.get(Watermark, MARK) or Watermark(name=MARK, at=now)
    query = select(Outbox).where(col(Outbox.id) > mark.commit_no).order_by(col(Outbox.id)).limit(CHUNK)
    rows = list(takewhile(lambda row: row.created_at < end, session.exec(query).all()))
    blank = [row for row in rows if row.status in (SENT, DROPPED)]
    for row in blank:
        row.data = {name: row.data[name] for name in ABOUT if name in row.data}
    if not rows:
        return None
    mark.commit_no, mark.at = rows[-1].id or mark.commit_no, now
    session.add(mark)
    session.flush()
    return len(blank)


def drop_links(session: Session, *, programme: Programme, now: datetime) -> int | None:  # noqa: ARG001 - a chunk's shape
    """One-time links that ended a month ago are gone, used or not."""
    end = machine_now(session) - LINKS
    hashes = session.exec(select(ConnectToken.token_hash).where(ConnectToken.expires_at < end).limit(CHUNK)).all()
    session.execute(delete(ConnectToken).where(col(ConnectToken.token_hash).in_(hashes)))
    return len(hashes) or None


def drop_replies(session: Session, *, programme: Programme, now: datetime) -> int | None:  # noqa: ARG001 - likewise
    """Replies that nobody may ask for again are gone."""
    end = machine_now(session) - REPLIES
    ids = session.exec(select(IdempotencyKey.id).where(IdempotencyKey.created_at < end).limit(CHUNK)).all()
    session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.id).in_(ids)))
    return len(ids) or None


def drop_chats(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """Chats that are nobody's, and to which nothing is to be said, are gone; groups and owners' chats stay."""
    unheard = exists().where(col(Inbox.status) == NEW, col(Inbox.chat_id) == col(Chat.chat_id))
    unsaid = exists().where(col(Outbox.status) == DUE, col(Outbox.chat_id) == col(Chat.chat_id))
    query = select(Chat.chat_id).where(
        col(Chat.customer_id).is_(None),
        Chat.chat_id > 0,
        col(Chat.chat_id).not_in(programme.config.telegram.owner_ids),
        Chat.created_at < now - NOBODYS,
        ~unheard,
        ~unsaid,
    )
    chats = session.exec(query.limit(CHUNK)).all()
    session.execute(delete(Outbox).where(col(Outbox.chat_id).in_(chats)))
    session.execute(delete(Chat).where(col(Chat.chat_id).in_(chats)))
    return len(chats) or None


CHUNKS: tuple[Chunk, ...] = (
    drop_clicks, blank_messages, drop_links, drop_replies, drop_chats, drop_events, drop_endpoints,
)  # fmt: skip


def _ends(programme: Programme, now: datetime) -> tuple[datetime, datetime]:
    return now - timedelta(days=programme.config.privacy.inbox_days), now - QUARANTINE


def _is_over(row: Row, *, done: datetime, quarantined: datetime) -> bool:
    if row["status"] == QUARANTINED:
        return bool(row["received_at"] < quarantined)
    return bool(row["status"] == DONE and (row["done_at"] or row["received_at"]) < done)
