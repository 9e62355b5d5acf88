"""An owner's part in a reference: nominating, placing, shortening, thanking, and saying no. All of it is on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from referrals.asking.consents import end_consent, standing_consent
from referrals.asking.owners import refresh_cards
from referrals.asking.references import (
    CUSTOMER_APPROVED,
    NOMINATED,
    OWNER_DECLINED,
    STALE,
    ReferenceMoved,
    consent_data,
    has_one,
    move,
    need,
    reopen,
    rest,
    shut,
    stage,
)
from referrals.asking.shown import clean_words, is_correction
from referrals.asking.tellings import publication
from referrals.asking.wall import PUBLISHED, shown_of
from referrals.calendar import add_local_months
from referrals.errors import ProgrammeError
from referrals.notices import REFERENCE_PUBLISHED, REFERENCE_REFUSED, REFERENCE_TEXT, Notice, write_notices
from referrals.people.persons import everybody, get_customer, survivor, takes_part
from referrals.programme import Programme
from referrals.reasons import EXCLUDED_CUSTOMER, TOO_EARLY
from referrals.subscribers.events import tell_subscribers
from storage.auditlog import AuditEvent
from storage.contacts import PLANNED, Contact
from storage.references import Reference

PLAY = "reference"
HAS_ONE, RESTS = "has_one", "rests"


class NotACorrection(ProgrammeError):
    """An owner may shorten and correct what a customer said, and not say something else."""

    code = "not_a_correction"


def nominate(
    session: Session, customer_id: int, *, actor: str, programme: Programme, now: datetime
) -> tuple[str, datetime | None]:
    """The customer will be invited once the moment is right; else why not, and until when (``rests``)."""
    customer = get_customer(session, customer_id)
    if not takes_part(customer.state):
        return EXCLUDED_CUSTOMER, None
    if customer.first_paid_at is None:
        return TOO_EARLY, None
    if has_one(session, customer.id, now=now):
        return HAS_ONE, None
    until = rests_until(session, customer.id, programme=programme)
    if until is not None and until > now:
        return RESTS, until
    reference = Reference(
        customer_id=customer.id, status=NOMINATED, nominated_at=now, rest_until=now + STALE, created_at=now,
        updated_at=now,
    )  # fmt: skip
    move(session, reference, NOMINATED, now=now)
    _record(session, reference, "reference:nominate", before=None, after={"status": NOMINATED}, actor=actor, now=now)
    return NOMINATED, None


def rests_until(session: Session, customer_id: int, *, programme: Programme) -> datetime | None:
    """Until when this customer is not invited, for what they answered or for having been asked lately."""
    people = everybody(session, customer_id)
    rested = session.exec(select(func.max(Reference.rest_until)).where(col(Reference.customer_id).in_(people))).one()
    contacts = select(Contact).where(col(Contact.customer_id).in_(people), Contact.play == PLAY)
    days = timedelta(days=programme.config.references.ask_every_days)
    asked = [
        (contact.sent_at or contact.planned_at) + days
        for contact in session.exec(contacts)
        if contact.sent_at is not None or contact.status == PLANNED
    ]
    return max(filter(None, [rested, *asked]), default=None)


def publish(session: Session, reference: Reference, *, owner: int, programme: Programme, now: datetime) -> None:
    """The owner says yes to exactly what the customer said yes to: it is public, and the customer hears.

    Raises:
        ReferenceMoved: No standing consent names what would be shown now.
    """
    need(reference.status, CUSTOMER_APPROVED)
    meant, consent = shown_of(reference).hash(), standing_consent(session, reference.id)
    if consent is None or consent.text_hash != meant:
        raise ReferenceMoved
    before = as_recorded(reference)
    reference.owner_approved_hash, reference.owner_approved_at, reference.owner_approved_by = meant, now, owner
    reference.published_at, reference.withdrawn_at = now, None
    months = programme.config.references.valid_months
    reference.expires_at = add_local_months(now, months, programme.zone)
    reference.rest_until = reference.expires_at + timedelta(days=programme.config.references.ask_every_days)
    reference.version += 1  # a card that offers to refuse it does nothing any more
    move(session, reference, PUBLISHED, now=now)
    _done(session, reference, "reference:publish", before=before, owner=owner, now=now)
    data = {"uses": list(consent.uses), "until_at": reference.expires_at.isoformat()}
    _tell(session, reference, REFERENCE_PUBLISHED, data, now=now)
    happened = publication(reference, uses=consent.uses, until=reference.expires_at, now=now)
    tell_subscribers(session, [happened], now=now)


def shorten(session: Session, reference: Reference, *, words: str, owner: int, now: datetime) -> None:
    """The text is the owner's shorter one: nobody's yes stands, and the customer reads exactly this and decides.

    Raises:
        NotACorrection: It is longer, or mostly other words.
        ReferenceMoved: It waits for no owner and is not public, or its time is over.
    """
    need(stage(session, reference, now=now), CUSTOMER_APPROVED, PUBLISHED)
    text = clean_words(words)
    if not is_correction(text, of=reference.text or "", original=reference.original or ""):
        raise NotACorrection
    before = as_recorded(reference)
    reference.text = text
    reopen(session, reference, now=now)
    _done(session, reference, "reference:shorten", before=before, owner=owner, now=now)
    _tell(session, reference, REFERENCE_TEXT, consent_data(session, reference) | {"shortened": True}, now=now)


def refuse(session: Session, reference: Reference, *, owner: int, programme: Programme, now: datetime) -> None:
    """It is not shown, or not any more; the customer's yes ends with it, and they hear that kindly.

    Raises:
        ReferenceMoved: It waits for no owner and is not public, or its time is over.
    """
    need(stage(session, reference, now=now), CUSTOMER_APPROVED, PUBLISHED)
    before = as_recorded(reference)
    end_consent(session, reference, now=now)
    shut(reference)
    reference.version += 1
    move(session, reference, OWNER_DECLINED, now=now)
    rest(reference, programme.config.references.ask_every_days, now=now)
    _done(session, reference, "reference:refuse", before=before, owner=owner, now=now)
    _tell(session, reference, REFERENCE_REFUSED, {"published": before["status"] == PUBLISHED}, now=now)


def note_thanks(session: Session, reference: Reference, *, owner: int, now: datetime) -> None:
    """A thank-you was given, and the wall says so; pressed again, it was not. Raises: ReferenceMoved."""
    need(stage(session, reference, now=now), PUBLISHED)
    before = as_recorded(reference)
    reference.rewarded = not reference.rewarded
    move(session, reference, PUBLISHED, now=now)
    _done(session, reference, "reference:thanks", before=before, owner=owner, now=now)


def waiting(session: Session, *, limit: int) -> Sequence[Reference]:
    """References that wait for an owner, the longest first."""
    query = select(Reference).where(Reference.status == CUSTOMER_APPROVED)
    return session.exec(query.order_by(col(Reference.updated_at), col(Reference.id)).limit(limit)).all()


def waiting_count(session: Session) -> int:
    """How many references wait for an owner."""
    return session.exec(select(func.count()).select_from(Reference).where(Reference.status == CUSTOMER_APPROVED)).one()


def as_recorded(reference: Reference) -> dict[str, Any]:
    """A reference as the audit log keeps it."""
    return {
        "status": reference.status,
        "text": reference.text,
        "text_hash": shown_of(reference).hash(),
        "rewarded": reference.rewarded,
    }


def _done(session: Session, reference: Reference, action: str, *, before: Any, owner: int, now: datetime) -> None:
    after = as_recorded(reference)
    _record(session, reference, action, before=before, after=after, actor=f"owner:{owner}", now=now)
    refresh_cards(session, reference, now=now)


def _record(
    session: Session, reference: Reference, action: str, *, before: Any, after: Any, actor: str, now: datetime
) -> None:
    session.add(
        AuditEvent(at=now, actor=actor, action=action, subject=f"reference:{reference.id}", before=before, after=after)
    )
    session.flush()


def _tell(session: Session, reference: Reference, kind: str, data: dict[str, Any], *, now: datetime) -> None:
    """The customer hears, as whoever they are now."""
    notice = Notice(
        kind=kind,
        customer_id=survivor(session, reference.customer_id),
        key=f"{kind}:{reference.id}:{reference.version}",
        data={"reference": reference.id, "version": reference.version, **data},
    )
    write_notices(session, [notice], now=now)
