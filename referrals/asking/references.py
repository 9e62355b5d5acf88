"""A reference on its way, as far as its customer takes it: asked, answered, read back to the letter, agreed, withdrawn.

    nominated → invited → accepted → answering → draft → customer_approved → published → withdrawn | over
                invited → snoozed | declined | expired               an owner's part stands in ``approval``

Whatever is changed after a yes goes back to ``draft``, and both gates are shut (requirements F4). Every step locks the
row, so of two presses at once the second finds what the first one made.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from referrals.asking.consents import end_consent, give_consent, narrow_consent, standing_consent
from referrals.asking.owners import refresh_cards, send_cards, tell_withdrawn
from referrals.asking.reference_news import drop_untrue, is_so
from referrals.asking.shown import (
    NAMES,
    USES,
    clean_line,
    clean_words,
    name_as_shown,
    names_to_choose,
    seal,
)
from referrals.asking.tellings import BY_CUSTOMER, BY_OWNER, CHANGED, tell_taken_down
from referrals.asking.wall import OVER, PUBLISHED, is_over, shown_of
from referrals.errors import ProgrammeError
from referrals.notices import REFERENCE_INVITED
from referrals.people.persons import everybody, get_customer, survivor
from referrals.programme import Programme
from storage.contacts import NOT_SENT, Contact
from storage.mailbox import Outbox
from storage.references import Consent, Reference

NOMINATED, INVITED, ACCEPTED, SNOOZED, DECLINED = "nominated", "invited", "accepted", "snoozed", "declined"
ANSWERING, DRAFT, CUSTOMER_APPROVED, OWNER_DECLINED = "answering", "draft", "customer_approved", "owner_declined"
WITHDRAWN, EXPIRED = "withdrawn", "expired"
ASKED = frozenset({ACCEPTED, ANSWERING})  # the questions are being answered
AGREED = frozenset({CUSTOMER_APPROVED, PUBLISHED})  # the customer said yes to it
LIVE = frozenset({INVITED, SNOOZED, DRAFT, OVER}) | ASKED | AGREED  # there is something to see or to do
BECAUSE = {WITHDRAWN: BY_CUSTOMER, OWNER_DECLINED: BY_OWNER, OVER: OVER}  # why a public one is taken down
QUESTIONS = 3
OPEN = timedelta(days=14)  # how long an invitation can be answered
SNOOZE = timedelta(days=30)
STALE = timedelta(days=60)  # what was not asked by then is not asked any more


class UnknownReference(ProgrammeError):
    """There is no such reference of theirs."""

    code = "unknown_reference"


class ReferenceMoved(ProgrammeError):
    """It has gone on since; what was meant is not possible any more."""

    code = "reference_moved"


def get_reference(session: Session, reference_id: int) -> Reference:
    """The reference, locked.

    Raises:
        UnknownReference: There is none.
    """
    query = select(Reference).where(Reference.id == reference_id).with_for_update()
    reference = session.exec(query.execution_options(populate_existing=True)).first()
    if reference is None:
        raise UnknownReference
    return reference


def own_reference(session: Session, reference_id: int, *, customer_id: int) -> Reference:
    """Likewise, if it is this customer's, also from before a merge; an owner's wish to invite them is none yet.

    Raises:
        UnknownReference: It is not.
    """
    reference = get_reference(session, reference_id)
    if reference.status == NOMINATED or survivor(session, reference.customer_id) != survivor(session, customer_id):
        raise UnknownReference
    return reference


def references_of(session: Session, customer_id: int) -> list[Reference]:
    """All of a customer's, the newest first; an invitation that was never sent is none."""
    query = select(Reference).where(col(Reference.customer_id).in_(everybody(session, customer_id)))
    rows = session.exec(query.order_by(col(Reference.id).desc())).all()
    return [row for row in rows if row.status != NOMINATED and not _never_sent(session, row)]


def stage(session: Session, reference: Reference, *, now: datetime) -> str:
    """How it stands, with what time alone has done: an invitation expires, a published one is over."""
    contact = _contact(session, reference) if reference.status == INVITED else None
    return stage_of(reference, sent_at=contact.sent_at if contact else None, now=now)


def stage_of(reference: Reference, *, sent_at: datetime | None, now: datetime) -> str:
    """Likewise; an invitation can be answered for two weeks from when it was sent."""
    if reference.status == INVITED:
        waits = STALE if reference.contact_key else timedelta()  # one that is planned is sent by then, or never
        since = sent_at or (reference.invited_at or reference.created_at) + waits
        return EXPIRED if since + OPEN <= now else INVITED
    return OVER if is_over(reference, now) else reference.status


