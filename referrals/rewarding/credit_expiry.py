"""The end of credit: two warnings, the last with a last chance, and then it is worth nothing (rules 9).

What is reserved or redeemed never expires, and what is owed is paid out of what is about to. All lots of a customer
that end within a week of each other are told in one message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from referrals.calendar import add_local_days
from referrals.notices import CREDIT_ENDS, Notice, write_notices
from referrals.people.persons import get_customer, takes_part
from referrals.programme import Programme
from referrals.reasons import CREDIT_EXPIRED, DEBT_SETTLED, reason
from referrals.rewarding.credit_dates import Rule, is_warned, rule_of, warned
from referrals.rewarding.credit_terms import ending_of, stored, term_of
from referrals.rewarding.postings import debts_of, unspent_of
from referrals.rewarding.voucher_books import Cause, book_moves
from referrals.rewarding.voucher_lots import Part, moves, split, total
from storage.bulk import fetch_in, update_rows
from storage.credit import CreditTerm
from storage.database import books
from storage.ledger import AVAILABLE, DEBT, EXPIRED, Bonus

Row = dict[str, Any]
TOGETHER_DAYS = 7  # lots that end within so many days of the first are told with it
LAPSE = "lapse"
OWNER = ("id", "customer_id", "currency", "reasons")


def due_credit(session: Session, *, now: datetime, limit: int) -> list[int]:
    """Lots whose next warning or end is due, the earliest first."""
    query = select(CreditTerm.bonus_id).where(col(CreditTerm.next_at) <= now)
    return list(session.exec(query.order_by(col(CreditTerm.next_at), col(CreditTerm.bonus_id)).limit(limit)))


def next_credit(session: Session, *, now: datetime) -> datetime | None:
    """The first moment after ``now`` at which credit is warned of or ends."""
    return session.exec(select(func.min(CreditTerm.next_at)).where(col(CreditTerm.next_at) > now)).one()


@books
def tend_credit(session: Session, bonus_ids: Sequence[int], *, programme: Programme, now: datetime) -> int:
    """Each of these lots has had its warning, or has expired, as far as that is due; how many that were."""
    rule = rule_of(programme)
    due = [row for row in fetch_in(session, CreditTerm, "bonus_id", bonus_ids) if row["next_at"] is not None]
    due = sorted((row for row in due if row["next_at"] <= now), key=lambda row: (row["until_at"], row["bonus_id"]))
    if rule is None or not due:
        return 0
    lots = fetch_in(session, Bonus, "id", [row["bonus_id"] for row in due], columns=OWNER)
    people = sorted({lot["customer_id"] for lot in lots})
    over = [row for row in due if is_warned(rule, term_of(row))]
    _expire(session, over, now=now)
    for customer_id in people:
        _warn(session, customer_id, rule=rule, now=now)
    return len(due)


def news_of_ending(session: Session, data: Mapping[str, Any]) -> Row | None:
    """What a warning says as things are now: None where nothing of its lots is left."""
    found = ending_of(session, data["lots"])
    if found is None:
        return None
    dates = {"from_at": found.from_at.isoformat(), "until_at": found.until_at.isoformat()}
    return {**data, "amount_minor": found.sums[data["currency"]], **dates}


def _warn(session: Session, customer_id: int, *, rule: Rule, now: datetime) -> None:
    """The customer's next warnings, one for all lots of a currency that end together."""
    customer = get_customer(session, customer_id)
    lots = _standing(session, customer.id)
    while True:
        due = [one for one in lots if one["next_at"] <= now and not is_warned(rule, term_of(one))]
        if not due:
            return
        first = min(due, key=lambda one: (one["until_at"], one["bonus_id"]))
        bundle = [one for one in lots if _goes_with(first, one, rule=rule, now=now)]
        lots = [one for one in lots if one not in bundle]
        _tell(session, bundle, rule=rule, now=now, heard=takes_part(customer.state))


