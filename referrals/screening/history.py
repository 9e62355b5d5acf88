"""What the database knows of ambassadors whose bonuses are looked at: two queries for a list, more with a cause."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, distinct, func
from sqlmodel import col, select

from storage.bulk import fetch_in
from storage.customers import Identity
from storage.ledger import AVAILABLE, TURNED_DOWN, Bonus
from storage.orders import Order
from storage.referrals import Referral

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date
    from zoneinfo import ZoneInfo

    from sqlmodel import Session

Row = dict[str, Any]
AMBASSADOR, REVERSED = "ambassador", "reversed"
HOUR = len("2026-11-24T11")  # of a time as text

_AMBASSADORS = col(Bonus.customer_id).in_(bindparam("ambassadors", expanding=True))
_TURNED_DOWN = case((col(Bonus.review) == TURNED_DOWN, 1))
_HOURS: Any = (
    select(
        col(Bonus.customer_id),
        func.substr(col(Bonus.sort_key), 1, HOUR).label("hour"),
        func.count(),
        func.count(case((col(Bonus.typed), 1))),
        func.count(case((col(Bonus.status) == REVERSED, 1))),
    )  # type: ignore[call-overload]  # SQLModel types select() for fewer columns
    .where(_AMBASSADORS, col(Bonus.month).in_(bindparam("months", expanding=True)), col(Bonus.side) == AMBASSADOR)
    .group_by(col(Bonus.customer_id), "hour")
)
_TRUST: Any = (
    select(
        col(Bonus.customer_id),
        func.count(
            distinct(case(((col(Bonus.status) == AVAILABLE) & (col(Bonus.amount_minor) > 0), col(Bonus.friend_id))))
        ),
        func.count(case((col(Bonus.status) == REVERSED, 1))) + func.count(_TURNED_DOWN),
    )
    .where(_AMBASSADORS, col(Bonus.side) == AMBASSADOR)
    .group_by(col(Bonus.customer_id))
)


@dataclass(slots=True)
class Hours:
    """One ambassador's bonuses by UTC hour: all, those of who only typed the code, and how many were taken back."""

    made: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    typed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    taken_back: int = 0

    def in_day(self, found: dict[str, int], day: date, zone: ZoneInfo) -> int:
        """How many on this local day."""
        return sum(count for hour, count in found.items() if _day_of(hour, zone) == day)


def load_hours(session: Session, ambassadors: Collection[int], *, months: Collection[str]) -> dict[int, Hours]:
    """The bonuses of these months by hour."""
    found: dict[int, Hours] = defaultdict(Hours)
    rows = session.execute(_HOURS, {"ambassadors": sorted(ambassadors), "months": sorted(months)})
    for ambassador_id, hour, made, typed, taken_back in rows:
        hours = found[ambassador_id]
        hours.made[hour] += made
        hours.typed[hour] += typed
        hours.taken_back += taken_back
    return found


def load_mailboxes(session: Session, people: Collection[int]) -> dict[int, set[str]]:
    """The names of these people's mailboxes, as fingerprints."""
    names: dict[int, set[str]] = defaultdict(set)
    columns = ("customer_id", "mailbox")
    for row in fetch_in(session, Identity, "customer_id", people, columns=columns, extra="mailbox IS NOT NULL"):
        names[row["customer_id"]].add(row["mailbox"])
    return names


def earned_trust(session: Session, ambassadors: Collection[int], *, friends: int | None) -> set[int]:
    """Those of them with so many approved friends, of whose bonuses none was ever taken back."""
    if friends is None or not ambassadors:
        return set()
    rows = session.execute(_TRUST, {"ambassadors": sorted(ambassadors)})
    return {ambassador_id for ambassador_id, approved, gone in rows if approved >= friends and not gone}


def brought_by(session: Session, people: Iterable[int]) -> dict[int, int]:
    """Through whom these people came."""
    names = ("friend_id", "ambassador_id")
    rows = fetch_in(session, Referral, "friend_id", sorted(set(people)), columns=names, extra="standing")
    return {row["friend_id"]: row["ambassador_id"] for row in rows}


def orders_of_networks(session: Session, ips: Collection[str]) -> dict[str, set[int]]:
    """The referred orders of each network address on its day, as fingerprints of both."""
    found: dict[str, set[int]] = defaultdict(set)
    rows = fetch_in(session, Order, "ip", sorted(ips), columns=("id", "ip"), extra="ambassador_id IS NOT NULL")
    for row in rows:
        found[row["ip"]].add(row["id"])
    return found


def sign_ups(session: Session, ambassadors: Collection[int], *, first: datetime, last: datetime) -> list[Row]:
    """Who signed up through these ambassadors between two moments."""
    query = select(Referral.ambassador_id, Referral.friend_id, Referral.signed_up_at).where(
        col(Referral.ambassador_id).in_(sorted(ambassadors)),
        col(Referral.signed_up_at) >= first,
        col(Referral.signed_up_at) <= last,
    )
    return [{"ambassador_id": one, "friend_id": two, "at": at} for one, two, at in session.exec(query)]


@lru_cache(maxsize=4096)
def _day_of(hour: str, zone: ZoneInfo) -> date:
    return datetime.fromisoformat(f"{hour}:00+00:00").astimezone(zone).date()