def still_so(session: Session, row: Outbox, *, now: datetime) -> bool:
    """Whether what this message says of a reference is so now (rules 29); who has one is not invited to another."""
    if "reference" not in row.data:
        return True  # whatever wrote it: a message without a contact goes nowhere
    reference = session.get(Reference, row.data["reference"])
    if reference is None or not is_so(row, reference, stage=stage(session, reference, now=now)):
        return False
    return row.kind != REFERENCE_INVITED or not has_one(session, reference.customer_id, now=now)


def has_one(session: Session, customer_id: int, *, now: datetime) -> bool:
    """Whether one of theirs is a draft, waits for an owner, or is public, also from before a merge."""
    query = select(Reference).where(col(Reference.customer_id).in_(everybody(session, customer_id)))
    return any(stage(session, row, now=now) in (DRAFT, *AGREED) for row in session.exec(query))


def accept(session: Session, reference: Reference, *, programme: Programme, now: datetime) -> None:
    """They will tell; the first question is next. Raises: ReferenceMoved."""
    need(stage(session, reference, now=now), INVITED, SNOOZED)
    move(session, reference, ACCEPTED, now=now)
    rest(reference, programme.config.references.ask_every_days, now=now)


def snooze(session: Session, reference: Reference, *, now: datetime) -> datetime:
    """They are asked once more in a month; returns when. Raises: ReferenceMoved."""
    need(stage(session, reference, now=now), INVITED)
    move(session, reference, SNOOZED, now=now)
    reference.version += 1
    reference.snoozed_until = now + SNOOZE
    reference.rest_until = reference.snoozed_until + STALE
    return reference.snoozed_until


def decline(session: Session, reference: Reference, *, programme: Programme, now: datetime) -> None:
    """They would rather not: their words are gone, and nobody asks again for a year. Raises: ReferenceMoved."""
    found = stage(session, reference, now=now)
    need(found, INVITED, SNOOZED, DRAFT, OVER, *ASKED)
    end_consent(session, reference, now=now)
    shut(reference)
    reference.answers, reference.text, reference.original, reference.text_hash = [], None, None, None
    reference.name_shown, reference.name, reference.town, reference.since = "", None, None, None
    reference.version += 1
    move(session, reference, DECLINED, now=now)
    rest(reference, programme.config.references.after_no_days, now=now)
    refresh_cards(session, reference, now=now)


def take_answer(
    session: Session, reference: Reference, *, words: str, locale: str, programme: Programme, now: datetime
) -> None:
    """One question more is answered; after the third one there is a draft of all of them. Raises: ReferenceMoved."""
    need(reference.status, *ASKED)
    reference.answers = [*reference.answers, clean_words(words)]
    move(session, reference, ANSWERING, now=now)
    if len(reference.answers) < QUESTIONS:
        return
    first_paid_at = get_customer(session, reference.customer_id).first_paid_at
    reference.text = reference.original = "\n".join(reference.answers)
    reference.locale = locale
    reference.since = first_paid_at.astimezone(programme.zone).year if first_paid_at else None
    reference.uses, reference.name_shown, reference.name, reference.town = [], "", None, None
    reference.version += 1
    move(session, reference, DRAFT, now=now)


def rewrite(session: Session, reference: Reference, *, words: str, now: datetime) -> None:
    """The customer says it otherwise: both gates are shut, and the new words are read back. Raises: ReferenceMoved."""
    need(reference.status, DRAFT, *AGREED)
    reference.text = clean_words(words)
    reopen(session, reference, now=now)


def reopen(session: Session, reference: Reference, *, now: datetime) -> None:
    """It is a draft again: no yes stands any more, no box is ticked, older buttons are dead. Raises: ReferenceMoved."""
    need(reference.status, DRAFT, OVER, *AGREED)
    end_consent(session, reference, now=now)
    shut(reference)
    reference.uses, reference.name_shown, reference.name = [], "", None
    reference.version += 1
    move(session, reference, DRAFT, now=now)
    refresh_cards(session, reference, now=now)


def let_go(session: Session, reference: Reference, *, programme: Programme, now: datetime) -> None:
    """Its time is over, and it stays over: the old yes stands no more. Raises: ReferenceMoved."""
    need(stage(session, reference, now=now), OVER)
    end_consent(session, reference, now=now)
    reference.version += 1
    move(session, reference, OVER, now=now)
    rest(reference, programme.config.references.ask_every_days, now=now)


def choose_name(session: Session, reference: Reference, *, kind: str, now: datetime) -> None:
    """This name will stand beside it, exactly as it is now; chosen again, none is. Raises: ReferenceMoved."""
    need(reference.status, DRAFT)
    need(kind, *NAMES)
    reference.name_shown = "" if reference.name_shown == kind else kind
    reference.name = name_as_shown(reference.name_shown, get_customer(session, reference.customer_id).first_name)
    move(session, reference, DRAFT, now=now)


