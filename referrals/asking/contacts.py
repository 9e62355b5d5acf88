"""The log of what is said unasked: planned once a cause, judged again when it is sent, and what became of it.

``sent_at`` is written in the transaction that claims the message, before it is sent: what may have arrived counts as
said, so a kill never makes a second one (rules 23). Every message that is not sent keeps its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from referrals.asking.cadence import Drop, Go, Verdict, Wait, is_held_out, judge
from referrals.asking.facts import AskFacts, load_facts
from referrals.asking.play import REFERRAL_ASK, Candidate, Play
from referrals.notices import AT_MOST_ONCE, Notice, write_notices
from referrals.people.persons import everybody
from referrals.programme import Programme
from referrals.reasons import IN_HOLD_OUT, INTERNAL_ERROR, OUTCOME_UNKNOWN, UNREACHABLE
from storage.bulk import fetch_in, insert_rows
from storage.contacts import NOT_SENT, PLANNED, SENT, Contact
from storage.customers import Customer
from storage.mailbox import DROPPED, DUE, Outbox


@dataclass(frozen=True, slots=True)
class Planned:
    """What came of a page of candidates."""

    planned: int = 0
    not_sent: int = 0


def plan(
    session: Session, play: Play, candidates: Sequence[Candidate], *, programme: Programme, now: datetime
) -> Planned:
    """Each candidate has its one contact: planned with its notice, or not sent with its reason.

    Who has one of this play about this cause already is left as they are, so planning twice is planning once.
    """
    fresh = _fresh(session, play, candidates)
    facts = load_facts(session, [one.customer_id for one in fresh])
    judged = [(one, facts.get(one.customer_id)) for one in fresh]
    verdicts = [(one, known, _judged(play, one, known, programme=programme, now=now)) for one, known in judged]
    rows = [_row(play, one, known, verdict, now=now) for one, known, verdict in verdicts]
    insert_rows(session, Contact, rows, ignore_conflicts=True)
    going = [(one, known, verdict) for one, known, verdict in verdicts if known and not isinstance(verdict, Drop)]
    more = _prepared(session, play, [one for one, _, _ in going], programme=programme, now=now)
    notices = [_notice(play, one, known, verdict, more.get(one.subject, {})) for one, known, verdict in going]
    write_notices(session, notices, now=now)
    return Planned(len(going), len(fresh) - len(going))


def judge_notice(
    session: Session, row: Outbox, facts: AskFacts | None, *, programme: Programme, now: datetime
) -> Verdict:
    """Whether this planned message may go now, by everything that is known now; what is in its way stays with it."""
    contact = _contact(session, row.unique_key)
    moment = max(now, row.as_of)
    if contact is None:
        return Drop(INTERNAL_ERROR)  # whatever wrote it, the caps would not count it
    if facts is None:
        return Drop(UNREACHABLE)
    verdict = judge(
        contact.kind, facts, play=contact.play, cause_at=contact.cause_at, expires_at=contact.expires_at,
        programme=programme, now=moment,
    )  # fmt: skip
    contact.judged_at = moment
    contact.reason = None if isinstance(verdict, Go) else verdict.reason
    if isinstance(verdict, Drop):
        contact.status = NOT_SENT
    return verdict


def facts_to_send(session: Session, customer_id: int) -> AskFacts | None:
    """The facts of the customer, whom no other transaction can be writing to until this one ends."""
    session.exec(select(Customer.id).where(Customer.id == customer_id).with_for_update()).first()
    return load_facts(session, [customer_id]).get(customer_id)


def mark_sending(session: Session, rows: Iterable[Outbox], *, now: datetime) -> None:
    """These messages count as said from this moment on, whatever becomes of the sending."""
    for row in rows:
        contact = _contact(session, row.unique_key)
        if contact is not None:
            contact.status, contact.reason, contact.sent_at = SENT, None, max(now, row.as_of)


def mark_unsent(session: Session, rows: Iterable[Outbox]) -> None:
    """These were refused for sure: nobody has heard them, and they may go again."""
    for row in rows:
        contact = _contact(session, row.unique_key)
        if contact is not None:
            contact.status, contact.sent_at = PLANNED, None


def mark_not_sent(session: Session, rows: Iterable[Outbox], *, because: str) -> None:
    """These are given up. One that may have arrived stays said, for the caps count it; the reason tells."""
    for row in rows:
        contact = _contact(session, row.unique_key)
        if contact is None:
            continue
        contact.reason = because
        if because != OUTCOME_UNKNOWN:
            contact.status, contact.sent_at = NOT_SENT, None


def mark_reacted(session: Session, customer_id: int, *, key: str, now: datetime) -> Contact | None:
    """The customer pressed a button of this message; None where it was not said to them. The first press counts."""
    contact = _contact(session, key)
    if contact is None or contact.sent_at is None or contact.customer_id not in everybody(session, customer_id):
        return None
    contact.reacted_at = contact.reacted_at or now
    session.flush()
    return contact


def cancel_planned(session: Session, customer_id: int, *, because: str, kinds: Sequence[str] = (REFERRAL_ASK,)) -> int:
    """What was planned for them of these kinds is not said; how many that were (rules 31)."""
    people = everybody(session, customer_id)
    query = select(Contact).where(
        col(Contact.customer_id).in_(people), Contact.status == PLANNED, col(Contact.kind).in_(kinds)
    )
    contacts = session.exec(query).all()
    keys = [contact.key for contact in contacts]
    for contact in contacts:
        contact.status, contact.reason = NOT_SENT, because
    waiting = update(Outbox).where(col(Outbox.unique_key).in_(keys), col(Outbox.status) == DUE)
    session.execute(waiting.values(status=DROPPED, dropped_because=because))
    session.flush()
    return len(keys)


def _fresh(session: Session, play: Play, candidates: Sequence[Candidate]) -> list[Candidate]:
    by_key = {play.key(one): one for one in candidates}
    known = fetch_in(session, Contact, "key", by_key, columns=("key",))
    for row in known:
        del by_key[row["key"]]
    return list(by_key.values())


def _judged(play: Play, one: Candidate, facts: AskFacts | None, *, programme: Programme, now: datetime) -> Verdict:
    if facts is None:
        return Drop(UNREACHABLE)
    verdict = judge(
        play.kind, facts, play=play.name, cause_at=one.cause_at, expires_at=one.expires_at, programme=programme,
        now=max(now, one.due_at),
    )  # fmt: skip
    if isinstance(verdict, Drop):
        return verdict
    held_out = play.held_out and is_held_out(play.name, facts.customer_id, programme=programme)
    return Drop(IN_HOLD_OUT) if held_out else verdict


def _row(play: Play, one: Candidate, facts: AskFacts | None, verdict: Verdict, *, now: datetime) -> dict[str, Any]:
    return {
        "key": play.key(one),
        "customer_id": facts.customer_id if facts else one.customer_id,
        "play": play.name,
        "kind": play.kind,
        "status": NOT_SENT if isinstance(verdict, Drop) else PLANNED,
        "reason": None if isinstance(verdict, Go) else verdict.reason,
        "cause_at": one.cause_at,
        "planned_at": now,
        "judged_at": now,
        "expires_at": one.expires_at,
    }


def _notice(play: Play, one: Candidate, facts: AskFacts, verdict: Verdict, more: dict[str, Any]) -> Notice:
    data = {**one.data, **more, "contact": play.key(one)}
    if play.kind == REFERRAL_ASK and facts.through_friend:
        data["through_friend"] = True
    return Notice(
        play.notice,
        facts.customer_id,
        play.key(one),
        data,
        message_class=AT_MOST_ONCE,
        due_at=verdict.until if isinstance(verdict, Wait) else one.due_at,
        expires_at=one.expires_at,
    )


def _prepared(
    session: Session, play: Play, candidates: Sequence[Candidate], *, programme: Programme, now: datetime
) -> dict[str, dict[str, Any]]:
    if play.prepare is None or not candidates:
        return {}
    return play.prepare(session, candidates, programme=programme, now=now)


def _contact(session: Session, key: str) -> Contact | None:
    return session.exec(select(Contact).where(Contact.key == key)).first()
