"""Places in a period: a projection of the ledger that follows it by watermark (rules 34).

Each posting moves friends, revenue and bonus of every period that holds its moment, and the counts of
how many people have how many friends, in one transaction with the watermark. What is not yet projected is
the *tail*: readers add it in memory, so no board is late (``ranking.py``).
A merged customer's totals go to the one who stays; the count of merges is a watermark of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, delete, func, tuple_
from sqlalchemy import select as select_columns  # SQLModel's takes four columns
from sqlmodel import col, select

from referrals.figures.periods import ALL, keys_of
from referrals.people.persons import survivors
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.customers import CustomerAlias
from storage.ledger import HELD, Bonus, Entry, Posting
from storage.standings import Standing, StandingCount, Watermark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlmodel import Session

    from referrals.programme import Programme

POSTINGS = "standings"  # watermark over Posting.commit_no
MERGES = "standings-merges"  # watermark over the number of CustomerAlias rows
AMBASSADOR = "ambassador"
PLACE = ("period", "customer_id")
FOR_EVER = 2**62
CHUNK = 500  # postings a transaction: about 50 ms on SQLite


# Built once: building a statement costs more than running it.
_MARK = select_columns(col(Watermark.commit_no)).where(col(Watermark.name) == bindparam("name"))
_ALIASES = select_columns(func.count()).select_from(CustomerAlias)
_OUTSIDE_HOLD = (
    select(func.coalesce(func.sum(Entry.amount_minor), 0))
    .where(col(Entry.posting_id) == col(Posting.id))
    .where(col(Entry.customer_id).is_not(None), col(Entry.account) != HELD)
    .scalar_subquery()
)
_MOVES = (
    select_columns(
        col(Posting.commit_no), col(Posting.at), col(Bonus.customer_id),
        col(Posting.friends), col(Posting.revenue_minor), _OUTSIDE_HOLD,
    )
    .join(Bonus, col(Bonus.id) == col(Posting.bonus_id))
    .where(col(Posting.commit_no) > bindparam("mark"), col(Posting.commit_no) <= bindparam("upto"))
    .where(col(Bonus.side) == AMBASSADOR, col(Bonus.currency) == bindparam("currency"))
    .order_by(col(Posting.commit_no), col(Posting.id))
)  # fmt: skip


@dataclass(slots=True)
class Totals:
    """What one customer has in one period, or how that moves."""

    friends: int = 0
    revenue_minor: int = 0
    bonus_minor: int = 0

    def add(self, other: Totals, times: int = 1) -> None:
        """These totals and the other's, ``times`` over."""
        self.friends += times * other.friends
        self.revenue_minor += times * other.revenue_minor
        self.bonus_minor += times * other.bonus_minor


class Move(NamedTuple):
    """One posting as the standings see it."""

    commit_no: int
    at: datetime
    customer_id: int
    totals: Totals


def move_watermark(
    session: Session, *, programme: Programme, now: datetime, limit: int = CHUNK, before: datetime | None = None
) -> int:
    """About ``limit`` more postings are in the standings, whole commits only; returns how many, 0 at the end.

    With ``before`` it stops at the first posting of that moment or later, so that a night can be frozen exactly.
    """
    mark = _lock(session, POSTINGS, now=now)
    follow_merges(session, now=now)
    commits = _next_commits(session, mark, limit=limit, before=before)
    if commits:
        moves = list(moves_after(session, mark, upto=commits[-1], programme=programme))
        _apply(session, _by_period(moves, programme=programme))
        _set(session, POSTINGS, commits[-1], now=now)
    return len(commits)


def is_behind(session: Session) -> bool:
    """Whether there is a posting or a merge that the projection has not taken in."""
    last = session.exec(select(func.max(Posting.commit_no))).one() or 0
    return last > mark_of(session, POSTINGS) or _count_aliases(session) != mark_of(session, MERGES)


def rebuild(session: Session, *, now: datetime) -> None:
    """The projection is empty and its watermark at the beginning: the next moves build it again from the ledger.

    Readers are right meanwhile, only slower: for them the whole ledger is tail.
    """
    _lock(session, POSTINGS, now=now)
    session.execute(delete(Standing))
    session.execute(delete(StandingCount))
    _set(session, POSTINGS, 0, now=now)


def follow_merges(session: Session, *, now: datetime) -> None:
    """The totals of customers who were merged are with those who stayed."""
    merges = unfollowed_merges(session)
    for merged_id, survivor_id in merges:
        rows = rows_of(session, [merged_id])
        session.execute(delete(Standing).where(_is_one_of(rows)))
        for row in rows:
            _count(session, row["period"], Counter({row["friends"]: -1}))
            _apply(session, {row["period"]: {survivor_id: totals_of(row)}})
    count = _count_aliases(session)
    if count != mark_of(session, MERGES):
        _lock(session, MERGES, now=now)
        _set(session, MERGES, count, now=now)


def unfollowed_merges(session: Session) -> list[tuple[int, int]]:
    """Merged customers who still have standings, each with the one who stayed; one cheap look when nobody merged."""
    if _count_aliases(session) == mark_of(session, MERGES):
        return []
    query = (
        select(CustomerAlias.merged_id)
        .join(Standing, col(Standing.customer_id) == col(CustomerAlias.merged_id))
        .where(Standing.period == ALL)  # whoever has standings has one there
        .order_by(col(CustomerAlias.merged_id))
    )
    merged = list(session.exec(query).all())
    stayed = survivors(session, merged)
    return [(one, stayed[one]) for one in merged]


