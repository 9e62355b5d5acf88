"""Updates as they come in, by polling or webhook: stored once each, acknowledged only afterwards (rules 24).

The web role takes webhooks without ever loading the chat's library: nothing here needs it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Any

import structlog
from aiohttp import web
from sqlmodel import Session, col, select

from bot.conversation import awaited
from bot.leases import keep_lease
from referrals.clock import Clock
from referrals.config import Config
from referrals.people.privacy import chat_subject
from referrals.reasons import INTERNAL_ERROR
from storage.bulk import fetch_in, insert_rows
from storage.database import Database, OutcomeUnknown, Overloaded
from storage.mailbox import NEW, QUARANTINED, Chat, Inbox, Outbox, to_chat

log = structlog.get_logger()

TELEGRAM = "telegram"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
# An attempt that ends with the process may be no fault of the update's: a machine that is killed again and again must
# not lose what it has acknowledged. So a fault that was seen weighs as much as four deaths: three or twelve are enough.
MOST_ATTEMPTS = 12
MOST_TAKEN = 30  # updates looked at for one that may still be tried
SEEN_FAULT = 3  # on top of the attempt that was counted before the work
NO_FAULT = -1  # the database was away
MOST_BYTES = 1024 * 1024
BUSY_SECONDS = "2"  # Retry-After while the database takes nothing; Telegram keeps to it
QUARANTINE_NOTE = "screen.error"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One update as it arrived; ``waited``: it lay at Telegram while nobody asked."""

    update_id: int
    chat_id: int | None
    body: bytes
    received_at: datetime  # programme time
    waited: bool = False
    size: int = field(default=0)


@dataclass(frozen=True, slots=True)
class Taken:
    """An update whose turn it is; its attempt has been counted."""

    inbox_id: int
    key: str
    body: bytes
    waited: bool
    asked: str | None  # the question to which a text of this chat is the answer


class NoUpdate(ValueError):
    """The body is no update."""


def read_update(body: bytes, *, received_at: datetime, staff_chat: int | None = None) -> Incoming:
    """The update's number and chat.

    Raises:
        NoUpdate: It has none.
    """
    try:
        plain = json.loads(body)
    except (ValueError, RecursionError):
        raise NoUpdate from None
    return incoming(plain, body=body, received_at=received_at, staff_chat=staff_chat)


def incoming(
    plain: Any,
    *,
    received_at: datetime,
    body: bytes | None = None,
    waited: bool = False,
    staff_chat: int | None = None,
) -> Incoming:
    """An update as plain data; of groups only the staff's is heard. Raises: NoUpdate."""
    number = plain.get("update_id") if isinstance(plain, Mapping) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise NoUpdate
    raw = body if body is not None else json.dumps(plain, ensure_ascii=True, separators=(",", ":")).encode()
    return Incoming(number, _heard_chat(plain, staff_chat), raw, received_at, waited, len(raw))


def store_updates(session: Session, items: Sequence[Incoming]) -> list[bool]:
    """Every update is in the inbox once, and its chat can be leased; True where it was new."""
    known = fetch_in(session, Inbox, ("kind", "external_key"), [(TELEGRAM, _key(item)) for item in items],
                     columns=("external_key",))  # fmt: skip
    seen = {row["external_key"] for row in known}
    fresh: dict[str, Incoming] = {}
    results = []
    for item in items:
        results.append(_key(item) not in seen and _key(item) not in fresh)
        fresh.setdefault(_key(item), item)
    new = [item for key, item in fresh.items() if key not in seen]
    chats = {item.chat_id: item.received_at for item in new if item.chat_id is not None}
    insert_rows(
        session, Chat, [{"chat_id": chat, "created_at": at} for chat, at in chats.items()], ignore_conflicts=True
    )
    insert_rows(session, Inbox, [_row(item) for item in new], ignore_conflicts=True)
    return results


