"""Who stands where in one period: the projection, the tail of the ledger, and without those who are out.

A place is one more than the number of people with more friends, so equal friends share it. It is read
from the counts of people per number of friends, never by counting people.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, and_, bindparam, or_, select
from sqlmodel import col

from referrals.figures.standings import (
    POSTINGS,
    Totals,
    mark_of,
    moves_after,
    rows_of,
    totals_of,
    unfollowed_merges,
)
from storage.bulk import fetch_in
from storage.customers import ACTIVE, ERASED, EXCLUDED, STAFF, Customer
from storage.standings import Standing, StandingCount

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from sqlmodel import Session

    from referrals.figures.periods import Period
    from referrals.programme import Programme

OUT = (EXCLUDED, STAFF, ERASED)


# Built once: building a statement costs more than running it.
_FRIENDS, _REVENUE, _CUSTOMER = col(Standing.friends), col(Standing.revenue_minor), col(Standing.customer_id)
_COUNTS = select(col(StandingCount.friends), col(StandingCount.customers)).where(
    col(StandingCount.period) == bindparam("key")
)
# Asked from the few who are out: a join would walk everybody in the period.
_PEOPLE_OUT = select(_CUSTOMER).where(
    col(Standing.period) == bindparam("key"),
    _CUSTOMER.in_(select(col(Customer.id)).where(col(Customer.state).in_(OUT))),
)
_ACTIVE = (
    select(_CUSTOMER, _FRIENDS, _REVENUE, col(Standing.bonus_minor))
    .join(Customer, col(Customer.id) == _CUSTOMER)
    .where(col(Standing.period) == bindparam("key"), col(Customer.state) == ACTIVE)
    .limit(bindparam("most", type_=Integer))
)
_ABOVE = _ACTIVE.where(bindparam("friends") < _FRIENDS).order_by(_FRIENDS)
_BELOW = _ACTIVE.where(bindparam("friends") >= _FRIENDS, _FRIENDS > 0).order_by(_FRIENDS.desc())
_BOARD = _ACTIVE.where(or_(_FRIENDS != 0, _REVENUE != 0, col(Standing.bonus_minor) != 0)).order_by(
    _FRIENDS.desc(), _REVENUE.desc(), _CUSTOMER
)
_FURTHER = _BOARD.where(
    bindparam("friends") >= _FRIENDS,
    or_(
        bindparam("friends") > _FRIENDS,
        and_(bindparam("friends") == _FRIENDS, bindparam("revenue") > _REVENUE),
        and_(bindparam("friends") == _FRIENDS, bindparam("revenue") == _REVENUE, bindparam("customer") < _CUSTOMER),
    ),
)


@dataclass(frozen=True, slots=True)
class Ranking:
    """One period's counts, corrected; ``changed`` are the people whose stored row is not what counts."""

    key: str
    people: dict[int, int]  # friends: how many people have exactly so many
    changed: dict[int, Totals | None]  # None: out, or merged away
    excluded: int  # people with figures in this period who are out

    def place(self, friends: int) -> int:
        """The place of somebody with so many friends, from 1."""
        return 1 + sum(count for more, count in self.people.items() if more > friends)

    def next_above(self, friends: int) -> int | None:
        """The smallest number of friends that is a better place; None at the top."""
        return min((more for more, count in self.people.items() if more > friends and count > 0), default=None)


def load_ranking(session: Session, period: Period, *, programme: Programme, tail: bool = True) -> Ranking:
    """The counts of this period as of the last commit; without the tail, as of the watermark."""
    moved = _tail(session, period, programme=programme) if tail else {}
    out = _people_out(session, period.key, moved)
    stored = _stored(session, period.key, moved, out)
    people: Counter[int] = Counter()
    for friends, count in session.execute(_COUNTS, {"key": period.key}):
        people[friends] = count
    changed: dict[int, Totals | None] = {}
    excluded = 0
    for customer_id in {*moved, *out}:
        totals = Totals()
        if customer_id in stored:
            people[stored[customer_id].friends] -= 1
            totals.add(stored[customer_id])
        if customer_id in moved:
            totals.add(moved[customer_id])
        is_out = customer_id in out
        excluded += is_out and totals != Totals()
        changed[customer_id] = None if is_out else totals
        people[totals.friends] += not is_out
    return Ranking(period.key, dict(people), changed, excluded)


def first_of(session: Session, ranking: Ranking, *, most: int) -> list[tuple[int, Totals]]:
    """The first people of the period with their totals; of equal friends the one with more revenue first."""
    parameters = {"key": ranking.key, "most": most + len(ranking.changed)}
    found = dict(_people(session, _BOARD, parameters))
    return _merged(ranking, found)[:most]


