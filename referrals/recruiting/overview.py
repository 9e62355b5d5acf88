"""Referrals as they are shown: a status derived from their bonuses, with evidence and reasons (rules 14).

The ambassador sees how many and why, and nothing of the friend; the owner and the API see public numbers.
Reasons are codes with data; the doors add the sentences.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func
from sqlmodel import col, select

from referrals.errors import UnknownReferral
from referrals.people.persons import survivor
from referrals.reasons import CREDIT_EXPIRED, Reason
from storage.bulk import fetch_in
from storage.codes import Code
from storage.ledger import AVAILABLE, EXPIRED, HELD, Bonus, Entry
from storage.orders import Order
from storage.referrals import INVITED, REFUSED, SIGNED_UP, Referral

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

Row = dict[str, Any]
APPROVED, ON_HOLD, REVERSED = "approved", "on_hold", "reversed"
AMBASSADOR = "ambassador"


@dataclass(frozen=True, slots=True)
class FriendView:
    """One friend as the ambassador may see them: since when, how it stands, what it brings. Nothing of the friend."""

    referral_id: int  # for the next page only
    since: datetime
    status: str  # invited, signed_up, on_hold, approved, refused, reversed
    amount_minor: int
    currency: str
    available_at: datetime | None  # while on hold; never in the past
    under_review: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """One friend or order that does not count, or waits."""

    at: datetime
    status: str  # on_hold, refused, reversed, expired
    amount_minor: int
    currency: str
    available_at: datetime | None
    reasons: tuple[Reason, ...]


def status_of(stage: str, bonuses: Sequence[Row]) -> str:
    """How a referral stands, from its bonuses; before the first one, its own stage (rules 14)."""
    paid = {row["status"] for row in bonuses if row["amount_minor"] > 0}
    if AVAILABLE in paid:
        return APPROVED
    if HELD in paid:
        return ON_HOLD
    if any(row["status"] == REVERSED for row in bonuses):
        return REVERSED
    return stage if stage in (INVITED, SIGNED_UP) and not bonuses else REFUSED


def friends_of(
    session: Session,
    ambassador_id: int,
    *,
    programme: Programme,
    now: datetime,
    limit: int,
    before_id: int | None = None,
) -> list[FriendView]:
    """An ambassador's friends, the newest first; themselves, with an order of their own, are none."""
    own_id = survivor(session, ambassador_id)
    query = select(Referral).where(Referral.ambassador_id == own_id, Referral.friend_id != own_id)
    rows = _page(session, query, limit=limit, before_id=before_id)
    bonuses = _bonuses(session, rows)
    return [_friend(row, bonuses[row["id"]], currency=programme.currency, now=now) for row in rows]


