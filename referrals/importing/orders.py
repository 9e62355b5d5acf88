"""Orders of the past, by the thousand: the same rows that hooks would have made, and no word to anybody.

Most of them are of people whom nobody brought. Such an order needs no decision: it is stored as it would be after one
(``without_evidence``). All others go through ``apply_orders``; a test holds that both ways make the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlmodel import Session

from referrals.people.identities import Person, phone_fingerprint, remember_phones, resolve_people
from referrals.programme import Programme
from referrals.reasons import NO_EVIDENCE, reason
from referrals.recruiting.buyers import buyer_keys
from referrals.recruiting.order_vouchers import give_back, is_over
from referrals.recruiting.orders import APPLIED, UNCHANGED, Arrival, OrderKey, apply_orders
from referrals.recruiting.shops import OrderState
from referrals.recruiting.states import fresh_row, why_unpaid
from referrals.rewarding.terms import TermsBook, terms_book
from storage.bulk import fetch_in, insert_rows, take_ids, update_rows
from storage.customers import Customer
from storage.database import books
from storage.ledger import Bonus
from storage.orders import Order
from storage.referrals import Referral

Row = dict[str, Any]
KNOWN, NEW, AGAIN = "known", "new", "again"


@dataclass(slots=True)
class _Item:
    """A state of the list, the row that it would be, and what is to be done about it."""

    state: OrderState
    row: Row
    kind: str  # known as it is, new, or a known order's other state
    person: Person | None = None

    @property
    def points(self) -> bool:
        """Does it name somebody who may have brought the buyer?"""
        return bool(self.state.codes or self.state.ref or self.state.click)


@books
def import_orders(session: Session, states: Sequence[OrderState], *, programme: Programme, now: datetime) -> list[str]:
    """Every order is in its newest known state, decided as ever, and nobody hears of it; what each state did."""
    items = _sorted_out(session, states, programme=programme, now=now)
    statuses = []
    for kind, run in groupby(items, key=attrgetter("kind")):
        part = list(run)
        if kind == NEW:
            _add(session, part, programme=programme, now=now)
            statuses += [APPLIED] * len(part)
        elif kind == KNOWN:
            statuses += [UNCHANGED] * len(part)
        else:
            statuses += _decide(session, part, programme=programme, now=now)
    return statuses


def _sorted_out(session: Session, states: Sequence[OrderState], *, programme: Programme, now: datetime) -> list[_Item]:
    keys = [(state.shop, state.id) for state in states]
    columns = ("shop", "external_id", "digest", "updated_at")
    stored = fetch_in(session, Order, ("shop", "external_id"), keys, columns=columns)
    known = {(row["shop"], row["external_id"]): (row["digest"], row["updated_at"]) for row in stored}
    seen: set[OrderKey] = set()
    items = []
    for key, state in zip(keys, states, strict=True):
        row = fresh_row(state, received_at=now, currency=programme.currency)
        if key in seen:
            kind = AGAIN
        elif key not in known:
            kind = NEW
        else:
            kind = KNOWN if known[key] == (row["digest"], row["updated_at"]) else AGAIN
        seen.add(key)
        items.append(_Item(state, row, kind))
    return items


def _decide(session: Session, items: Iterable[_Item], *, programme: Programme, now: datetime) -> list[str]:
    arrivals = [Arrival(item.state, now) for item in items]
    outcomes = apply_orders(session, arrivals, programme=programme, now=now, quiet=True)
    return [outcome.status for outcome in outcomes]


def _add(session: Session, items: Sequence[_Item], *, programme: Programme, now: datetime) -> None:
    """Orders that are not known, each once: people first, in the order of the list, for that says who is who."""
    _name_buyers(session, items, programme=programme, now=now)
    judged = _to_be_judged(session, items)
    plain = [item for item in items if not item.points and item.row["customer_id"] not in judged]
    book = terms_book(session, programme=programme, now=now)
    for item, number in zip(plain, take_ids(session, "order", len(plain)), strict=True):
        _without_evidence(item, number, book=book, now=now)
    insert_rows(session, Order, [item.row for item in plain])
    give_back(session, [item.row for item in plain if is_over(item.row)], now=now)
    _first_payments(session, plain)
    if len(plain) < len(items):
        done = set(map(id, plain))
        _decide(session, [item for item in items if id(item) not in done], programme=programme, now=now)


def _name_buyers(session: Session, items: Sequence[_Item], *, programme: Programme, now: datetime) -> None:
    keys = [buyer_keys(programme, item.state, ordered_at=item.row["created_at"]) for item in items]
    phones = []
    for item, person in zip(items, resolve_people(session, keys, now=now), strict=True):
        row, item.person = item.row, person
        row["customer_id"], row["email_owner_id"] = person.customer_id, person.email_owner_id
        if item.state.buyer.phone:
            row["phone"] = phone_fingerprint(programme, item.state.buyer.phone)
            phones += [(row["customer_id"], row["phone"])] if row["phone"] else []
    remember_phones(session, phones)


def _to_be_judged(session: Session, items: Sequence[_Item]) -> set[int]:
    """Whose orders need a decision: buyers of whom something points to an ambassador, here or from before.

    Who has the address of such a buyer counts too: since when they are a customer decides over the other.
    """
    pointing = [item.row for item in items if item.points]
    judged = {row["customer_id"] for row in pointing} | {row["email_owner_id"] for row in pointing}
    met = {item.row["customer_id"] for item in items if item.person is not None and not item.person.created}
    known = sorted(met - judged)
    for table in (Referral, Bonus):
        judged |= {row["friend_id"] for row in fetch_in(session, table, "friend_id", known, columns=("friend_id",))}
    told = fetch_in(session, Order, "customer_id", known, columns=("customer_id",), extra="evidence <> '[]'")
    return judged | {row["customer_id"] for row in told}


def _without_evidence(item: _Item, number: int, *, book: TermsBook, now: datetime) -> None:
    """The row as it is after a decision that had nothing to decide on."""
    row = item.row
    row["id"] = number
    row["orders_count"] = item.state.buyer.orders
    if row["paid_at"] is None:
        row["reasons"] = [why_unpaid(row["status"])]
        return
    row["pinned_at"] = now
    row["terms_id"] = book.in_force(row["created_at"]).id
    row["reasons"] = [reason(NO_EVIDENCE)]


def _first_payments(session: Session, items: Iterable[_Item]) -> None:
    """Customers since their first paid order."""
    first: dict[int, datetime] = {}
    for row in (item.row for item in items):
        if row["paid_at"] is not None and not row["test"]:
            first[row["customer_id"]] = min(row["paid_at"], first.get(row["customer_id"], row["paid_at"]))
    known = fetch_in(session, Customer, "id", sorted(first), columns=("id", "first_paid_at"))
    changed = [
        {"id": row["id"], "first_paid_at": first[row["id"]]}
        for row in known
        if row["first_paid_at"] is None or first[row["id"]] < row["first_paid_at"]
    ]
    update_rows(session, Customer, changed, key=("id",))