def _goes_with(first: Row, other: Row, *, rule: Rule, now: datetime) -> bool:
    """Whether both are told in one message."""
    if (first["currency"], first["warnings"]) != (other["currency"], other["warnings"]):
        return False
    begin, end = (warned(rule, term_of(one), now=now).until_at for one in (first, other))
    return begin <= end <= add_local_days(begin, TOGETHER_DAYS, rule.zone)


def _tell(session: Session, bundle: Sequence[Row], *, rule: Rule, now: datetime, heard: bool) -> None:
    """The warning is given; where nothing is left there is nothing to warn of."""
    available, _ = unspent_of(session, [one["bonus_id"] for one in bundle])
    left = [one for one in bundle if available.get(one["bonus_id"], 0) > 0]
    gone = [one["bonus_id"] for one in bundle if one not in left]
    update_rows(session, CreditTerm, [{"bonus_id": each, "next_at": None} for each in gone], key=("bonus_id",))
    terms = [(one["bonus_id"], warned(rule, term_of(one), now=now)) for one in left]
    rows = [{**stored(term, bonus_id), "warned_at": now} for bonus_id, term in terms]
    update_rows(session, CreditTerm, rows, key=("bonus_id",))
    if not left or not heard:
        return
    first, lots = left[0], sorted(one["bonus_id"] for one in left)
    said = {"lots": lots, "currency": first["currency"], "last": first["warnings"] + 1 == len(rule.warn_days)}
    data = news_of_ending(session, said)
    key = f"{CREDIT_ENDS}:{lots[0]}:{first['warnings']}:{now.isoformat()}"
    write_notices(session, [Notice(CREDIT_ENDS, left[0]["customer_id"], key, data or said)], now=now)


def _standing(session: Session, customer_id: int) -> list[Row]:
    """The customer's lots that will end, each with its currency."""
    query = (
        select(CreditTerm, Bonus.currency)
        .join(Bonus, col(Bonus.id) == col(CreditTerm.bonus_id))
        .where(Bonus.customer_id == customer_id, col(CreditTerm.next_at).is_not(None))
        .order_by(col(CreditTerm.until_at), col(CreditTerm.bonus_id))
    )
    owner = {"customer_id": customer_id}
    return [{**term.model_dump(), **owner, "currency": currency} for term, currency in session.exec(query)]


def _expire(session: Session, over: Sequence[Row], *, now: datetime) -> None:
    """What of these lots is credit is worth nothing now, but for what its customer owes."""
    if not over:
        return
    lots = {lot["id"]: lot for lot in fetch_in(session, Bonus, "id", [row["bonus_id"] for row in over], columns=OWNER)}
    available, expired = unspent_of(session, sorted(lots))
    debts = debts_of(session, sorted({lot["customer_id"] for lot in lots.values()}))
    paying: list[Part] = []
    lapsing: list[Part] = []
    for row in over:
        lot = lots[row["bonus_id"]]
        owner = lot["customer_id"], lot["currency"]
        pays, lapses = split([Part(lot["id"], max(0, available.get(lot["id"], 0)))], debts.get(owner, 0))
        debts[owner] = debts.get(owner, 0) - total(pays)
        paying += pays
        lapsing += lapses
    book_moves(session, moves(paying, AVAILABLE, DEBT), Cause("settle", DEBT_SETTLED), now=now)
    book_moves(session, moves(lapsing, AVAILABLE, EXPIRED), Cause(LAPSE, CREDIT_EXPIRED), now=now)
    said = [_explained(lots[part.bonus_id], part.minor + expired.get(part.bonus_id, 0), now=now) for part in lapsing]
    update_rows(session, Bonus, said, key=("id",))
    ended = [{"bonus_id": row["bonus_id"], "next_at": None} for row in over]
    update_rows(session, CreditTerm, ended, key=("bonus_id",))


def _explained(lot: Row, minor: int, *, now: datetime) -> Row:
    """The bonus with the reason why it is no credit any more."""
    others = [why for why in lot["reasons"] if why["code"] != CREDIT_EXPIRED]
    why = reason(CREDIT_EXPIRED, date=now.isoformat(), amount_minor=minor, currency=lot["currency"])
    return {"id": lot["id"], "reasons": [*others, why]}
