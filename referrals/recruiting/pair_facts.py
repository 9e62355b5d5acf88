"""What happened between an ambassador and a friend: invited, signed up, said by an owner. Facts only.

Which pair stands, and why the others do not, is for ``orders.redecide`` to say, which callers run for
every friend that ``save`` returns. A pair refused as one person's own stays refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from sqlmodel import Session

from referrals.reasons import CIRCULAR, EXCLUDED_CUSTOMER, OWN_ACCOUNT, Reason, reason
from referrals.recruiting.tellings import refusals, sign_up_happenings
from referrals.subscribers.events import tell_subscribers
from storage.bulk import fetch_in, insert_rows, take_ids, update_rows
from storage.customers import ACTIVE, Customer
from storage.referrals import INVITED, REFUSED, SIGNED_UP, Referral

Row = dict[str, Any]
SIGN_UP, BY_HAND = "sign_up", "by_hand"  # kinds of evidence
STORED = (
    "id",
    "stage",
    "evidence",
    "evidence_at",
    "invited_at",
    "signed_up_at",
    "by_hand_at",
    "by_hand_by",
    "reasons",
    "updated_at",
)


@dataclass(slots=True)
class Pairs:
    """The pairs of some friends, by (ambassador, friend)."""

    rows: dict[tuple[int, int], Row]
    states: dict[int, str] = field(default_factory=dict)  # of ambassadors and friends
    fresh: set[tuple[int, int]] = field(default_factory=set)
    changed: set[tuple[int, int]] = field(default_factory=set)
    signed_up: set[tuple[int, int]] = field(default_factory=set)  # for the first time
    refused: set[tuple[int, int]] = field(default_factory=set)  # likewise

    def of_friend(self, friend_id: int) -> list[Row]:
        """Every pair of this friend."""
        return [row for row in self.rows.values() if row["friend_id"] == friend_id]

    def taken(self, friend_id: int, *, but: int) -> bool:
        """Has somebody else than this ambassador brought the friend already?"""
        return any(row["ambassador_id"] != but and _holds(row) for row in self.of_friend(friend_id))

    def refusal(self, ambassador_id: int, friend_id: int) -> str | None:
        """Why these two can never be a pair, as a reason code."""
        if ambassador_id == friend_id or self._is_own(ambassador_id, friend_id):
            return OWN_ACCOUNT
        if any(self.states.get(each, ACTIVE) != ACTIVE for each in (ambassador_id, friend_id)):
            return EXCLUDED_CUSTOMER
        circle = self.rows.get((friend_id, ambassador_id))
        return CIRCULAR if circle and circle["standing"] else None

    def invite(self, ambassador_id: int, friend_id: int, *, code_id: int, at: datetime) -> None:
        """The friend pressed START with this code; the first time dates the evidence, the last one the touch."""
        row = self._row(ambassador_id, friend_id, code_id=code_id, stage=INVITED, at=at)
        if not _holds(row) and row["signed_up_at"] is None:
            self._change(row, stage=INVITED, reasons=[], evidence_at=min(row["evidence_at"], at))
        self._change(row, invited_at=max(row["invited_at"] or at, at))

    def sign_up(
        self, ambassador_id: int, friend_id: int, *, code_id: int | None, at: datetime, dated: datetime
    ) -> None:
        """The friend has a shop account through this code since ``at``; the evidence counts from ``dated``."""
        row = self._row(ambassador_id, friend_id, code_id=code_id, stage=SIGNED_UP, at=dated)
        if row["signed_up_at"] is None and not row["standing"]:
            self._change(row, stage=SIGNED_UP, reasons=[])
        if row["signed_up_at"] is None:
            self.signed_up.add((ambassador_id, friend_id))
        self._change(row, signed_up_at=min(row["signed_up_at"] or at, at), evidence_at=min(row["evidence_at"], dated))

    def refuse(self, ambassador_id: int, friend_id: int, why: str, *, code_id: int | None, at: datetime) -> None:
        """The pair is kept with the reason why it does not count; one that counts is left alone."""
        known = self.rows.get((ambassador_id, friend_id))
        row = self._row(ambassador_id, friend_id, code_id=code_id, stage=REFUSED, at=at)
        if not _holds(row):
            if known is None or known["stage"] != REFUSED:
                self.refused.add((ambassador_id, friend_id))
            self._change(row, stage=REFUSED, reasons=[reason(why)])

    def disown(self, ambassador_id: int, friend_id: int) -> None:
        """Had the two been a pair: they are one person, and what was a sign-up is none (rules 16)."""
        row = self.rows.get((ambassador_id, friend_id))
        if row is not None and row["by_hand_at"] is None:
            self._change(row, stage=REFUSED, signed_up_at=None, reasons=[reason(OWN_ACCOUNT)])

    def say_by_hand(self, ambassador_id: int, friend_id: int, *, code_id: int | None, actor: str, at: datetime) -> None:
        """An owner has said that the ambassador brought the friend; this beats all (rules 12)."""
        row = self._row(ambassador_id, friend_id, code_id=code_id, stage=SIGNED_UP, at=at)
        self._change(row, evidence=BY_HAND, by_hand_at=at, by_hand_by=actor, stage=SIGNED_UP, reasons=[])

    def save(self, session: Session, *, now: datetime) -> set[int]:
        """The changes are written; returns the friends of whom something changed."""
        touched = self.changed | self.fresh
        for key in touched:
            self.rows[key]["updated_at"] = now
        fresh = [self.rows[key] for key in sorted(self.fresh)]
        if fresh:
            for row, identifier in zip(fresh, take_ids(session, "referral", len(fresh)), strict=True):
                row.update(id=identifier, created_at=now)
        insert_rows(session, Referral, fresh)
        changed = [self.rows[key] for key in sorted(self.changed - self.fresh)]
        update_rows(session, Referral, [{name: row[name] for name in STORED} for row in changed], key=("id",))
        self._tell(session, now=now)
        self.changed, self.fresh, self.signed_up, self.refused = set(), set(), set(), set()
        return {friend for _, friend in touched}

    def _tell(self, session: Session, *, now: datetime) -> None:
        joined = [row for key in sorted(self.signed_up) if _holds(row := self.rows[key])]
        refused = [row for key in sorted(self.refused) if (row := self.rows[key])["stage"] == REFUSED]
        happened = chain(sign_up_happenings(joined), refusals(refused, now=now))
        tell_subscribers(session, happened, now=now)

    def _is_own(self, ambassador_id: int, friend_id: int) -> bool:
        row = self.rows.get((ambassador_id, friend_id))
        return row is not None and row["stage"] == REFUSED and any(why["code"] == OWN_ACCOUNT for why in row["reasons"])

    def _row(self, ambassador_id: int, friend_id: int, *, code_id: int | None, stage: str, at: datetime) -> Row:
        key = (ambassador_id, friend_id)
        if key not in self.rows:
            self.fresh.add(key)
            self.rows[key] = _new_row(ambassador_id, friend_id, code_id=code_id, stage=stage, at=at)
        return self.rows[key]

    def _change(self, row: Row, **changes: Any) -> None:
        if any(row[name] != value for name, value in changes.items()):
            row.update(changes)
            self.changed.add((row["ambassador_id"], row["friend_id"]))


def load_pairs(session: Session, friend_ids: Iterable[int], *, ambassador_ids: Iterable[int] = ()) -> Pairs:
    """The pairs of these friends, and those in which the ambassadors are friends themselves (for circles)."""
    friends, ambassadors = set(friend_ids), set(ambassador_ids)
    rows = fetch_in(session, Referral, "friend_id", sorted(friends | ambassadors))
    pairs = {(row["ambassador_id"], row["friend_id"]): row for row in rows}
    known = friends | ambassadors | {ambassador for ambassador, _ in pairs}
    states = fetch_in(session, Customer, "id", sorted(known), columns=("id", "state"))
    return Pairs(pairs, {row["id"]: row["state"] for row in states})


def why_not(row: Row) -> list[Reason]:
    """Why this pair does not count; empty for one that does or still may."""
    return [] if row["standing"] else list(row["reasons"])


def _holds(row: Row) -> bool:
    """Does the pair stand, or is it about to: signed up or by hand, with nothing against it?"""
    in_force = row["signed_up_at"] is not None or row["by_hand_at"] is not None
    return bool(row["standing"] or (in_force and row["stage"] != REFUSED and not row["reasons"]))


def _new_row(ambassador_id: int, friend_id: int, *, code_id: int | None, stage: str, at: datetime) -> Row:
    return {
        "id": 0,
        "ambassador_id": ambassador_id,
        "friend_id": friend_id,
        "code_id": code_id,
        "stage": stage,
        "standing": False,
        "evidence": SIGN_UP,
        "evidence_at": at,
        "invited_at": None,
        "signed_up_at": None,
        "by_hand_at": None,
        "by_hand_by": None,
        "reasons": [],
    }
