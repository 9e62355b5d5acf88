"""Consent records: who said yes to which exact text, for which uses, when, where, and to which wording (rules 23).

A record is never edited but for the moment from which it stands no more; a narrower consent is a record of its own.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from referrals.people.persons import survivor
from storage.references import Consent, Reference

WORDING = 1  # of the question in the catalogues (reference.consent.*): another wording is another number


def give_consent(
    session: Session, reference: Reference, *, text_hash: str, uses: list[str], chat_id: int, locale: str, now: datetime
) -> Consent:
    """The customer's yes is on record, and stands instead of any earlier one."""
    return _record(
        session, reference, text_hash=text_hash, uses=uses, chat_id=chat_id, wording=f"{WORDING}:{locale}", now=now
    )


def standing_consent(session: Session, reference_id: int | None) -> Consent | None:
    """The yes that stands now, if one does."""
    query = select(Consent).where(Consent.reference_id == reference_id, col(Consent.withdrawn_at).is_(None))
    return session.exec(query.order_by(col(Consent.n).desc()).limit(1)).first()


def end_consent(session: Session, reference: Reference, *, now: datetime) -> Consent | None:
    """No yes stands any more; returns the one that did."""
    standing = standing_consent(session, reference.id)
    query = select(Consent).where(Consent.reference_id == reference.id, col(Consent.withdrawn_at).is_(None))
    for consent in session.exec(query):
        consent.withdrawn_at = now
    session.flush()
    return standing


def narrow_consent(session: Session, reference: Reference, *, use: str, now: datetime) -> list[str]:
    """This use is withdrawn; the others stand, on a record of their own. Returns those that are left."""
    standing = standing_consent(session, reference.id)
    if standing is None:
        return []
    left = [each for each in standing.uses if each != use]
    if len(left) == len(standing.uses):
        return left
    if not left:
        end_consent(session, reference, now=now)
        return []
    _record(
        session, reference, text_hash=standing.text_hash, uses=left, chat_id=standing.chat_id,
        wording=standing.wording, now=now,
    )  # fmt: skip
    return left


def _record(
    session: Session,
    reference: Reference,
    *,
    text_hash: str,
    uses: list[str],
    chat_id: int,
    wording: str,
    now: datetime,
) -> Consent:
    if reference.id is None:
        raise AssertionError("a reference that was read has a number")
    end_consent(session, reference, now=now)
    last = session.exec(select(func.max(Consent.n)).where(Consent.reference_id == reference.id)).one()
    consent = Consent(
        reference_id=reference.id,
        n=0 if last is None else last + 1,
        customer_id=survivor(session, reference.customer_id),
        chat_id=chat_id,
        text_hash=text_hash,
        uses=uses,
        wording=wording,
        given_at=now,
    )
    session.add(consent)
    session.flush()
    return consent
