"""Money follows its owner: when two customers become one, postings move what the merged one had (rules 9, 15)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from referrals.reasons import MERGED
from referrals.rewarding.gifts import merge_gifts
from referrals.rewarding.milestones import approved_friends
from storage.bulk import fetch_in, insert_rows, next_id, take_ids, update_rows
from storage.ledger import AVAILABLE, MADE_GOOD, Bonus, Entry, Posting
from storage.vouchers import Voucher

Row = dict[str, Any]
TRANSFER = "transfer"


def transfer_bonuses(session: Session, *, from_id: int, to_id: int, now: datetime) -> dict[int, int]:
    """Every bonus, balance and voucher of the one is the other's, and so is what was brought as a friend.

    Nothing that is booked changes: each posting takes a lot out of one customer's accounts and puts it into the
    other's. Runs under the books lock. Returns by how many friends whoever has milestones to settle moved.
    """
    before = max(approved_friends(session, [from_id, to_id]).values(), default=0)
    rows = fetch_in(session, Bonus, "customer_id", [from_id, to_id])
    mine = [row for row in rows if row["customer_id"] == from_id]
    doubled = _doubled_friends(session, from_id=from_id, to_id=to_id)
    balances = _balances(session, from_id)
    moving = [row for row in mine if row["id"] in balances]
    _post(session, [(row, balances[row["id"]], 0) for row in moving], from_id=from_id, to_id=to_id, now=now)
    _hand_over(session, mine, [row for row in rows if row["customer_id"] == to_id], to_id=to_id, now=now)
    session.execute(update(Bonus).where(col(Bonus.friend_id) == from_id).values(friend_id=to_id))
    session.execute(update(Voucher).where(col(Voucher.customer_id) == from_id).values(customer_id=to_id))
    merge_gifts(session, to_id=to_id, now=now)
    again = fetch_in(session, Bonus, "id", doubled)
    _post(session, [(row, {}, -1) for row in again], from_id=from_id, to_id=to_id, now=now)
    update_rows(session, Bonus, [_counted(row, now=now) for row in again], key=("id",))
    session.expire_all()
    moved = {row["customer_id"]: -1 for row in again}
    return moved | {to_id: approved_friends(session, [to_id]).get(to_id, 0) - before}


def _balances(session: Session, customer_id: int) -> dict[int, dict[str, int]]:
    """What lies in the customer's accounts, by lot, in minor units."""
    total = func.sum(Entry.amount_minor)
    query = select(Entry.bonus_id, Entry.account, total).where(Entry.customer_id == customer_id)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for bonus_id, account, amount in session.exec(query.group_by(col(Entry.bonus_id), col(Entry.account))):
        if amount:
            found[bonus_id][account] = int(amount)
    return dict(found)


def _doubled_friends(session: Session, *, from_id: int, to_id: int) -> list[int]:
    """One bonus for each ambassador with whom both count as approved friends: one person counts once."""
    rows = [
        row
        for row in fetch_in(session, Bonus, "friend_id", [from_id, to_id])
        if row["status"] == AVAILABLE and row["amount_minor"] > 0
    ]
    people = {from_id: to_id}
    kept = {people.get(row["customer_id"], row["customer_id"]) for row in rows if row["friend_id"] == to_id}
    merged = {
        people.get(row["customer_id"], row["customer_id"]): row["id"] for row in rows if row["friend_id"] == from_id
    }
    return [bonus_id for ambassador_id, bonus_id in merged.items() if ambassador_id in kept]


def _post(
    session: Session,
    steps: Sequence[tuple[Row, dict[str, int], int]],
    *,
    from_id: int,
    to_id: int,
    now: datetime,
) -> None:
    if not steps:
        return
    commit_no = next_id(session, "commit")
    postings: list[Row] = []
    entries: list[Row] = []
    for posting_id, (row, balances, friends) in zip(take_ids(session, "posting", len(steps)), steps, strict=True):
        postings.append(_posting(posting_id, row, friends=friends, commit_no=commit_no, at=now))
        row["postings"] += 1
        for account, amount in balances.items():
            entries.append(_entry(posting_id, row, customer_id=from_id, account=account, amount=-amount))
            entries.append(_entry(posting_id, row, customer_id=to_id, account=account, amount=amount))
    insert_rows(session, Posting, postings)
    insert_rows(session, Entry, entries)


def _hand_over(session: Session, mine: Sequence[Row], theirs: Sequence[Row], *, to_id: int, now: datetime) -> None:
    """Where both have a bonus of one origin, the one that holds nothing steps aside under a name of its own.

    Goodwill that either got for an order was given to the one: that order's own bonus stays refused, as it was.
    """
    known = {(row["side"], row["currency"], row["origin"]): row for row in theirs}
    aside = []
    for row in mine:
        twin = known.get((row["side"], row["currency"], row["origin"]))
        if twin is None:
            continue
        loser = row if row["amount_minor"] == 0 or twin["amount_minor"] else twin
        loser["origin"] = f"{loser['origin']}#{loser['id']}"
        if MADE_GOOD in (row["review"], twin["review"]):
            row["review"] = twin["review"] = MADE_GOOD
        aside.append({**_counted(twin, now=now), "origin": twin["origin"], "review": twin["review"]})
    update_rows(session, Bonus, aside, key=("id",))
    names = ("origin", "review")
    moved = [{**_counted(row, now=now), **{name: row[name] for name in names}, "customer_id": to_id} for row in mine]
    update_rows(session, Bonus, moved, key=("id",))


def _counted(row: Row, *, now: datetime) -> Row:
    return {"id": row["id"], "postings": row["postings"], "updated_at": now}


def _posting(posting_id: int, row: Row, *, friends: int, commit_no: int, at: datetime) -> Row:
    return {
        "id": posting_id,
        "bonus_id": row["id"],
        "n": row["postings"],
        "kind": TRANSFER,
        "reason": MERGED,
        "friends": friends,
        "revenue_minor": 0,
        "commit_no": commit_no,
        "at": at,
    }


def _entry(posting_id: int, row: Row, *, customer_id: int, account: str, amount: int) -> Row:
    return {
        "posting_id": posting_id,
        "bonus_id": row["id"],
        "customer_id": customer_id,
        "account": account,
        "currency": row["currency"],
        "amount_minor": amount,
    }
