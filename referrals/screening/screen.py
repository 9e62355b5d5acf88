"""Bonuses that are about to be made are looked at, together: each gets its score, and waits where that is high.

``Screen`` is handed to ``rewarding.plan_bonuses``, which knows nothing of signals. It only reads; ``write_screening``
stores what became known of codes, and has the owners told.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from referrals.screening import history
from referrals.screening.score import LEAKED_CODE, Known, is_leaked, score
from referrals.screening.telling import tell_leaked, tell_waiting
from storage.bulk import fetch_in, update_rows
from storage.codes import Code
from storage.customers import Customer, Phone
from storage.ledger import TURNED_DOWN, UNREVIEWED, WAITING
from storage.orders import Order
from storage.referrals import Referral

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

Row = dict[str, Any]
DAY = timedelta(days=1)
BACK = ("cancelled", "refunded")
CODE, CLICK, SIGN_UP = "code", "click", "sign_up"


class Gathered(Protocol):
    """What a list of friends is decided on; rows by friend."""

    orders: dict[int, list[Row]]
    pairs: dict[int, list[Row]]
    bonuses: dict[int, list[Row]]
    people: dict[int, Row]
    brought_by: dict[int, int]
    phones: dict[str, frozenset[int]]


@dataclass(slots=True)
class Looked:
    """One bonus with the order and the pair that it is for."""

    row: Row
    order: Row | None
    pair: Row | None


@dataclass(slots=True)
class Screen:
    """Looks at the bonuses of one transaction."""

    session: Session
    gathered: Gathered
    programme: Programme
    now: datetime
    leaked: dict[int, int] = field(default_factory=dict)  # code that is leaked since now -> its ambassador
    waiting: list[Row] = field(default_factory=list)  # bonuses that wait since now

    def __call__(self, rows: Sequence[Row], stored: Collection[int]) -> None:
        """Each row has its score and signals, and ``review`` says whether it waits for an owner.

        Args:
            rows: Bonuses that are credited now; those that an owner decided stay as they are.
            stored: The ids of those among them that the history counts already.
        """
        undecided = [row for row in rows if row["review"] in (UNREVIEWED, WAITING)]
        looked = [one for one in self._with_facts(undecided) if not (one.pair and one.pair["by_hand_at"])]
        if not looked:
            return
        looked.sort(key=lambda one: one.row["sort_key"])
        facts = _Facts(self, looked)
        rules = self.programme.config.fraud
        for one in looked:
            one.row["typed"] = _only_typed(one)
            known = facts.known(one, is_stored=one.row["id"] in stored)
            result = score(known, rules)
            one.row.update(score=result.total, signals=[part.as_dict() for part in result.parts], review=UNREVIEWED)
            if is_leaked(known, rules) and one.pair and one.pair["code_id"] is not None and not known.code_is_leaked:
                self.leaked[one.pair["code_id"]] = one.row["customer_id"]
        self._hold([one for one in looked if one.row["score"] >= rules.review_score])

    def write(self) -> None:
        """Codes that are leaked are marked, and the owners hear of both; nothing is asked where nothing is new."""
        if self.leaked:
            rows = [{"id": code_id, "leaked_at": self.now} for code_id in self.leaked]
            update_rows(self.session, Code, rows, key=("id",))
            whose = [{"id": customer_id, "code_leaked_at": self.now} for customer_id in set(self.leaked.values())]
            update_rows(self.session, Customer, whose, key=("id",))
            tell_leaked(self.session, self.leaked, programme=self.programme, now=self.now)
        if self.waiting:
            tell_waiting(self.session, programme=self.programme, now=self.now)

    def _hold(self, high: Sequence[Looked]) -> None:
        """Trusted ambassadors skip the queue; a leaked code waits whosever it is, for it is not about them."""
        people = self.gathered.people
        marked = {one for one in (looked.row["customer_id"] for looked in high) if _trusted_by_owner(people.get(one))}
        unmarked = {looked.row["customer_id"] for looked in high} - marked
        earned = history.earned_trust(self.session, unmarked, friends=self.programme.config.fraud.trusted_after)
        for one in high:
            is_leak = any(part["code"] == LEAKED_CODE for part in one.row["signals"])
            if is_leak or one.row["customer_id"] not in marked | earned:
                one.row["review"] = WAITING
                self.waiting.append(one.row)

    def _with_facts(self, rows: Sequence[Row]) -> list[Looked]:
        """The orders and pairs are in hand, but for bonuses that only got a place in their month."""
        orders = {row["id"]: row for known in self.gathered.orders.values() for row in known}
        pairs = {row["id"]: row for known in self.gathered.pairs.values() for row in known}
        missing = [row for row in rows if row["friend_id"] not in self.gathered.orders]
        for row in fetch_in(self.session, Order, "id", [row["order_id"] for row in missing if row["order_id"]]):
            orders[row["id"]] = row
        for row in fetch_in(
            self.session, Referral, "id", [row["referral_id"] for row in missing if row["referral_id"]]
        ):
            pairs.setdefault(row["id"], row)
        return [Looked(row, orders.get(row["order_id"]), pairs.get(row["referral_id"])) for row in rows]


class _Facts:
    """All that the list is judged on, loaded in sets, and counted on as the list is walked."""

    def __init__(self, screen: Screen, looked: Sequence[Looked]) -> None:
        session, self.gathered = screen.session, screen.gathered
        self.zone = screen.programme.zone
        ambassadors = {one.row["customer_id"] for one in looked}
        people = ambassadors | {one.row["friend_id"] for one in looked}
        months = {(one.row["customer_id"], one.row["month"]) for one in looked}
        self.pace = history.load_pace(session, months, zone=self.zone)
        self.names = history.load_mailboxes(session, people)
        self.owners = self._owners(session, looked)
        self.ways = self._ways(session, looked)
        ips = {one.order["ip"] for one in looked if one.order and one.order["ip"]}
        self.networks = history.orders_of_networks(session, ips) if ips else {}
        self.sign_ups = self._sign_ups(session, looked)

    def known(self, one: Looked, *, is_stored: bool) -> Known:
        """What is known of this bonus, itself and those before it in the list counted."""
        row, order = one.row, one.order
        ambassador, friend = row["customer_id"], row["friend_id"]
        pace = self.pace
        hour, day = history.hour_and_day(row["earned_at"], self.zone)
        if not is_stored:
            pace.count(ambassador, hour, day, made=1, typed=row["typed"])
        at_address = self.owners.get(order["address"] or "", frozenset()) if order else frozenset()
        with_phone = self.owners.get(order["phone"] or "", frozenset()) if order else frozenset()
        network = self.networks.setdefault(order["ip"], set()) if order and order["ip"] else set()
        network |= {order["id"]} if order else set()
        return Known(
            at_ambassadors_address=ambassador in at_address,
            one_first_name=_one_name(self.gathered.people, ambassador, friend),
            friends_at_address=len(self._friends(at_address, ambassador) - {friend}),
            friends_with_phone=len(self._friends(with_phone, ambassador) - {friend}),
            one_mailbox_name=bool(self.names.get(ambassador, set()) & self.names.get(friend, set())),
            friends_in_hour=pace.in_hour[ambassador, hour],
            friends_in_day=pace.in_day[ambassador, day],
            sign_ups_in_day=self._sign_ups_in_day(one),
            orders_of_ip=len(network),
            order_minor=order["base_minor"] if order else 0,
            ambassador_days=self._days(ambassador, row["earned_at"]),
            typed=row["typed"],
            typed_in_day=pace.typed_in_day[ambassador, day],
            code_is_leaked=bool(self._person(ambassador).get("code_leaked_at")),
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

    def _friends(self, people: Collection[int], ambassador: int) -> set[int]:
        return {person for person in people if self.ways.get(person) == ambassador}

    def _person(self, customer_id: int) -> Row:
        return self.gathered.people.get(customer_id) or {}

    def _in_a_circle(self, ambassador: int, friend: int) -> bool:
        """Whether the ambassador came, over two people, through this friend; over one it is refused (rules 16)."""
        second = self.ways.get(ambassador)
        return second is not None and self.ways.get(second) == friend

    def _days(self, ambassador: int, moment: datetime) -> int | None:
        since = self._person(ambassador).get("ambassador_since")
        return max(0, (moment - since).days) if since else None


def _only_typed(one: Looked) -> bool:
    """A code at the checkout, and neither a visit through a link nor a sign-up."""
    if one.order is None or one.pair is None or one.pair["signed_up_at"] or one.pair["invited_at"]:
        return False
    kinds = {each["kind"] for each in one.order["evidence"]}
    return one.pair["evidence"] == CODE and CLICK not in kinds


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


def _one_name(people: Mapping[int, Row], ambassador: int, friend: int) -> bool:
    one, other = ((people.get(each) or {}).get("first_name") for each in (ambassador, friend))
    return bool(one and other and one.casefold() == other.casefold())


def _trusted_by_owner(person: Row | None) -> bool:
    return bool(person and person.get("trusted_at"))
