"""Which credit ends when: a projection that follows the ledger by watermark, so no booking pays for it (rules 34).

Whatever brings a lot into ``available``, a release, a voucher put back or a merge, is a posting, and the watermark
comes past every posting. Under another rule everything is dated anew, with all its warnings to come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from referrals.programme import Programme
from referrals.rewarding.credit_dates import Rule, Term, begun, come_back, rule_of
from referrals.rewarding.postings import available_of
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.credit import CreditTerm
from storage.database import books
from storage.installation import Setting
from storage.ledger import AVAILABLE, Bonus, Entry, Posting
from storage.standings import Watermark

NAME = "credit"  # the watermark's
RULE = "credit_rule"  # the setting that says under which rule everything is dated
CHUNK = 500  # entries a transaction


@dataclass(frozen=True, slots=True)
class Ending:
    """The credit that ends next: from which moment to which, and how much of it, by currency in minor units."""

    from_at: datetime
    until_at: datetime
    sums: Mapping[str, int]


def is_undated(session: Session, *, programme: Programme) -> bool:
    """Whether the ledger, or the rule, has moved since credit was dated last."""
    if _rule_in_force(session) != _words(rule_of(programme)):
        return True
    return rule_of(programme) is not None and _last_commit(session) > _mark(session)


@books
def date_credit(session: Session, *, programme: Programme, now: datetime, limit: int = CHUNK) -> bool:
    """Some more of the credit that came since the last look has its date; whether there may be more."""
    rule = rule_of(programme)
    if _rule_in_force(session) != _words(rule):
        session.execute(delete(CreditTerm))
        session.merge(Setting(key=RULE, value=_words(rule)))
        _set_mark(session, 0, now=now)
    if rule is None:
        return False
    last, mark = _last_commit(session), _mark(session)
    upto, lots = _came(session, mark, limit=limit)
    _date(session, lots, rule=rule, now=now)
    _set_mark(session, last if upto is None else upto, now=now)
    return upto is not None


def first_ending(session: Session, customer_id: int, *, programme: Programme) -> Ending | None:
    """What of a customer's credit ends first: all of it that ends on that local day."""
    lots = _lying(session, customer_id)
    if not lots:
        return None
    first = min(term["until_at"] for term, _, _ in lots).astimezone(programme.zone).date()
    return _ending([lot for lot in lots if lot[0]["until_at"].astimezone(programme.zone).date() == first])


def ending_of(session: Session, bonus_ids: Iterable[int]) -> Ending | None:
    """How much of these lots is credit that will end, and when; None where nothing is left."""
    lots = _with_credit(session, fetch_in(session, CreditTerm, "bonus_id", bonus_ids, extra="next_at IS NOT NULL"))
    return _ending(lots) if lots else None


def term_of(row: Mapping[str, Any]) -> Term:
    """A row of the table as the pure rules take it."""
    return Term(row["until_at"], row["warnings"], row["next_at"])


def stored(term: Term, bonus_id: int) -> dict[str, Any]:
    """And back."""
    return {"bonus_id": bonus_id, "until_at": term.until_at, "warnings": term.warnings, "next_at": term.next_at}


def _came(session: Session, mark: int, *, limit: int) -> tuple[int | None, list[int]]:
    """The lots that credit came to after the mark, and up to which commit; whole commits. None: up to the last."""
    rises = (
        select(Posting.commit_no, Entry.bonus_id)
        .join(Entry, col(Entry.posting_id) == col(Posting.id))
        .where(Posting.commit_no > mark, Entry.account == AVAILABLE, Entry.amount_minor > 0)
        .order_by(col(Posting.commit_no))
    )
    found = session.exec(rises.limit(limit)).all()
    if len(found) < limit:
        return None, [bonus_id for _, bonus_id in found]
    upto = found[-1][0]
    return upto, [bonus_id for _, bonus_id in session.exec(rises.where(Posting.commit_no <= upto))]


def _date(session: Session, bonus_ids: Sequence[int], *, rule: Rule, now: datetime) -> None:
    known = {row["bonus_id"]: row for row in fetch_in(session, CreditTerm, "bonus_id", bonus_ids)}
    columns = ("id", "released_at", "available_at")
    fresh = fetch_in(session, Bonus, "id", [one for one in bonus_ids if one not in known], columns=columns)
    rows = [stored(begun(rule, released_at=row["released_at"] or row["available_at"]), row["id"]) for row in fresh]
    insert_rows(session, CreditTerm, rows)
    again = [stored(come_back(rule, term_of(row), now=now), bonus_id) for bonus_id, row in known.items()]
    update_rows(session, CreditTerm, again, key=("bonus_id",))


def _lying(session: Session, customer_id: int) -> list[tuple[dict[str, Any], str, int]]:
    query = (
        select(CreditTerm)
        .join(Bonus, col(Bonus.id) == col(CreditTerm.bonus_id))
        .where(Bonus.customer_id == customer_id, col(CreditTerm.next_at).is_not(None))
    )
    return _with_credit(session, [row.model_dump() for row in session.exec(query)])


def _with_credit(session: Session, terms: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], str, int]]:
    """The terms whose lots hold credit, each with its currency and how much."""
    available = available_of(session, [row["bonus_id"] for row in terms])
    rows = fetch_in(session, Bonus, "id", available, columns=("id", "currency"))
    currencies = {row["id"]: row["currency"] for row in rows}
    return [
        (row, currencies[row["bonus_id"]], available[row["bonus_id"]])
        for row in terms
        if available.get(row["bonus_id"], 0) > 0
    ]


def _ending(lots: Sequence[tuple[dict[str, Any], str, int]]) -> Ending:
    sums: dict[str, int] = defaultdict(int)
    for _, currency, minor in lots:
        sums[currency] += minor
    dates = [term["until_at"] for term, _, _ in lots]
    return Ending(min(dates), max(dates), dict(sums))


def _words(rule: Rule | None) -> str:
    return "none" if rule is None else f"{rule.credit_days}:{','.join(map(str, rule.warn_days))}"


def _rule_in_force(session: Session) -> str | None:
    found = session.get(Setting, RULE)
    return found.value if found else None


def _last_commit(session: Session) -> int:
    return session.exec(select(func.max(Posting.commit_no))).one() or 0


def _mark(session: Session) -> int:
    found = session.get(Watermark, NAME)
    return found.commit_no if found else 0


def _set_mark(session: Session, commit_no: int, *, now: datetime) -> None:
    session.merge(Watermark(name=NAME, commit_no=commit_no, at=now))
    session.flush()
