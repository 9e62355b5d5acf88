"""What bonuses that are about to be made are judged on: loaded in sets, and counted on as the list is walked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from referrals.screening import history
from referrals.screening.score import Known
from storage.bulk import fetch_in
from storage.customers import Phone
from storage.ledger import TURNED_DOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlmodel import Session

Row = dict[str, Any]
DAY = timedelta(days=1)
BACK = ("cancelled", "refunded")
SIGN_UP = "sign_up"
NOBODY: Row = {}
ALONE: frozenset[int] = frozenset()


class Gathered(Protocol):
    """What a list of friends is decided on; rows by friend."""

    orders: dict[int, list[Row]]
    pairs: dict[int, list[Row]]
    bonuses: dict[int, list[Row]]
    people: dict[int, Row]
    brought_by: dict[int, int]
    phones: dict[str, frozenset[int]]
    mailboxes: dict[int, set[str]]


@dataclass(slots=True)
class Looked:
    """One bonus with the order and the pair that it is for."""

    row: Row
    order: Row | None
    pair: Row | None


class Facts:
    """Of the ambassadors and friends of one list of bonuses."""

    def __init__(self, session: Session, gathered: Gathered, looked: Sequence[Looked], pace: history.Pace) -> None:
        self.gathered, self.people, self.pace, self.zone = gathered, gathered.people, pace, pace.zone
        ambassadors = {one.row["customer_id"] for one in looked}
        people = ambassadors | {one.row["friend_id"] for one in looked}
        self.names = history.load_mailboxes(session, people - self.gathered.mailboxes.keys())
        self.names |= self.gathered.mailboxes
        self.owners = self._owners(session, looked)
        self.ways = self._ways(session, looked)
        ips = {one.order["ip"] for one in looked if one.order and one.order["ip"]}
        self.networks = history.orders_of_networks(session, ips) if ips else {}
        self.sign_ups = self._sign_ups(session, looked)

    def known(self, one: Looked, *, is_stored: bool) -> Known:
        """What is known of this bonus, itself and those before it in the list counted."""
        row, order = one.row, one.order
        ambassador, friend = row["customer_id"], row["friend_id"]
        person, other = self.people.get(ambassador, NOBODY), self.people.get(friend, NOBODY)
        pace = self.pace
        hour, day = pace.hour_and_day(row["earned_at"])
        if not is_stored:
            pace.count(ambassador, hour, day, made=1, typed=row["typed"])
        at_address, with_phone = self._sharing(order, "address"), self._sharing(order, "phone")
        return Known(
            at_ambassadors_address=ambassador in at_address,
            one_first_name=_one_name(person, other),
            friends_at_address=self._friends(at_address, ambassador, friend),
            friends_with_phone=self._friends(with_phone, ambassador, friend),
            one_mailbox_name=not self.names[ambassador].isdisjoint(self.names[friend]),
            friends_in_hour=pace.in_hour[ambassador, hour],
            friends_in_day=pace.in_day[ambassador, day],
            sign_ups_in_day=self._sign_ups_in_day(one),
            orders_of_ip=self._orders_of_network(order),
            order_minor=order["base_minor"] if order else 0,
            ambassador_days=_days(person, row["earned_at"]),
            typed=row["typed"],
            typed_in_day=pace.typed_in_day[ambassador, day],
            code_is_leaked=bool(person.get("code_leaked_at")),
            given_back=_given_back(self.gathered.orders.get(friend, ()), order),
            taken_back_in_month=pace.taken_back[ambassador],
            in_a_circle=self._in_a_circle(ambassador, friend),
            refused_before=_refused(self.gathered.bonuses.get(friend, ()), row),
        )

    def _owners(self, session: Session, looked: Sequence[Looked]) -> Mapping[str, frozenset[int]]:
        """Who else had these phones and addresses; those of orders in hand are known."""
        marks = {one.order[name] for one in looked if one.order for name in ("phone", "address") if one.order[name]}
        unknown = marks - self.gathered.phones.keys()
        in_hand = {row["id"] for rows in self.gathered.orders.values() for row in rows}
        if not unknown or all(one.order is None or one.order["id"] in in_hand for one in looked):
            return self.gathered.phones
        found: dict[str, set[int]] = defaultdict(set)
        for row in fetch_in(session, Phone, "value", sorted(unknown)):
            found[row["value"]].add(row["customer_id"])
        return {**self.gathered.phones, **{value: frozenset(people) for value, people in found.items()}}

    def _ways(self, session: Session, looked: Sequence[Looked]) -> dict[int, int]:
        """Through whom people came: those in hand, who shares something with a friend, and two steps up for circles."""
        known = dict(self.gathered.brought_by)
        up = {known[one.row["customer_id"]] for one in looked if one.row["customer_id"] in known}
        sharing = {
            person
            for one in looked
            if one.order
            for name in ("phone", "address")
            for person in self.owners.get(one.order[name] or "", frozenset())
        }
        unknown = (up | sharing) - known.keys()
        return known | (history.brought_by(session, unknown) if unknown else {})

    def _sign_ups(self, session: Session, looked: Sequence[Looked]) -> list[Row]:
        dated = [one for one in looked if one.pair and one.pair["evidence"] == SIGN_UP and one.pair["signed_up_at"]]
        if not dated:
            return []
        moments = [one.pair["signed_up_at"] for one in dated if one.pair]
        ambassadors = {one.row["customer_id"] for one in dated}
        return history.sign_ups(session, ambassadors, first=min(moments) - DAY, last=max(moments) + DAY)

    def _sign_ups_in_day(self, one: Looked) -> int:
        pair = one.pair
        if pair is None or pair["evidence"] != SIGN_UP or pair["signed_up_at"] is None:
            return 0
        day = pair["signed_up_at"].astimezone(self.zone).date()
        mine = (row for row in self.sign_ups if row["ambassador_id"] == one.row["customer_id"])
        return len({row["friend_id"] for row in mine if row["at"].astimezone(self.zone).date() == day})

    def _sharing(self, order: Row | None, mark: str) -> frozenset[int]:
        """Who had this phone or address, the friend included."""
        return self.owners.get(order[mark], ALONE) if order and order[mark] else ALONE

    def _orders_of_network(self, order: Row | None) -> int:
        if order is None or not order["ip"]:
            return 0
        known = self.networks.setdefault(order["ip"], set())
        known.add(order["id"])
        return len(known)

    def _friends(self, people: frozenset[int], ambassador: int, but: int) -> int:
        """How many of these people came through the ambassador, one friend apart."""
        return sum(person != but and self.ways.get(person) == ambassador for person in people)

    def _in_a_circle(self, ambassador: int, friend: int) -> bool:
        """Whether the ambassador came, over two people, through this friend; over one it is refused (rules 16)."""
        second = self.ways.get(ambassador)
        return second is not None and self.ways.get(second) == friend


def _given_back(orders: Collection[Row], order: Row | None) -> int:
    """Orders of the friend that were paid and then given back, other than this one."""
    return sum(
        row["paid_at"] is not None
        and not row["test"]
        and (row["status"] in BACK or (row["base_minor"] > 0 and row["total_minor"] <= row["refunded_minor"]))
        for row in orders
        if order is None or row["id"] != order["id"]
    )


def _refused(bonuses: Collection[Row], row: Row) -> int:
    return sum(
        known["review"] == TURNED_DOWN and known["customer_id"] == row["customer_id"] and known["id"] != row["id"]
        for known in bonuses
    )


def _one_name(person: Row, other: Row) -> bool:
    one, two = person.get("first_name"), other.get("first_name")
    return bool(one and two and one.casefold() == two.casefold())


def _days(person: Row, moment: datetime) -> int | None:
    since = person.get("ambassador_since")
    return max(0, (moment - since).days) if since else None
