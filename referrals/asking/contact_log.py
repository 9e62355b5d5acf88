"""What was said to a customer of our own accord, what was not, and why; for owners and the API.

Scores and cases are shown as states with their dates. What the customer wrote is no part of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from referrals.asking.wishes import KINDS, wishes_of
from referrals.people.persons import everybody, get_customer, survivors
from referrals.programme import Programme
from referrals.reasons import reason
from storage.bulk import fetch_in
from storage.cases import Case
from storage.contacts import PLANNED, Contact
from storage.mailbox import Outbox
from storage.surveys import Survey

SHOWN = 10  # scores and cases in one log
MOMENTS = ("cause_at", "planned_at", "expires_at", "sent_at", "reacted_at")


def contact_views(
    session: Session,
    *,
    programme: Programme,
    limit: int,
    customer_id: int | None = None,
    before_id: int | None = None,
) -> list[dict[str, Any]]:
    """Contacts as plain data, the newest first: everybody's, or one customer's after all merges.

    ``due_at`` is when a planned one goes out at the earliest. Moments are ISO texts in UTC.

    Raises:
        UnknownCustomer: Nobody has this id.
    """
    query = select(Contact).order_by(col(Contact.id).desc()).limit(limit)
    if customer_id is not None:
        get_customer(session, customer_id)
        query = query.where(col(Contact.customer_id).in_(everybody(session, customer_id)))
    if before_id is not None:
        query = query.where(col(Contact.id) < before_id)
    rows = session.exec(query).all()
    waiting = [row.key for row in rows if row.status == PLANNED]
    due = fetch_in(session, Outbox, "unique_key", waiting, columns=("unique_key", "due_at"))
    due_at = {row["unique_key"]: row["due_at"] for row in due}
    living = survivors(session, {row.customer_id for row in rows})
    return [
        {
            "contact": programme.number("contact", row.id or 0),
            "customer": programme.number("customer", living[row.customer_id]),
            "play": row.play,
            "kind": row.kind,
            "status": row.status,
            "due_at": _iso(due_at.get(row.key)),
            **{name: _iso(getattr(row, name)) for name in MOMENTS},
            "reasons": [reason(row.reason)] if row.reason else [],
        }
        for row in rows
    ]


def log_of(
    session: Session, customer_id: int, *, programme: Programme, now: datetime, limit: int, before_id: int | None = None
) -> dict[str, Any]:
    """All that an owner sees of what passed between the programme and this customer, as plain data.

    Raises:
        UnknownCustomer: Nobody has this id.
    """
    customer = get_customer(session, customer_id)
    wished = wishes_of(session, customer.id)
    people = everybody(session, customer.id)
    found = contact_views(session, programme=programme, limit=limit + 1, customer_id=customer.id, before_id=before_id)
    paused = customer.paused_until if customer.paused_until and customer.paused_until > now else None
    return {
        "customer": programme.number("customer", customer.id),
        "state": customer.state,
        "stopped_at": _iso(customer.stopped_at),
        "paused_until_at": _iso(paused),
        "no_consent": customer.marketing_consent is False,
        "unwanted": [kind for kind in KINDS if not getattr(wished, kind)],
        "contacts": found[:limit],
        "older": len(found) > limit,
        "scores": _scores(session, people),
        "cases": _cases(session, people, programme=programme),
    }


def _scores(session: Session, people: list[int]) -> list[dict[str, Any]]:
    query = select(Survey).where(col(Survey.customer_id).in_(people)).order_by(col(Survey.id).desc()).limit(SHOWN)
    return [
        {
            "score": row.score,
            "at": _iso(row.changed_at or row.scored_at or row.skipped_at or row.created_at),
            "skipped": row.score is None and row.skipped_at is not None,
        }
        for row in session.exec(query)
    ]


def _cases(session: Session, people: list[int], *, programme: Programme) -> list[dict[str, Any]]:
    query = select(Case).where(col(Case.customer_id).in_(people)).order_by(col(Case.id).desc()).limit(SHOWN)
    return [
        {
            "case": programme.number("case", row.id or 0),
            "kind": row.kind,
            "status": row.status,
            "opened_at": _iso(row.opened_at),
            "promised_at": _iso(row.promised_at),
            "answered_at": _iso(row.answered_at),
            "solved_at": _iso(row.solved_at),
        }
        for row in session.exec(query)
    ]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
