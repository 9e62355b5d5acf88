"""The leaderboard of a period for the owner: places, moves, friends, those on hold, revenue and bonus (rules 33)."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from referrals.figures.moves import moves_of
from referrals.figures.periods import UnknownPeriod, period_at
from referrals.figures.place import Place, own_place
from referrals.figures.ranking import Ranking, first_of, in_pages, load_ranking, totals_now
from referrals.figures.standings import Totals
from referrals.figures.waiting import people_waiting, under_review, waiting_friends
from storage.bulk import fetch_in
from storage.codes import Code
from storage.customers import Customer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

TOP = 20
PAGE = 1000  # lines a query of the whole board
EVERYBODY = 10**9

__all__ = ["Board", "Place", "Row", "UnknownPeriod", "board", "main_codes", "own_place", "whole_board"]


@dataclass(frozen=True, slots=True)
class Row:
    """One ambassador's line; money in minor units of ``currency``."""

    place: int
    move: int | None  # places gained since last night or the period before; None: new
    customer: str  # public number
    name: str | None
    code: str | None
    friends: int  # approved in this period, less those taken back in it
    pending: int  # friends on hold at the end of the window
    revenue_minor: int
    bonus_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Board:
    """The first of a period; ``from_`` and ``until`` are local ISO times, None for all time."""

    period: str  # week, month, quarter, year, all
    key: str  # 2026-11
    from_: str | None
    until: str | None
    closed: bool
    rows: tuple[Row, ...]
    excluded: int  # staff, excluded and erased people with figures in this period, left out
    under_review: int  # friends whose bonus is held for review, left out
    currency: str

    def as_dict(self) -> dict[str, Any]:
        """The shape of ``leaderboard --json`` and of ``GET /leaderboard``."""
        plain = asdict(self) | {"rows": [asdict(row) for row in self.rows]}
        return {name.rstrip("_"): value for name, value in plain.items()}


def board(
    session: Session, *, period: str, programme: Programme, now: datetime, at: datetime | None = None, top: int = TOP
) -> Board:
    """The board of a kind of period or of a key, as of the last commit.

    Args:
        session: A reading session.
        period: ``week``, ``month``, ``quarter``, ``year``, ``all``, or a key like ``2026-11``.
        programme: This installation's programme.
        now: The programme's time.
        at: A moment that chooses the period; now by default.
        top: How many lines.

    Raises:
        UnknownPeriod: The name means no period.
    """
    chosen = period_at(period, at or now, zone=programme.zone)
    closed = chosen.closed(now)
    end = chosen.until if closed else None
    ranking = load_ranking(session, chosen, programme=programme)
    listed, waiting = _listed(session, ranking, programme=programme, end=end, first=top)
    places = {one: ranking.place(totals.friends) for one, totals in listed.items()}
    moves = moves_of(session, chosen, places, programme=programme, now=now)
    return Board(
        period=chosen.kind,
        key=chosen.key,
        from_=_local(chosen.from_, programme=programme),
        until=_local(chosen.until, programme=programme),
        closed=closed,
        rows=tuple(_rows(session, listed, waiting, places, moves, programme=programme)),
        excluded=ranking.excluded,
        under_review=under_review(session, programme=programme, end=end),
        currency=programme.currency,
    )


def whole_board(session: Session, *, period: str, programme: Programme, now: datetime) -> Iterator[list[Row]]:
    """Every line of the period's board in pages, then those whose friends are all on hold. Raises: UnknownPeriod."""
    chosen = period_at(period, now, zone=programme.zone)
    end = chosen.until if chosen.closed(now) else None
    ranking = load_ranking(session, chosen, programme=programme)
    for listed in itertools.chain(
        in_pages(session, ranking, size=PAGE), _only_waiting(session, ranking, programme, end)
    ):
        waiting = waiting_friends(session, list(listed), programme=programme, end=end)
        places = {one: ranking.place(totals.friends) for one, totals in listed.items()}
        moves = moves_of(session, chosen, places, programme=programme, now=now)
        yield _rows(session, listed, waiting, places, moves, programme=programme)


def main_codes(session: Session, customer_ids: Collection[int]) -> dict[int, str]:
    """The code that each of these people shows."""
    rows = fetch_in(session, Code, "customer_id", customer_ids, columns=("id", "customer_id", "display", "main"))
    ordered = sorted(rows, key=lambda row: (row["main"], row["id"]))
    return {row["customer_id"]: row["display"] for row in ordered}


def _listed(
    session: Session, ranking: Ranking, *, programme: Programme, end: datetime | None, first: int
) -> tuple[dict[int, Totals], dict[int, int]]:
    """Who is on the board, in its order, and how many friends each has on hold.

    Where lines are left, those follow whose friends are all still on hold.
    """
    listed = dict(first_of(session, ranking, most=first))
    if len(listed) < first:
        for customer_id in people_waiting(session, programme=programme, end=end, most=first):
            listed.setdefault(customer_id, Totals())
    waiting = waiting_friends(session, list(listed), programme=programme, end=end)

    def order(item: tuple[int, Totals]) -> tuple[int, int, int, int]:
        customer_id, totals = item
        return (-totals.friends, -totals.revenue_minor, -waiting.get(customer_id, 0), customer_id)

    return dict(sorted(listed.items(), key=order)[:first]), waiting


def _only_waiting(
    session: Session, ranking: Ranking, programme: Programme, end: datetime | None
) -> Iterator[dict[int, Totals]]:
    people = people_waiting(session, programme=programme, end=end, most=EVERYBODY)
    for start in range(0, len(people), PAGE):
        page = people[start : start + PAGE]
        counted = totals_now(session, ranking, page)
        yield {one: Totals() for one in page if counted.get(one, Totals()) == Totals()}


def _rows(
    session: Session,
    listed: dict[int, Totals],
    waiting: dict[int, int],
    places: dict[int, int],
    moves: dict[int, int],
    *,
    programme: Programme,
) -> list[Row]:
    people = fetch_in(session, Customer, "id", listed, columns=("id", "first_name", "nickname"))
    names = {row["id"]: row["first_name"] or row["nickname"] for row in people}
    codes = main_codes(session, listed)
    return [
        Row(
            place=places[customer_id],
            move=moves.get(customer_id),
            customer=programme.number("customer", customer_id),
            name=names.get(customer_id),
            code=codes.get(customer_id),
            friends=totals.friends,
            pending=waiting.get(customer_id, 0),
            revenue_minor=totals.revenue_minor,
            bonus_minor=totals.bonus_minor,
            currency=programme.currency,
        )
        for customer_id, totals in listed.items()
    ]


def _local(moment: datetime | None, *, programme: Programme) -> str | None:
    """The local time; of years in which a place went by its own sun, to the second, the same moment in UTC."""
    if moment is None:
        return None
    local = moment.astimezone(programme.zone)
    offset = local.utcoffset() or timedelta()
    return (local if offset % timedelta(minutes=1) == timedelta() else moment.astimezone(UTC)).isoformat()
