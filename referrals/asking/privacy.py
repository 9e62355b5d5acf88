"""What asking keeps of somebody: told to them, or forgotten.

Scores, cases and contacts stay as numbers and dates, so that no figure changes; words go. A reference leaves the wall
at once; that a yes was given and ended stays on record, without a word of what it was to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from referrals.asking.consents import end_consent
from referrals.asking.owners import refresh_cards
from referrals.asking.references import AGREED, LIVE, NOMINATED, WITHDRAWN, move, shut
from referrals.notices import REFERENCE_LESS, STAFF
from referrals.reasons import EXCLUDED_CUSTOMER
from storage.bulk import fetch_in
from storage.cases import SOLVED, Case, CaseMessage
from storage.contacts import NOT_SENT, PLANNED, Contact, Wishes
from storage.mailbox import Outbox
from storage.references import Consent, Reference
from storage.surveys import Survey

if TYPE_CHECKING:
    from referrals.programme import Programme

Row = dict[str, Any]
SURVEY = ("kind", "subject", "score", "scored_at", "changed_at", "skipped_at", "why", "why_at", "created_at")
CASE = ("kind", "status", "opened_at", "promised_at", "answered_at", "solved_at")
CONTACT = ("play", "kind", "status", "reason", "cause_at", "planned_at", "sent_at", "reacted_at")
REFERENCE = (
    "status", "answers", "original", "text", "uses", "name_shown", "name", "town", "since", "locale", "rewarded",
    "invited_at", "published_at", "expires_at", "withdrawn_at", "created_at", "updated_at",
)  # fmt: skip
CONSENT = ("text_hash", "uses", "wording", "given_at", "withdrawn_at")
WISHES = ("tips", "scores", "portfolio", "quiet_from", "quiet_until", "updated_at")


def tell_asking(session: Session, people: Sequence[int], *, programme: Programme) -> Row:
    """Scores and their words, cases with all that was said, contacts, references with every consent, wishes."""
    return {
        "scores": _rows(session, Survey, people, SURVEY),
        "cases": [
            {"case": programme.number("case", row["id"]), **{name: row[name] for name in CASE}, "messages": messages}
            for row, messages in _cases(session, people)
        ],
        "contacts": _rows(session, Contact, people, CONTACT),
        "references": [
            {name: row[name] for name in REFERENCE} | {"consents": consents}
            for row, consents in _references(session, people)
        ],
        "wishes": _rows(session, Wishes, people, WISHES, key="customer_id"),
    }


def forget_asking(session: Session, people: Sequence[int], *, programme: Programme, now: datetime) -> None:
    """No word of theirs is left, nothing is open, and nothing more is planned."""
    session.execute(update(Survey).where(col(Survey.customer_id).in_(people)).values(why=None, why_at=None))
    session.execute(delete(Wishes).where(col(Wishes.customer_id).in_(people)))
    planned = update(Contact).where(col(Contact.customer_id).in_(people), col(Contact.status) == PLANNED)
    session.execute(planned.values(status=NOT_SENT, reason=EXCLUDED_CUSTOMER, judged_at=now))
    cases = list(session.exec(select(Case.id).where(col(Case.customer_id).in_(people))))
    session.execute(delete(CaseMessage).where(col(CaseMessage.case_id).in_(cases)))
    unsolved = update(Case).where(col(Case.id).in_(cases), col(Case.solved_at).is_(None))
    session.execute(unsolved.values(status=SOLVED, solved_at=now, waiting_since=None, alarms=0))
    session.expire_all()
    _forget_references(session, people, now=now)
    _forget_cards(session, people, {f"case:{case}:" for case in cases}, programme=programme)


def subjects_of(session: Session, people: Sequence[int]) -> list[str]:
    """What of theirs the audit log may name."""
    cases = session.exec(select(Case.id).where(col(Case.customer_id).in_(people)))
    references = session.exec(select(Reference.id).where(col(Reference.customer_id).in_(people)))
    return [*(f"case:{case}" for case in cases), *(f"reference:{reference}" for reference in references)]


def _forget_references(session: Session, people: Sequence[int], *, now: datetime) -> None:
    query = select(Reference).where(col(Reference.customer_id).in_(people)).with_for_update()
    for reference in session.exec(query).all():
        agreed = reference.status in AGREED
        end_consent(session, reference, now=now)
        shut(reference)
        reference.answers, reference.uses, reference.name_shown = [], [], ""
        reference.text = reference.original = reference.text_hash = None
        reference.name = reference.town = reference.since = reference.locale = None
        reference.version += 1
        if agreed:
            reference.withdrawn_at = now
        status = WITHDRAWN if reference.status in LIVE | {NOMINATED} else reference.status
        move(session, reference, status, now=now)
        refresh_cards(session, reference, now=now)
    where = col(Consent.customer_id).in_(people)
    session.execute(update(Consent).where(where).values(chat_id=0))
    session.expire_all()


def _forget_cards(session: Session, people: Sequence[int], keys: set[str], *, programme: Programme) -> None:
    """What colleagues were shown of cases is gone here, and what was withdrawn; cards of references are blank."""
    references = session.exec(select(Reference.id).where(col(Reference.customer_id).in_(people)))
    begins = (*keys, *(f"{REFERENCE_LESS}:{reference}:" for reference in references))
    if not begins:
        return
    telegram = programme.config.telegram
    chats = [*telegram.owner_ids, *([] if telegram.staff_chat_id is None else [telegram.staff_chat_id])]
    shown = fetch_in(session, Outbox, "chat_id", chats, columns=("id", "kind", "unique_key"))
    gone = [row["id"] for row in shown if row["kind"] in STAFF and row["unique_key"].startswith(begins)]
    session.execute(delete(Outbox).where(col(Outbox.id).in_(gone)))


def _cases(session: Session, people: Sequence[int]) -> list[tuple[Row, list[Row]]]:
    cases = _sorted(fetch_in(session, Case, "customer_id", people, columns=("id", *CASE)))
    said = _sorted(fetch_in(session, CaseMessage, "case_id", [row["id"] for row in cases]))
    return [
        (
            case,
            [
                {"said_by": row["said_by"], "at": row["at"], "text": row["text"]}
                for row in said
                if row["case_id"] == case["id"]
            ],
        )
        for case in cases
    ]


def _references(session: Session, people: Sequence[int]) -> list[tuple[Row, list[Row]]]:
    rows = _sorted(fetch_in(session, Reference, "customer_id", people, columns=("id", *REFERENCE)))
    given = _sorted(fetch_in(session, Consent, "reference_id", [row["id"] for row in rows]))
    return [
        (row, [{name: each[name] for name in CONSENT} for each in given if each["reference_id"] == row["id"]])
        for row in rows
    ]


def _rows(session: Session, table: Any, people: Sequence[int], names: tuple[str, ...], *, key: str = "id") -> list[Row]:
    rows = fetch_in(session, table, "customer_id", people, columns=(key, *names))
    return [{name: row[name] for name in names} for row in _sorted(rows, key=key)]


def _sorted(rows: Sequence[Row], *, key: str = "id") -> list[Row]:
    return sorted(rows, key=lambda row: int(row[key]))
