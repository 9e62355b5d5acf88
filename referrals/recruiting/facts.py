"""The facts of a list of friends, loaded in sets: what the attribution and the rules decide on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from referrals.reasons import OWN_ACCOUNT
from referrals.recruiting import addresses
from referrals.recruiting.attribution import NOBODY, Evidence, FriendFacts, OrderFacts, Pair
from referrals.recruiting.shops import DELETED
from referrals.rewarding.bonuses import bonuses_of_friends
from referrals.rewarding.lots import is_settled
from storage.bulk import fetch_in
from storage.customers import ACTIVE, ERASED, Customer, Phone
from storage.orders import Order
from storage.referrals import Referral

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlmodel import Session

Row = dict[str, Any]
PERSON = ("id", "state", "first_paid_at", "marketing_consent", "first_name", "ambassador_since", "trusted_at",
          "code_leaked_at")  # fmt: skip


@dataclass(slots=True)
class Facts:
    """All rows that speak of some friends, by friend; changed in place while a list is folded."""

    orders: dict[int, list[Row]] = field(default_factory=dict)
    pairs: dict[int, list[Row]] = field(default_factory=dict)
    bonuses: dict[int, list[Row]] = field(default_factory=dict)
    people: dict[int, Row] = field(default_factory=dict)
    brought_by: dict[int, int] = field(default_factory=dict)  # ambassador -> who brought them
    phones: dict[str, frozenset[int]] = field(default_factory=dict)  # fingerprint, of addresses too -> who had it
    mailboxes: dict[int, set[str]] = field(default_factory=dict)  # their names, of people who were made a moment ago
    shut_out: frozenset[int] = frozenset()  # excluded, erased or staff
    lent: dict[int, list[Row]] = field(default_factory=dict)  # order -> evidence of its address' owner
    first_under: dict[int, str] = field(default_factory=dict)  # owner of an address -> first order paid under it
    earned_under: dict[int, str] = field(default_factory=dict)  # owner of an address -> order of another that earned


def load_facts(
    session: Session,
    friend_ids: Iterable[int],
    *,
    in_hand: Sequence[Row] = (),
    created: Mapping[int, set[str]] = NOBODY,
    by_email: bool = False,
) -> Facts:
    """The facts of these friends; orders ``in_hand`` stand for what is stored of them.

    ``created`` are friends who were made a moment ago, with their mailboxes: nothing is stored of them yet.
    ``by_email`` where the owners of addresses lend their evidence; the friends are then all who share one.
    """
    friends = sorted(set(friend_ids))
    known = sorted(set(friends) - created.keys())
    stored = fetch_in(session, Order, "customer_id", known)
    fresh = {(row["shop"], row["external_id"]): row for row in in_hand}
    rows = [*(row for row in stored if (row["shop"], row["external_id"]) not in fresh), *in_hand]
    pairs = fetch_in(session, Referral, "friend_id", known)
    bonuses = bonuses_of_friends(session, known)
    ambassadors = {evidence["ambassador_id"] for row in rows for evidence in row["evidence"]}
    ambassadors |= {pair["ambassador_id"] for pair in pairs}
    wanted = ambassadors | set(friends) | {row["email_owner_id"] for row in rows if row["email_owner_id"]}
    people = fetch_in(session, Customer, "id", sorted(wanted), columns=PERSON)
    marks = [row[name] for row in rows for name in ("phone", "address") if row[name]]
    phones = fetch_in(session, Phone, "value", marks)
    facts = Facts(
        orders=_by(rows, "customer_id"),
        pairs=_by(pairs, "friend_id"),
        bonuses=_by(bonuses, "friend_id"),
        people={row["id"]: row for row in people},
        brought_by=_brought_by(session, ambassadors),
        phones=_owners(phones),
        mailboxes=dict(created),
        shut_out=frozenset(row["id"] for row in people if row["state"] != ACTIVE),
    )
    if by_email:
        facts.lent, facts.first_under = addresses.lend(facts.orders, facts.pairs), addresses.first_orders(facts.orders)
    return facts


def friend_facts(facts: Facts, friend_id: int) -> FriendFacts:
    """One friend's facts, as the attribution reads them."""
    orders = facts.orders.get(friend_id, [])
    owners = {row["email_owner_id"] for row in orders if row["email_owner_id"]}
    return FriendFacts(
        friend_id=friend_id,
        orders=[order_facts(row, facts) for row in orders],
        pairs=[pair_facts(row) for row in facts.pairs.get(friend_id, [])],
        settled=_settled_first(facts.bonuses.get(friend_id, [])),
        brought_by=facts.brought_by,
        shut_out=_shut_out(facts, friend_id),
        kept=_kept(facts, friend_id),
        paid_since={owner: since for owner in owners if (since := _paid_since(facts, owner)) is not None},
    )


