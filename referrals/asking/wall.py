"""The wall: which references anybody may see now. The gates' records decide, not the status of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, and_, cast, func, or_, select
from sqlmodel import Session, col

from referrals.asking.shown import WEBSITE, Shown
from storage.customers import ACTIVE, Customer, CustomerAlias
from storage.references import Consent, Reference

PAGE = 50
PUBLISHED = "published"

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
    found = session.execute(_wall_query(now=now, limit=limit, before=before)).all()
    return [_item(reference) for reference, *facts in found if is_visible(_facts(reference, *facts), now)]


def on_wall(session: Session, references: Sequence[Reference], *, now: datetime) -> set[int]:
    """Which of these references are on the wall."""
    ids = [reference.id for reference in references if reference.id is not None]
    found = session.execute(_with_gates(select(Reference, *_GATES)).where(col(Reference.id).in_(ids))).all()
    return {row.id for row, *facts in found if row.id is not None and is_visible(_facts(row, *facts), now)}


_GATES: tuple[Any, ...] = (Consent.text_hash, Consent.uses, Customer.state)


def _with_gates(query: Any) -> Any:
    """Beside each reference the yes that stands, and how its customer stands after all merges."""
    person = func.coalesce(col(CustomerAlias.customer_id), col(Reference.customer_id))
    stands = and_(col(Consent.reference_id) == col(Reference.id), col(Consent.withdrawn_at).is_(None))
    return (
        query.select_from(Reference)
        .outerjoin(Consent, stands)
        .outerjoin(CustomerAlias, col(CustomerAlias.merged_id) == col(Reference.customer_id))
        .join(Customer, col(Customer.id) == person)
    )


def _wall_query(*, now: datetime, limit: int, before: Place | None) -> Select[Any]:
    """Along the index of what is published; all that a page needs in one statement."""
    query = _with_gates(select(Reference, *_GATES)).where(
        col(Reference.status) == PUBLISHED,
        col(Reference.expires_at) > now,
        col(Reference.withdrawn_at).is_(None),
        col(Consent.text_hash) == col(Reference.owner_approved_hash),
        cast(col(Consent.uses), String).like(f'%"{WEBSITE}"%'),
        col(Customer.state) == ACTIVE,
    )
    if before is not None:
        at, reference_id = before
        earlier = and_(col(Reference.published_at) == at, col(Reference.id) < reference_id)
        query = query.where(or_(col(Reference.published_at) < at, earlier))
    ordered: Select[Any] = query.order_by(col(Reference.published_at).desc(), col(Reference.id).desc()).limit(limit)
    return ordered


def shown_of(reference: Reference) -> Shown:
    """What would be shown of it now."""
    return Shown(reference.text or "", reference.name, reference.town, reference.since)


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
