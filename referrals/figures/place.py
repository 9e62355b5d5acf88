"""A customer's own place: neighbours by the name they chose, the distance to the next place, and nobody's money."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from referrals.figures.moves import moves_of
from referrals.figures.periods import period_at
from referrals.figures.ranking import Ranking, first_of, load_ranking, near, totals_now
from referrals.figures.standings import Totals
from referrals.people.persons import survivors
from storage.bulk import fetch_in
from storage.customers import Customer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

NEIGHBOURS = 2
TOP = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the customers' board; ``nickname`` is None where nobody chose one."""

    place: int
    nickname: str | None
    friends: int
    own: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a customer stands; ``place`` is None before the first friend of the period."""

    period: str  # week, month, quarter, year, all
    key: str  # 2026-11
    place: int | None
    friends: int
    move: int | None  # places gained; None: new
    distance_to_next: int | None  # friends until the next better place; None at the top
    next_place: int | None
    neighbours: tuple[Line, ...]  # up to two above, oneself, up to two below
    top: tuple[Line, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a screen."""
        return asdict(self)


def own_place(
    session: Session, customer_id: int, *, period: str, programme: Programme, now: datetime, top: int = TOP
) -> Place:
    """The customer's place in a running or named period, as of the last commit.

    Raises:
        UnknownPeriod: The name means no period.
    """
    chosen = period_at(period, now, zone=programme.zone)
    own_id = survivors(session, [customer_id])[customer_id]
    ranking = load_ranking(session, chosen, programme=programme)
    friends = max(0, totals_now(session, ranking, [own_id]).get(own_id, Totals()).friends)
    place = ranking.place(friends) if friends else None
    moves = moves_of(session, chosen, {own_id: place}, programme=programme, now=now) if place else {}
    above, below, best = _around(session, ranking, own_id, friends=friends, first=top)
    lines = _lines(session, ranking, [*above, (own_id, friends), *below, *best], own_id=own_id)
    around = len(above) + 1 + len(below)
    better = ranking.next_above(friends)
    return Place(
        period=chosen.kind,
        key=chosen.key,
        place=place,
        friends=friends,
        move=moves.get(own_id),
        distance_to_next=None if better is None else better - friends,
        next_place=None if better is None else ranking.place(better),
        neighbours=lines[:around] if place else lines[: len(above)],
        top=lines[around:],
    )


def _around(
    session: Session, ranking: Ranking, own_id: int, *, friends: int, first: int
) -> tuple[Sequence[tuple[int, int]], Sequence[tuple[int, int]], Sequence[tuple[int, int]]]:
    """(customer, friends) of those above in the board's order, those below, and the first of all."""
    above = near(session, ranking, friends=friends, above=True, most=NEIGHBOURS)
    below = near(session, ranking, friends=friends, above=False, most=NEIGHBOURS + 1) if friends else []
    others = [pair for pair in below if pair[0] != own_id][:NEIGHBOURS]
    best = [(one, totals.friends) for one, totals in first_of(session, ranking, most=first) if totals.friends > 0]
    return above[::-1], others, best


def _lines(session: Session, ranking: Ranking, people: Sequence[tuple[int, int]], *, own_id: int) -> tuple[Line, ...]:
    rows = fetch_in(session, Customer, "id", [one for one, _ in people], columns=("id", "nickname"))
    names = {row["id"]: row["nickname"] for row in rows}
    return tuple(Line(ranking.place(friends), names.get(one), friends, one == own_id) for one, friends in people)
