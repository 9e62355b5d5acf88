"""What waits to be said to a customer about a reference, and whether it is still so (rules 29).

Between the writing of such a message and its sending lies a night, or weeks: meanwhile the customer may have answered
elsewhere, an owner may have decided, or time alone may have. One rule holds for all of them, at every step and at the
sending: the reference stands where the message says it does, in the version and with the words that the message names.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from referrals.asking.contacts import mark_not_sent
from referrals.asking.shown import seal
from referrals.asking.wall import OVER, PUBLISHED, shown_of
from referrals.notices import (
    REFERENCE_INVITED,
    REFERENCE_PUBLISHED,
    REFERENCE_REFUSED,
    REFERENCE_RENEWAL,
    REFERENCE_TEXT,
    UNASKED,
)
from referrals.people.persons import everybody
from referrals.reasons import STALE
from storage.mailbox import DROPPED, DUE, Outbox
from storage.references import Reference

# The stage of a reference (``references.stage``) at which each of them is so.
SO_AT = {
    REFERENCE_INVITED: "invited",
    REFERENCE_RENEWAL: OVER,
    REFERENCE_TEXT: "draft",
    REFERENCE_PUBLISHED: PUBLISHED,
    REFERENCE_REFUSED: "owner_declined",
}


def is_so(row: Outbox, reference: Reference, *, stage: str) -> bool:
    """Whether what this message says holds of the reference, which is at this stage now."""
    if stage != SO_AT[row.kind] or row.data["version"] != reference.version:
        return False
    sealed = row.data.get("seal")  # of the words and boxes that the message would show
    return sealed is None or sealed == seal(shown_of(reference), reference.uses)


def drop_untrue(session: Session, reference: Reference, *, stage: str) -> None:
    """What waits to be said of this reference and is not so any more is not said."""
    people = everybody(session, reference.customer_id)
    query = select(Outbox).where(
        col(Outbox.customer_id).in_(people), Outbox.status == DUE, col(Outbox.kind).in_(list(SO_AT))
    )
    theirs = [row for row in session.exec(query) if row.data["reference"] == reference.id]
    untrue = [row for row in theirs if not is_so(row, reference, stage=stage)]
    for row in untrue:
        row.status, row.dropped_because, row.retry_at = DROPPED, STALE, None
    mark_not_sent(session, [row for row in untrue if row.kind in UNASKED], because=STALE)
    session.flush()
