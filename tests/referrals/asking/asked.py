"""Somebody who can be asked for a score, for tests in which no chat is played."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from referrals.asking import scores
from referrals.asking.contacts import mark_sending, plan
from referrals.asking.play import Candidate
from referrals.asking.plays.score import NAME, PLAY
from referrals.recruiting.shops import Buyer
from storage.bulk import insert_rows
from storage.contacts import Contact
from storage.mailbox import SENT, Chat, Outbox
from storage.orders import Order
from storage.surveys import Survey
from tests.builders import Shop, order

OLGA, PIET = 9_000_001, 9_000_002


def ordered(shop: Shop, name: str, number: int | str, *, at: datetime, chat: bool = True, **more: Any) -> int:
    """They ordered at this moment, and have a chat; who they are."""
    shop.deliver(order(number, Buyer(name, f"{name.lower()}@example.nl", first_name=name), at=at, **more))
    customer_id = int(row(shop, number)["customer_id"])
    if chat:
        seat = {"chat_id": 100 + customer_id, "customer_id": customer_id, "last_seen_at": at, "created_at": at}
        shop.database.run(insert_rows, Chat, [seat], ignore_conflicts=True)
    return customer_id


def row(shop: Shop, number: int | str) -> dict[str, Any]:
    """The order's row."""
    return next(each for each in shop.rows(Order) if each["external_id"] == str(number))


def due(shop: Shop, *, limit: int = 100) -> list[Candidate]:
    """Who is due for a score now."""
    return shop.database.look(PLAY.candidates, programme=shop.programme, now=shop.now, limit=limit)


def ask(shop: Shop) -> list[str | None]:
    """The clock asks whoever is due; returns for each contact there is why it was not planned, None where it was."""
    shop.database.run(plan, PLAY, due(shop), programme=shop.programme, now=shop.now)
    return [each["reason"] for each in shop.rows(Contact)]


def asked(shop: Shop, name: str = "Anna") -> tuple[int, int]:
    """Somebody who was asked just now: who they are, and the number of the question."""
    customer_id, survey = planned(shop, name)
    shop.database.run(_said, survey, shop.now)
    return customer_id, survey


def _said(session: Session, survey: int, now: datetime) -> None:
    key = f"{NAME}:{session.get_one(Survey, survey).subject}"
    notices = session.exec(select(Outbox).where(Outbox.unique_key == key)).all()
    mark_sending(session, notices, now=now)
    for notice in notices:
        notice.status, notice.sent_at = SENT, now


def planned(shop: Shop, name: str = "Anna") -> tuple[int, int]:
    """Somebody who will be asked, and has not been: who they are, and the number of the question."""
    customer_id = ordered(shop, name, f"of-{name}", at=shop.now - timedelta(days=10))
    ask(shop)
    subject = f"order:{row(shop, f'of-{name}')['id']}"
    return customer_id, next(each["id"] for each in shop.rows(Survey) if each["subject"] == subject)


def give(shop: Shop, survey: int, customer_id: int, score: int) -> tuple[str, str] | None:
    """They tap a number: what became of it, and what kind of answer stands; None where they were not asked."""
    outcome: tuple[str, str] | None = shop.database.run(_give, survey, customer_id, score, shop)
    return outcome


def _give(session: Session, survey: int, customer_id: int, score: int, shop: Shop) -> tuple[str, str] | None:
    given = scores.record_score(
        session, survey, customer_id=customer_id, score=score, programme=shop.programme, now=shop.now
    )
    return (given.outcome, given.band) if given else None
