"""What is owed, as a closure over friends, ambassadors' months and the budget; the difference is booked (rules 6).

``plan_bonuses`` only reads and decides, so that the same decision runs dry; ``write_bonuses`` books it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from referrals.reasons import APPROVED, BUDGET_SPENT, MONTH_CAP, PARTLY_REFUNDED, Reason, reason
from referrals.rewarding.lots import Lot, difference, new_row, status_after, waiting_reasons
from referrals.rewarding.messages import money_notices
from referrals.rewarding.postings import available_of, write_steps
from referrals.rewarding.voids import VoidPlan, plan_voids, write_voids
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.installation import Setting
from storage.ledger import HELD, Bonus, Budget

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.notices import Notice
    from referrals.programme import Programme
    from referrals.rewarding.rules import Claim
    from referrals.rewarding.terms import TermsBook

Row = dict[str, Any]
LotKey = tuple[int, str, str]  # customer, currency, origin
Month = tuple[int, str]  # customer, local month
PLACE = ("customer_id", "month", "currency", "origin")
TAKES_A_PLACE = "NOT capped AND wanted_minor > 0"
HISTORY_KNOWN = "history_known_since"
CHANGES = (
    "id",
    "postings",
    "updated_at",
    "amount_minor",
    "wanted_minor",
    "revenue_minor",
    "budget_minor",
    "status",
    "under_review",
    "capped",
    "earned_at",
    "available_at",
    "month",
    "sort_key",
    "terms_id",
    "referral_id",
    "reasons",
)


@dataclass(slots=True)
class BonusPlan:
    """What is to be booked, and the reasons by origin."""

    lots: list[Lot] = field(default_factory=list)
    budgets: dict[tuple[str, str], int] = field(default_factory=dict)  # (month, currency) -> spent
    reasons: dict[tuple[int, str], list[Reason]] = field(default_factory=dict)  # (customer, origin)
    notices: list[Notice] = field(default_factory=list)
    voids: VoidPlan | None = None  # vouchers that fall with a bonus in them


@dataclass(frozen=True, slots=True)
class Settling:
    """Whose claims these are: every claim of each friend, and why others fell away."""

    claims: Mapping[int, Sequence[Claim]]  # by friend
    gone: Mapping[str, Reason]  # origin -> why it earns nothing now


def history_known(session: Session, programme: Programme) -> bool:
    """Does the programme know who bought before it began (rules 13)?"""
    return programme.config.programme.no_history or session.get(Setting, HISTORY_KNOWN) is not None


def bonuses_of_friends(session: Session, friend_ids: Sequence[int]) -> list[Row]:
    """Every bonus that these friends brought somebody."""
    return fetch_in(session, Bonus, "friend_id", friend_ids)


def plan_bonuses(
    session: Session,
    settling: Settling,
    rows: Sequence[Row],
    *,
    book: TermsBook,
    ids: Iterator[int],
    programme: Programme,
    now: datetime,
) -> BonusPlan:
    """The closure: friends' claims, then the months' caps, then the budget, then the differences.

    ``rows`` are all bonuses of the friends of ``settling``; nothing is written.
    """
    lots = _lots(settling, rows, book=book, ids=ids, now=now)
    _fill_months(session, lots, book=book)
    plan = BonusPlan(lots=[lot for lot in lots.values() if lot.touched])
    _spend_budget(session, plan)
    reviewed = not history_known(session, programme)
    settled = [lot for lot in plan.lots if lot.settled]
    available = available_of(session, [lot.row["id"] for lot in settled])
    _free_vouchers(session, plan, settled, available)
    counted = _counted_friends(plan.lots)
    for lot in plan.lots:
        pair = (lot.row["customer_id"], lot.row["friend_id"])
        why = lot.reasons[-1]["code"] if lot.reasons else APPROVED
        lot.step = difference(
            lot,
            available_minor=available.get(lot.row["id"], 0),
            why=why,
            other_friends=counted[pair] > 1,
        )
        if lot.settled and not lot.target_minor:
            counted[pair] -= 1
        _finish(plan, lot, why=why, reviewed=reviewed)
    return plan


def write_bonuses(session: Session, plan: BonusPlan, *, now: datetime) -> None:
    """The plan is in the books."""
    if plan.voids is not None:
        write_voids(session, plan.voids, now=now)
    changed = [lot for lot in plan.lots if lot.changed]
    for lot in changed:
        lot.row["updated_at"] = now
    new = [lot.row for lot in changed if lot.is_new]
    if new:
        insert_rows(session, Bonus, new)
    old = [{name: lot.row[name] for name in CHANGES} for lot in changed if not lot.is_new]
    if old:
        update_rows(session, Bonus, old, key=("id",))
    write_steps(session, [(lot.step, lot.row) for lot in changed if lot.step is not None], now=now)
    if plan.budgets:
        rows = [
            {"month": month, "currency": currency, "spent_minor": spent}
            for (month, currency), spent in plan.budgets.items()
        ]
        insert_rows(session, Budget, [{**row, "spent_minor": 0} for row in rows], ignore_conflicts=True)
        update_rows(session, Budget, rows, key=("month", "currency"))


def _lots(
    settling: Settling,
    rows: Sequence[Row],
    *,
    book: TermsBook,
    ids: Iterator[int],
    now: datetime,
) -> dict[LotKey, Lot]:
    """The friends' bonuses as they are, met by what their orders claim now."""
    lots: dict[LotKey, Lot] = {}
    for row in rows:
        gone = settling.gone.get(row["origin"])
        lots[_key(row)] = Lot(row, book.by_id(row["terms_id"]), 0, 0, (gone,) if gone else ())
    for claims in settling.claims.values():
        for claim in claims:
            key = (claim.customer_id, claim.currency, claim.origin)
            lot = lots.get(key)
            if lot is None:
                lot = Lot(new_row(claim, next(ids), now=now), claim.terms, 0, 0, (), is_new=True)
                lots[key] = lot
            _meet(lot, claim)
    return lots


