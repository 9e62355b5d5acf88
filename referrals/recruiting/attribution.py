"""Which ambassador brought a friend's orders: facts in, a decision out (rules 3, 11-13, 16).

Everything is pinned as *facts* (an order's evidence, the shop's count of orders, dates) when an
order is first paid; the decision is a fold over one friend's facts in the order of their dates.
So the order in which deliveries arrive decides nothing. What is settled stays: once a bonus of a
friend is available, or an owner decided by hand, the ambassador does not change any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from referrals.reasons import (
    ALREADY_REFERRED,
    BY_HAND,
    CIRCULAR,
    EXCLUDED_CUSTOMER,
    EXISTING_CUSTOMER,
    NO_EVIDENCE,
    ORDER_BEFORE_SIGN_UP,
    ORDER_UNPAID,
    OUTSIDE_WINDOW,
    OWN_ACCOUNT,
    OWN_ORDER,
    Reason,
    reason,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VOUCHER, CODE, SIGN_UP, CLICK, EMAIL = "voucher", "code", "sign_up", "click", "email"
BY_HAND_KIND, SETTLED = "by_hand", "settled"
NOBODY: Mapping[int, Any] = MappingProxyType({})


class Evidence(NamedTuple):
    """One thing that points to an ambassador."""

    kind: str  # voucher, code, sign_up, click, email, by_hand
    ambassador_id: int
    code_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """A referral row of the friend, as far as the decision needs it."""

    ambassador_id: int
    code_id: int | None
    evidence_at: datetime
    invited: bool
    signed_up_at: datetime | None
    by_hand_at: datetime | None
    own: bool = False  # found out to be one person


class OrderFacts(NamedTuple):
    """What is pinned of one order of the friend."""

    id: int
    sort_key: tuple[datetime, str, str]  # paid_at, shop, external id
    created_at: datetime
    paid: bool  # has ever been paid
    pinned_at: datetime | None
    orders_count: int | None
    evidence: tuple[Evidence, ...]
    misses: tuple[Reason, ...] = ()
    email_owner_id: int | None = None
    phone_owners: frozenset[int] = frozenset()
    counts: bool = True  # no test order: it makes its buyer a customer
    address_bought: bool = False  # somebody paid under the buyer's address before


class FriendFacts(NamedTuple):
    """All that is known of one friend."""

    friend_id: int
    orders: Sequence[OrderFacts]
    pairs: Sequence[Pair]
    settled: int | None = None  # the ambassador who already has credit for this friend
    brought_by: Mapping[int, int] = NOBODY  # ambassador -> their own ambassador
    shut_out: frozenset[int] = frozenset()  # excluded, erased or staff
    kept: frozenset[int] = frozenset()  # orders whose bonus is credit: who is shut out later had earned it
    paid_since: Mapping[int, datetime] = NOBODY  # customer -> first payment, for address owners


@dataclass(frozen=True, slots=True)
class Rules:
    """How the configuration decides."""

    window_days: int
    touch: str  # last or first
    order: tuple[str, ...]  # evidence kinds, the strongest first


class Verdict(NamedTuple):
    """What one order's evidence came to."""

    ambassador_id: int | None
    evidence: Evidence | None
    reasons: tuple[Reason, ...]
    losers: tuple[tuple[Evidence, str], ...] = ()  # with the reason code why each lost


class Attribution(NamedTuple):
    """The decision over one friend."""

    bond: Evidence | None  # what made the friend this ambassador's
    verdicts: dict[int, Verdict]  # by order id
    refused: dict[int, tuple[Evidence, Reason]]  # other ambassadors who pointed at this friend, and why not


def attribute(facts: FriendFacts, rules: Rules) -> Attribution:
    """Who brought this friend, and what each of the friend's orders counts for."""
    fold = _Fold(facts, rules)
    for order in sorted(facts.orders, key=lambda order: (not order.paid, order.sort_key)):
        fold.take(order)
    fold.take_sign_ups()
    return Attribution(fold.bond, fold.verdicts, fold.refused)


