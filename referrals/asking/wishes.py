"""What a customer wants to hear and when (rules 28): kinds of messages, a pause, quiet hours of their own.

What they wish never touches answers, money and cases: those always come. A wish is the person's, so after a merge the
wishes of both count: a no stands, and the hours of whoever stays come before those of the merged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlmodel import Session, col

from referrals.calendar import add_local_months
from referrals.people.consent_log import note_in_chat
from referrals.people.persons import everybody, pause, survivor
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.contacts import Wishes

Kind = Literal["tips", "scores", "portfolio"]
KINDS: tuple[Kind, ...] = ("tips", "scores", "portfolio")
PAUSES = (1, 3)  # months


@dataclass(frozen=True, slots=True)
class Wished:
    """What somebody wants to hear; without hours of their own the programme's quiet hours are theirs."""

    tips: bool = True  # asks to share the link
    scores: bool = True  # the question after a delivery
    portfolio: bool = True  # invitations to be a reference
    quiet_from: time | None = None  # local; None with the other
    quiet_until: time | None = None


def wishes_of(session: Session, customer_id: int) -> Wished:
    """What the customer chose, themselves or as somebody who was merged into them; who never chose hears everything."""
    people = everybody(session, customer_id)
    rows = fetch_in(session, Wishes, "customer_id", people)
    return joined_wishes(sorted(rows, key=lambda row: people.index(row["customer_id"])))


def joined_wishes(rows: Iterable[dict[str, Any]]) -> Wished:
    """The wishes of one person, from the rows of everybody they were, whoever stays first."""
    wished = Wished()
    for row in rows:
        own_hours = wished.quiet_from is None and row["quiet_from"] is not None
        wished = Wished(
            **{kind: getattr(wished, kind) and row[kind] for kind in KINDS},
            quiet_from=time.fromisoformat(row["quiet_from"]) if own_hours else wished.quiet_from,
            quiet_until=time.fromisoformat(row["quiet_until"]) if own_hours else wished.quiet_until,
        )
    return wished


def set_wish(session: Session, customer_id: int, *, kind: Kind, wanted: bool, now: datetime) -> None:
    """Messages of this kind come, or do not, from now on. Raises: ValueError for a kind that there is not."""
    if kind not in KINDS:
        raise ValueError(f"no kind of message: {kind}")
    if getattr(wishes_of(session, customer_id), kind) != wanted:
        _keep(session, customer_id, {kind: wanted}, now=now)
        note_in_chat(session, survivor(session, customer_id), about=kind, given=wanted, now=now)


def set_quiet_hours(
    session: Session, customer_id: int, *, quiet_from: time | None, quiet_until: time | None, now: datetime
) -> None:
    """Nothing comes unasked between these local times; two Nones bring back the programme's.

    Raises:
        ValueError: Only one is given, or both are the same: no hour, or every hour?
    """
    if (quiet_from is None) != (quiet_until is None) or (quiet_from is not None and quiet_from == quiet_until):
        raise ValueError("quiet hours need a beginning and another end")
    hours = {"quiet_from": _text(quiet_from), "quiet_until": _text(quiet_until)}
    _keep(session, customer_id, hours, now=now)


def pause_for(session: Session, customer_id: int, *, months: int, zone: ZoneInfo, now: datetime) -> datetime:
    """They are asked nothing for so many local calendar months; returns until when. Money is still reported."""
    until = add_local_months(now, months, zone)
    pause(session, customer_id, until=until)
    return until


def _keep(session: Session, customer_id: int, changes: dict[str, Any], *, now: datetime) -> None:
    """One row for the person: the rows of those who were merged into them go into it."""
    wished = wishes_of(session, customer_id)
    person, *merged = everybody(session, customer_id)
    row: dict[str, Any] = {
        "customer_id": person,
        **{kind: getattr(wished, kind) for kind in KINDS},
        "quiet_from": _text(wished.quiet_from),
        "quiet_until": _text(wished.quiet_until),
        **changes,
        "updated_at": now,
    }
    if merged:
        session.execute(delete(Wishes).where(col(Wishes.customer_id).in_(merged)))
    insert_rows(session, Wishes, [row], ignore_conflicts=True)
    update_rows(session, Wishes, [row], key=("customer_id",))


def _text(moment: time | None) -> str | None:
    return None if moment is None else moment.strftime("%H:%M")
