"""What customers think: the NPS of the last ninety days, with how sure it is, and who waits for an answer (B1, G6).

``nps`` is pure. Staff, excluded and erased people and test orders are out, as in every figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, case, cast, func, or_, select
from sqlmodel import Session, col

from storage.cases import Case
from storage.contacts import SENT, Contact
from storage.customers import ERASED, EXCLUDED, STAFF, Customer, CustomerAlias
from storage.orders import Order
from storage.surveys import NPS, Survey

WINDOW_DAYS = 90
LEAST = 30  # answers; with fewer the figure says too little to be shown
PROMOTER, DETRACTOR = 9, 6  # from, and up to
Z = 1.96  # of 95 %
MORE_OF_EACH, MORE_IN_ALL = 0.75, 3  # what the adjusted interval adds (Source: playbook 4.3)
PLAY = "score"
ABOUT_ORDER = "order:"


@dataclass(frozen=True, slots=True)
class Nps:
    """Promoters less detractors in a hundred answers, and between what it lies with 95 % certainty; -100 to 100."""

    promoters: int
    passives: int
    detractors: int
    count: int  # answers
    nps: float | None  # to a tenth; None without answers
    low: float | None
    high: float | None
    too_few: bool


@dataclass(frozen=True, slots=True)
class Scores(Nps):
    """The same over a window, with how many were asked in it and what share of those answered."""

    days: int
    asked: int
    response_percent: int | None  # None where nobody was asked
    least: int = LEAST


@dataclass(frozen=True, slots=True)
class Waiting:
    """Cases that are not solved, and those of them whose customer waits longer than was promised."""

    open: int
    overdue: int


def nps(scores: Mapping[int, int]) -> Nps:
    """The figure of these answers, given as how many gave each number.

    The interval is the adjusted Wald one: three quarters of a promoter and of a detractor are added, and three answers
    in all. It holds what it promises with few answers too, where the plain one does not.
    """
    count = sum(scores.values())
    promoters = sum(number for score, number in scores.items() if score >= PROMOTER)
    detractors = sum(number for score, number in scores.items() if score <= DETRACTOR)
    passives = count - promoters - detractors
    if not count:
        return Nps(0, 0, 0, 0, None, None, None, too_few=True)
    n = count + MORE_IN_ALL
    p, d = (promoters + MORE_OF_EACH) / n, (detractors + MORE_OF_EACH) / n
    half = Z * sqrt((p + d - (p - d) ** 2) / n)
    low, high = (max(-100.0, min(100.0, round(100 * (p - d + side * half), 1))) for side in (-1, 1))
    middle = round(100 * (promoters - detractors) / count, 1)
    return Nps(promoters, passives, detractors, count, middle, low, high, too_few=count < LEAST)


def scores_of_late(session: Session, *, now: datetime, days: int = WINDOW_DAYS) -> Scores:
    """The answers of the last so many days, by the day on which they were first given."""
    since = now - timedelta(days=days)
    # By kind too, and not where the kind is: so the index of the moment is taken, and not that of all surveys ever.
    query = select(col(Survey.kind), col(Survey.score), func.count()).where(
        col(Survey.scored_at) > since, col(Survey.scored_at) <= now, col(Survey.score).is_not(None)
    )
    counted = session.execute(_in(query).group_by(col(Survey.kind), col(Survey.score)))
    found = nps({score: number for kind, score, number in counted if kind == NPS})
    asked, answered = _response(session, since, until=now)
    figures = {name: getattr(found, name) for name in Nps.__slots__}
    return Scores(**figures, days=days, asked=asked, response_percent=round(100 * answered / asked) if asked else None)


def waiting(session: Session, *, now: datetime) -> Waiting:
    """How many customers talk to a colleague or wait for one, and how many longer than was promised."""
    late = col(Case.waiting_since).is_not(None) & (col(Case.promised_at) < now)
    query = select(func.count(), func.count(case((late, 1)))).where(col(Case.solved_at).is_(None))
    row = session.execute(query).one()
    return Waiting(row[0], row[1])


def _response(session: Session, since: datetime, *, until: datetime) -> tuple[int, int]:
    """How many questions went out in the window, and how many of those were answered."""
    planned_since = since - timedelta(days=WINDOW_DAYS)  # by the index; what is sent was planned before
    subject = func.substr(Contact.key, len(PLAY) + 2)  # its key is score:<subject>
    query = (
        select(func.count(), func.count(col(Survey.scored_at)))
        .select_from(Contact)
        .join(Survey, (col(Survey.subject) == subject) & (col(Survey.kind) == NPS))
        .where(
            col(Contact.play) == PLAY,
            col(Contact.planned_at) > planned_since,
            col(Contact.status) == SENT,
            col(Contact.sent_at) > since,
            col(Contact.sent_at) <= until,
        )
    )
    row = session.execute(_in(query)).one()
    return row[0], row[1]


def _in(query: Any) -> Select[Any]:
    """Only of people who take part, and about orders that are no tests."""
    order_id = case(
        (
            col(Survey.subject).startswith(ABOUT_ORDER),
            cast(func.substr(Survey.subject, len(ABOUT_ORDER) + 1), BigInteger),
        )
    )
    counted: Select[Any] = query.outerjoin(Order, col(Order.id) == order_id).where(
        or_(col(Order.test).is_(None), ~col(Order.test)), ~_is_out(col(Survey.customer_id))
    )
    return counted


def _is_out(customer_id: Any) -> ColumnElement[bool]:
    """Staff, excluded and erased people, also under the number that they had before a merge."""
    out = select(col(Customer.id)).where(col(Customer.state).in_((EXCLUDED, STAFF, ERASED)))
    merged = select(col(CustomerAlias.merged_id)).where(col(CustomerAlias.customer_id).in_(out))
    found: ColumnElement[bool] = customer_id.in_(out.union(merged))
    return found