class _Fold:
    """The walk over one friend's orders, holding the bond that has formed so far."""

    def __init__(self, facts: FriendFacts, rules: Rules) -> None:
        self.facts = facts
        self.rules = rules
        self.bond = self._decided_before()
        self.verdicts: dict[int, Verdict] = {}
        self.refused: dict[int, tuple[Evidence, Reason]] = {}
        self.was_customer = False
        self.pointed = False  # has an order pointed to the ambassador of the bond so far?
        self.own = {pair.ambassador_id for pair in facts.pairs if pair.own}
        for pair in facts.pairs:
            if pair.own:
                evidence = Evidence(SIGN_UP, pair.ambassador_id, pair.code_id, pair.evidence_at)
                self._refuse(evidence, reason(OWN_ACCOUNT))

    def take(self, order: OrderFacts) -> None:
        """Judge one order with what is known up to its date."""
        if not order.paid:
            self.verdicts[order.id] = Verdict(None, None, (*order.misses, reason(ORDER_UNPAID)))
            return
        why = () if self.bond else self._form_bond(order)
        if self.bond is not None:
            self.pointed |= any(each.ambassador_id == self.bond.ambassador_id for each in order.evidence)
        self.verdicts[order.id] = (
            self._verdict(order)
            if self.bond
            else Verdict(
                None,
                None,
                why,
                self._losers(order),
            )
        )

    def take_sign_ups(self) -> None:
        """A sign-up without any order stands too, unless the friend was a customer already."""
        for evidence, _ in self._sign_ups():
            refusal = self._refusal(evidence, OWN_ACCOUNT) or self._existing(evidence, None)
            if refusal is None and self.bond is not None:
                refusal = reason(ALREADY_REFERRED)
            if refusal:
                self._refuse(evidence, refusal)
            else:
                self.bond = evidence

    def _decided_before(self) -> Evidence | None:
        by_hand = [(pair.by_hand_at, pair) for pair in self.facts.pairs if pair.by_hand_at is not None]
        if by_hand:
            at, pair = max(by_hand, key=lambda dated: (dated[0], dated[1].ambassador_id))
            return Evidence(BY_HAND_KIND, pair.ambassador_id, pair.code_id, at)
        for pair in self.facts.pairs:
            if pair.ambassador_id == self.facts.settled and pair.ambassador_id != self.facts.friend_id:
                return Evidence(SETTLED, pair.ambassador_id, pair.code_id, pair.evidence_at)
        return None

    def _form_bond(self, order: OrderFacts) -> tuple[Reason, ...]:
        """Take the strongest evidence for a bond; where none holds, the reasons why."""
        usable, lost = self._candidates(order)
        for evidence, why in lost:
            self._refuse(evidence, why)
        reasons = [why for _, why in lost]
        for evidence in self._in_order_of_strength(order, usable):
            refusal = self._refusal(evidence, OWN_ACCOUNT) or self._existing(evidence, order)
            if refusal is None:
                self.bond = evidence
                return ()
            self._refuse(evidence, refusal)
            reasons.insert(0, refusal)
        return _distinct([*reasons, *order.misses, *self._too_late(order)]) or (reason(NO_EVIDENCE),)

    def _in_order_of_strength(self, order: OrderFacts, usable: list[Evidence]) -> list[Evidence]:
        """Sign-ups are final, so they come first; then the kinds as configured, by touch within one."""
        sign_ups = [
            evidence
            for evidence, pair in self._sign_ups()
            if not _is_after(evidence, order) and not (usable and self._learnt_late(pair, order))
        ]
        newest_first = self.rules.touch == "last"
        dated = sorted(usable, key=lambda evidence: (evidence.at, evidence.ambassador_id), reverse=newest_first)
        return [*sign_ups, *sorted(dated, key=lambda evidence: self.rules.order.index(evidence.kind))]

    def _verdict(self, order: OrderFacts) -> Verdict:
        bond = self.bond
        if bond is None:
            raise AssertionError
        losers = self._losers(order)
        refusal = self._refusal(bond, OWN_ACCOUNT, order=order)
        if refusal is None and bond.kind == SIGN_UP and _is_after(bond, order):
            refusal = reason(ORDER_BEFORE_SIGN_UP, date=bond.at.isoformat())
        if refusal is not None:
            return Verdict(None, bond, (refusal,), losers)
        if bond.kind == SETTLED and order.id not in self.facts.kept and self._is_before_the_bond(order):
            return Verdict(None, None, (*order.misses, *self._too_late(order)) or (reason(NO_EVIDENCE),), losers)
        notes = (reason(BY_HAND, date=bond.at.isoformat()),) if bond.kind == BY_HAND_KIND else ()
        return Verdict(bond.ambassador_id, bond, notes, losers)

    def _is_before_the_bond(self, order: OrderFacts) -> bool:
        """What came before the friend was the ambassador's does not become theirs by what was credited later."""
        ambassador = self.bond.ambassador_id if self.bond else None
        signed_up = [evidence for evidence, _ in self._sign_ups() if evidence.ambassador_id == ambassador]
        return not self.pointed and all(_is_after(evidence, order) for evidence in signed_up)

    def _candidates(self, order: OrderFacts) -> tuple[list[Evidence], list[tuple[Evidence, Reason]]]:
        """The order's own evidence that may count, and the rest with its reason."""
        usable, lost = [], []
        for evidence in order.evidence:
            if evidence.kind not in self.rules.order:
                continue
            why = self._refusal(evidence, OWN_ORDER, order=order) or self._misdated(evidence, order)
            if why:
                lost.append((evidence, why))
            else:
                usable.append(evidence)
        return usable, lost

    def _misdated(self, evidence: Evidence, order: OrderFacts) -> Reason | None:
        if _is_after(evidence, order):
            return reason(ORDER_BEFORE_SIGN_UP, date=evidence.at.isoformat())
        if order.created_at - evidence.at > timedelta(days=self.rules.window_days):
            return reason(OUTSIDE_WINDOW, days=self.rules.window_days)
        return None

    def _sign_ups(self) -> list[tuple[Evidence, Pair]]:
        if not self.facts.pairs or SIGN_UP not in self.rules.order:
            return []
        pairs = [pair for pair in self.facts.pairs if pair.signed_up_at is not None]
        pairs.sort(key=lambda pair: (pair.evidence_at, pair.ambassador_id))
        return [(Evidence(SIGN_UP, pair.ambassador_id, pair.code_id, pair.evidence_at), pair) for pair in pairs]

    @staticmethod
    def _learnt_late(pair: Pair, order: OrderFacts) -> bool:
        """Did a chat connect only after the order was pinned? Then it helps orders without evidence only."""
        if not pair.invited or pair.signed_up_at is None or order.pinned_at is None:
            return False
        return pair.signed_up_at > order.pinned_at

    def _too_late(self, order: OrderFacts) -> list[Reason]:
        return [
            reason(ORDER_BEFORE_SIGN_UP, date=evidence.at.isoformat())
            for evidence, _ in self._sign_ups()
            if _is_after(evidence, order)
        ]

    def _refusal(self, evidence: Evidence, own: str, *, order: OrderFacts | None = None) -> Reason | None:
        """Why this ambassador cannot have brought this friend at all."""
        ambassador = evidence.ambassador_id
        if ambassador == self.facts.friend_id or (ambassador in self.own and evidence.kind != BY_HAND_KIND):
            return reason(own)
        if order is not None and (ambassador == order.email_owner_id or ambassador in order.phone_owners):
            return reason(OWN_ORDER)
        if evidence.kind == BY_HAND_KIND:
            return None
        kept = order is not None and order.id in self.facts.kept
        if not kept and not self.facts.shut_out.isdisjoint((ambassador, self.facts.friend_id)):
            return reason(EXCLUDED_CUSTOMER)
        if self.facts.brought_by.get(ambassador) == self.facts.friend_id:
            return reason(CIRCULAR)
        return None

    def _existing(self, evidence: Evidence, order: OrderFacts | None) -> Reason | None:
        """Was the friend a customer before the evidence, or does the shop count more than this order?"""
        if evidence.kind == EMAIL and order is not None and order.address_bought:
            return reason(EXISTING_CUSTOMER)
        earlier = any(
            other.paid and other.counts and other.sort_key[0] < evidence.at
            for other in self.facts.orders
            if order is None or other.id != order.id
        )
        if order is not None:
            since = self.facts.paid_since.get(order.email_owner_id or 0)
            counted = order.orders_count is not None and order.orders_count > 1
            earlier = earlier or counted or (since is not None and since < evidence.at)
        self.was_customer = self.was_customer or earlier
        return reason(EXISTING_CUSTOMER) if self.was_customer else None

    def _losers(self, order: OrderFacts) -> tuple[tuple[Evidence, str], ...]:
        losers = []
        for evidence in order.evidence:
            if self.bond is not None and evidence.ambassador_id == self.bond.ambassador_id:
                continue
            if self.bond is not None:
                self._refuse(evidence, self._refusal(evidence, OWN_ORDER, order=order) or reason(ALREADY_REFERRED))
            refused = self.refused.get(evidence.ambassador_id)
            losers.append((evidence, refused[1]["code"] if refused else NO_EVIDENCE))
        return tuple(losers)

    def _refuse(self, evidence: Evidence, why: Reason) -> None:
        self.refused.setdefault(evidence.ambassador_id, (evidence, why))


def _is_after(evidence: Evidence, order: OrderFacts) -> bool:
    """Dated after the order was made, to the second: shops count no finer."""
    return evidence.at.replace(microsecond=0) > order.created_at


def _distinct(reasons: list[Reason]) -> tuple[Reason, ...]:
    return tuple({why["code"]: why for why in reversed(reasons)}.values())[::-1]
