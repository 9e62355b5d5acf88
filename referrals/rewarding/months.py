"""Stage b of the closure: each ambassador's local month has so many places, filled as orders are paid (rules 6b)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlmodel import col, select

from referrals.reasons import MARGIN, PARTLY_REFUNDED
from referrals.rewarding.lots import AMBASSADOR, REVERSED, Lot
from storage.bulk import fetch_grouped, fetch_in
from storage.columns import HOUR
from storage.ledger import Bonus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session

    from referrals.rewarding.terms import TermsBook

Row = dict[str, Any]
LotKey = tuple[int, str, str]  # customer, currency, origin
Lots = dict[LotKey, Lot]
Month = tuple[int, str]  # customer, local month
MONTH = ("customer_id", "month")
TAKES_A_PLACE = "NOT capped AND wanted_minor > 0"
_BY = "customer_id, month, hour"
_FIGURES = (
    f"customer_id, month, substr(sort_key, 1, {HOUR}) AS hour, count(CASE WHEN {TAKES_A_PLACE} THEN 1 END), "
    f"count(CASE WHEN side = '{AMBASSADOR}' THEN 1 END), count(CASE WHEN side = '{AMBASSADOR}' AND typed THEN 1 END), "
    f"count(CASE WHEN side = '{AMBASSADOR}' AND status = '{REVERSED}' THEN 1 END)"
)


class Hour(NamedTuple):
    """What is stored of one customer's bonuses of one UTC hour."""

    customer_id: int
    month: str
    hour: str  # 2026-11-24T11
    places: int  # that they take in their month
    earned: int  # for friends brought; with how many of these only typed the code, and how many were taken back
    typed: int
    taken_back: int


def load_hours(session: Session, lots: Lots) -> list[Hour]:
    """The months of these bonuses, as they are stored."""
    months = sorted({_month(lot) for lot in lots.values()})
    return [Hour(*row) for row in fetch_grouped(session, Bonus, MONTH, months, figures=_FIGURES, by=_BY)]


def fill_months(session: Session, lots: Lots, hours: Sequence[Hour], *, book: TermsBook) -> None:
    """Each ambassador's month takes its first so many; a freed place goes to the next in line."""
    crowded = _crowded_months(lots, hours)
    if crowded:
        taking = fetch_in(session, Bonus, MONTH, sorted(crowded), extra=TAKES_A_PLACE)
        _add_rows(lots, taking, book=book)
        for month in sorted(crowded & _freed_months(lots)):
            _add_waiting(session, lots, month, book=book)
        in_line = sorted((lot for lot in lots.values() if lot.wanted_minor > 0), key=lambda lot: lot.place_key)
        places: dict[Month, int] = defaultdict(int)
        for lot in in_line:
            month, limit = _month(lot), lot.terms.per_month
            lot.capped = limit is not None and month in crowded and places[month] >= limit
            lot.touched = lot.touched or lot.capped != lot.row["capped"]
            places[month] += 1
    for lot in lots.values():
        lot.target_minor = 0 if lot.capped else lot.wanted_minor


def _crowded_months(lots: Lots, hours: Sequence[Hour]) -> set[Month]:
    """Months in which the cap may decide: more bonuses than places, or a place that has become free."""
    limits: dict[Month, int] = {}
    wanting: dict[Month, int] = defaultdict(int)
    for lot in lots.values():
        if lot.terms.per_month is not None:
            month = _month(lot)
            limits[month] = min(limits.get(month, lot.terms.per_month), lot.terms.per_month)
            wanting[month] += lot.wanted_minor > 0
    for lot in lots.values():
        if _had_a_place(lot):  # it is counted once more below
            wanting[lot.before["customer_id"], lot.before["month"]] -= 1
    for one in hours:
        wanting[one.customer_id, one.month] += one.places
    full = {month for month, limit in limits.items() if wanting[month] > limit}
    return full | (_freed_months(lots) & limits.keys())


def _freed_months(lots: Lots) -> set[Month]:
    """Months in which somebody has left a place."""
    return {
        (lot.before["customer_id"], lot.before["month"])
        for lot in lots.values()
        if _had_a_place(lot) and (not lot.wanted_minor or lot.before["month"] != lot.row["month"])
    }


def _add_waiting(session: Session, lots: Lots, month: Month, *, book: TermsBook) -> None:
    """Those whom the cap kept out come in view, as many as there can be places."""
    limit = max(lot.terms.per_month or 0 for lot in lots.values() if _month(lot) == month)
    waiting = session.exec(
        select(Bonus.id)
        .where(Bonus.customer_id == month[0], Bonus.month == month[1], col(Bonus.capped), Bonus.wanted_minor > 0)
        .order_by(col(Bonus.sort_key))
        .limit(limit),
    ).all()
    _add_rows(lots, fetch_in(session, Bonus, "id", waiting), book=book)


def _add_rows(lots: Lots, rows: Sequence[Row], *, book: TermsBook) -> None:
    for row in rows:
        if lot_key(row) not in lots:
            kept = tuple(why for why in row["reasons"] if why["code"] in (PARTLY_REFUNDED, MARGIN))
            terms = book.by_id(row["terms_id"])
            lots[lot_key(row)] = Lot(row, terms, row["wanted_minor"], row["revenue_minor"], kept, touched=False)


def _had_a_place(lot: Lot) -> bool:
    """Whether the lot, as it is stored, takes a place in its month."""
    return lot.before["wanted_minor"] > 0 and not lot.before["capped"]


def lot_key(row: Row) -> LotKey:
    """Under what a bonus is owed and booked, the side apart."""
    return (row["customer_id"], row["currency"], row["origin"])


def _month(lot: Lot) -> Month:
    return (lot.row["customer_id"], lot.row["month"])
