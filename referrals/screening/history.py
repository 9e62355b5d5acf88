"""What the database knows of ambassadors whose bonuses are looked at: two queries for a list, more with a cause."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from sqlmodel import col, select

from storage.bulk import fetch_grouped, fetch_in
from storage.columns import HOUR, to_text
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
REVERSED = "reversed"

_FOR_BRINGING = "side = 'ambassador'"
_TRUST = (
    f"customer_id, count(DISTINCT CASE WHEN status = '{AVAILABLE}' AND amount_minor > 0 THEN friend_id END), "
    f"count(CASE WHEN status = '{REVERSED}' THEN 1 END) + count(CASE WHEN review = '{TURNED_DOWN}' THEN 1 END)"
)


class Hour(Protocol):
    """What is stored of one customer's bonuses of one UTC hour."""

    @property
    def customer_id(self) -> int:
        """Whose they are."""

    @property
    def hour(self) -> str:
        """2026-11-24T11."""

    @property
    def earned(self) -> int:
        """How many are for friends brought."""

    @property
    def typed(self) -> int:
        """How many of these friends only typed the code."""

    @property
    def taken_back(self) -> int:
        """How many were taken back."""


def _nought() -> defaultdict[Any, int]:
    return defaultdict(int)


@dataclass(slots=True)
class Pace:
    """How fast ambassadors bring friends: their bonuses, and those of friends who only typed the code."""

    zone: ZoneInfo
    in_hour: defaultdict[tuple[int, str], int] = field(default_factory=_nought)  # by ambassador and UTC hour
    in_day: defaultdict[tuple[int, date], int] = field(default_factory=_nought)  # by ambassador and local day
    typed_in_day: defaultdict[tuple[int, date], int] = field(default_factory=_nought)
    taken_back: defaultdict[int, int] = field(default_factory=_nought)  # by ambassador, in the months that were loaded

    def hour_and_day(self, moment: datetime) -> tuple[str, date]:
        """The UTC hour of a moment as text, and the local day of that hour."""
        hour = to_text(moment)[:HOUR]
        return hour, _day_of(hour, self.zone)

    def count(self, ambassador_id: int, hour: str, day: date, *, made: int, typed: int) -> None:
        """So many more were made in this hour of this day."""
        self.in_hour[ambassador_id, hour] += made
        self.in_day[ambassador_id, day] += made
        self.typed_in_day[ambassador_id, day] += typed


def pace_of(hours: Iterable[Hour], *, zone: ZoneInfo) -> Pace:
    """The pace in these hours."""
    pace = Pace(zone)
    for one in hours:
        pace.count(one.customer_id, one.hour, _day_of(one.hour, zone), made=one.earned, typed=one.typed)
        pace.taken_back[one.customer_id] += one.taken_back
    return pace


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
    rows = fetch_grouped(
        session, Bonus, "customer_id", ambassadors, figures=_TRUST, by="customer_id", extra=_FOR_BRINGING
    )
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
