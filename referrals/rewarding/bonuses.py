"""What is owed, as a closure over friends, ambassadors' months and the budget; the difference is booked (rules 6).

``plan_bonuses`` only reads and decides, so that the same decision runs dry; ``write_bonuses`` books it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from referrals.reasons import APPROVED, GOODWILL, MONTH_CAP, REFUSED_BY_REVIEW, Reason, reason
from referrals.rewarding.budget import Budgets, spend_budget, write_budgets
from referrals.rewarding.lots import Lot, difference, lasting_reasons, new_row, status_after
from referrals.rewarding.messages import money_notices
from referrals.rewarding.milestones import friends_moved, lose_milestones
from referrals.rewarding.months import Hour, Lots, fill_months, load_hours, lot_key
from referrals.rewarding.postings import unspent_of, write_steps
from referrals.rewarding.voids import VoidPlan, free_short, write_voids
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.installation import Setting
from storage.ledger import MADE_GOOD, TURNED_DOWN, WAITING, Bonus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlmodel import Session

    from referrals.notices import Notice
    from referrals.programme import Programme
    from referrals.rewarding.rules import Claim
    from referrals.rewarding.terms import TermsBook

Row = dict[str, Any]
# Bonuses to be made, which of them are stored, and what is stored of their months.
Screen = Callable[[Sequence[Row], Collection[int], Sequence[Hour]], None]
DECIDED = {TURNED_DOWN: REFUSED_BY_REVIEW, MADE_GOOD: GOODWILL}  # by an owner: nothing revives them
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
    "review",
    "score",
    "signals",
    "typed",
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
    budgets: Budgets = field(default_factory=dict)
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
    """Every bonus that these friends brought somebody; what they got themselves is none."""
    return fetch_in(session, Bonus, "friend_id", friend_ids, extra="side = 'ambassador'")


def plan_bonuses(
    session: Session,
    settling: Settling,
    rows: Sequence[Row],
    *,
    book: TermsBook,
    ids: Iterator[int],
    programme: Programme,
    now: datetime,
    screen: Screen | None = None,
) -> BonusPlan:
    """The closure: friends' claims, then the months' caps, then the budget, then the differences.

    ``rows`` are all bonuses of the friends of ``settling``; nothing is written. ``screen`` looks at those that are
    to be made, and says in ``review`` which of them wait for an owner.
    """
    lots = _lots(settling, rows, book=book, ids=ids, now=now)
    hours = load_hours(session, lots)
    fill_months(session, lots, hours, book=book)
    plan = BonusPlan(lots=[lot for lot in lots.values() if lot.touched])
    plan.budgets = spend_budget(session, plan.lots)
    fresh = [lot for lot in plan.lots if lot.target_minor and not lot.before["amount_minor"]]
    if fresh and screen is not None:
        screen([lot.row for lot in fresh], {lot.row["id"] for lot in fresh if not lot.is_new}, hours)
    reviewed = not history_known(session, programme)
    settled = [lot for lot in plan.lots if lot.settled]
    available, expired = unspent_of(session, [lot.row["id"] for lot in settled])
    taken = {lot.row["id"]: lot.before["amount_minor"] - lot.target_minor for lot in settled}
    rows_by_id = {lot.row["id"]: lot.row for lot in plan.lots}
    plan.voids = free_short(session, taken, rows_by_id, available=available, expired=expired)
    counted = _counted_friends(plan.lots)
    for lot in plan.lots:
        pair = (lot.row["customer_id"], lot.row["friend_id"])
        why = lot.reasons[-1]["code"] if lot.reasons else APPROVED
        lot.step = difference(
            lot,
            available_minor=available.get(lot.row["id"], 0),
            expired_minor=expired.get(lot.row["id"], 0),
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
    steps = [(lot.step, lot.row) for lot in changed if lot.step is not None]
    write_steps(session, steps, now=now)
    write_budgets(session, plan.budgets)
    if moved := friends_moved(steps):
        lose_milestones(session, moved, now=now)


def _lots(
    settling: Settling,
    rows: Sequence[Row],
    *,
    book: TermsBook,
    ids: Iterator[int],
    now: datetime,
) -> Lots:
    """The friends' bonuses as they are, met by what their orders claim now."""
    lots: Lots = {}
    for row in rows:
        gone = settling.gone.get(row["origin"])
        lots[lot_key(row)] = Lot(row, book.by_id(row["terms_id"]), 0, 0, (gone,) if gone else ())
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
    if lot.row["review"] in DECIDED:
        lot.wanted_minor, lot.reasons = 0, (reason(DECIDED[lot.row["review"]]),)
    if not lot.settled:  # what is available keeps the dates under which it became so
        lot.row.update(
            earned_at=claim.earned_at,
            available_at=claim.available_at,
            month=claim.month,
            sort_key=claim.sort_key,
        )


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
        row["under_review"] = reviewed or row["review"] == WAITING
    if lot.step is not None:
        row["postings"] += 1
    row["reasons"] = [*lot.reasons, *lasting_reasons(row)]
    plan.reasons[row["customer_id"], row["origin"]] = row["reasons"]
    if lot.step is not None or lot.is_new:
        plan.notices += money_notices(row, before_minor=booked, why=why)


__all__ = ["BonusPlan", "Settling", "bonuses_of_friends", "history_known", "plan_bonuses", "write_bonuses"]
