"""Friends who order under an address of somebody who was brought: evidence ``email`` (rules 11-13, 16).

Nobody is joined by a typed address. But whoever orders with another account under the address of a person whom an
ambassador brought was brought by the same one, at the date of that person's own evidence. People who share an address
are one friend as far as money goes: the first paid order under it counts, whoever of them made it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from referrals.recruiting.attribution import EMAIL
from referrals.recruiting.shops import DELETED
from storage.bulk import fetch_in
from storage.columns import to_text
from storage.orders import Order
from storage.referrals import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlmodel import Session

    from referrals.programme import Programme

Row = dict[str, Any]
SHARED = ("customer_id", "email_owner_id")


def lends_by_address(programme: Programme) -> bool:
    """Is ``email`` among the configured kinds of evidence?"""
    return EMAIL in programme.config.attribution.evidence


def with_sharers(session: Session, friend_ids: Iterable[int], *, in_hand: Sequence[Row] = ()) -> list[int]:
    """These friends and all who ordered under one address with them; the addresses' owners come last."""
    friends = list(dict.fromkeys(friend_ids))
    mine = fetch_in(session, Order, "customer_id", friends, columns=SHARED, extra="email_owner_id IS NOT NULL")
    owners = {row["email_owner_id"] for row in (*mine, *in_hand) if row["email_owner_id"] is not None}
    rows = fetch_in(session, Order, "email_owner_id", sorted(owners | set(friends)), columns=SHARED)
    owners |= {row["email_owner_id"] for row in rows}
    everybody = dict.fromkeys([*friends, *(row["customer_id"] for row in rows), *sorted(owners)])
    return [each for each in everybody if each not in owners] + [each for each in everybody if each in owners]


def lend(orders: Mapping[int, Sequence[Row]], pairs: Mapping[int, Sequence[Row]]) -> dict[int, list[Row]]:
    """By order, the evidence that its buyer borrows from the owner of the address; none is an empty list."""
    borrowed = [row for rows in orders.values() for row in rows if row["email_owner_id"] is not None]
    held = {owner: [_lent(pair) for pair in found if _holds(pair)] for owner, found in pairs.items()}
    return {row["id"]: held.get(row["email_owner_id"], []) for row in borrowed}


def first_orders(orders: Mapping[int, Sequence[Row]]) -> dict[int, str]:
    """By owner of an address, the sort key of the first order that was paid under it."""
    keys: dict[int, list[str]] = defaultdict(list)
    for buyer, rows in orders.items():
        for row in rows:
            if row["paid_at"] is not None and not row["test"] and row["status"] != DELETED:
                for owner in {buyer, row["email_owner_id"]} - {None}:
                    keys[owner].append(sort_key(row))
    return {owner: min(found) for owner, found in keys.items()}


def evidence_of(row: Row, lent: Mapping[int, list[Row]]) -> list[Row]:
    """What an order itself carried, with what its buyer borrows now."""
    if row["id"] not in lent:
        return list(row["evidence"])
    return [*(each for each in row["evidence"] if each["kind"] != EMAIL), *lent[row["id"]]]


def sort_key(row: Row) -> str:
    """Where a paid order stands among others: when it was paid, then its shop and number."""
    return f"{to_text(row['paid_at'])}|{row['shop']}|{row['external_id']}"


def _holds(pair: Row) -> bool:
    """Does the pair stand, or is it a claim with nothing against it?"""
    return bool(pair["standing"] or (pair["stage"] != REFUSED and not pair["reasons"]))


def _lent(pair: Row) -> Row:
    at = pair["evidence_at"].isoformat()
    return {"kind": EMAIL, "ambassador_id": pair["ambassador_id"], "code_id": pair["code_id"], "at": at}
