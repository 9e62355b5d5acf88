"""Whose orders these are: each gets its buyer, who may be new, and what it says of their consent (rules 1, 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referrals.people.consent_log import MARKETING, Word, learn_marketing, shop_channel
from referrals.people.identities import (
    Person,
    PersonKeys,
    phone_fingerprint,
    remember_phones,
    resolve_people,
)
from referrals.people.marks import address_fingerprint, email_fingerprints, network_fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme
    from referrals.recruiting.orders import OrdersPlan
    from referrals.recruiting.shops import Buyer, OrderState

Row = dict[str, Any]


def name_buyers(
    session: Session,
    plan: OrdersPlan,
    *,
    programme: Programme,
    now: datetime,
    dry: bool,
) -> dict[int, set[str]]:
    """Orders without a buyer get theirs; returns the customers that were made for it, and their mailboxes' names."""
    wanted: list[tuple[Row, PersonKeys]] = []
    for key, state in plan.applied.items():
        row, buyer = plan.rows[key], state.buyer
        if row["customer_id"] in plan.erased:
            continue
        _mark(row, buyer, programme=programme)
        if row["customer_id"] is None and not state.tombstone:
            wanted.append((row, buyer_keys(programme, state, ordered_at=row["created_at"])))
    people = _resolve(session, [keys for _, keys in wanted], now=now, dry=dry)
    for (row, _), person in zip(wanted, people, strict=True):
        row["customer_id"], row["email_owner_id"] = person.customer_id, person.email_owner_id
    if not dry:
        seen = [(row["customer_id"], row[name]) for row, _ in wanted for name in ("phone", "address") if row[name]]
        remember_phones(session, seen)
    created = {person.customer_id: set[str]() for person in people if person.created and person.customer_id is not None}
    for (_, keys), person in zip(wanted, people, strict=True):
        if keys.mailbox and person.customer_id in created and person.email_owner_id is None:
            created[person.customer_id].add(keys.mailbox)
    return created


def buyer_keys(programme: Programme, state: OrderState, *, ordered_at: datetime) -> PersonKeys:
    """Who the order says has bought; nobody else is a guest without an address (rules 5)."""
    buyer = state.buyer
    email, mailbox = email_fingerprints(programme, buyer.email)
    guest = None if buyer.id or email else state.id
    consent = buyer.marketing_consent
    said_at = ordered_at if consent is not None else None
    return PersonKeys(state.shop, buyer.id, email, guest, None, consent, said_at, mailbox)


def note_consent(session: Session, plan: OrdersPlan, *, now: datetime) -> None:
    """What the shop says of marketing is known and on record; that is given as the order is made."""
    words = [
        Word(row["customer_id"], MARKETING, state.buyer.marketing_consent, shop_channel(state.shop), row["created_at"])
        for row, state in ((plan.rows[key], state) for key, state in plan.applied.items())
        if state.buyer.marketing_consent is not None
        and row["customer_id"] is not None
        and row["customer_id"] not in plan.erased
    ]
    learn_marketing(session, words, now=now)


def _mark(row: Row, buyer: Buyer, *, programme: Programme) -> None:
    """What the buyer may share with others, once it is known; never in clear."""
    row["phone"] = row["phone"] or phone_fingerprint(programme, buyer.phone)
    row["address"] = row["address"] or address_fingerprint(programme, buyer.address)
    row["ip"] = row["ip"] or network_fingerprint(programme, buyer.ip, at=row["created_at"])


def _resolve(session: Session, keys: Sequence[PersonKeys], *, now: datetime, dry: bool) -> list[Person]:
    return resolve_people(session, keys, now=now, dry=dry) if keys else []
