"""A shop that does everything in any order, and an accountant beside it who only adds.

The accountant knows no rule but each one's own promise: what an order may earn at most under the rules that were ever
in force. Everything else it reads from what was delivered, and from the books, each in its own way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import Session, select

from referrals.figures.exports import pages_of
from referrals.figures.standings import move_watermark, rebuild
from referrals.programme import Programme
from referrals.recruiting.orders import Arrival, apply_orders
from referrals.recruiting.shops import Buyer, OrderState
from storage.database import Database
from storage.ledger import AVAILABLE, CUSTOMER_ACCOUNTS, DEBT, Bonus, Entry, Posting
from storage.orders import Order
from storage.standings import Standing
from tests.builders import NOON, Shop, friend, order
from tests.engines import give_back, lent_url

Row = dict[str, Any]
BUYS = st.integers(1, 3)
PAID = st.sampled_from((9000, 9000, 12345, 2499, 2500, 0))
AGO = st.integers(0, 24 * 10)  # hours
ODDS: tuple[Row, ...] = ({},) * 6 + ({"test": True}, {"currency": "USD"})
NOTHING = {"refunded", "cancelled", "deleted", "pending"}  # what earns nothing, however it came to be so
Standings = dict[tuple[str, int], tuple[int, int, int]]  # by period and customer: friends, revenue, bonus


class Crash(Exception):
    """The process ends before the commit."""


@dataclass(frozen=True)
class Offer:
    """A rule of the bonus, as the owner's configuration names it, and as the accountant reads it."""

    keys: dict[str, Any]
    fixed: int | None = None
    percent: int = 0
    most: int | None = None
    least: int = 0
    once: bool = True  # a friend's first order only
    places: int | None = None  # bonuses a month

    def at_most(self, kept: int) -> int:
        """What an order of which so much was kept earns at most."""
        if kept <= 0 or kept < self.least:
            return 0
        share = (kept * self.percent + 50) // 100 if self.fixed is None else self.fixed
        return share if self.most is None else min(share, self.most)


def _bonus(**keys: Any) -> dict[str, Any]:
    return {f"bonus__ambassador__{name}": value for name, value in keys.items()}


OFFERS = (
    Offer(_bonus(when="first_order", kind="fixed", amount="15.00", min_order="25.00"), fixed=1500, least=2500),
    Offer(_bonus(when="every_order", kind="percent", percent="10", max="8.00", min_order="0.00"), percent=10, most=800,
          once=False),
    Offer(_bonus(when="every_order", kind="percent", percent="10", max="none", min_order="0.00", per_month=1),
          percent=10, once=False, places=1),
    Offer(_bonus(when="first_order", kind="fixed", amount="15.00", min_order="0.00", per_month=2), fixed=1500,
          places=2),
)  # fmt: skip


