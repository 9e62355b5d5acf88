"""The wall: which references anybody may see now. The gates' records decide, not the status of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, or_, select
from sqlmodel import Session, col

from referrals.asking.shown import WEBSITE, Shown
from storage.customers import ACTIVE, Customer, CustomerAlias
from storage.references import Consent, Reference

PAGE = 50
PUBLISHED, OVER = "published", "over"

Place = tuple[datetime, int]  # when it was published, and its id


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides whether a reference is on the wall."""

    shown: Shown  # what would be shown now
    consent_hash: str | None  # of the consent that stands
    consent_uses: Sequence[str]
    owner_hash: str | None  # of what an owner approved
    withdrawn_at: datetime | None
    expires_at: datetime | None
    customer_state: str  # of the customer, or of whom they were merged into


@dataclass(frozen=True, slots=True)
class Item:
    """A reference on the wall, and when it came there."""

    reference_id: int
    shown: Shown
    locale: str | None  # of the text
    thanked: bool  # a thank-you was given
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Gated:
    """A reference with its gates, and as whom its customer lives on."""

    reference: Reference
    facts: Facts
    customer_id: int


def is_visible(facts: Facts, now: datetime) -> bool:
    """Whether the customer's standing yes and the owner's both name exactly what would be shown now, on the website.

    Neither withdrawn, nor over, nor of somebody who does not take part. Source: requirements F4, F5.
    """
    meant = facts.shown.hash()
    return (
        facts.consent_hash == meant
        and facts.owner_hash == meant
        and WEBSITE in facts.consent_uses
        and facts.withdrawn_at is None
        and facts.expires_at is not None
        and now < facts.expires_at
        and facts.customer_state == ACTIVE
    )


def wall(session: Session, *, now: datetime, limit: int = PAGE, before: Place | None = None) -> list[Item]:
    """What is on the wall, the newest first; the place of a page's last item leads on, also when that is gone."""
    public = _public(now)
    if before is not None:
        at, reference_id = before
        earlier = and_(col(Reference.published_at) == at, col(Reference.id) < reference_id)
        public.append(or_(col(Reference.published_at) < at, earlier))
    newest = (col(Reference.published_at).desc(), col(Reference.id).desc())
    found = with_gates(session, *public, order_by=newest, limit=limit)
    return [_item(each.reference) for each in found if is_visible(each.facts, now)]


def with_gates(session: Session, *conditions: ColumnElement[bool], order_by: Sequence[Any], limit: int) -> list[Gated]:
    """References with the yes that stands, and with how their customer stands after all merges; in one statement."""
    person = func.coalesce(col(CustomerAlias.customer_id), col(Reference.customer_id))
    stands = and_(col(Consent.reference_id) == col(Reference.id), col(Consent.withdrawn_at).is_(None))
    columns: tuple[Any, ...] = (Reference, Consent.text_hash, Consent.uses, Customer.state, Customer.id)
    query = (
        select(*columns)
        .select_from(Reference)
        .outerjoin(Consent, stands)
        .outerjoin(CustomerAlias, col(CustomerAlias.merged_id) == col(Reference.customer_id))
        .join(Customer, col(Customer.id) == person)
    )
    found = session.execute(query.where(*conditions).order_by(*order_by).limit(limit)).all()
    return [Gated(row, _facts(row, text_hash, uses, state), who) for row, text_hash, uses, state, who in found]


def is_over(reference: Reference, now: datetime) -> bool:
    """Whether it was published, and the time for which both said yes is over."""
    return reference.status == PUBLISHED and reference.expires_at is not None and reference.expires_at <= now


def shown_of(reference: Reference) -> Shown:
    """What would be shown of it now."""
    return Shown(reference.text or "", reference.name, reference.town, reference.since)


def _public(now: datetime) -> list[ColumnElement[bool]]:
    """What a database can say of ``is_visible``, along the index of what is published."""
    return [
        col(Reference.status) == PUBLISHED,
        col(Reference.expires_at) > now,
        col(Reference.withdrawn_at).is_(None),
        col(Consent.text_hash) == col(Reference.owner_approved_hash),
        cast(col(Consent.uses), String).like(f'%"{WEBSITE}"%'),
        col(Customer.state) == ACTIVE,
    ]


def _facts(reference: Reference, text_hash: str | None, uses: Any, state: str) -> Facts:
    return Facts(
        shown=shown_of(reference),
        consent_hash=text_hash,
        consent_uses=uses or (),
        owner_hash=reference.owner_approved_hash,
        withdrawn_at=reference.withdrawn_at,
        expires_at=reference.expires_at,
        customer_state=state,
    )


def _item(reference: Reference) -> Item:
    if reference.id is None or reference.published_at is None:
        raise AssertionError("what is published has a number and a date")
    return Item(reference.id, shown_of(reference), reference.locale, reference.rewarded, reference.published_at)
