"""A shop that does everything in any order, and an accountant beside it who only adds.

The accountant knows no rule but each one's own promise: what an order may earn at most under the rules that were ever
in force. Everything else it reads from what was delivered, and from the books, each in its own way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import Session

from referrals.errors import ProgrammeError
from referrals.privacy.erasure import erase
from referrals.recruiting.joining import join
from referrals.recruiting.shops import OrderState
from referrals.rewarding.vouchers import issue_voucher
from storage.database import Database
from storage.ledger import AVAILABLE, CUSTOMER_ACCOUNTS, DEBT, REDEEMED
from tests.builders import NOON, Shop, order
from tests.engines import give_back, lent_url
from tests.referrals.privacy.person import traces
from tests.referrals.rewarding import accountant
from tests.referrals.rewarding.crowd import AMBASSADORS, FRIENDS, Crowd, customer_of
from tests.referrals.rewarding.offers import OFFERS, Offer
from tests.referrals.rewarding.said import account_said, hear, hear_all_again, order_said
from tests.referrals.rewarding.till import TILL, Till

Row = dict[str, Any]
BUYS = st.sampled_from((*FRIENDS, *FRIENDS, AMBASSADORS[1]))
CODES = st.sampled_from((*AMBASSADORS[:1], *AMBASSADORS[:1], *AMBASSADORS, None))
PAID = st.sampled_from((9000, 9000, 12345, 2499, 2500, 0))
AGO = st.integers(0, 24 * 10)  # hours
ODDS: tuple[Row, ...] = ({},) * 6 + ({"test": True}, {"currency": "USD"})
NOTHING = {"refunded", "cancelled", "deleted", "pending"}  # what earns nothing, however it came to be so
PARTS = st.sampled_from((None, 1, 30, 70, 100))  # percent
DICE = st.randoms(use_true_random=False)


class Crash(Exception):
    """The process ends before the commit."""


class Books(RuleBasedStateMachine):
    """Orders and what becomes of them, vouchers, people, other rules, time, crashes and restarts."""

    engine = "sqlite"
    folder = Path()

    def __init__(self) -> None:
        super().__init__()
        self.url = lent_url(self.engine, self.folder)
        self.database = Database.open(self.url)
        self.numbers = count(1)
        self.offers: list[Offer] = []
        self.crowd = Crowd()
        self.code: dict[str, str] = {}  # by ambassador
        self.made: dict[str, OrderState] = {}  # the newest state of each order
        self.on_way: list[OrderState] = []
        self.arrived: dict[str, list[OrderState]] = defaultdict(list)
        self.vouchers: dict[str, int] = {}  # by code, what it was made for
        self.taken: Counter[tuple[str, str]] = Counter()  # by code and order, what the order has of it
        self.seen = self.evening = accountant.NOTHING  # the books after the last step, and before the last night
        self.taken_back_minor = 0  # of bonuses that were available
        self.merges = 0

    def teardown(self) -> None:
        """At the end all sums are made; then the database serves the next story."""
        try:
            if self.offers:
                self._check_sums()
                self._check_standings()
                self._check_nobody_is_named()
        finally:
            self.database.close()
            give_back(self.url)

    @initialize(
        offer=st.sampled_from(OFFERS),
        sold=st.lists(st.tuples(BUYS, PAID, AGO), min_size=2, max_size=4),
        settled=st.sampled_from((True, True, False)),
        which=DICE,
    )
    def open_the_shop(self, offer: Offer, sold: list[tuple[str, int, int]], settled: bool, which: Any) -> None:
        """Anna and Mats have links, and friends of Anna's have bought something, long ago or just now."""
        self.offers = [offer]
        self.shop = Shop(self.database, **offer.keys)
        for name in reversed(AMBASSADORS):  # Mats was there first: of two who are one, the older stays
            self._enrol(name)
        for buyer, total, hours in sold:
            self.somebody_buys(buyer=buyer, code=AMBASSADORS[0], total=total, hours=hours, odd={}, at_once=True)
        if settled:
            self.time_passes(days=22)
            self.the_books_balance()
            self._make_voucher(AMBASSADORS[0], 70)
            self._use_voucher(which, 30, keep_rest=True)

    @rule(buyer=BUYS, code=CODES, total=PAID, hours=AGO, odd=st.sampled_from(ODDS), at_once=st.booleans())
    def somebody_buys(self, *, buyer: str, code: str | None, total: int, hours: int, odd: Row, at_once: bool) -> None:
        """An order was paid in the last days; the shop's message about it comes at once, or is under way."""
        number = f"o{next(self.numbers)}"
        at = self.shop.now - timedelta(hours=hours)
        typed = None if code is None else self.code[code]
        self._make(order(number, self.crowd.buyer(buyer), code=typed, total=total, at=at, **odd), at_once=at_once)

    @precondition(lambda self: self.made)
    @rule(
        which=DICE,
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
    @rule(order=DICE, most=st.integers(1, 4))
    def messages_arrive(self, order: Any, most: int) -> None:
        """Some of what is under way arrives, together, in any order."""
        order.shuffle(self.on_way)
        together, self.on_way = self.on_way[:most], self.on_way[most:]
        self._deliver(*together)

    @rule(
        what=st.sampled_from(("use", "use", "make", "call_off", "take_back")),
        part=PARTS,
        keep_rest=st.booleans(),
        which=DICE,
    )
    def credit_is_used(self, *, what: str, part: int | None, keep_rest: bool, which: Any) -> None:
        """A voucher is made, orders take of it and are called off, it is credit again."""
        if what == "make" or not self.vouchers:
            self._make_voucher(max(AMBASSADORS, key=self._free_minor), part)
        if what == "use":
            self._use_voucher(which, part, keep_rest=keep_rest)
        elif what == "call_off" and self.taken:
            self._call_off(which)
        elif what == "take_back" and self.vouchers:
            found, _ = Till(self.shop).validate(which.choice(list(self.vouchers)))
            assert found is not None
            assert Till(self.shop).void(found.id, customer_id=found.customer_id).status != "standing"

    @rule(what=st.sampled_from(("is_forgotten", "is_other", "is_other", "signs_up")), which=DICE, hours=AGO)
    def somebody(self, *, what: str, which: Any, hours: int) -> None:
        """Opens an account through a link, is forgotten, or turns out to be somebody else whom we know."""
        known = [name for name in (*FRIENDS, *AMBASSADORS) if self._find(name) is not None]
        one, other = which.choice(known), which.choice(known)
        if what == "signs_up":
            who, created = which.choice(FRIENDS), self.shop.now - timedelta(hours=hours)
            self._hear(account_said(self.crowd.buyer(who), code=self.code[AMBASSADORS[0]], created_at=created))
        elif what == "is_forgotten":
            self._forget(one)
        else:
            ids = self._customer(one), self._customer(other)
            self._watched(join, *ids, programme=self.shop.programme, now=self.shop.now)
            self.merges += ids[0] != ids[1]
            self.crowd.are_one(one, other)

    @rule(what=st.sampled_from(("again", "replay", "crash", "restart", "rules", "standings")), data=st.data())
    def something_else_happens(self, what: str, data: st.DataObject) -> None:
        """What must leave everything that is booked as it is."""
        before = self.database.look(accountant.everything)
        how: Row = {"programme": self.shop.programme, "now": self.shop.now}
        if what == "again" and self.arrived:
            states = [state for number in sorted(self.arrived) for state in self.arrived[number]]
            self._hear(order_said(data.draw(st.sampled_from(states))))  # the shop repeats itself
        elif what == "replay":
            self.database.run(hear_all_again, **how)
        elif what == "crash":
            self._crash(data)
        elif what == "restart":
            self.database.close()
            self.database = self.shop.database = Database.open(self.url)
        elif what == "rules":
            self._change_rules(data.draw(st.sampled_from(OFFERS)))
        elif what == "standings":
            self.database.run(accountant.follow, **how)
        assert self.database.look(accountant.everything) == before

    @precondition(lambda self: self.seen != self.evening)
    @rule(days=st.sampled_from((1, 9, 22, 22, 30, 181)))
    def time_passes(self, days: int) -> None:
        """The clock goes on: bonuses whose wait is over are released, vouchers whose time is over are credit."""
        self.evening = self.seen  # where nothing has changed since, nothing is waited for
        self.shop.pass_days(days)
        Till(self.shop).expire()

    @invariant()
    def the_books_balance(self) -> None:
        """The audit of the programme itself finds nothing, and neither does the accountant."""
        if self.offers:
            assert self.shop.faults() == []
            self.seen = self.database.look(accountant.see)
            self.seen.sums_by_customer()
            self.seen.one_ambassador_each()
            self._check_orders()
            self._check_friends_and_months()
            self._check_vouchers()
            assert -self.seen.total(DEBT) <= self.taken_back_minor

    def _check_orders(self) -> None:
        """None earns more than a rule gives, and nothing once it came back, in one currency only."""
        booked = self.seen.by_order()
        for number, states in self.arrived.items():
            newest = max(states, key=lambda state: state.updated_at or NOON)
            kept = max(0, min(newest.base_minor, newest.total_minor - newest.refunded_minor))
            earns = newest.status not in NOTHING and not newest.test and newest.currency == "EUR"
            most = max(offer.at_most(kept) for offer in self.offers) if earns else 0
            assert 0 <= booked[number] <= most, number

    def _check_friends_and_months(self) -> None:
        """A friend pays once where the first order counts; no month holds more bonuses than a rule has places for.

        What was released before two became one stays where it is.
        """
        paid = [row for row in self.seen.bonuses if row["amount_minor"] > 0]
        if all(offer.once for offer in self.offers):
            assert max(Counter(row["friend_id"] for row in paid).values(), default=0) <= 1 + self.merges
        if all(offer.places for offer in self.offers):
            months = Counter((row["customer_id"], row["month"]) for row in paid)
            most = max(offer.places or 0 for offer in self.offers) * (1 + self.merges)
            assert max(months.values(), default=0) <= most

    def _check_vouchers(self) -> None:
        """What orders have of them, by the till's own slips, is what the books call redeemed."""
        by_code: Counter[str] = Counter()
        for (code, _), minor in self.taken.items():
            by_code[code] += minor
        assert all(minor <= self.vouchers[code] for code, minor in by_code.items())
        assert self.seen.total(REDEEMED) == by_code.total()

    def _check_sums(self) -> None:
        """By customer, by order, and in the export."""
        how: Row = {"programme": self.shop.programme, "now": self.shop.now}
        exported = self.database.look(accountant.exported, **how)
        assert self.seen.total(*CUSTOMER_ACCOUNTS) == sum(self.seen.by_order().values()) == exported

    def _check_standings(self) -> None:
        """Friends and money of all time are those of the bonuses; and a rebuilt projection is the kept one."""
        try:
            self.database.run(accountant.standings_twice, programme=self.shop.programme, now=self.shop.now)
        except accountant.Undo as found:
            kept, rebuilt = found.args
        assert kept == rebuilt
        of_all_time = {who: (one[0], one[2]) for (period, who), one in rebuilt.items() if period == "all"}
        assert of_all_time == accountant.counted(self.seen.bonuses)

    def _check_nobody_is_named(self) -> None:
        """Every text of every table is looked at for those who were forgotten."""
        assert self.database.look(traces, self.crowd.traces()) == []

    def _find(self, name: str) -> int | None:
        return self.database.look(customer_of, self.crowd.buyer(name))

    def _customer(self, name: str) -> int:
        customer_id = self._find(name)
        assert customer_id is not None
        return customer_id

    def _free_minor(self, name: str) -> int:
        customer_id = self._customer(name)
        return sum(self.seen.accounts.get((customer_id, account), 0) for account in (AVAILABLE, DEBT))

    def _enrol(self, name: str) -> None:
        buyer = self.crowd.buyer(name)
        account = {"shop_id": buyer.id, "email": buyer.email}
        _, self.code[name] = self.shop.ambassador(buyer.first_name or "", **account)

    def _make_voucher(self, who: str, part: int | None) -> None:
        """Of all credit, or of a part; where there is none, nothing happens."""
        customer_id, free, till = self._customer(who), self._free_minor(who), Till(self.shop)
        wanted = None if part is None else free * part // 100
        if free <= 0 or wanted == 0:
            assert not_done(till.issue, customer_id, wanted)
            return
        voucher = till.issue(customer_id, wanted)
        assert voucher.amount_minor == (wanted or free)
        self.vouchers[voucher.code] = voucher.amount_minor

    def _use_voucher(self, which: Any, part: int | None, *, keep_rest: bool) -> None:
        """If it stands, the order has as much as was asked, however often it is said; if not, nothing."""
        if not self.vouchers:
            return
        code, till = which.choice(list(self.vouchers)), Till(self.shop)
        before = [number for of, number in self.taken if of == code]
        number = which.choice([f"v{next(self.numbers)}", f"v{next(self.numbers)}", *before])
        found, why_not = till.validate(code)
        assert found is not None
        wanted = None if part is None else max(1, found.left_minor * part // 100)
        if self.taken[code, number]:
            wanted, why_not = self.taken[code, number], []
        if why_not:
            assert not_done(till.redeem, code, wanted, order=number, keep_rest=keep_rest)
            return
        first = till.redeem(code, wanted, order=number, keep_rest=keep_rest)
        assert first.amount_minor == (wanted or found.left_minor)
        self.taken[code, number] = first.amount_minor
        assert till.redeem(code, wanted, order=number, keep_rest=keep_rest) == first

    def _call_off(self, which: Any) -> None:
        """The order has nothing of the voucher any more, however often that is said."""
        code, number = which.choice(list(self.taken))
        first = Till(self.shop).rollback(code, order=number)
        assert Till(self.shop).rollback(code, order=number) == first
        self.taken[code, number] = 0

    def _forget(self, name: str) -> None:
        before = self.seen.available()
        self.database.run(erase, self._customer(name), actor=TILL, programme=self.shop.programme, now=self.shop.now)
        after = self.database.look(accountant.see).available()
        assert before == after  # credit stays booked, where nobody can spend it
        for each in sorted(self.crowd.forget(name, self.shop.programme)):
            if each in AMBASSADORS:
                self._enrol(each)
        self._check_nobody_is_named()

    def _make(self, state: OrderState, *, at_once: bool) -> None:
        self.made[state.id] = state
        if at_once:
            self._deliver(state)
        else:
            self.on_way.append(state)

    def _deliver(self, *states: OrderState) -> None:
        self._hear(*map(order_said, states))
        for state in states:
            if state.id not in self.arrived:
                self.crowd.comes_back(state.buyer)
            self.arrived[state.id].append(state)

    def _hear(self, *bodies: bytes) -> None:
        self._watched(hear, list(bodies), programme=self.shop.programme, now=self.shop.now)

    def _watched(self, use_case: Callable[..., Any], *args: Any, **how: Any) -> None:
        """It happens; what it takes back of what was available may become a debt."""
        before = self.database.look(accountant.see).available()
        self.database.run(use_case, *args, **how)
        self.taken_back_minor += (before - self.database.look(accountant.see).available()).total()

    def _crash(self, data: st.DataObject) -> None:
        """The process dies before the commit: it is as if nothing had been asked."""
        how: Row = {"programme": self.shop.programme, "now": self.shop.now}
        one, other = map(self._customer, AMBASSADORS)
        deeds: dict[str, tuple[Any, ...]] = {
            "hear": (hear, [order_said(state) for state in self.on_way]),
            "issue": (_issue_all, one),
            "join": (join, one, other),
            "erase": (_erase, one),
        }
        deed = deeds[data.draw(st.sampled_from(sorted(deeds)))]
        with suppress(Crash, ProgrammeError):
            self.database.run(_crashing, *deed, **how)

    def _change_rules(self, offer: Offer) -> None:
        """From now on orders are worth something else; those that are pinned are not."""
        now = self.shop.now
        self.shop = Shop(self.database, **offer.keys)
        self.shop.now = now
        self.offers.append(offer)


def not_done(deed: Callable[..., Any], *args: Any, **how: Any) -> bool:
    """It was refused."""
    try:
        deed(*args, **how)
    except ProgrammeError:
        return True
    return False


def _crashing(session: Session, use_case: Callable[..., Any], *args: Any, **how: Any) -> None:
    use_case(session, *args, **how)
    raise Crash


def _issue_all(session: Session, customer_id: int, **how: Any) -> None:
    issue_voucher(session, customer_id, amount_minor=None, currency="EUR", **how)


def _erase(session: Session, customer_id: int, **how: Any) -> None:
    erase(session, customer_id, actor=TILL, **how)
