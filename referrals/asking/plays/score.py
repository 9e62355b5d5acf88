"""The score: one question, one tap, a week after a delivery.

Goal: to know who is satisfied, and to hear who is not. Trigger: a delivery, as the shop reports it, else so many days
after the payment (rules 32). Delay: ``surveys.nps_after_delivery_days``. Expires: two weeks later. Cap: the weekly one,
``surveys.min_days_between``, and ``surveys.sample_percent`` of those who were asked before.
Text: ``notice.score_asked``. Source: playbook T2.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, select, true
from sqlmodel import Session, col

from referrals.asking.candidates import JUST, MOST, SINCE, UNTIL, has_chat, kept, named, unheard
from referrals.asking.play import SCORE, Candidate, Play
from referrals.notices import SCORE_ASKED
from referrals.programme import Programme
from storage.bulk import fetch_in, insert_rows
from storage.orders import Order
from storage.surveys import NPS, Survey

NAME = "score"
DELIVERED, PAID = "delivered_at", "paid_at"  # columns of an order
FRESH = timedelta(days=14)
ABOUT = "order"


def candidates(
    session: Session, *, programme: Programme, now: datetime, limit: int, after: datetime | None = None
) -> list[Candidate]:
    """Kept orders that were delivered, or must have been, long enough ago; the oldest first."""
    found = []
    for way, taken, delay in _ways(programme):
        since = now - delay - FRESH
        since = since if after is None else max(since, after - taken - JUST)
        rows = session.execute(_fresh(way), {"since": since, "until": now - delay, "most": limit})
        found += [_candidate(*row, taken=taken, delay=delay) for row in rows]
    return sorted(found, key=lambda one: (one.cause_at, one.subject))[:limit]


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:
    """When the next delivery is long enough ago."""
    moments = []
    for way, _, delay in _ways(programme):
        row = session.execute(_later(way), {"since": now - delay}).first()
        moments += [row.moment + delay] if row is not None else []
    return min(moments, default=None)


def prepare(
    session: Session, planned: Sequence[Candidate], *, programme: Programme, now: datetime
) -> dict[str, dict[str, Any]]:
    """Each has its question; the notice carries its number."""
    rows = [{"kind": NPS, "subject": one.subject, "customer_id": one.customer_id, "created_at": now} for one in planned]
    insert_rows(session, Survey, rows, ignore_conflicts=True)
    keys = [(NPS, one.subject) for one in planned]
    found = fetch_in(session, Survey, ("kind", "subject"), keys, columns=("id", "subject"))
    return {row["subject"]: {"survey": row["id"]} for row in found}


def still(session: Session, subject: str) -> bool:
    """Whether the order is still one that was paid and kept."""
    kind, _, number = subject.partition(":")
    found = select(col(Order.id)).where(col(Order.id) == int(number), *kept()) if kind == ABOUT else None
    return found is None or session.execute(found).first() is not None


def _ways(programme: Programme) -> list[tuple[str, timedelta, timedelta]]:
    """What tells of a delivery: its column, how long after that it is there, and after how long it is asked about."""
    surveys = programme.config.surveys
    asked = timedelta(days=surveys.nps_after_delivery_days)
    assumed = timedelta(days=surveys.assume_delivery_days)
    return [(DELIVERED, timedelta(), asked), (PAID, assumed, assumed + asked)]


@cache
def _fresh(way: str) -> Select[Any]:
    moment = getattr(Order, way)
    return _later(way).where(moment <= UNTIL, unheard(NAME, named(ABOUT, Order.id))).limit(MOST)


@cache
def _later(way: str) -> Select[Any]:
    """Kept orders of somebody with a chat, along this column's index; a delivery that is reported is not assumed."""
    moment = getattr(Order, way)
    known = true() if way == DELIVERED else col(Order.delivered_at).is_(None)
    return (
        select(col(Order.id), col(Order.customer_id), moment.label("moment"), col(Order.created_at))
        .where(moment > SINCE, moment.is_not(None), known, *kept(), has_chat(Order.customer_id))
        .order_by(moment, col(Order.id))
        .limit(1)
    )


def _candidate(
    order_id: int, customer_id: int, moment: datetime, ordered_at: datetime, *, taken: timedelta, delay: timedelta
) -> Candidate:
    data = {"ordered_at": ordered_at.isoformat()}
    due_at = moment + delay
    return Candidate(customer_id, f"{ABOUT}:{order_id}", moment + taken, due_at, due_at + FRESH, data)


PLAY = Play(
    NAME,
    SCORE,
    "ask-scores",
    SCORE_ASKED,
    candidates,
    next_at,
    held_out=False,
    prepare=prepare,
    resumes=True,
    still=still,
)