def why(session: Session, customer_id: int, *, programme: Programme, now: datetime, limit: int = 10) -> list[Why]:
    """What of this customer does not count or still waits, each with its reasons, the newest first."""
    own_id = survivor(session, customer_id)
    found = [
        *_unpaid_bonuses(session, own_id, limit=limit, now=now),
        *_refused_friends(session, own_id, limit=limit, currency=programme.currency),
        *_expired_credit(session, own_id, limit=limit),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def referral_view(session: Session, referral_id: int, *, programme: Programme) -> Row:
    """One referral with its orders and the candidates that lost, for ``GET /referrals/{id}``.

    Raises:
        UnknownReferral: There is none.
    """
    rows = fetch_in(session, Referral, "id", [referral_id])
    if not rows:
        raise UnknownReferral
    orders = fetch_in(session, Order, "customer_id", [rows[0]["friend_id"]])
    orders.sort(key=lambda row: (row["paid_at"] or row["created_at"], row["id"]))
    codes = _codes(session, [*rows, *(candidate for row in orders for candidate in row["evidence"])])
    view = _views(session, rows, programme=programme)[0]
    view["orders"] = [_order(row) for row in orders if _concerns(row, rows[0])]
    view["candidates"] = _losers(orders, rows[0], codes, programme=programme)
    return view


def referral_views(
    session: Session,
    *,
    programme: Programme,
    limit: int,
    ambassador_id: int | None = None,
    before_id: int | None = None,
) -> list[Row]:
    """Referrals for ``GET /referrals``, the newest first: everybody's, or one ambassador's.

    The number in ``referral`` of the last one leads to the ``before_id`` of the next page.
    """
    query = select(Referral)
    if ambassador_id is not None:
        query = query.where(Referral.ambassador_id == survivor(session, ambassador_id))
    return _views(session, _page(session, query, limit=limit, before_id=before_id), programme=programme)


def _page(session: Session, query: Any, *, limit: int, before_id: int | None) -> list[Row]:
    if before_id is not None:
        query = query.where(col(Referral.id) < before_id)
    return [row.model_dump() for row in session.exec(query.order_by(col(Referral.id).desc()).limit(limit)).all()]


def _bonuses(session: Session, referrals: Sequence[Row]) -> dict[int, list[Row]]:
    """The ambassador's bonuses of each pair, the weightiest first."""
    pairs = {(row["ambassador_id"], row["friend_id"]): row["id"] for row in referrals}
    found: dict[int, list[Row]] = defaultdict(list)
    for row in fetch_in(session, Bonus, "friend_id", {friend_id for _, friend_id in pairs}):
        referral_id = pairs.get((row["customer_id"], row["friend_id"]))
        if referral_id is not None and row["side"] == AMBASSADOR:
            found[referral_id].append(row)
    for rows in found.values():
        rows.sort(key=_weight)
    return found


def _weight(row: Row) -> tuple[bool, bool, bool, Any, int]:
    """Available before held, money before none; of equal ones the earliest."""
    paid = row["amount_minor"] > 0
    return (not paid, row["status"] != AVAILABLE, row["status"] != HELD, row["earned_at"], row["id"])


def _friend(row: Row, bonuses: Sequence[Row], *, currency: str, now: datetime) -> FriendView:
    main = bonuses[0] if bonuses else None
    status = status_of(row["stage"], bonuses)
    return FriendView(
        referral_id=row["id"],
        since=_since(row),
        status=status,
        amount_minor=sum(bonus["amount_minor"] for bonus in bonuses if main and bonus["currency"] == main["currency"]),
        currency=main["currency"] if main else currency,
        available_at=max(main["available_at"], now) if main and status == ON_HOLD else None,
        under_review=bool(main and main["under_review"]),
        reasons=_reasons(row, main),
    )


def _since(row: Row) -> Any:
    return row["signed_up_at"] or row["invited_at"] or row["evidence_at"]


def _reasons(row: Row, main: Row | None) -> tuple[Reason, ...]:
    """The bonus explains itself; without one the pair says why."""
    return tuple((main["reasons"] if main else None) or row["reasons"])


def _unpaid_bonuses(session: Session, customer_id: int, *, limit: int, now: datetime) -> list[Why]:
    query = select(Bonus).where(Bonus.customer_id == customer_id, Bonus.status != AVAILABLE, Bonus.side == AMBASSADOR)
    rows = session.exec(query.order_by(col(Bonus.earned_at).desc()).limit(limit)).all()
    return [
        Why(
            at=row.earned_at,
            status=ON_HOLD if row.status == HELD else row.status,
            amount_minor=row.amount_minor,
            currency=row.currency,
            available_at=max(row.available_at, now) if row.status == HELD else None,
            reasons=tuple(row.reasons),
        )
        for row in rows
    ]


def _expired_credit(session: Session, customer_id: int, *, limit: int) -> list[Why]:
    """Bonuses of which something expired before it was used."""
    minor = func.sum(Entry.amount_minor)
    query = (
        select(Bonus, minor)
        .join(Entry, col(Entry.bonus_id) == col(Bonus.id))
        .where(Entry.customer_id == customer_id, Entry.account == EXPIRED)
        .group_by(col(Bonus.id))
        .having(minor > 0)
        .order_by(col(Bonus.released_at).desc())
    )
    return [
        Why(row.released_at or row.earned_at, EXPIRED, int(amount), row.currency, None, tuple(_of_credit(row.reasons)))
        for row, amount in session.exec(query.limit(limit))
    ]


def _of_credit(reasons: Sequence[Reason]) -> list[Reason]:
    return [why for why in reasons if why["code"] == CREDIT_EXPIRED]


def _refused_friends(session: Session, customer_id: int, *, limit: int, currency: str) -> list[Why]:
    """Friends who count nowhere and have no bonus that would say so; an order of one's own is such a pair too."""
    bonus = select(Bonus.id).where(
        col(Bonus.customer_id) == col(Referral.ambassador_id), col(Bonus.friend_id) == col(Referral.friend_id)
    )
    query = select(Referral).where(
        Referral.ambassador_id == customer_id, col(Referral.stage).not_in((INVITED, SIGNED_UP)), ~bonus.exists()
    )
    rows = session.exec(query.order_by(col(Referral.id).desc()).limit(limit)).all()
    return [Why(_since(row.model_dump()), REFUSED, 0, currency, None, tuple(row.reasons)) for row in rows]


def _views(session: Session, rows: Sequence[Row], *, programme: Programme) -> list[Row]:
    bonuses = _bonuses(session, rows)
    codes = _codes(session, rows)
    return [_view(row, bonuses[row["id"]], codes, programme=programme) for row in rows]


def _view(row: Row, bonuses: Sequence[Row], codes: dict[int, str], *, programme: Programme) -> Row:
    main = bonuses[0] if bonuses else None
    return {
        "referral": programme.number("referral", row["id"]),
        "customer": programme.number("customer", row["ambassador_id"]),
        "friend": programme.number("customer", row["friend_id"]),
        "status": status_of(row["stage"], bonuses),
        "standing": row["standing"],
        "evidence": {"kind": row["evidence"], "code": codes.get(row["code_id"]), "at": row["evidence_at"].isoformat()},
        "by_hand": row["by_hand_at"].isoformat() if row["by_hand_at"] else None,
        "reasons": list(_reasons(row, main)),
        "bonus": _bonus(main, programme=programme) if main else None,
        "created_at": row["created_at"].isoformat(),
        "updated_at": row["updated_at"].isoformat(),
    }


def _bonus(row: Row, *, programme: Programme) -> Row:
    return {
        "bonus": programme.number("bonus", row["id"]),
        "status": row["status"],
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
        "available_at": row["available_at"].isoformat(),
        "under_review": row["under_review"],
        "reasons": list(row["reasons"]),
    }


def _codes(session: Session, rows: Iterable[Row]) -> dict[int, str]:
    ids = {row["code_id"] for row in rows if row["code_id"] is not None}
    return {row["id"]: row["display"] for row in fetch_in(session, Code, "id", ids, columns=("id", "display"))}


def _concerns(order: Row, referral: Row) -> bool:
    """The order points to this ambassador, whether it counts for them or not."""
    pointed = {candidate["ambassador_id"] for candidate in order["evidence"]}
    return order["referral_id"] == referral["id"] or referral["ambassador_id"] in pointed


def _order(row: Row) -> Row:
    return {
        "shop": row["shop"],
        "order": row["external_id"],
        "status": row["status"],
        "counts": row["referral_id"] is not None,
        "reasons": list(row["reasons"]),
    }


def _losers(orders: Sequence[Row], referral: Row, codes: dict[int, str], *, programme: Programme) -> list[Row]:
    """Other evidence that the friend's orders carried, with the reason code why it lost."""
    return [
        {
            "kind": candidate["kind"],
            "customer": programme.number("customer", candidate["ambassador_id"]),
            "code": codes.get(candidate["code_id"]),
            "at": candidate["at"],
            "lost": candidate.get("lost"),
        }
        for order in orders
        for candidate in order["evidence"]
        if candidate["ambassador_id"] != referral["ambassador_id"]
    ]
