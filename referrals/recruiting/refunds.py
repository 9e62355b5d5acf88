"""Refunds that are reported on their own: a map of refund number to amount that only grows (rules 2).

An order's state names the refunds that it knows, and each of them also comes by itself, sooner, later or before the
order. What an order gave back is the sum over all that were heard of, so nothing counts twice and nothing is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.bulk import fetch_in, insert_rows, update_rows
from storage.orders import OrderRefund

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlmodel import Session

    from referrals.recruiting.shops import OrderState, Refund

Row = dict[str, Any]
OrderKey = tuple[str, str]  # shop, external id
KEY = ("shop", "external_id", "refund_id")


class Refunds:
    """The refunds of some orders, as they are stored and as they are to be."""

    def __init__(self, session: Session, keys: Iterable[OrderKey]) -> None:
        self._of: dict[OrderKey, dict[str, Row]] = {}
        self._new: dict[tuple[OrderKey, str], Row] = {}
        self._grown: dict[tuple[OrderKey, str], Row] = {}
        for row in fetch_in(session, OrderRefund, KEY[:2], keys):
            self._of.setdefault((row["shop"], row["external_id"]), {})[row["refund_id"]] = row

    def take(self, key: OrderKey, refund: Refund, *, by_order: bool, received_at: datetime) -> bool:
        """The refund is in the map; says whether that changed anything.

        An order's state says it in the order's currency, and that stands above what the buyer's currency was.
        """
        known = self._of.setdefault(key, {}).get(refund.id)
        if known is None:
            row: Row = dict(zip(KEY, (*key, refund.id), strict=True))
            row |= {"amount_minor": refund.amount_minor, "currency": refund.currency, "received_at": received_at}
            self._of[key][refund.id] = self._new[key, refund.id] = row
            return True
        same = known["currency"] == refund.currency
        if refund.amount_minor <= known["amount_minor"] if same else not by_order:
            return False
        known |= {"amount_minor": refund.amount_minor, "currency": refund.currency}
        if (key, refund.id) not in self._new:
            self._grown[key, refund.id] = known
        return True

    def fold(self, row: Row) -> bool:
        """The order's row has given back what all its refunds come to; says whether that changed it."""
        refunds = self._of.get((row["shop"], row["external_id"]), {}).values()
        back = sum(refund["amount_minor"] for refund in refunds if refund["currency"] == row["currency"])
        folded = {"refunded_minor": min(back, row["total_minor"]), "over_refunded": back > row["total_minor"]}
        if back <= row["refunded_minor"] or all(row[name] == value for name, value in folded.items()):
            return False
        row.update(folded)
        return True

    def save(self, session: Session) -> None:
        """What was taken is stored."""
        insert_rows(session, OrderRefund, list(self._new.values()))
        update_rows(session, OrderRefund, list(self._grown.values()), key=KEY)


def refunds_of(session: Session, arrivals: Iterable[tuple[OrderState, datetime]]) -> Refunds | None:
    """The refunds of these orders, with those that their states name; None where no shop reports them on their own."""
    told = [(state, state.refunds, at) for state, at in arrivals if state.refunds is not None]
    if not told:
        return None
    found = Refunds(session, [(state.shop, state.id) for state, _, _ in told])
    for state, refunds, at in told:
        for refund in refunds:
            found.take((state.shop, state.id), refund, by_order=True, received_at=at)
    return found
