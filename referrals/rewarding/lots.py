"""A bonus on its way from what is booked to what is owed: the difference, and the posting that books it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from referrals.reasons import APPROVED, CREDIT_EXPIRED, ON_HOLD_UNTIL, UNDER_REVIEW, Reason, reason
from storage.ledger import AVAILABLE, COST, DEBT, EXPIRED, HELD, UNREVIEWED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from referrals.rewarding.rules import Claim
    from referrals.rewarding.terms import Terms

Row = dict[str, Any]
REFUSED, REVERSED = "refused", "reversed"
AMBASSADOR = "ambassador"
MILESTONES = "milestone:"  # before the number of friends, in an origin


@dataclass(slots=True)
class Lot:
    """One bonus row in hand: as it is booked, and what it is to become."""

    row: Row  # as it is to be stored
    terms: Terms
    wanted_minor: int
    revenue_minor: int
    reasons: tuple[Reason, ...]
    is_new: bool = False
    touched: bool = True  # a claim or its absence speaks about it; the rest only shares its month
    capped: bool = False
    target_minor: int = 0
    step: Step | None = None
    before: Row = field(init=False)  # as it is booked
    settled: bool = field(init=False)  # available already: it keeps its place in the month

    def __post_init__(self) -> None:
        """Keep what is booked beside what is to become of it."""
        self.before = dict(self.row)
        self.settled = is_settled(self.before)

    @property
    def changed(self) -> bool:
        """Is there anything to store?"""
        return self.is_new or self.step is not None or self.row != self.before

    @property
    def place_key(self) -> tuple[bool, str]:
        """The order in which a month's cap is filled (rules 6b)."""
        return (not self.settled, self.row["sort_key"])


class Step(NamedTuple):
    """One posting to come: its kind, why, and the accounts it moves; the programme pays the rest."""

    kind: str
    reason: str
    moves: tuple[tuple[str, int], ...]  # customer's account, amount
    friends: int = 0
    revenue_minor: int = 0
    payer: str = COST  # the programme's account that pays the rest: cost or goodwill


def is_settled(bonus: Row) -> bool:
    """Credit already: its ambassador and its place are decided for good."""
    return bool(bonus["status"] == AVAILABLE and bonus["amount_minor"] > 0)


def milestone_of(origin: str) -> int | None:
    """The number of friends that an origin names; None where it names none, or stepped aside in a merge."""
    number = origin.removeprefix(MILESTONES)
    return int(number) if number != origin and number.isdecimal() else None


def new_row(claim: Claim, bonus_id: int, *, now: datetime) -> Row:
    """A bonus that nothing is booked on yet."""
    return {
        "id": bonus_id,
        "customer_id": claim.customer_id,
        "side": AMBASSADOR,
        "currency": claim.currency,
        "origin": claim.origin,
        "friend_id": claim.friend_id,
        "order_id": claim.order_id,
        "referral_id": claim.referral_id,
        "amount_minor": 0,
        "wanted_minor": 0,
        "revenue_minor": 0,
        "budget_minor": 0,
        "status": REFUSED,
        "under_review": False,
        "review": UNREVIEWED,
        "score": None,
        "signals": [],
        "typed": False,
        "capped": False,
        "earned_at": claim.earned_at,
        "available_at": claim.available_at,
        "released_at": None,
        "month": claim.month,
        "sort_key": claim.sort_key,
        "terms_id": claim.terms.id,
        "postings": 0,
        "reasons": [],
        "created_at": now,
        "updated_at": now,
    }


