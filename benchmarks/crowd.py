"""A shop with a million customers, some tens of thousands of whom each play may speak to now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, SQLModel

from storage.bulk import insert_rows
from storage.codes import Click, Code
from storage.contacts import Contact
from storage.customers import Customer
from storage.database import Database
from storage.ledger import Bonus
from storage.mailbox import Chat
from storage.orders import Order, Terms

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday
DAY = timedelta(days=1)
DAYS = 1100  # over which they became customers
CHUNK = 20_000
CHATS_IN_TEN, LINKS_IN_FIVE = 6, 2
# What is about one in thirty customers, by the rest of their number.
SECOND_ORDER, NEW_BONUS, OLD_BONUS, NEW_LINK = frozenset({0, 9}), frozenset({10, 19}), 11, 20
Rows = Iterator[tuple[type[SQLModel], dict[str, Any]]]


def make_crowd(database: Database, customers: int) -> None:
    """The customers exist: six in ten with a chat, four in ten with a link, one in thirty due for each play."""
    database.run(_terms)
    waiting: dict[type[SQLModel], list[dict[str, Any]]] = {}
    for number in range(1, customers + 1):
        for table, row in _rows(number):
            waiting.setdefault(table, []).append(row)
        if number % CHUNK == 0 or number == customers:
            for table in (Customer, Chat, Order, Code, Click, Bonus, Contact):
                database.run(_write, table, waiting.pop(table, []))


def _rows(number: int) -> Rows:
    since = NOW - 30 * DAY - _spread(number, DAYS * DAY)
    has_chat, has_link, third = number % 10 < CHATS_IN_TEN, number % 5 < LINKS_IN_FIVE, number % 30
    yield Customer, {
        "id": number, "created_at": since, "first_paid_at": since, "ambassador_since": since if has_link else None,
    }  # fmt: skip
    if has_chat:
        yield Chat, {"chat_id": number, "customer_id": number, "last_seen_at": since, "created_at": since}
    yield Order, _order(2 * number, number, since)
    if third in SECOND_ORDER:  # the second order; one in two has no chat
        yield Order, _order(2 * number + 1, number, NOW - 22 * DAY - _spread(number, 6 * DAY))
    if has_link:
        yield from _link(number, NOW - 3 * DAY - _spread(number, 11 * DAY) if third == NEW_LINK else since - DAY, third)
    if third in NEW_BONUS or third == OLD_BONUS:  # one came in lately, the others long ago
        at = NOW - 4 * DAY - _spread(number, 26 * DAY) if third != OLD_BONUS else NOW - 60 * DAY
        yield Bonus, _bonus(number, at)
        if third == OLD_BONUS:
            yield Contact, _contact(number, at)


def _link(number: int, at: datetime, third: int) -> Rows:
    code = f"C{number}"
    yield Code, {"id": number, "normalised": code, "display": code, "customer_id": number, "created_at": at}
    if third != NEW_LINK:
        yield Click, {"token_hash": code, "code_id": number, "at": at + DAY}


def _order(order_id: int, customer_id: int, at: datetime) -> dict[str, Any]:
    return {
        "id": order_id, "shop": "webshop", "external_id": str(order_id), "customer_id": customer_id,
        "status": "completed", "currency": "EUR", "total_minor": 9000, "base_minor": 9000, "refunded_minor": 0,
        "created_at": at, "paid_at": at, "updated_at": at, "digest": "", "received_at": at,
    }  # fmt: skip


def _bonus(number: int, at: datetime) -> dict[str, Any]:
    return {
        "id": number, "customer_id": number, "side": "ambassador", "currency": "EUR", "origin": f"order:{number}",
        "friend_id": number + 1, "amount_minor": 1500, "status": "available", "earned_at": at, "available_at": at,
        "released_at": at, "month": "2026-11", "sort_key": str(number), "terms_id": "crowd", "created_at": at,
        "updated_at": at,
    }  # fmt: skip


def _contact(number: int, at: datetime) -> dict[str, Any]:
    return {
        "key": f"t6:bonus:{number}", "customer_id": number, "play": "t6", "kind": "referral_ask", "status": "sent",
        "cause_at": at, "planned_at": at, "expires_at": at + DAY, "sent_at": at,
    }  # fmt: skip


def _spread(number: int, width: timedelta) -> timedelta:
    """Somewhere within the width, in no order, and for each number another place."""
    return width * ((number * 2_654_435_761 % 2**32) / 2**32)


def _terms(session: Session) -> None:
    insert_rows(session, Terms, [{"id": "crowd", "body": {}, "in_force_from": NOW - 3000 * DAY}])


def _write(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    insert_rows(session, table, rows)