def rows_of(session: Session, customer_ids: Iterable[int], *, period: str | None = None) -> list[dict[str, Any]]:
    """The stored totals of these customers, in one period or in all of them."""
    periods = [period] if period else session.exec(select(StandingCount.period).distinct()).all()
    return fetch_in(session, Standing, PLACE, [(one, other) for one in periods for other in customer_ids])


def totals_of(row: dict[str, Any]) -> Totals:
    """The totals that a stored row holds."""
    return Totals(row["friends"], row["revenue_minor"], row["bonus_minor"])


def mark_of(session: Session, name: str) -> int:
    """How far the projection has come; 0 before the first move."""
    return session.execute(_MARK, {"name": name}).scalar_one_or_none() or 0


def moves_after(session: Session, mark: int, *, programme: Programme, upto: int | None = None) -> Iterator[Move]:
    """The postings above the watermark that move somebody's totals, in commit order, merges resolved.

    The ambassador's side in the programme's currency counts (rules 4); what leaves *held* is bonus, and a
    transfer between two customers moves none.
    """
    parameters = {"mark": mark, "upto": FOR_EVER if upto is None else upto, "currency": programme.currency}
    rows = session.execute(_MOVES, parameters).all()
    stayed = survivors(session, {row[2] for row in rows})
    for commit_no, at, customer_id, friends, revenue_minor, bonus_minor in rows:
        if friends or revenue_minor or bonus_minor:
            yield Move(commit_no, at, stayed[customer_id], Totals(friends, revenue_minor, int(bonus_minor)))


def _next_commits(session: Session, mark: int, *, limit: int, before: datetime | None) -> Sequence[int]:
    """The commit of each of the next postings; the last one may hold more of them."""
    query = select(Posting.commit_no).where(col(Posting.commit_no) > mark)
    if before is not None:
        first_late = select(func.min(Posting.commit_no)).where(col(Posting.commit_no) > mark, Posting.at >= before)
        late = session.exec(first_late).one()
        query = query if late is None else query.where(col(Posting.commit_no) < late)
    return session.exec(query.order_by(col(Posting.commit_no)).limit(limit)).all()


def _by_period(moves: Sequence[Move], *, programme: Programme) -> dict[str, dict[int, Totals]]:
    changes: dict[str, dict[int, Totals]] = defaultdict(lambda: defaultdict(Totals))
    for move in moves:
        for key in keys_of(move.at, zone=programme.zone):
            changes[key][move.customer_id].add(move.totals)
    return changes


def _apply(session: Session, changes: dict[str, dict[int, Totals]]) -> None:
    """The totals have moved, and the counts with them."""
    keys = [(period, customer_id) for period, moved in changes.items() for customer_id in moved]
    known = {(row["period"], row["customer_id"]): row for row in fetch_in(session, Standing, PLACE, keys)}
    new: list[dict[str, Any]] = []
    old: list[dict[str, Any]] = []
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for period, customer_id in keys:
        totals = Totals()
        totals.add(changes[period][customer_id])
        row = known.get((period, customer_id))
        if row is not None:
            totals.add(totals_of(row))
            counts[period][row["friends"]] -= 1
        counts[period][totals.friends] += 1
        (new if row is None else old).append(_row(period, customer_id, totals))
    insert_rows(session, Standing, new)
    update_rows(session, Standing, old, key=PLACE)
    for period in sorted(counts):
        _count(session, period, counts[period])


def _count(session: Session, period: str, changes: Counter[int]) -> None:
    keys = [(period, friends) for friends, change in changes.items() if change]
    known = {row["friends"]: row["customers"] for row in fetch_in(session, StandingCount, ("period", "friends"), keys)}
    rows = [
        {"period": period, "friends": friends, "customers": known.get(friends, 0) + changes[friends]}
        for _, friends in sorted(keys)
    ]
    insert_rows(session, StandingCount, [row for row in rows if row["friends"] not in known])
    update_rows(session, StandingCount, [row for row in rows if row["friends"] in known], key=("period", "friends"))


def _is_one_of(rows: list[dict[str, Any]]) -> ColumnElement[bool]:
    return tuple_(col(Standing.period), col(Standing.customer_id)).in_(
        [(row["period"], row["customer_id"]) for row in rows]
    )


def _row(period: str, customer_id: int, totals: Totals) -> dict[str, Any]:
    return {
        "period": period,
        "customer_id": customer_id,
        "friends": totals.friends,
        "revenue_minor": totals.revenue_minor,
        "bonus_minor": totals.bonus_minor,
    }


def _count_aliases(session: Session) -> int:
    return int(session.execute(_ALIASES).scalar_one())


def _lock(session: Session, name: str, *, now: datetime) -> int:
    """The watermark, held until the transaction ends, so that two movers take turns."""
    insert_rows(session, Watermark, [{"name": name, "commit_no": 0, "at": now}], ignore_conflicts=True)
    update_rows(session, Watermark, [{"name": name, "at": now}], key=("name",))
    return mark_of(session, name)


def _set(session: Session, name: str, commit_no: int, *, now: datetime) -> None:
    update_rows(session, Watermark, [{"name": name, "commit_no": commit_no, "at": now}], key=("name",))
