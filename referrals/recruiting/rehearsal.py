"""What other rules would have cost: the orders of a span are decided again, under those rules, and nothing is written.

Both sides are worked out by the same pure rules, the orders' own terms and the proposed ones. Who brought whom
stays as it was decided. Ambassadors are taken a few at a time, so that memory does not grow with the shop.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from referrals.programme import Programme
from referrals.recruiting.attribution import Rules, attribute
from referrals.recruiting.decisions import rules_of, sign_up_of, worths_of
from referrals.recruiting.facts import Facts, friend_facts, load_facts
from referrals.rewarding.lots import AMBASSADOR
from referrals.rewarding.milestones import reached
from referrals.rewarding.rules import Claim, OrderWorth, SignUpWorth, claims_of
from referrals.rewarding.terms import SIGN_UP, Terms, TermsBook, book_of, configured_terms, terms_book
from storage.bulk import fetch_in
from storage.ledger import AVAILABLE, Bonus
from storage.referrals import Referral

CHUNK = 200  # ambassadors at a time
LARGEST = 5
Friends = dict[int, set[int]]  # by ambassador


@dataclass(slots=True)
class Cost:
    """What the orders of the span come to under some rules. Minor units."""

    bonuses: int = 0
    ambassadors: int = 0
    months: Counter[str] = field(default_factory=Counter)  # by local month, before its budget
    milestones_minor: int = 0
    largest: list[tuple[int, int]] = field(default_factory=list)  # (amount, customer)
    budget_minor: int | None = None

    @property
    def spent_minor(self) -> int:
        """What is given out: of each month no more than its budget, and the milestones."""
        return sum(min(minor, self._budget(minor)) for minor in self.months.values()) + self.milestones_minor

    @property
    def over_budget(self) -> list[str]:
        """The months in which the budget would have been spent."""
        return sorted(month for month, minor in self.months.items() if minor > self._budget(minor))

    def _budget(self, minor: int) -> int:
        return minor if self.budget_minor is None else self.budget_minor

    def add(self, customer_id: int, claims: Sequence[Claim], milestones_minor: int) -> None:
        """One ambassador's bonuses and extras."""
        for claim in claims:
            self.months[claim.month] += claim.wanted_minor
        self.bonuses += len(claims)
        self.milestones_minor += milestones_minor
        total = sum(claim.wanted_minor for claim in claims) + milestones_minor
        if total:
            self.ambassadors += 1
            keep = heapq.heappush if len(self.largest) < LARGEST else heapq.heappushpop
            keep(self.largest, (total, customer_id))


@dataclass(slots=True)
class Rehearsal:
    """The span under the rules as they were, and under the proposed ones."""

    orders: int = 0  # those that count for an ambassador
    now: Cost = field(default_factory=Cost)
    would: Cost = field(default_factory=Cost)