class Books(RuleBasedStateMachine):
    """Orders, refunds, cancellations, repetitions and swaps, other rules, time, crashes and restarts."""

    engine = "sqlite"
    folder = Path()

    def __init__(self) -> None:
        super().__init__()
        self.url = lent_url(self.engine, self.folder)
        self.database = Database.open(self.url)
        self.numbers = count(1)
        self.offers: list[Offer] = []
        self.made: dict[str, OrderState] = {}  # the newest state of each order
        self.on_way: list[OrderState] = []
        self.arrived: dict[str, list[OrderState]] = defaultdict(list)
        self.taken_back_late = False  # an order came back after its bonus was available

    def teardown(self) -> None:
        """At the end all sums are made; then the database serves the next story."""
        try:
            if self.offers:
                self._check_sums()
                self._check_standings()
        finally:
            self.database.close()
            give_back(self.url)

    @initialize(offer=st.sampled_from(OFFERS), sold=st.lists(st.tuples(BUYS, PAID, AGO), min_size=1, max_size=4))
    def open_the_shop(self, offer: Offer, sold: list[tuple[int, int, int]]) -> None:
        """Anna and Mats have links, and friends of Anna's have bought something."""
        self.offers = [offer]
        self.shop = Shop(self.database, **offer.keys)
        self.people = {self.shop.ambassador(name)[0]: name for name in ("Anna", "Mats")}
        self.codes = [self.shop.ambassador(name)[1] for name in ("Anna", "Mats")]
        for buyer, total, hours in sold:
            self.somebody_buys(buyer=buyer, code=0, total=total, hours=hours, odd={}, at_once=True)

    @rule(
        buyer=BUYS,
        code=st.sampled_from((0, 0, 0, 1, None)),
        total=PAID,
        hours=AGO,
        odd=st.sampled_from(ODDS),
        at_once=st.booleans(),
    )
    def somebody_buys(self, *, buyer: int, code: int | None, total: int, hours: int, odd: Row, at_once: bool) -> None:
        """An order was paid in the last days; the shop's message about it comes at once, or is under way."""
        number = f"o{next(self.numbers)}"
        at = self.shop.now - timedelta(hours=hours)
        who: Buyer = friend(buyer, orders=None)
        typed = None if code is None else self.codes[code]
        self._make(order(number, who, code=typed, total=total, at=at, **odd), at_once=at_once)

    @precondition(lambda self: self.made)
    @rule(
        which=st.randoms(use_true_random=False),
        what=st.sampled_from(("part", "all", "all", "cancelled", "deleted", "completed", "pending")),
        at_once=st.booleans(),
    )
    def it_changes(self, *, which: Any, what: str, at_once: bool) -> None:
        """The shop changes an order: part of it or all goes back, it is cancelled, sent, or not paid after all."""
        state = self.made[which.choice(sorted(self.made))]
        newer: Row = {"updated_at": (state.updated_at or NOON) + timedelta(minutes=7)}
        if what == "part":
            newer["refunded_minor"] = min(state.total_minor, state.refunded_minor + state.total_minor // 3)
        elif what == "all":
            newer |= {"refunded_minor": state.total_minor, "status": "refunded"}
        else:
            newer["status"] = what
        self._make(replace(state, **newer), at_once=at_once)

    @precondition(lambda self: self.on_way)
    @rule(order=st.randoms(use_true_random=False), most=st.integers(1, 4))
    def messages_arrive(self, order: Any, most: int) -> None:
        """Some of what is under way arrives, together, in any order."""
        order.shuffle(self.on_way)
        together, self.on_way = self.on_way[:most], self.on_way[most:]
        self._deliver(*together)

    @rule(what=st.sampled_from(("again", "crash", "restart", "rules", "standings")), data=st.data())
    def something_else_happens(self, what: str, data: st.DataObject) -> None:
        """What must leave everything that is booked as it is."""
        before = self._everything()
        if what == "again" and self.arrived:
            states = [state for number in sorted(self.arrived) for state in self.arrived[number]]
            self.shop.deliver(data.draw(st.sampled_from(states)))  # the shop repeats itself
        elif what == "crash" and self.on_way:
            self._crash()
        elif what == "restart":
            self.database.close()
            self.database = self.shop.database = Database.open(self.url)
        elif what == "rules":
            self._change_rules(data.draw(st.sampled_from(OFFERS)))
        elif what == "standings":
            self.database.run(_follow, programme=self.shop.programme, now=self.shop.now)
        assert self._everything() == before

    @rule(days=st.sampled_from((1, 9, 22, 22, 30)))
    def time_passes(self, days: int) -> None:
        """The clock goes on, and bonuses whose wait is over are released."""
        self.shop.pass_days(days)

    @invariant()
    def the_books_balance(self) -> None:
        """The audit of the programme itself finds nothing."""
        if self.offers:
            assert self.shop.faults() == []

    @invariant()
    def no_order_earns_more_than_a_rule_gives(self) -> None:
        """And nothing once it was sent back, cancelled, deleted or was never paid; in one currency only."""
        booked = self._booked()
        for number, states in self.arrived.items():
            newest = max(states, key=lambda state: state.updated_at or NOON)
            kept = max(0, min(newest.base_minor, newest.total_minor - newest.refunded_minor))
            earns = newest.status not in NOTHING and not newest.test and newest.currency == "EUR"
            most = max(offer.at_most(kept) for offer in self.offers) if earns else 0
            assert 0 <= booked[number] <= most, number

    @invariant()
    def a_friend_pays_once_where_the_first_order_counts(self) -> None:
        """And no month holds more bonuses of one ambassador than any rule has places for."""
        paid = [row for row in self._bonuses() if row["amount_minor"] > 0]
        if all(offer.once for offer in self.offers):
            assert max(Counter(row["friend_id"] for row in paid).values(), default=0) <= 1
        if all(offer.places for offer in self.offers):
            months = Counter((row["customer_id"], row["month"]) for row in paid)
            assert max(months.values(), default=0) <= max(offer.places or 0 for offer in self.offers)

    def _check_sums(self) -> None:
        """By customer, by order, and in the export; and nobody owes anything but what came back too late."""
        entries = [row for row in self.shop.rows(Entry) if row["account"] in CUSTOMER_ACCOUNTS]
        exported = self.database.look(_exported, programme=self.shop.programme, now=self.shop.now)
        assert sum(row["amount_minor"] for row in entries) == sum(self._booked().values()) == exported
        owed = [row for row in entries if row["account"] == DEBT and row["amount_minor"] < 0]
        assert not owed or self.taken_back_late

    def _check_standings(self) -> None:
        """Friends and money of all time, counted from the bonuses; and a rebuilt projection is the kept one."""
        kept, rebuilt = self._standings()
        assert kept == rebuilt
        friends, money = defaultdict(set), Counter[int]()
        for row in self._bonuses():
            if row["status"] == AVAILABLE and row["amount_minor"] > 0:
                friends[row["customer_id"]].add(row["friend_id"])
                money[row["customer_id"]] += row["amount_minor"]
        found = {who: (one[0], one[2]) for (period, who), one in rebuilt.items() if period == "all"}
        assert found == {who: (len(each), money[who]) for who, each in friends.items()}

    def _standings(self) -> tuple[Standings, Standings]:
        try:
            self.database.run(_standings_twice, programme=self.shop.programme, now=self.shop.now)
        except Undo as seen:
            kept, rebuilt = seen.args
            return kept, rebuilt
        raise AssertionError("a transaction that is undone ends with what it carries")

    def _make(self, state: OrderState, *, at_once: bool) -> None:
        self.made[state.id] = state
        if at_once:
            self._deliver(state)
        else:
            self.on_way.append(state)

    def _deliver(self, *states: OrderState) -> None:
        available = self._available()
        self.shop.deliver(*states)
        for state in states:
            self.arrived[state.id].append(state)
        booked = self._booked()
        self.taken_back_late |= any(booked[number] < amount for number, amount in available.items())

    def _crash(self) -> None:
        """The process dies before the commit: it is as if the messages had not come."""
        arrivals = [Arrival(state, self.shop.now) for state in self.on_way]
        with suppress(Crash):
            self.database.run(_crashing, arrivals, programme=self.shop.programme, now=self.shop.now)

    def _change_rules(self, offer: Offer) -> None:
        """From now on orders are worth something else; those that are pinned are not."""
        now = self.shop.now
        self.shop = Shop(self.database, **offer.keys)
        self.shop.now = now
        self.offers.append(offer)

    def _bonuses(self) -> list[Row]:
        return self.shop.rows(Bonus) if self.offers else []

    def _booked(self) -> Counter[str]:
        """What each order has earned, by the shop's number."""
        names = {row["id"]: row["external_id"] for row in self.shop.rows(Order)}
        booked: Counter[str] = Counter()
        for row in self._bonuses():
            booked[names[row["order_id"]]] += row["amount_minor"]
        return booked

    def _available(self) -> dict[str, int]:
        names = {row["id"]: row["external_id"] for row in self.shop.rows(Order)}
        return {names[row["order_id"]]: row["amount_minor"] for row in self._bonuses() if row["status"] == AVAILABLE}

    def _everything(self) -> list[list[Row]]:
        return [self.shop.rows(table) for table in (Order, Bonus, Posting, Entry)]


class Undo(Exception):
    """Carries what was seen out of a transaction that is not kept."""


def _crashing(session: Session, arrivals: list[Arrival], *, programme: Programme, now: datetime) -> None:
    apply_orders(session, arrivals, programme=programme, now=now)
    raise Crash


def _follow(session: Session, *, programme: Programme, now: datetime) -> None:
    while move_watermark(session, programme=programme, now=now):
        pass


def _stored(session: Session) -> Standings:
    rows = session.exec(select(Standing).execution_options(populate_existing=True)).all()
    return {
        (row.period, row.customer_id): (row.friends, row.revenue_minor, row.bonus_minor)
        for row in rows
        if row.friends or row.revenue_minor or row.bonus_minor
    }


def _standings_twice(session: Session, *, programme: Programme, now: datetime) -> None:
    """The projection as it is once it has followed, and as it is built anew; neither is kept."""
    _follow(session, programme=programme, now=now)
    kept = _stored(session)
    rebuild(session, now=now)
    _follow(session, programme=programme, now=now)
    raise Undo(kept, _stored(session))


def _exported(session: Session, *, programme: Programme, now: datetime) -> int:
    """What customers have in all by the ledger that an owner exports, in minor units of one currency."""
    pages = pages_of(session, "ledger", period="all", programme=programme, now=now)
    return sum(row["amount_minor"] for page in pages for row in page if row["account"] in CUSTOMER_ACCOUNTS)