def order_facts(row: Row, facts: Facts) -> OrderFacts:
    """One order, as the attribution reads it."""
    paid_at = row["paid_at"]
    evidence = addresses.evidence_of(row, facts.lent) if facts.lent else row["evidence"]
    return OrderFacts(
        id=row["id"],
        sort_key=(paid_at or row["created_at"], row["shop"], row["external_id"]),
        created_at=row["created_at"],
        paid=paid_at is not None,
        pinned_at=row["pinned_at"],
        orders_count=row["orders_count"],
        evidence=tuple(read_evidence(each) for each in evidence),
        misses=tuple(row["misses"]),
        email_owner_id=row["email_owner_id"],
        phone_owners=facts.phones.get(row["phone"] or "", frozenset()),
        counts=not row["test"] and row["status"] != DELETED,
        address_bought=bool(facts.lent) and _address_bought(row, facts),
    )


def pair_facts(row: Row) -> Pair:
    """One referral row, as the attribution reads it."""
    return Pair(
        ambassador_id=row["ambassador_id"],
        code_id=row["code_id"],
        evidence_at=row["evidence_at"],
        invited=row["invited_at"] is not None,
        signed_up_at=row["signed_up_at"],
        by_hand_at=row["by_hand_at"],
        own=row["by_hand_at"] is None and any(why["code"] == OWN_ACCOUNT for why in row["reasons"]),
    )


def read_evidence(stored: Row) -> Evidence:
    """Pinned evidence as it was stored."""
    return Evidence(
        stored["kind"],
        stored["ambassador_id"],
        stored["code_id"],
        datetime.fromisoformat(stored["at"]),
    )


def _address_bought(row: Row, facts: Facts) -> bool:
    """Was another order paid under this address before, or has its owner brought somebody credit already?"""
    owner = row["email_owner_id"]
    if owner is None or row["paid_at"] is None:
        return False
    settled = any(is_settled(bonus) for bonus in facts.bonuses.get(owner, ()))
    return settled or facts.first_under.get(owner, "") < addresses.sort_key(row)


def _shut_out(facts: Facts, friend_id: int) -> frozenset[int]:
    """A friend who was erased stays brought by whoever brought them: the books do not change (rules 41)."""
    friend = facts.people.get(friend_id)
    return facts.shut_out - {friend_id} if friend and friend["state"] == ERASED else facts.shut_out


def _kept(facts: Facts, friend_id: int) -> frozenset[int]:
    """Orders whose bonus was credit before anybody was shut out: it stays booked, whatever is decided again."""
    credit = (row for row in facts.bonuses.get(friend_id, []) if is_settled(row))
    return frozenset(row["order_id"] for row in credit if row["order_id"] is not None)


def _settled_first(bonuses: Iterable[Row]) -> int | None:
    """Who had credit for this friend first; a merge can leave two."""
    settled = [(row["earned_at"], row["id"], row["customer_id"]) for row in bonuses if is_settled(row)]
    return min(settled)[2] if settled else None


def _paid_since(facts: Facts, customer_id: int) -> datetime | None:
    row = facts.people.get(customer_id)
    return row["first_paid_at"] if row else None


def _brought_by(session: Session, ambassadors: set[int]) -> dict[int, int]:
    rows = fetch_in(
        session,
        Referral,
        "friend_id",
        sorted(ambassadors),
        columns=("friend_id", "ambassador_id"),
        extra="standing",
    )
    return {row["friend_id"]: row["ambassador_id"] for row in rows}


def _by(rows: Iterable[Row], name: str) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return dict(found)


def _owners(phones: Iterable[Row]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for row in phones:
        found[row["value"]].add(row["customer_id"])
    return {value: frozenset(owners) for value, owners in found.items()}
