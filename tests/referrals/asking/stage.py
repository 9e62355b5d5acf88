"""A stage for the engine of asking: people with a chat and what happens to them, written straight into the tables.

What the doors would take a hundred deliveries for is a row here; the tests of the doors hold that they write the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, SQLModel, select

from referrals.asking.contacts import Planned, plan
from referrals.asking.play import Play
from referrals.asking.plays import PLAYS
from referrals.notices import BONUS_AVAILABLE
from referrals.programme import Programme
from storage.bulk import insert_rows, next_id
from storage.cases import LOW_SCORE, Case
from storage.codes import Click, Code
from storage.customers import Customer, Identity
from storage.ledger import Bonus
from storage.mailbox import SENT, Chat, Outbox
from storage.orders import Order, Terms
from storage.referrals import Referral
from storage.surveys import Survey

DAY = timedelta(days=1)
TERMS = "terms-of-the-stage"


def person(session: Session, *, since: datetime | None = None, chat: bool = True, **columns: Any) -> int:
    """A customer of the shop, with a chat that is surely theirs."""
    number = next_id(session, "customer")
    at = columns.pop("created_at", None) or (since or datetime(2020, 1, 1, tzinfo=UTC))
    insert_rows(session, Customer, [{"id": number, "created_at": at, "first_paid_at": since, **columns}])
    kinds = ["shop", "telegram"] if chat else ["shop"]
    insert_rows(session, Identity, [
        {"kind": kind, "shop": "webshop" if kind == "shop" else "", "value": f"{kind}-{number}", "customer_id": number,
         "created_at": at} for kind in kinds
    ])  # fmt: skip
    if chat:
        row = {"chat_id": 1000 + number, "customer_id": number, "reachable": True, "last_seen_at": at, "created_at": at}
        insert_rows(session, Chat, [row])
    return number


def bought(session: Session, customer_id: int, at: datetime, **columns: Any) -> int:
    """An order of € 90, paid at once and kept."""
    number = next_id(session, "order")
    row = {
        "id": number, "shop": "webshop", "external_id": str(number), "customer_id": customer_id, "status": "paid",
        "currency": "EUR", "total_minor": 9000, "base_minor": 9000, "refunded_minor": 0, "created_at": at,
        "paid_at": at, "updated_at": at, "digest": "", "received_at": at,
    }  # fmt: skip
    insert_rows(session, Order, [{**row, **columns}])
    customer = session.get_one(Customer, customer_id, populate_existing=True)
    customer.first_paid_at = min(at, customer.first_paid_at or at)
    return number


def scored(session: Session, customer_id: int, score: int, at: datetime, *, why: str | None = None) -> int:
    """A score that was given, for something."""
    survey = Survey(
        subject=f"given:{customer_id}:{at.isoformat()}", customer_id=customer_id, score=score, scored_at=at, why=why,
        created_at=at,
    )  # fmt: skip
    session.add(survey)
    session.flush()
    assert survey.id is not None
    return survey.id


def case(session: Session, customer_id: int, at: datetime, *, solved_at: datetime | None = None) -> int:
    """A complaint."""
    row = Case(customer_id=customer_id, kind=LOW_SCORE, opened_at=at, promised_at=at + DAY, solved_at=solved_at)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def linked(session: Session, customer_id: int, at: datetime) -> int:
    """They have a link since then."""
    code = Code(normalised=f"C{customer_id}X{at:%y%m%d%H%M%S}", display="X", customer_id=customer_id, created_at=at)
    session.add(code)
    session.get_one(Customer, customer_id).ambassador_since = at
    session.flush()
    assert code.id is not None
    return code.id


def visited(session: Session, code_id: int, at: datetime) -> None:
    """Somebody opened the link."""
    session.add(Click(token_hash=f"{code_id}:{at.isoformat()}", code_id=code_id, at=at))
    session.flush()


def brought(session: Session, ambassador_id: int, friend_id: int, at: datetime, *, standing: bool = True) -> None:
    """The ambassador brought the friend, or said so."""
    row = Referral(
        id=next_id(session, "referral"), ambassador_id=ambassador_id, friend_id=friend_id, stage="invited",
        standing=standing, evidence="code", evidence_at=at, created_at=at, updated_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()


def credited(session: Session, customer_id: int, at: datetime, *, friend: int, told: bool = False) -> int:
    """A friend's bonus came in; ``told`` when they have heard so."""
    insert_rows(
        session, Terms, [{"id": TERMS, "body": {}, "in_force_from": datetime(2000, 1, 1, tzinfo=at.tzinfo)}],
        ignore_conflicts=True,
    )  # fmt: skip
    number = next_id(session, "bonus")
    row = {
        "id": number, "customer_id": customer_id, "side": "ambassador", "currency": "EUR", "origin": f"order:{number}",
        "friend_id": friend, "amount_minor": 1500, "status": "available", "earned_at": at - 21 * DAY,
        "available_at": at, "released_at": at, "month": "2026-11", "sort_key": str(number), "terms_id": TERMS,
        "created_at": at, "updated_at": at,
    }  # fmt: skip
    insert_rows(session, Bonus, [row])
    if told:
        notice = {
            "unique_key": f"told:{number}", "customer_id": customer_id, "kind": BONUS_AVAILABLE, "data": {},
            "message_class": "at_least_once", "as_of": at, "due_at": at, "created_at": at, "status": SENT,
            "sent_at": at,
        }  # fmt: skip
        insert_rows(session, Outbox, [notice])
    return number


def looked(session: Session, *names: str, programme: Programme, now: datetime, limit: int = 100) -> dict[str, Planned]:
    """One look of the jobs at these plays: who is due is planned."""
    found = {}
    for name in names or tuple(PLAYS):
        play: Play = PLAYS[name]
        due = play.candidates(session, programme=programme, now=now, limit=limit)
        found[name] = plan(session, play, due, programme=programme, now=now)
    return found


def rows(session: Session, table: type[SQLModel]) -> Sequence[dict[str, Any]]:
    """Every row, as plain data."""
    session.flush()
    session.expire_all()
    return [row.model_dump() for row in session.exec(select(table)).all()]