@dataclass(frozen=True, slots=True)
class Span:
    """From the one moment until just before the other."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        """Is the moment in it?"""
        return self.since <= moment < self.until


def count_ambassadors(session: Session) -> int:
    """Everybody who has brought somebody: how long a rehearsal is."""
    return session.exec(select(func.count(func.distinct(col(Referral.ambassador_id)))).where(Referral.standing)).one()


def rehearse(
    session: Session,
    *,
    programme: Programme,
    proposed: Programme,
    span: Span,
    now: datetime,
    advanced: Callable[[int], object] = int,
) -> Rehearsal:
    """What the orders paid in the span cost, and what they would have cost under the proposed rules."""
    book, other = terms_book(session, programme=programme, now=now, store=False), book_of(proposed.config)
    found = Rehearsal()
    found.now.budget_minor = configured_terms(programme.config).budget_minor
    found.would.budget_minor = configured_terms(proposed.config).budget_minor
    rules, has_milestones = rules_of(programme), programme.config.bonus.milestones or proposed.config.bonus.milestones
    for friends in _chunks(session):
        facts = load_facts(session, sorted(set().union(*friends.values())))
        before = _approved_before(session, sorted(friends), span) if has_milestones else {}
        stories = [_story(facts, friend_id, rules, book=book) for each in friends.values() for friend_id in each]
        found.orders += sum(order.paid_at in span for story in stories for order in story.orders)
        was = (claim for story in stories for claim in story.claims(programme))
        _add(found.now, was, span, before, configured_terms(programme.config))
        would = (claim for story in stories for claim in story.under(other, span).claims(proposed))
        _add(found.would, would, span, before, configured_terms(proposed.config))
        advanced(len(friends))
    return found


@dataclass(frozen=True, slots=True)
class _Story:
    """What one friend did, as the rules see it."""

    friend_id: int
    orders: Sequence[OrderWorth]
    pair: dict[str, Any] | None
    sign_up: SignUpWorth | None

    def under(self, book: TermsBook, span: Span) -> _Story:
        """The same with other terms in the span; what was before it keeps its own."""
        orders = [
            order._replace(terms=book.in_force(order.created_at)) if order.paid_at in span else order
            for order in self.orders
        ]
        at = self.pair["signed_up_at"] if self.pair else None
        if self.pair is None or at is None or at not in span:
            return replace(self, orders=orders)
        terms = book.in_force(at)
        sign_up = SignUpWorth(self.pair["ambassador_id"], self.pair["id"], at, terms) if terms.when == SIGN_UP else None
        return replace(self, orders=orders, sign_up=sign_up)

    def claims(self, programme: Programme) -> list[Claim]:
        """What it would give before caps and budget."""
        return claims_of(self.friend_id, self.orders, sign_up=self.sign_up, zone=programme.zone)[0]


def _story(facts: Facts, friend_id: int, rules: Rules, *, book: TermsBook) -> _Story:
    """Nothing is settled here: each rule chooses the orders that it would have paid."""
    known = friend_facts(facts, friend_id)
    decision = attribute(known, rules)
    pair = next((row for row in facts.pairs.get(friend_id, []) if row["standing"]), None)
    worths = [worth._replace(settled=False) for worth in worths_of(facts, known, decision, pair, book=book)]
    return _Story(friend_id, worths, pair, sign_up_of(pair, decision, book=book))


def _chunks(session: Session) -> Iterator[Friends]:
    """Ambassadors with those whom they brought, a few at a time."""
    after = 0
    pairs = select(Referral.ambassador_id).where(Referral.standing).order_by(col(Referral.ambassador_id)).distinct()
    while people := session.exec(pairs.where(col(Referral.ambassador_id) > after).limit(CHUNK)).all():
        rows = fetch_in(
            session, Referral, "ambassador_id", people, columns=("ambassador_id", "friend_id"), extra="standing"
        )
        friends: Friends = defaultdict(set)
        for row in rows:
            friends[row["ambassador_id"]].add(row["friend_id"])
        yield friends
        after = people[-1]


def _approved_before(session: Session, ambassadors: Sequence[int], span: Span) -> Friends:
    """The friends who counted for each of them before the span."""
    names = ("customer_id", "friend_id", "earned_at", "side")
    credit = f"status = '{AVAILABLE}' AND amount_minor > 0 AND friend_id IS NOT NULL"
    found: Friends = defaultdict(set)
    for row in fetch_in(session, Bonus, "customer_id", ambassadors, columns=names, extra=credit):
        if row["side"] == AMBASSADOR and row["earned_at"] < span.since:
            found[row["customer_id"]].add(row["friend_id"])
    return found


def _add(cost: Cost, claims: Iterable[Claim], span: Span, before: Friends, terms: Terms) -> None:
    """Each ambassador's claims of the span that find a place in their month, and the milestones that these reach."""
    by_ambassador: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.wanted_minor > 0 and claim.earned_at in span:
            by_ambassador[claim.customer_id].append(claim)
    for customer_id, theirs in by_ambassador.items():
        paid = _with_a_place(theirs)
        known = before.get(customer_id, set())
        new = {claim.friend_id for claim in paid} - known
        extras = reached(terms, before=len(known), after=len(known) + len(new))
        cost.add(customer_id, paid, sum(extras.values()))


def _with_a_place(claims: Sequence[Claim]) -> list[Claim]:
    """A month's first so many, in the order of payment (rules 6b)."""
    places: Counter[str] = Counter()
    paid = []
    for claim in sorted(claims, key=lambda claim: claim.sort_key):
        if claim.terms.per_month is None or places[claim.month] < claim.terms.per_month:
            paid.append(claim)
        places[claim.month] += 1
    return paid
