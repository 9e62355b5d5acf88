"""Stage c of the closure: what a local month may give out in all, first come, first served (rules 6c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referrals.reasons import BUDGET_SPENT, reason
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.ledger import Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlmodel import Session

    from referrals.rewarding.lots import Lot

Budgets = dict[tuple[str, str], int]  # (month, currency) -> spent, in minor units


def spend_budget(session: Session, lots: Sequence[Lot]) -> Budgets:
    """First come under the lock; what was given once stays given, and is never refilled. Returns what changed."""
    limited = [lot for lot in lots if lot.terms.budget_minor is not None and lot.target_minor > 0]
    if not limited:
        return {}
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
    return {key: amount for key, amount in spent.items() if before.get(key) != amount}


def write_budgets(session: Session, budgets: Budgets) -> None:
    """So much is spent of these months."""
    if budgets:
        rows = [
            {"month": month, "currency": currency, "spent_minor": spent} for (month, currency), spent in budgets.items()
        ]
        insert_rows(session, Budget, [{**row, "spent_minor": 0} for row in rows], ignore_conflicts=True)
        update_rows(session, Budget, rows, key=("month", "currency"))