def in_pages(session: Session, ranking: Ranking, *, size: int) -> Iterator[dict[int, Totals]]:
    """Everybody in the order of ``first_of``, ``size`` or fewer at a time, read by key and never all at once."""
    stored = _stored_in_order(session, ranking, size=size)
    changed = _merged(ranking, {})
    people = heapq.merge(stored, changed, key=_order)
    while page := dict(itertools.islice(people, size)):
        yield page


def near(session: Session, ranking: Ranking, *, friends: int, above: bool, most: int) -> list[tuple[int, int]]:
    """The people with just more friends (``above``) or with at most as many, nearest first: (customer, friends)."""
    parameters = {"key": ranking.key, "friends": max(friends, 0) if above else friends}
    statement = _ABOVE if above else _BELOW
    found = dict(_people(session, statement, parameters | {"most": most + len(ranking.changed)}))
    sure = [(one, totals.friends) for one, totals in _merged(ranking, found) if totals.friends > 0]
    if above:
        return [pair for pair in reversed(sure) if pair[1] > friends][:most]
    return [pair for pair in sure if pair[1] <= friends][:most]


def totals_now(session: Session, ranking: Ranking, customer_ids: Collection[int]) -> dict[int, Totals]:
    """The totals of these people, without those who have none or are out."""
    found = {row["customer_id"]: totals_of(row) for row in rows_of(session, customer_ids, period=ranking.key)}
    for customer_id in customer_ids:
        if customer_id in ranking.changed:
            totals = ranking.changed[customer_id]
            found.pop(customer_id, None) if totals is None else found.update({customer_id: totals})
    return found


def _tail(session: Session, period: Period, *, programme: Programme) -> dict[int, Totals]:
    """How much each customer moves in this period by what is not projected yet."""
    moved: dict[int, Totals] = defaultdict(Totals)
    for move in moves_after(session, mark_of(session, POSTINGS), programme=programme):
        if _holds(period, move.at):
            moved[move.customer_id].add(move.totals)
    merges = dict(unfollowed_merges(session))
    for row in rows_of(session, merges, period=period.key):
        moved[row["customer_id"]].add(totals_of(row), -1)
        moved[merges[row["customer_id"]]].add(totals_of(row))
    return moved


def _stored_in_order(session: Session, ranking: Ranking, *, size: int) -> Iterator[tuple[int, Totals]]:
    parameters: dict[str, Any] = {"key": ranking.key, "most": size}
    rows = _people(session, _BOARD, parameters)
    while rows:
        yield from (pair for pair in rows if pair[0] not in ranking.changed)
        last_id, last = rows[-1]
        place = {"friends": last.friends, "revenue": last.revenue_minor, "customer": last_id}
        rows = _people(session, _FURTHER, parameters | place)


def _people_out(session: Session, key: str, moved: Collection[int]) -> set[int]:
    """Staff, excluded and erased people who have a row or move in this period."""
    states = fetch_in(session, Customer, "id", moved, columns=("id", "state"))
    found = session.execute(_PEOPLE_OUT, {"key": key}).scalars()
    return {*found, *(row["id"] for row in states if row["state"] in OUT)}


def _stored(session: Session, key: str, moved: Collection[int], out: Collection[int]) -> dict[int, Totals]:
    rows = rows_of(session, {*moved, *out}, period=key)
    return {row["customer_id"]: totals_of(row) for row in rows}


def _merged(ranking: Ranking, found: dict[int, Totals]) -> list[tuple[int, Totals]]:
    """What was found and what changed, in the order of the board."""
    for customer_id, totals in ranking.changed.items():
        if totals is None or totals == Totals():
            found.pop(customer_id, None)
        else:
            found[customer_id] = totals
    return sorted(found.items(), key=_order)


def _order(item: tuple[int, Totals]) -> tuple[int, int, int]:
    return (-item[1].friends, -item[1].revenue_minor, item[0])


def _people(session: Session, statement: Any, parameters: dict[str, Any]) -> list[tuple[int, Totals]]:
    return [(customer_id, Totals(*totals)) for customer_id, *totals in session.execute(statement, parameters)]


def _holds(period: Period, moment: datetime) -> bool:
    return period.from_ is None or (period.until is not None and period.from_ <= moment < period.until)


__all__ = ["OUT", "Ranking", "first_of", "in_pages", "load_ranking", "near", "totals_now"]