def _meet(lot: Lot, claim: Claim) -> None:
    lot.wanted_minor = claim.wanted_minor
    lot.reasons = claim.reasons
    lot.revenue_minor = claim.revenue_minor
    lot.row["referral_id"] = claim.referral_id
    if not lot.settled:  # what is available keeps the dates under which it became so
        lot.row.update(
            earned_at=claim.earned_at,
            available_at=claim.available_at,
            month=claim.month,
            sort_key=claim.sort_key,
        )


def _fill_months(session: Session, lots: dict[LotKey, Lot], *, book: TermsBook) -> None:
    """Stage b: each ambassador's month takes its first so many; a freed place goes to the next in line."""
    crowded = _crowded_months(session, lots)
    if crowded:
        taking = fetch_in(session, Bonus, ("customer_id", "month"), sorted(crowded), extra=TAKES_A_PLACE)
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


def _crowded_months(session: Session, lots: dict[LotKey, Lot]) -> set[Month]:
    """Months in which the cap may decide: more bonuses than places, or a place that has become free."""
    limits: dict[Month, int] = {}
    wanting: dict[Month, int] = defaultdict(int)
    for lot in lots.values():
        if lot.terms.per_month is not None:
            month = _month(lot)
            limits[month] = min(limits.get(month, lot.terms.per_month), lot.terms.per_month)
            wanting[month] += lot.wanted_minor > 0
    stored: dict[Month, int] = defaultdict(int)
    for row in fetch_in(session, Bonus, ("customer_id", "month"), sorted(limits), columns=PLACE, extra=TAKES_A_PLACE):
        stored[row["customer_id"], row["month"]] += _key(row) not in lots
    full = {month for month, limit in limits.items() if stored[month] + wanting[month] > limit}
    return full | (_freed_months(lots) & limits.keys())


def _freed_months(lots: dict[LotKey, Lot]) -> set[Month]:
    """Months in which somebody has left a place."""
    return {
        (lot.before["customer_id"], lot.before["month"])
        for lot in lots.values()
        if lot.before["wanted_minor"] > 0
        and not lot.before["capped"]
        and (not lot.wanted_minor or lot.before["month"] != lot.row["month"])
    }


def _add_waiting(session: Session, lots: dict[LotKey, Lot], month: Month, *, book: TermsBook) -> None:
    """Those whom the cap kept out come in view, as many as there can be places."""
    limit = max(lot.terms.per_month or 0 for lot in lots.values() if _month(lot) == month)
    waiting = session.exec(
        select(Bonus.id)
        .where(Bonus.customer_id == month[0], Bonus.month == month[1], col(Bonus.capped), Bonus.wanted_minor > 0)
        .order_by(col(Bonus.sort_key))
        .limit(limit),
    ).all()
    _add_rows(lots, fetch_in(session, Bonus, "id", waiting), book=book)


