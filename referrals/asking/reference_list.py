"""References as owners read them elsewhere: in the API and as an export.

Words and uses are there only while their customer says yes: from that yes on until its time is over, or until an owner
or the customer ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col

from referrals.asking.references import AGREED, stage_of
from referrals.asking.wall import Gated, is_visible, with_gates
from referrals.people.persons import everybody
from referrals.programme import Programme
from storage.bulk import fetch_in
from storage.contacts import Contact
from storage.references import Reference

Row = dict[str, Any]
CHUNK = 500
COLUMNS = (
    "reference", "customer", "status", "on_wall", "uses", "text", "name", "town", "customer_since", "lang", "thanked",
    "invited_at", "published_at", "expires_at", "withdrawn_at", "created_at", "updated_at",
)  # fmt: skip
_TIMES = ("invited_at", "published_at", "expires_at", "withdrawn_at", "created_at", "updated_at")


def reference_views(
    session: Session,
    *,
    programme: Programme,
    now: datetime,
    limit: int,
    customer_id: int | None = None,
    before_id: int | None = None,
) -> list[Row]:
    """References for ``GET /references``, the newest first: everybody's, or one customer's."""
    wanted: list[ColumnElement[bool]] = []
    if customer_id is not None:
        wanted.append(col(Reference.customer_id).in_(everybody(session, customer_id)))
    if before_id is not None:
        wanted.append(col(Reference.id) < before_id)
    found = with_gates(session, *wanted, order_by=(col(Reference.id).desc(),), limit=limit)
    return _views(session, found, programme=programme, now=now)


def reference_pages(session: Session, *, programme: Programme, now: datetime) -> Iterator[list[Row]]:
    """All of them for an export, the oldest first, a page at a time; the uses in one cell."""
    after = 0
    while found := with_gates(session, col(Reference.id) > after, order_by=(col(Reference.id),), limit=CHUNK):
        views = _views(session, found, programme=programme, now=now)
        yield [view | {"uses": " ".join(view["uses"])} for view in views]
        after = found[-1].reference.id or 0
        session.expunge_all()  # what was written is not kept


def _views(session: Session, found: Sequence[Gated], *, programme: Programme, now: datetime) -> list[Row]:
    keys = [each.reference.contact_key for each in found if each.reference.contact_key]
    sent = {row["key"]: row["sent_at"] for row in fetch_in(session, Contact, "key", keys, columns=("key", "sent_at"))}
    return [_view(each, sent_at=sent.get(each.reference.contact_key), programme=programme, now=now) for each in found]


def _view(gated: Gated, *, sent_at: datetime | None, programme: Programme, now: datetime) -> Row:
    reference, facts, shown = gated.reference, gated.facts, gated.facts.shown
    stage = stage_of(reference, sent_at=sent_at, now=now)
    allowed = stage in AGREED and facts.consent_hash == shown.hash()
    return {
        "reference": programme.number("reference", reference.id or 0),
        "customer": programme.number("customer", gated.customer_id),
        "status": stage,
        "on_wall": is_visible(facts, now),
        "uses": list(facts.consent_uses) if allowed else [],
        "text": shown.text if allowed else None,
        "name": shown.name if allowed else None,
        "town": shown.town if allowed else None,
        "customer_since": shown.since if allowed else None,
        "lang": reference.locale,
        "thanked": reference.rewarded,
        **{name: _local(getattr(reference, name), programme=programme) for name in _TIMES},
    }


def _local(moment: datetime | None, *, programme: Programme) -> str | None:
    return moment.astimezone(programme.zone).isoformat() if moment else None
