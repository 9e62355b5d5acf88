"""What waits for an owner, for programs: a group under the number of its last bonus, and its decision by that number.

The number says how far was seen: what came later has a later one, and is not decided with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.errors import ReviewDecided, UnknownReview
from referrals.people.persons import get_customer
from referrals.programme import Programme
from referrals.reviewing.decide import decide
from referrals.reviewing.queue import Group, cause_of, open_groups, turned_down_group, waiting_group
from storage.bulk import fetch_in
from storage.ledger import PASSED, TURNED_DOWN, UNREVIEWED, WAITING, Bonus

Row = dict[str, Any]
REVIEW = "review"  # the kind of its public number


def review_views(
    session: Session,
    *,
    programme: Programme,
    limit: int,
    customer_id: int | None = None,
    before_id: int | None = None,
) -> list[Row]:
    """What waits as plain data for ``GET /reviews``, the newest first: everybody's, or one customer's after all merges.

    Raises:
        UnknownCustomer: Nobody has this id.
    """
    owner = None if customer_id is None else get_customer(session, customer_id).id
    groups = sorted(open_groups(session, customer_id=owner), key=lambda group: -group.last_id)
    wanted = [group for group in groups if before_id is None or group.last_id < before_id]
    return [_view(group, programme=programme) for group in wanted[:limit]]


def decide_by_number(
    session: Session,
    review_id: int,
    *,
    review: str,
    actor: str,
    programme: Programme,
    now: datetime,
    why: str | None = None,
) -> Row:
    """What waited under this number is ``passed`` or ``turned_down``; one that was turned down can pass later.

    Raises:
        UnknownReview: There is no such number, or it never waited.
        ReviewDecided: Nothing of it waits any more.
    """
    row = next(iter(fetch_in(session, Bonus, "id", [review_id])), None)
    if row is None or row["review"] == UNREVIEWED:
        raise UnknownReview
    group = _meant(session, row, review=review)
    if group is None:
        raise ReviewDecided
    decide(session, group, review=review, why=why, actor=actor, programme=programme, now=now)
    return {"review": programme.number(REVIEW, review_id), "status": review} | _members(group, programme=programme)


def _meant(session: Session, row: Row, *, review: str) -> Group | None:
    how = {"cause": cause_of(row), "last_id": row["id"]}
    if row["review"] == WAITING:
        return waiting_group(session, row["customer_id"], **how)
    after_all = review == PASSED and row["review"] == TURNED_DOWN
    return turned_down_group(session, row["customer_id"], **how) if after_all else None


def _view(group: Group, *, programme: Programme) -> Row:
    return {
        "review": programme.number(REVIEW, group.last_id),
        "cause": group.cause,
        "score": group.score,
        "signals": [dict(signal) for signal in group.signals],
        "amounts": [{"currency": currency, "amount_minor": minor} for currency, minor in sorted(group.sums.items())],
        "since": group.since.isoformat(),
    } | _members(group, programme=programme)


def _members(group: Group, *, programme: Programme) -> Row:
    return {
        "customer": programme.number("customer", group.customer_id),
        "bonuses": [programme.number("bonus", bonus_id) for bonus_id in group.bonus_ids],
    }