def _add_rows(lots: dict[LotKey, Lot], rows: Sequence[Row], *, book: TermsBook) -> None:
    for row in rows:
        if _key(row) not in lots:
            kept = tuple(why for why in row["reasons"] if why["code"] == PARTLY_REFUNDED)
            terms = book.by_id(row["terms_id"])
            lots[_key(row)] = Lot(row, terms, row["wanted_minor"], row["revenue_minor"], kept, touched=False)


def _spend_budget(session: Session, plan: BonusPlan) -> None:
    """Stage c: first come under the lock; what was given once stays given, and is never refilled."""
    limited = [lot for lot in plan.lots if lot.terms.budget_minor is not None and lot.target_minor > 0]
    if not limited:
        return
    keys = sorted({(lot.row["month"], lot.row["currency"]) for lot in limited})
    rows = fetch_in(session, Budget, ("month", "currency"), keys)
    spent = {(row["month"], row["currency"]): row["spent_minor"] for row in rows}
    before = dict(spent)
    for lot in sorted(limited, key=lambda lot: lot.row["sort_key"]):
        key = (lot.row["month"], lot.row["currency"])
        more = lot.target_minor - lot.row["budget_minor"]
        if more > 0 and spent.get(key, 0) + more <= (lot.terms.budget_minor or 0):
            spent[key] = spent.get(key, 0) + more
            lot.row["budget_minor"] += more
        elif more > 0:
            lot.target_minor = min(lot.target_minor, lot.row["budget_minor"])
            lot.reasons = (*lot.reasons, reason(BUDGET_SPENT, month=lot.row["month"]))
    plan.budgets = {key: amount for key, amount in spent.items() if before.get(key) != amount}


def _free_vouchers(session: Session, plan: BonusPlan, settled: Sequence[Lot], available: dict[int, int]) -> None:
    """What is taken back and lies in vouchers is credit again first, with all that these vouchers hold (rules 9)."""
    taken = {lot.row["id"]: lot.before["amount_minor"] - lot.target_minor for lot in settled}
    short = {
        lot: minor - available.get(lot, 0) for lot, minor in taken.items() if minor > max(0, available.get(lot, 0))
    }
    if not short:
        return
    plan.voids = plan_voids(session, short, {lot.row["id"]: lot.row for lot in plan.lots})
    for bonus_id, minor in plan.voids.freed.items():
        available[bonus_id] = available.get(bonus_id, 0) + minor


def _counted_friends(lots: Sequence[Lot]) -> dict[tuple[int, int], int]:
    """How many available bonuses each friend has brought each ambassador, as booked now."""
    counted: dict[tuple[int, int], int] = defaultdict(int)
    for lot in lots:
        if lot.settled:
            counted[lot.row["customer_id"], lot.row["friend_id"]] += 1
    return counted


def _finish(plan: BonusPlan, lot: Lot, *, why: str, reviewed: bool) -> None:
    """The row as it is once the step is booked, its reasons, and what is said about it."""
    row, booked = lot.row, lot.before["amount_minor"]
    if lot.capped:
        lot.reasons = (reason(MONTH_CAP, count=lot.terms.per_month, month=row["month"]),)
    row.update(
        status=status_after(lot),
        amount_minor=lot.target_minor,
        wanted_minor=lot.wanted_minor,
        revenue_minor=lot.revenue_minor,
        capped=lot.capped,
    )
    if lot.target_minor and not booked:
        row["under_review"] = reviewed
    if lot.step is not None:
        row["postings"] += 1
    row["reasons"] = [*lot.reasons, *(waiting_reasons(row) if row["status"] == HELD else ())]
    plan.reasons[row["customer_id"], row["origin"]] = row["reasons"]
    if lot.step is not None or lot.is_new:
        plan.notices += money_notices(row, before_minor=booked, why=why)


def _key(row: Row) -> LotKey:
    return (row["customer_id"], row["currency"], row["origin"])


def _month(lot: Lot) -> Month:
    return (lot.row["customer_id"], lot.row["month"])


__all__ = ["BonusPlan", "Settling", "bonuses_of_friends", "history_known", "plan_bonuses", "write_bonuses"]
