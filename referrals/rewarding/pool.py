"""The owner's pool: codes made in the shop, loaded, counted, and taken one at a time (rules 9).

Where the shop's own codes are the vouchers, what the pool holds is what is offered. Taking runs under the books lock,
so two workers never take one code.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, delete
from sqlmodel import Session, col, func, or_, select

from referrals.codes import LONGEST_TYPED, normalise
from referrals.notices import POOL_EMPTY, POOL_LOW, tell_owners
from referrals.programme import Programme
from storage.bulk import fetch_in, insert_rows
from storage.database import books
from storage.pool import PoolCode
from storage.vouchers import POOL, Voucher

Row = dict[str, Any]
SHORTEST = 6  # letters and digits; the end of a code is told in messages
LEAST_LEFT = timedelta(days=7)  # a code that ends sooner is given to nobody
# What became of a line.
LOADED, KNOWN = "loaded", "known"
UNFIT, TWICE, OTHER, TAKEN = "unfit", "twice", "other", "taken"


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A code as the owner's file says it."""

    code: str
    amount_minor: int
    currency: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """How many codes of one worth there are."""

    currency: str
    amount_minor: int
    left: int  # that can be given now
    given: int
    over: int  # ended, or about to, before anybody got them


@books
def load_codes(session: Session, lines: Sequence[PoolLine], *, now: datetime) -> list[str]:
    """The pool holds these codes; what became of each line.

    ``loaded``, ``known`` (it is there already, just so); and refused, changing nothing: ``unfit`` (too short or long,
    or no amount), ``twice`` (an earlier line has it), ``other`` (it is there with another worth or end), ``taken`` (a
    voucher of ours has this code).
    """
    keys = [normalise(line.code) for line in lines]
    there = {row["key"]: row for row in fetch_in(session, PoolCode, "key", keys)}
    ours = {row["code"] for row in fetch_in(session, Voucher, "code", keys, columns=("code",))}
    found: list[str] = []
    seen: set[str] = set()
    rows = []
    for line, key in zip(lines, keys, strict=True):
        outcome = _outcome(line, key, there=there, ours=ours, seen=seen)
        seen.add(key)
        found.append(outcome)
        if outcome == LOADED:
            rows.append(_row(line, key, now=now))
    insert_rows(session, PoolCode, rows)
    return found


@books
def remove_codes(session: Session, codes: Collection[str] | None) -> int:
    """These codes, or all, that nobody has are in the pool no more; how many that were."""
    free = delete(PoolCode).where(col(PoolCode.voucher_id).is_(None))
    if codes is None:
        return session.connection().execute(free).rowcount
    rows = fetch_in(session, PoolCode, "key", [normalise(code) for code in codes], columns=("id",))
    ids = [row["id"] for row in rows]
    return session.connection().execute(free.where(col(PoolCode.id).in_(ids))).rowcount if ids else 0


def stock(session: Session, *, now: datetime) -> list[Stock]:
    """What there is of each currency and worth, the least first."""
    free = col(PoolCode.voucher_id).is_(None)
    good = _good(now)
    query = (
        select(
            PoolCode.currency,
            PoolCode.amount_minor,
            func.count(case((free & good, 1))),
            func.count(case((~free, 1))),
        )
        .group_by(PoolCode.currency, col(PoolCode.amount_minor))
        .order_by(PoolCode.currency, col(PoolCode.amount_minor))
    )
    counted = select(func.count()).select_from(PoolCode)
    return [
        Stock(currency, minor, left, given, session.exec(counted.where(*_of(currency, minor))).one() - left - given)
        for currency, minor, left, given in session.exec(query)
    ]


def low_stock(session: Session, *, programme: Programme, now: datetime) -> list[dict[str, Any]]:
    """The amounts of which few codes or none are left, where the pool is in use."""
    vouchers = programme.config.vouchers
    if vouchers.source != POOL:
        return []
    found = [one for one in stock(session, now=now) if one.left <= vouchers.pool_low]
    return [{"amount_minor": one.amount_minor, "currency": one.currency, "count": one.left} for one in found]


def offered(session: Session, currency: str, *, most_minor: int, now: datetime) -> list[int]:
    """The amounts that can be given now and that so much credit pays, the least first."""
    query = (
        select(PoolCode.amount_minor)
        .where(PoolCode.currency == currency, PoolCode.amount_minor <= most_minor, _good(now))
        .where(col(PoolCode.voucher_id).is_(None))
        .distinct()
    )
    return sorted(session.exec(query))


def find_code(session: Session, currency: str, amount_minor: int, *, now: datetime) -> PoolCode | None:
    """A code of this worth that nobody has: of those that end the one that ends first."""
    query = select(PoolCode).where(*_of(currency, amount_minor), _good(now), col(PoolCode.voucher_id).is_(None))
    return session.exec(
        query.order_by(col(PoolCode.expires_at).is_(None), col(PoolCode.expires_at), col(PoolCode.id)).limit(1)
    ).first()


def give_code(session: Session, code: PoolCode, voucher: Voucher, *, programme: Programme, now: datetime) -> None:
    """The code is this voucher's; owners hear once when the last, or nearly the last of its worth has gone."""
    code.voucher_id = voucher.id
    session.flush()
    same = _of(code.currency, code.amount_minor)
    left = session.exec(
        select(func.count()).select_from(PoolCode).where(*same, _good(now), col(PoolCode.voucher_id).is_(None))
    ).one()
    low = programme.config.vouchers.pool_low
    if left > low:
        return
    kind = POOL_LOW if left else POOL_EMPTY
    newest = session.exec(select(func.max(PoolCode.id)).where(*same)).one()  # more loaded: it may be said again
    data = {"amount_minor": code.amount_minor, "currency": code.currency, "count": left}
    tell_owners(session, kind, f"{kind}:{newest}", data, owners=programme.config.telegram.owner_ids, now=now)


def _outcome(line: PoolLine, key: str, *, there: dict[str, Row], ours: set[str], seen: set[str]) -> str:
    if len(key) < SHORTEST or len(line.code) > LONGEST_TYPED or not line.code.isprintable() or line.amount_minor <= 0:
        return UNFIT
    if key in seen:
        return TWICE
    known = there.get(key)
    if known is not None:
        same = (line.code, line.amount_minor, line.currency, line.expires_at)
        return (
            KNOWN
            if same == tuple(known[name] for name in ("code", "amount_minor", "currency", "expires_at"))
            else OTHER
        )
    return TAKEN if key in ours else LOADED


def _row(line: PoolLine, key: str, *, now: datetime) -> Row:
    return {
        "key": key,
        "code": line.code,
        "amount_minor": line.amount_minor,
        "currency": line.currency,
        "expires_at": line.expires_at,
        "loaded_at": now,
        "voucher_id": None,
    }


def _of(currency: str, amount_minor: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (col(PoolCode.currency) == currency, col(PoolCode.amount_minor) == amount_minor)


def _good(now: datetime) -> ColumnElement[bool]:
    return or_(col(PoolCode.expires_at).is_(None), col(PoolCode.expires_at) > now + LEAST_LEFT)
