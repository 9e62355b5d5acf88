"""What subscribers hear of pairs: that a friend signed up, or that a pair does not count, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from referrals.reasons import BY_HAND
from referrals.subscribers.events import BONUS_REFUSED, REFERRAL_REFUSED, REFERRAL_SIGNED_UP, Happening
from storage.referrals import REFUSED

if TYPE_CHECKING:
    from referrals.recruiting.standing import PairPlan

Row = dict[str, Any]


def sign_up_happenings(rows: Iterable[Row]) -> Iterator[Happening]:
    """These friends have an account since they were invited. Whether that counts is decided afterwards."""
    for row in rows:
        data = _data(row) | {"signed_up_at": row["signed_up_at"].isoformat()}
        cause = f"{REFERRAL_SIGNED_UP}:{row['id']}:{row['signed_up_at'].isoformat()}"
        yield Happening(REFERRAL_SIGNED_UP, cause, data, row["ambassador_id"], row["friend_id"])


def order_happenings(rows: Iterable[Row]) -> Iterator[Happening]:
    """Paid orders that came through somebody and earn nothing, why they do not: no bonus was ever made of them."""
    for row in rows:
        why = [each for each in row["reasons"] if each["code"] != BY_HAND]
        if why and row["evidence"] and row["paid_at"] is not None:
            ambassador_id = row["ambassador_id"] or row["evidence"][0]["ambassador_id"]
            data = {
                "bonus": None,
                "customer": ambassador_id,
                "side": "ambassador",
                "status": "refused",
                "amount_minor": 0,
                "before_minor": 0,
                "currency": row["currency"],
                "order": row["id"],
                "referral": row["referral_id"],
                "earned_at": row["paid_at"].isoformat(),
                "available_at": None,
                "reasons": row["reasons"],
            }
            cause = f"{BONUS_REFUSED}:order:{row['id']}:{why[0]['code']}"
            yield Happening(BONUS_REFUSED, cause, data, ambassador_id, row["customer_id"])


def refusal_happenings(plan: PairPlan, changed: Iterable[Row], *, now: datetime) -> Iterator[Happening]:
    """The pairs that were refused just now, new ones and those that had not been."""
    yield from refusals((row for row in plan.new if row["stage"] == REFUSED), now=now)
    fallen = [row for row in changed if row["stage"] == REFUSED and plan.before[row["id"]]["stage"] != REFUSED]
    yield from refusals((plan.before[row["id"]] | row for row in fallen), now=now)


def refusals(rows: Iterable[Row], *, now: datetime) -> Iterator[Happening]:
    """These pairs do not count, for the reasons that they carry."""
    for row in rows:
        cause = f"{REFERRAL_REFUSED}:{row['id']}:{now.isoformat()}"
        data = _data(row) | {"reasons": row["reasons"]}
        yield Happening(REFERRAL_REFUSED, cause, data, row["ambassador_id"], row["friend_id"])


def _data(row: Row) -> Row:
    return {
        "referral": row["id"],
        "ambassador": row["ambassador_id"],
        "friend": row["friend_id"],
        "evidence": row["evidence"],
    }