def set_town(session: Session, reference: Reference, *, town: str | None, now: datetime) -> None:
    """This town will stand beside it, as they typed it; None: no town. Raises: ReferenceMoved."""
    need(reference.status, DRAFT)
    reference.town = clean_line(town or "") or None
    move(session, reference, DRAFT, now=now)


def tick(session: Session, reference: Reference, *, use: str, now: datetime) -> None:
    """The box of this use is ticked, or no more. Raises: ReferenceMoved."""
    need(reference.status, DRAFT)
    need(use, *USES)
    ticked = set(reference.uses) ^ {use}
    reference.uses = [each for each in USES if each in ticked]
    move(session, reference, DRAFT, now=now)


def agree(
    session: Session,
    reference: Reference,
    *,
    sealed: str,
    chat_id: int,
    locale: str,
    programme: Programme,
    now: datetime,
) -> Consent:
    """The customer says yes to what stood on the screen with this seal, and that is on record.

    Raises:
        ReferenceMoved: It is no draft, no use is ticked, or the screen showed something else.
    """
    need(reference.status, DRAFT)
    shown = shown_of(reference)
    if not reference.uses or not shown.text or sealed != seal(shown, reference.uses):
        raise ReferenceMoved
    reference.text_hash = shown.hash()
    consent = give_consent(
        session, reference, text_hash=reference.text_hash, uses=list(reference.uses), chat_id=chat_id, locale=locale,
        now=now,
    )  # fmt: skip
    move(session, reference, CUSTOMER_APPROVED, now=now)
    rest(reference, programme.config.references.ask_every_days, now=now)
    send_cards(session, reference, programme=programme, now=now)
    return consent


def withdraw(
    session: Session, reference: Reference, *, use: str | None, programme: Programme, now: datetime
) -> list[str]:
    """One use is withdrawn, or (None) all of it, at once; returns the uses that are gone. Raises: ReferenceMoved."""
    need(reference.status, *AGREED)
    standing = standing_consent(session, reference.id)
    had = list(standing.uses) if standing else []
    if use is not None and use not in had:
        return []
    left = [] if use is None else narrow_consent(session, reference, use=use, now=now)
    reference.uses = left
    reference.version += 1
    if not left:
        end_consent(session, reference, now=now)
        reference.withdrawn_at = now
        move(session, reference, WITHDRAWN, now=now)
        rest(reference, programme.config.references.after_no_days, now=now)
    else:
        tell_taken_down(session, reference, uses=left, because=BY_CUSTOMER, now=now)
        move(session, reference, reference.status, now=now)
    gone = [each for each in had if each not in left]
    tell_withdrawn(session, reference, uses=gone, programme=programme, now=now)
    return gone


def consent_data(session: Session, reference: Reference) -> dict[str, Any]:
    """All that the customer is shown before they say yes, and the seal that their yes must carry."""
    shown = shown_of(reference)
    names = names_to_choose(get_customer(session, reference.customer_id).first_name)
    return {
        "reference": reference.id,
        "version": reference.version,
        **asdict(shown),
        "uses": list(reference.uses),
        "name_shown": reference.name_shown,
        "names": names,
        "seal": seal(shown, reference.uses),
    }


def shut(reference: Reference) -> None:
    """Nobody's yes stands: it is on no wall."""
    reference.owner_approved_hash = reference.owner_approved_at = reference.owner_approved_by = None
    reference.published_at = reference.expires_at = None


def move(session: Session, reference: Reference, status: str, *, now: datetime) -> None:
    """It stands like this from now on, and what waits to be said of it otherwise is not said (rules 29).

    Subscribers hear of one that was public and is not any more, whoever wanted that.
    """
    if status != PUBLISHED:
        tell_taken_down(session, reference, uses=(), because=BECAUSE.get(status, CHANGED), now=now)
    reference.status, reference.updated_at = status, now
    session.add(reference)
    session.flush()
    drop_untrue(session, reference, stage=stage(session, reference, now=now))


def rest(reference: Reference, days: int, *, now: datetime) -> None:
    """Its customer is not invited again for so many days."""
    reference.rest_until = now + timedelta(days=days)


def need(found: str, *wanted: str) -> None:
    """It is one of these. Raises: ReferenceMoved."""
    if found not in wanted:
        raise ReferenceMoved


def _contact(session: Session, reference: Reference) -> Contact | None:
    if reference.contact_key is None:
        return None
    return session.exec(select(Contact).where(Contact.key == reference.contact_key)).first()


def _never_sent(session: Session, reference: Reference) -> bool:
    if reference.status != INVITED:
        return False
    contact = _contact(session, reference)
    return contact is not None and contact.status == NOT_SENT
