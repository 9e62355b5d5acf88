"""What an ambassador hears of their money; never who the friend is or what was bought."""

from __future__ import annotations

from typing import Any

from referrals.notices import (
    BONUS_AVAILABLE,
    BONUS_CHANGED,
    BONUS_CHECKED,
    BONUS_HELD,
    BONUS_REVERSED,
    NOT_COUNTED,
    Notice,
)
from referrals.reasons import (
    BELOW_MINIMUM,
    BUDGET_SPENT,
    EXISTING_CUSTOMER,
    FRIEND_CAP,
    MARGIN,
    MONTH_CAP,
    OUTSIDE_WINDOW,
    Reason,
)

Row = dict[str, Any]
# The rest is either no news to the ambassador or says more about the friend than they should hear.
TOLD = frozenset({EXISTING_CUSTOMER, OUTSIDE_WINDOW, BELOW_MINIMUM, FRIEND_CAP, MARGIN, MONTH_CAP, BUDGET_SPENT})


def money_notices(row: Row, *, before_minor: int, why: str) -> list[Notice]:
    """What to say after a bonus moved from ``before_minor`` to its amount now."""
    amount = row["amount_minor"]
    data = {"bonus": row["id"], "amount_minor": amount, "before_minor": before_minor, "currency": row["currency"]}
    if amount and not before_minor and row["under_review"]:
        return [_notice(BONUS_CHECKED, row, data)]
    if amount and not before_minor:
        data["available_at"] = row["available_at"].isoformat()
        return [_notice(BONUS_HELD, row, data)]
    if before_minor and not amount:
        return [_notice(BONUS_REVERSED, row, {**data, "reason": _last(row, why)})]
    if amount != before_minor:
        return [_notice(BONUS_CHANGED, row, {**data, "reason": _last(row, why)})]
    told = [why for why in row["reasons"] if why["code"] in TOLD]
    if told and not amount and row["order_id"] is not None:
        return [not_counted(row["customer_id"], row["order_id"], told[0])]
    return []


def not_counted(ambassador_id: int, order_id: int, why: Reason) -> Notice:
    """An order through the ambassador's link that earns nothing: once an order, with its reason."""
    return Notice(NOT_COUNTED, ambassador_id, f"{NOT_COUNTED}:{ambassador_id}:{order_id}", {"reason": why})


def released(row: Row, *, balance_minor: int, friends: int) -> Notice:
    """The bonus is credit now."""
    data = {
        "bonus": row["id"],
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
        "balance_minor": balance_minor,
        "friends": friends,
    }
    return _notice(BONUS_AVAILABLE, row, data)


def _notice(kind: str, row: Row, data: dict[str, Any]) -> Notice:
    return Notice(kind, row["customer_id"], f"{kind}:{row['id']}:{row['postings']}", data)


def _last(row: Row, why: str) -> Reason:
    return next((found for found in row["reasons"] if found["code"] == why), {"code": why})