def difference(
    lot: Lot,
    *,
    available_minor: int,
    expired_minor: int,
    other_friends: bool,
    why: str,
) -> Step | None:
    """The step from what is booked to the target, or None where they are equal.

    Args:
        lot: The bonus.
        available_minor: How much of this lot lies in ``available``; what was spent becomes debt.
        expired_minor: How much of it has expired: it was never used, so it is taken before anything becomes debt.
        other_friends: Another available bonus of the same friend keeps the friend counted.
        why: Reason code of the step.
    """
    booked, target = lot.before["amount_minor"], lot.target_minor
    delta = target - booked
    if not lot.settled:
        kind = "reverse" if not target else "adjust" if booked else "credit"
        return Step(kind, why, ((HELD, delta),)) if delta else None
    gone = target == 0
    counted = lot.before["revenue_minor"]
    revenue = -counted if gone else lot.revenue_minor - counted
    if not delta and not revenue:
        return None
    friends = -1 if gone and not other_friends else 0
    moves = _out_of(available_minor, expired_minor, -delta) if delta < 0 else ((AVAILABLE, delta),)
    return Step("reverse" if gone else "adjust", why, moves, friends, revenue)


def release_step(amount_minor: int, *, debt_minor: int, first_of_friend: bool, revenue_minor: int) -> Step:
    """From held to available; an old debt is paid first (rules 9)."""
    pays = min(amount_minor, debt_minor)
    moves = ((HELD, -amount_minor), (AVAILABLE, amount_minor - pays), (DEBT, pays))
    return Step("release", APPROVED, _nonzero(moves), 1 if first_of_friend else 0, revenue_minor)


def credit_step(amount_minor: int, *, debt_minor: int, why: str) -> Step:
    """Credit at once, without a wait; an old debt is paid first (rules 9)."""
    pays = min(amount_minor, debt_minor)
    return Step("credit", why, _nonzero(((AVAILABLE, amount_minor - pays), (DEBT, pays))))


def take_step(amount_minor: int, *, available_minor: int, expired_minor: int, why: str) -> Step:
    """Credit is taken back where it lies."""
    return Step("reverse", why, _out_of(available_minor, expired_minor, amount_minor))


def entries(step: Step, lot_row: Row, posting_id: int) -> list[Row]:
    """The posting's sides, which sum to zero: the customer's accounts, and the programme's."""
    sides = [(lot_row["customer_id"], account, amount) for account, amount in step.moves]
    rest = -sum(amount for _, amount in step.moves)
    if rest:
        sides.append((None, step.payer, rest))
    return [
        {
            "posting_id": posting_id,
            "bonus_id": lot_row["id"],
            "customer_id": customer_id,
            "account": account,
            "currency": lot_row["currency"],
            "amount_minor": amount,
        }
        for customer_id, account, amount in sides
    ]


def status_after(lot: Lot) -> str:
    """Held, available, refused or reversed, once the target is booked."""
    if lot.target_minor > 0:
        return AVAILABLE if lot.settled else HELD
    taken_back = lot.before["amount_minor"] > 0 or lot.before["status"] == REVERSED
    return REVERSED if taken_back else REFUSED


def lasting_reasons(row: Row) -> list[Reason]:
    """What a bonus says beside its order's reasons: why it waits, that it was approved, or that it expired unused."""
    if row["status"] == HELD:
        return waiting_reasons(row)
    return [why for why in row["reasons"] if why["code"] in (APPROVED, CREDIT_EXPIRED) and row["amount_minor"]]


def waiting_reasons(row: Row) -> list[Reason]:
    """Why a booked bonus still waits."""
    waits = [reason(UNDER_REVIEW)] if row["under_review"] else []
    return [*waits, reason(ON_HOLD_UNTIL, date=row["available_at"].isoformat())]


def _out_of(available_minor: int, expired_minor: int, taken: int) -> tuple[tuple[str, int], ...]:
    """Take the lot where it lies: what was spent already becomes debt (rules 9)."""
    here = min(taken, max(0, available_minor))
    unused = min(taken - here, max(0, expired_minor))
    return _nonzero(((AVAILABLE, -here), (EXPIRED, -unused), (DEBT, here + unused - taken)))


def _nonzero(moves: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple((account, amount) for account, amount in moves if amount)
