"""Stage d of the closure: an extra for so many approved friends, for as long as they are so many (rules 6d).

A milestone moves when the number of an ambassador's approved friends does: at a release, at a late
reversal and when people are joined. Its bonus has no friend and no order; its origin names the number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from referrals.calendar import local_month
from referrals.notices import BONUS_REVERSED, MILESTONE_REACHED, Notice, write_notices
from referrals.programme import Programme
from referrals.reasons import MERGED, MILESTONE, MILESTONE_LOST, Reason, reason
from referrals.rewarding.balances import balances
from referrals.rewarding.lots import (
    AMBASSADOR,
    MILESTONES,
    REFUSED,
    REVERSED,
    Step,
    credit_step,
    milestone_of,
    take_step,
)
from referrals.rewarding.postings import debts_of, unspent_of, write_steps
from referrals.rewarding.tellings import credit_happenings
from referrals.rewarding.terms import Terms, configured_terms, pinned_terms, terms_book
from referrals.rewarding.voids import free_short, write_voids
from referrals.subscribers.events import tell_subscribers
from storage.bulk import fetch_in, insert_rows, next_id, update_rows
from storage.columns import to_text
from storage.ledger import AVAILABLE, DEBT, Bonus

Row = dict[str, Any]
CHANGES = ("id", "amount_minor", "status", "postings", "released_at", "reasons", "updated_at")


@dataclass(slots=True)
class Extra:
    """One milestone of one ambassador: its row, and what it is to come to. Minor units."""

    row: Row
    target_minor: int
    why: Reason
    is_new: bool = False

    @property
    def moves(self) -> int:
        """How much is to be booked."""
        return self.target_minor - int(self.row["amount_minor"])


def reached(terms: Terms, *, before: int, after: int) -> dict[int, int]:
    """The milestones between two numbers of friends, with their extras in minor units."""
    found = {friends: terms.milestone(friends) for friends in range(before + 1, after + 1)}
    return {friends: amount for friends, amount in found.items() if amount}


def next_milestone(terms: Terms, friends: int) -> tuple[int, int] | None:
    """The next milestone after so many friends, and its extra in minor units."""
    ahead = {each.friends for each in terms.milestones if not each.repeats and each.friends > friends}
    ahead |= {(friends // each.friends + 1) * each.friends for each in terms.milestones if each.repeats}
    first = min((number for number in ahead if terms.milestone(number)), default=None)
    return None if first is None else (first, terms.milestone(first))


def approved_friends(session: Session, customer_ids: Collection[int]) -> dict[int, int]:
    """How many friends have brought each of these ambassadors credit that stands."""
    if not customer_ids:
        return {}
    rows = session.exec(
        select(Bonus.customer_id, func.count(func.distinct(col(Bonus.friend_id))))
        .where(
            col(Bonus.customer_id).in_(customer_ids),
            Bonus.side == AMBASSADOR,
            Bonus.status == AVAILABLE,
            Bonus.amount_minor > 0,
        )
        .group_by(col(Bonus.customer_id))
    ).all()
    return dict(rows)


def friends_moved(steps: Iterable[tuple[Step, Row]]) -> dict[int, int]:
    """By how many friends these steps move each ambassador; those who stay as they were are left out."""
    moved: Counter[int] = Counter()
    for step, row in steps:
        moved[row["customer_id"]] += step.friends
    return {customer_id: by for customer_id, by in moved.items() if by}


def settle_milestones(session: Session, moved: Mapping[int, int], *, programme: Programme, now: datetime) -> None:
    """What these ambassadors have in extras is what their friends are worth now; they hear of it.

    Args:
        session: The transaction, under the books lock; the friends' own bonuses are booked.
        moved: By how many friends each of them moved; upwards, the milestones now in force are reached.
        programme: Whose milestones they are.
        now: The programme's time.
    """
    rows = _rows(session, moved)
    if not rows and not (programme.config.bonus.milestones and any(by > 0 for by in moved.values())):
        return
    counts = approved_friends(session, moved)
    extras = _standing(session, rows, counts)
    known = {(row["customer_id"], row["currency"], milestone_of(row["origin"])) for row in rows}
    terms = configured_terms(programme.config)
    new: list[tuple[int, int, int]] = []
    for customer_id, by in moved.items():
        after = counts.get(customer_id, 0)
        for friends, amount in reached(terms, before=after - by, after=after).items():
            if (customer_id, terms.currency, friends) not in known:
                new.append((customer_id, friends, amount))
    if new:
        terms = terms_book(session, programme=programme, now=now).latest
        extras += [_new(session, each, terms=terms, programme=programme, now=now) for each in new]
    _book(session, extras, now=now)


def lose_milestones(session: Session, moved: Mapping[int, int], *, now: datetime) -> None:
    """Likewise where friends only fell away: nothing new is reached."""
    rows = _rows(session, moved)
    if rows:
        _book(session, _standing(session, rows, approved_friends(session, moved)), now=now)


def _rows(session: Session, customer_ids: Collection[int]) -> list[Row]:
    found = fetch_in(session, Bonus, "customer_id", sorted(customer_ids), extra="friend_id IS NULL")
    return [row for row in found if row["origin"].startswith(MILESTONES)]


def _standing(session: Session, rows: Sequence[Row], counts: Mapping[int, int]) -> list[Extra]:
    """The extras that were given once, as they are owed now: by the terms under which they were reached."""
    terms = pinned_terms(session, sorted({row["terms_id"] for row in rows}))
    extras = []
    for row in rows:
        friends = milestone_of(row["origin"])
        if friends is None:
            extras.append(Extra(row, 0, reason(MERGED)))
        elif counts.get(row["customer_id"], 0) < friends:
            extras.append(Extra(row, 0, reason(MILESTONE_LOST, count=friends)))
        else:
            amount = terms[row["terms_id"]].milestone(friends)
            extras.append(Extra(row, amount, reason(MILESTONE, count=friends)))
    return extras


def _new(session: Session, what: tuple[int, int, int], *, terms: Terms, programme: Programme, now: datetime) -> Extra:
    """A milestone that is reached for the first time. It takes no place in a month and nothing of its budget."""
    customer_id, friends, amount = what
    row = {
        "id": next_id(session, "bonus"),
        "customer_id": customer_id,
        "side": AMBASSADOR,
        "currency": terms.currency,
        "origin": f"{MILESTONES}{friends}",
        "friend_id": None,
        "order_id": None,
        "referral_id": None,
        "amount_minor": 0,
        "wanted_minor": 0,
        "revenue_minor": 0,
        "budget_minor": 0,
        "status": REFUSED,
        "under_review": False,
        "capped": False,
        "earned_at": now,
        "available_at": now,
        "released_at": None,
        "month": local_month(now, programme.zone),
        "sort_key": f"{to_text(now)}|{MILESTONES}{friends}",
        "terms_id": terms.id,
        "postings": 0,
        "reasons": [],
        "created_at": now,
        "updated_at": now,
    }
    return Extra(row, amount, reason(MILESTONE, count=friends), is_new=True)


def _book(session: Session, extras: Sequence[Extra], *, now: datetime) -> None:
    moving = [extra for extra in extras if extra.moves]
    lost = [extra for extra in moving if extra.moves < 0]
    steps = _take(session, lost, now=now)
    won = [extra for extra in moving if extra.moves > 0]
    debts = defaultdict(int, debts_of(session, sorted({extra.row["customer_id"] for extra in won})))
    for extra in won:
        owner = (extra.row["customer_id"], extra.row["currency"])
        step = credit_step(extra.moves, debt_minor=debts[owner], why=MILESTONE)
        debts[owner] -= sum(amount for account, amount in step.moves if account == DEBT)
        steps.append((step, extra.row))
    notices = [(extra, extra.row["amount_minor"]) for extra in moving]
    for extra in moving:
        _finish(extra, now=now)
    insert_rows(session, Bonus, [extra.row for extra in moving if extra.is_new])
    old = [{name: extra.row[name] for name in CHANGES} for extra in moving if not extra.is_new]
    update_rows(session, Bonus, old, key=("id",))
    write_steps(session, steps, now=now)
    write_notices(session, [_notice(session, extra, before) for extra, before in notices], now=now)
    tell_subscribers(session, credit_happenings((extra.row, before) for extra, before in notices), now=now)


def _take(session: Session, lost: Sequence[Extra], *, now: datetime) -> list[tuple[Step, Row]]:
    """Each extra is taken where it lies; vouchers that it lies in are credit again first (rules 9)."""
    rows = {extra.row["id"]: extra.row for extra in lost}
    available, expired = unspent_of(session, list(rows))
    taken = {extra.row["id"]: -extra.moves for extra in lost}
    voids = free_short(session, taken, rows, available=available, expired=expired)
    if voids is not None:
        write_voids(session, voids, now=now)
    steps = []
    for extra in lost:
        lot = extra.row["id"]
        here, ended = available.get(lot, 0), expired.get(lot, 0)
        step = take_step(taken[lot], available_minor=here, expired_minor=ended, why=extra.why["code"])
        steps.append((step, extra.row))
    return steps


def _finish(extra: Extra, *, now: datetime) -> None:
    """The row as it is once its step is booked."""
    row = extra.row
    row["amount_minor"] = extra.target_minor
    row["status"] = AVAILABLE if extra.target_minor else REVERSED
    row["released_at"] = now if extra.target_minor else row["released_at"]
    row["postings"] += 1
    row["reasons"] = [extra.why]
    row["updated_at"] = now


def _notice(session: Session, extra: Extra, before_minor: int) -> Notice:
    row = extra.row
    kind = MILESTONE_REACHED if row["amount_minor"] else BONUS_REVERSED
    data = {"bonus": row["id"], "amount_minor": row["amount_minor"], "currency": row["currency"]}
    if kind == MILESTONE_REACHED:
        balance = balances(session, row["customer_id"])[row["currency"]]
        data |= {"balance_minor": balance.available_minor, "count": extra.why["count"]}
    else:
        data |= {"before_minor": before_minor, "reason": extra.why}
    return Notice(kind, row["customer_id"], f"{kind}:{row['id']}:{row['postings']}", data)