def take_update(session: Session, chat_id: int, *, worker: str, now: datetime, blame: int = 0) -> Taken | None:
    """The next update of a chat that this worker has leased, its attempt counted before the work.

    One that failed three times is quarantined with an apology, and the next one has its turn. ``blame`` is what the
    last attempt of this worker weighs beside having been one: ``SEEN_FAULT``, ``NO_FAULT`` or nothing.

    Raises:
        LeaseLost: The chat is somebody else's by now.
    """
    chat = keep_lease(session, chat_id, worker=worker)
    asked = awaited(chat.awaiting, now=now)
    query = select(Inbox).where(Inbox.status == NEW, Inbox.chat_id == chat_id).order_by(col(Inbox.id))
    for row in session.exec(query.limit(MOST_TAKEN)):
        row.attempts, blame = max(row.attempts + blame, 0), 0
        if row.attempts < MOST_ATTEMPTS and row.body is not None and row.id is not None:
            row.attempts += 1
            return Taken(row.id, row.external_key or str(row.id), row.body, bool(row.headers.get("waited")), asked)
        _quarantine(session, row, chat_id=chat_id, now=now)
    return None


def _quarantine(session: Session, row: Inbox, *, chat_id: int, now: datetime) -> None:
    """The update is set aside for the owner; whoever sent it hears once that something went wrong."""
    row.status, row.result, row.reason, row.done_at = QUARANTINED, QUARANTINED, INTERNAL_ERROR, now
    log.error("update.quarantined", inbox=row.id, chat=chat_id)
    data = {"answer": {"code": INTERNAL_ERROR}, "edit": None, "waited": False}
    key = f"answer:{row.external_key or row.id}:quarantined"
    note = to_chat(chat_id, QUARANTINE_NOTE, data, key=key, now=now)
    insert_rows(session, Outbox, [note], ignore_conflicts=True)


def webhook_door(
    database: Database, *, config: Config, clock: Clock, wake: Callable[[], None] | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of ``POST /telegram/webhook``: 401 without the secret, 200 once the update is stored."""
    secret = config.telegram.webhook_secret
    expected = secret.get_secret_value().encode() if secret else b""
    staff_chat = config.telegram.staff_chat_id

    async def take_webhook(request: web.Request) -> web.StreamResponse:
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not expected or not compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(expected).digest()):
            return web.json_response({"status": "refused", "code": "secret"}, status=401)
        if (request.content_length or 0) > MOST_BYTES:
            return web.json_response({"status": "refused", "code": "too_large"}, status=413)
        try:
            item = read_update(await request.read(), received_at=clock.programme(), staff_chat=staff_chat)
            await database.batch(store_updates, item)
        except NoUpdate:
            return web.json_response({"status": "refused", "code": "no_update"}, status=400)
        except (Overloaded, OutcomeUnknown):
            return web.json_response({"status": "busy"}, status=503, headers={"Retry-After": BUSY_SECONDS})
        if wake is not None:
            wake()
        return web.json_response({})

    return take_webhook


async def store_all(database: Database, items: Sequence[Incoming]) -> None:
    """All of them are committed; the poller may ask for what comes after."""
    await asyncio.gather(*(database.batch(store_updates, item) for item in items))


def _heard_chat(plain: Mapping[str, Any], staff_chat: int | None) -> int | None:
    """The chat of an update, if it is a private one or the staff's group, in which only replies are for the bot."""
    for kind in ALLOWED_UPDATES:
        part = plain.get(kind)
        if not isinstance(part, Mapping):
            continue
        message = part.get("message") if kind == "callback_query" else part
        chat = message.get("chat") if isinstance(message, Mapping) else None
        if isinstance(chat, Mapping):
            number = _number(chat)
            is_staff = number == staff_chat and (kind != "message" or part.get("reply_to_message") is not None)
            return number if chat.get("type") == "private" or is_staff else None
        return _number(part.get("from"))
    return None


def _number(part: Any) -> int | None:
    number = part.get("id") if isinstance(part, Mapping) else None
    return number if isinstance(number, int) and abs(number) < 2**63 else None


def _key(item: Incoming) -> str:
    """In one width, so that the order of keys is the order of updates."""
    return f"{item.update_id:019d}"


def _row(item: Incoming) -> dict[str, Any]:
    nothing_to_do = item.chat_id is None
    return {
        "kind": TELEGRAM,
        "source": TELEGRAM,
        "external_key": _key(item),
        "chat_id": item.chat_id,
        "subject": chat_subject(item.chat_id) if item.chat_id is not None else None,
        "headers": {"waited": True} if item.waited else {},
        "body": item.body,
        "digest": hashlib.sha256(item.body).hexdigest(),
        "status": "done" if nothing_to_do else NEW,
        "result": "ignored" if nothing_to_do else None,
        "received_at": item.received_at,
        "done_at": item.received_at if nothing_to_do else None,
    }
