"""Invitations that a former programme left open: friends who signed up there and have bought nothing yet.

They count as sign-ups of their day. A friend who has bought was that programme's to pay for: a pair for them would earn
a second time for the same order, so such a row is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.codes import CodeHit, CodeMiss, find_codes
from referrals.importing.cells import Refused
from referrals.importing.referral_rows import ReferralRow
from referrals.importing.runs import Outcome
from referrals.people.enrolment import code_of
from referrals.people.identities import Key, find_customers
from referrals.programme import Programme
from referrals.recruiting.orders import APPLIED, UNCHANGED, redecide
from referrals.recruiting.pair_facts import Pairs, load_pairs
from referrals.rewarding.terms import SIGN_UP
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in
from storage.customers import SHOP, Customer
from storage.database import books

Row = dict[str, Any]
ACTOR, ACTION = "import", "referral:imported"


@dataclass(frozen=True, slots=True)
class _Known:
    """Who and what the rows are about, looked up in sets."""

    codes: dict[str, CodeHit | CodeMiss]
    accounts: dict[Key, int]

    def ambassador(self, row: ReferralRow) -> int | None:
        if row.code is None:
            return self.accounts.get((SHOP, row.shop, row.ambassador_id or ""))
        hit = self.codes[row.code]
        return hit.customer_id if isinstance(hit, CodeHit) else None

    def friend(self, row: ReferralRow) -> int | None:
        return self.accounts.get((SHOP, row.shop, row.friend_id))


@books
def import_referrals(
    session: Session, rows: Sequence[ReferralRow], *, programme: Programme, now: datetime
) -> list[Outcome]:
    """Each friend is their ambassador's from the row's date on, in the window from then; nobody hears of it."""
    if programme.config.bonus.ambassador.when == SIGN_UP:
        return [Refused("", "bonus.ambassador.when is sign_up: each would earn here what was paid before")] * len(rows)
    accounts = [(SHOP, row.shop, value) for row in rows for value in (row.friend_id, row.ambassador_id) if value]
    known = _Known(find_codes(session, {row.code for row in rows if row.code}), find_customers(session, accounts))
    friends = {friend for row in rows if (friend := known.friend(row)) is not None}
    ambassadors = {ambassador for row in rows if (ambassador := known.ambassador(row)) is not None}
    pairs = load_pairs(session, friends, ambassador_ids=ambassadors)
    people = fetch_in(session, Customer, "id", sorted(friends), columns=("id", "first_paid_at"))
    bought = {row["id"] for row in people if row["first_paid_at"] is not None}
    outcomes = [_take(session, row, known, pairs=pairs, bought=bought, now=now) for row in rows]
    touched = pairs.save(session, now=now)
    redecide(session, sorted(touched), programme=programme, now=now, quiet=True)
    return outcomes


def _take(
    session: Session, row: ReferralRow, known: _Known, *, pairs: Pairs, bought: set[int], now: datetime
) -> Outcome:
    friend, ambassador = known.friend(row), known.ambassador(row)
    if friend is None:
        return Refused("friend_id", "is nobody here; import the customers first")
    if ambassador is None:
        return Refused("code" if row.code else "ambassador_id", "is nobody's here; import the customers first")
    pair = pairs.rows.get((ambassador, friend))
    if pair is not None and (pair["signed_up_at"] is not None or pair["by_hand_at"] is not None):
        return UNCHANGED
    why = pairs.refusal(ambassador, friend)
    if why is None and pairs.taken(friend, but=ambassador):
        why = "was brought by somebody else already"
    if why is None and friend in bought:
        why = "has bought already: that was the former programme's to pay"
    if why is not None:
        return Refused("friend_id", why)
    code = code_of(session, ambassador)
    pairs.sign_up(ambassador, friend, code_id=code.id if code else None, at=row.at, dated=row.at)
    _note(session, ambassador, friend, row, now=now)
    return APPLIED


def _note(session: Session, ambassador: int, friend: int, row: ReferralRow, *, now: datetime) -> None:
    after = {"ambassador": ambassador, "why": row.why, "date": row.at.isoformat()}
    session.add(AuditEvent(at=now, actor=ACTOR, action=ACTION, subject=f"customer:{friend}", after=after))
