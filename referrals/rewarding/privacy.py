"""What the books keep of somebody. They are told and never forgotten: entries stay under a number that names nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from referrals.rewarding.balances import balances
from storage.bulk import fetch_in
from storage.ledger import Bonus, Entry, Posting
from storage.vouchers import Voucher

if TYPE_CHECKING:
    from referrals.programme import Programme

ENTRY = ("account", "currency", "amount_minor")
BONUS = ("side", "currency", "amount_minor", "status", "earned_at", "available_at", "released_at", "reasons", "score")
VOUCHER = (
    "code", "shop_code", "purpose", "kind", "status", "currency", "amount_minor", "left_minor", "share_basis_points",
    "sku", "min_order_minor", "created_at", "expires_at", "ended_at",
)  # fmt: skip


def tell_rewarding(session: Session, people: Sequence[int], *, programme: Programme) -> dict[str, Any]:
    """Balances, bonuses, every entry of their accounts, and their vouchers, in minor units."""
    bonuses = fetch_in(session, Bonus, "customer_id", people, columns=("id", *BONUS))
    entries = sorted(fetch_in(session, Entry, "customer_id", people), key=lambda row: int(row["id"]))
    columns = ("id", "at", "kind", "reason")
    booked = fetch_in(session, Posting, "id", {row["posting_id"] for row in entries}, columns=columns)
    postings = {row["id"]: row for row in booked}
    return {
        "balances": {currency: asdict(balance) for currency, balance in balances(session, people[0]).items()},
        "bonuses": [
            {"bonus": programme.number("bonus", row["id"])} | {name: row[name] for name in BONUS}
            for row in sorted(bonuses, key=lambda row: int(row["id"]))
        ],
        "ledger": [
            {name: postings[row["posting_id"]][name] for name in columns[1:]}
            | {name: row[name] for name in ENTRY}
            | {"bonus": programme.number("bonus", row["bonus_id"])}
            for row in entries
        ],
        "vouchers": [
            {name: row[name] for name in VOUCHER}
            for row in sorted(fetch_in(session, Voucher, "customer_id", people), key=lambda row: int(row["id"]))
        ],
    }
