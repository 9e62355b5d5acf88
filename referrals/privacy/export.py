"""Everything kept of one person, as plain data that they can take away (rules 16, 41)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, or_, select

from referrals.asking.privacy import tell_asking
from referrals.people.persons import everybody, get_customer
from referrals.people.privacy import chats_of_people, tell_person
from referrals.programme import Programme
from referrals.recruiting.privacy import tell_recruiting
from referrals.rewarding.privacy import tell_rewarding
from referrals.subscribers.privacy import tell_events
from storage.auditlog import AuditEvent
from storage.mailbox import Outbox

HANDED_OUT = "data_file"  # the screen that sends it: no export holds another one
MESSAGE = ("kind", "status", "data", "due_at", "sent_at", "dropped_because", "created_at")


def export_person(session: Session, customer_id: int, *, programme: Programme, now: datetime) -> dict[str, Any]:
    """What every wing keeps of them, merged people included; nothing of a friend. Moments are ISO texts in UTC.

    Raises:
        UnknownCustomer: Nobody has this number.
    """
    customer = get_customer(session, customer_id)
    people = everybody(session, customer.id)
    kept = {
        "programme": programme.config.programme.name,
        "exported_at": now,
        "customer": programme.number("customer", customer.id),
        **tell_person(session, people),
        **tell_recruiting(session, people, programme=programme),
        **tell_rewarding(session, people, programme=programme),
        **tell_asking(session, people, programme=programme),
        "told_to_other_programs": tell_events(session, people),
        "messages": _messages(session, people),
        "decisions_of_staff": _log(session, people),
    }
    plain: dict[str, Any] = _plain(kept)
    return plain


def note_export(session: Session, customer_id: int, *, actor: str, now: datetime) -> None:
    """The audit log says who is handed everything that is kept of them. Raises: UnknownCustomer."""
    subject = f"customer:{get_customer(session, customer_id).id}"
    session.add(AuditEvent(at=now, actor=actor, action="customer:export", subject=subject))
    session.flush()


def _messages(session: Session, people: Sequence[int]) -> list[dict[str, Any]]:
    """What was said to them, or was to be; not what colleagues are shown of others in an owner's chat."""
    chats = chats_of_people(session, people)
    theirs = or_(
        col(Outbox.customer_id).in_(people), col(Outbox.chat_id).in_(chats) & col(Outbox.kind).startswith("screen.")
    )
    query = select(Outbox).where(theirs, Outbox.kind != f"screen.{HANDED_OUT}")
    rows = session.exec(query.order_by(col(Outbox.id)))
    return [{name: getattr(row, name) for name in MESSAGE} for row in rows]


def _log(session: Session, people: Sequence[int]) -> list[dict[str, Any]]:
    """When somebody decided something about them."""
    subjects = [f"customer:{person}" for person in people]
    rows = session.exec(select(AuditEvent).where(col(AuditEvent.subject).in_(subjects)).order_by(col(AuditEvent.id)))
    return [{"at": row.at, "action": row.action} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
