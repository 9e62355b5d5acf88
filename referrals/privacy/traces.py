"""The traces that a person leaves outside the wings: raw deliveries, messages, the audit log, replies of the API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, or_, select

from referrals.notices import STAFF
from referrals.people.identities import email_fingerprint
from referrals.people.privacy import chat_subject, forget_chat
from referrals.programme import Programme
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in, update_rows
from storage.customers import EMAIL, SHOP, Identity
from storage.installation import IdempotencyKey
from storage.mailbox import DONE, NEW, QUARANTINED, Inbox, Outbox
from storage.orders import Order
from storage.referrals import Referral

Row = dict[str, Any]
TELEGRAM, IGNORED = "telegram", "ignored"
# What an entry of the audit log may keep: how something stood, and numbers; never a sentence or a name.
KEPT = frozenset({"state", "status", "ambassador", "order", "taken_by", "message", "claimant", "rewarded", "text_hash"})
_ADDRESS = re.compile(rb"[^\s\"'<>,;:()\[\]{}\\=&]+@[^\s\"'<>,;:()\[\]{}\\=&]+")


def forget_bodies(
    session: Session, people: Sequence[int], *, chats: Sequence[int], programme: Programme, now: datetime
) -> None:
    """No delivery and no update of theirs is kept; what waits unheard is heard no more (rules 41)."""
    identities = fetch_in(session, Identity, "customer_id", people, columns=("kind", "shop", "value"))
    orders = fetch_in(session, Order, "customer_id", people, columns=("shop", "external_id"))
    accounts = {(row["shop"], f"customer:{row['value']}") for row in identities if row["kind"] == SHOP}
    named = accounts | {(row["shop"], f"order:{row['external_id']}") for row in orders}
    named |= {(TELEGRAM, chat_subject(chat_id)) for chat_id in chats}
    columns = ("id", "kind", "source", "subject", "status", "result", "done_at")
    found = fetch_in(
        session, Inbox, "subject", {subject for _, subject in named}, columns=columns, extra="body IS NOT NULL"
    )
    mine = [row for row in found if (row["source"], row["subject"]) in named]
    emails = {row["value"] for row in identities if row["kind"] == EMAIL}
    mine += _naming(session, emails, columns=columns, programme=programme) if emails else []
    update_rows(
        session, Inbox, [emptied(row, now=now) for row in {row["id"]: row for row in mine}.values()], key=("id",)
    )
    session.expire_all()


def forget_messages(session: Session, people: Sequence[int], *, chats: Sequence[int]) -> None:
    """Nothing that was said to them, or waits to be, is kept."""
    theirs = col(Outbox.customer_id).in_(people)
    there = col(Outbox.chat_id).in_(chats) & col(Outbox.kind).not_in(sorted(STAFF))
    session.execute(delete(Outbox).where(or_(theirs, there)))
    session.expire_all()


def forget_log(session: Session, people: Sequence[int], *, subjects: Iterable[str]) -> None:
    """The audit log says what was done and how things stood, in no words; whom they brought included."""
    pairs = fetch_in(session, Referral, "ambassador_id", people, columns=("friend_id", "by_hand_at", "signed_up_at"))
    said = (row for row in pairs if row["by_hand_at"] is not None or row["signed_up_at"] is not None)
    friends = {f"customer:{row['friend_id']}" for row in said}
    own = {*(f"customer:{person}" for person in people), *subjects}
    for event in session.exec(select(AuditEvent).where(col(AuditEvent.subject).in_(sorted(own | friends)))):
        if event.subject in own or (event.after or {}).get("ambassador") in people:
            event.before, event.after = _wordless(event.before), _wordless(event.after)
    session.flush()


def forget_replies(session: Session, people: Sequence[int], *, programme: Programme) -> None:
    """The API repeats no reply that shows them."""
    numbers = [programme.number("customer", person) for person in people]
    shows = [col(IdempotencyKey.path).contains(f"/{number}", autoescape=True) for number in numbers]
    rows = session.exec(select(IdempotencyKey).where(or_(*shows, col(IdempotencyKey.path).endswith("/customers"))))
    for row in rows.all():
        if "/customers/" in row.path or any(f'"{number}"' in str(row.reply) for number in numbers):
            session.delete(row)
    session.flush()


def close_chat(session: Session, chat_id: int) -> None:
    """The chat of somebody who was erased has said its last word: its rows are gone, unless it is somebody's again."""
    if forget_chat(session, chat_id):
        session.execute(delete(Outbox).where(col(Outbox.chat_id) == chat_id, col(Outbox.kind).not_in(sorted(STAFF))))
        session.expire_all()


def emptied(row: Row, *, now: datetime) -> Row:
    """A delivery without its body, and without whose it was; its hash and what came of it stay."""
    unheard = row["status"] == NEW
    order = (row["subject"] or "").startswith("order:")
    return {
        "id": row["id"],
        "body": None,
        "headers": {},
        "chat_id": None,
        "subject": row["subject"] if order else None,
        "status": DONE,
        "result": IGNORED if unheard else row["result"],
        "done_at": row["done_at"] or now,
    }


def _naming(session: Session, emails: set[str], *, columns: tuple[str, ...], programme: Programme) -> list[Row]:
    """Deliveries that nobody could file and that name one of these addresses: nonsense, and kinds we do not use."""
    query = select(Inbox).where(
        col(Inbox.body).is_not(None),
        col(Inbox.kind) != TELEGRAM,
        or_(col(Inbox.subject).is_(None), col(Inbox.status) == QUARANTINED),
    )
    found = []
    for row in session.exec(query):
        addresses = {each.decode("utf-8", "replace") for each in _ADDRESS.findall(row.body or b"")}
        if any(email_fingerprint(programme, address) in emails for address in addresses):
            found.append({name: getattr(row, name) for name in columns})
    return found


def _wordless(data: Any) -> Any:
    return {name: value for name, value in data.items() if name in KEPT} if isinstance(data, dict) else None
