"""Who stands where in one period: the projection, the tail of the ledger, and without those who are out.

A place is one more than the number of people with more friends, so equal friends share it. It is read
from the counts of people per number of friends, never by counting people.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import and_, col, or_, select

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
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlmodel import Session
    from sqlmodel.sql.expression import SelectOfScalar

    from referrals.figures.periods import Period
    from referrals.programme import Programme

OUT = (EXCLUDED, STAFF, ERASED)


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
    counts = select(StandingCount.friends, StandingCount.customers).where(StandingCount.period == period.key)
    people = Counter(dict(session.exec(counts).all()))
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
    query = _board_rows(ranking.key).limit(most + len(ranking.changed))
    found = {row.customer_id: _totals(row) for row in session.exec(query).all()}
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
    stored = col(Standing.friends)
    query = _active_rows(ranking.key).where(stored > max(friends, 0) if above else stored <= friends, stored > 0)
    query = query.order_by(stored if above else stored.desc()).limit(most + len(ranking.changed))
    found = {row.customer_id: _totals(row) for row in session.exec(query).all()}
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
    friends, revenue, customer = col(Standing.friends), col(Standing.revenue_minor), col(Standing.customer_id)
    query = _board_rows(ranking.key).limit(size)
    rows: Sequence[Standing] = session.exec(query).all()
    while rows:
        yield from ((row.customer_id, _totals(row)) for row in rows if row.customer_id not in ranking.changed)
        last = rows[-1]
        equal = and_(friends == last.friends, revenue == last.revenue_minor, customer > last.customer_id)
        poorer = and_(friends == last.friends, revenue < last.revenue_minor)
        further = and_(friends <= last.friends, or_(friends < last.friends, poorer, equal))
        rows = session.exec(query.where(further)).all()


def _people_out(session: Session, key: str, moved: Collection[int]) -> set[int]:
    """Staff, excluded and erased people who have a row or move in this period."""
    query = (
        select(Standing.customer_id)
        .join(Customer, col(Customer.id) == col(Standing.customer_id))
        .where(Standing.period == key, col(Customer.state).in_(OUT))
    )
    states = fetch_in(session, Customer, "id", moved, columns=("id", "state"))
    return {*session.exec(query).all(), *(row["id"] for row in states if row["state"] in OUT)}


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


def _board_rows(key: str) -> SelectOfScalar[Standing]:
    """The stored rows of active people in the order of the board; who has nothing in the period is left out."""
    friends, revenue, bonus = col(Standing.friends), col(Standing.revenue_minor), col(Standing.bonus_minor)
    rows = _active_rows(key).where(or_(friends != 0, revenue != 0, bonus != 0))
    return rows.order_by(friends.desc(), revenue.desc(), col(Standing.customer_id))


def _active_rows(key: str) -> SelectOfScalar[Standing]:
    active = col(Customer.state) == ACTIVE
    return (
        select(Standing)
        .join(Customer, col(Customer.id) == col(Standing.customer_id))
        .where(Standing.period == key, active)
    )


def _totals(row: Standing) -> Totals:
    return Totals(row.friends, row.revenue_minor, row.bonus_minor)


def _holds(period: Period, moment: datetime) -> bool:
    return period.from_ is None or (period.until is not None and period.from_ <= moment < period.until)


__all__ = ["OUT", "Ranking", "first_of", "in_pages", "load_ranking", "near", "totals_now"]
