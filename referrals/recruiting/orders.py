"""Orders as state: what a list of deliveries changes, in sets (rules 1-7).

Facts are loaded for the whole list, the states are folded in order, every touched friend is
decided once, and the effects are written in bulk. The same plan runs dry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from referrals.people.persons import erased_among
from referrals.reasons import NO_EVIDENCE, Reason, reason
from referrals.recruiting.addresses import lends_by_address, with_sharers
from referrals.recruiting.buyers import name_buyers, note_consent
from referrals.recruiting.decisions import DecisionPlan, plan_decisions, write_decisions
from referrals.recruiting.evidence import Pointers
from referrals.recruiting.facts import load_facts
from referrals.recruiting.gifting import settle_gifts, settle_moved_gifts
from referrals.recruiting.ids import Ids
from referrals.recruiting.order_vouchers import (
    Uses,
    VoucherUse,
    foresee,
    give_back,
    is_paid_back,
    settle_uses,
    uses_of,
)
from referrals.recruiting.refunds import Refunds, refunds_of
from referrals.recruiting.states import answered, fresh_row, is_newer, succeed, why_unpaid
from referrals.rewarding.terms import terms_book
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.database import books
from storage.ledger import Bonus
from storage.orders import Order
from storage.vouchers import POOL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme
    from referrals.recruiting.shops import OrderState
    from referrals.rewarding.terms import TermsBook

Row = dict[str, Any]
OrderKey = tuple[str, str]  # shop, external id
APPLIED, UNCHANGED = "applied", "unchanged"


class Arrival(NamedTuple):
    """A state and when it came."""

    state: OrderState
    received_at: datetime
    asked: bool = False  # the shop's answer to a question that was put then: what was guessed before gives way to it


class OrderOutcome(NamedTuple):
    """What a delivery did, and why its order counts, waits or does not."""

    status: str  # applied, unchanged
    reasons: tuple[Reason, ...]
    customer_id: int | None = None
    click_person_id: int | None = None  # the chat's person whose shop button led here (rules 15)
    erased: bool = False  # its buyer was: nothing is kept of what the shop says of them (rules 41)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What an order would do."""

    status: str
    ambassador_id: int | None
    evidence: str | None
    bonus_minor: int
    currency: str
    available_at: datetime | None
    reasons: tuple[Reason, ...]
    vouchers: tuple[VoucherUse, ...] = ()  # whose codes it carries


@dataclass(slots=True)
class OrdersPlan:
    """A list of arrivals, decided and not yet written."""

    statuses: list[str] = field(default_factory=list)
    rows: dict[OrderKey, Row] = field(default_factory=dict)  # every order of the list, as it is to be
    new: set[OrderKey] = field(default_factory=set)
    applied: dict[OrderKey, OrderState] = field(default_factory=dict)  # the last state that counted
    click_people: dict[OrderKey, int] = field(default_factory=dict)
    refunds: Refunds | None = None  # of shops that report them on their own
    grown: set[OrderKey] = field(default_factory=set)  # stored orders of which more came back than their row says
    erased: frozenset[int] = frozenset()  # buyers of known orders who were erased
    uses: Uses = field(default_factory=Uses)  # of vouchers
    flags: dict[OrderKey, list[Reason]] = field(default_factory=dict)  # why a voucher was not used
    decisions: DecisionPlan = field(default_factory=DecisionPlan)


@books
def apply_orders(
    session: Session,
    arrivals: Sequence[Arrival],
    *,
    programme: Programme,
    now: datetime,
    quiet: bool = False,
) -> list[OrderOutcome]:
    """Every order is in its newest known state, and what that changes is in the books; ``quiet`` tells nobody."""
    plan = _plan(session, arrivals, programme=programme, now=now, dry=False)
    if quiet:
        plan.decisions.hush()
    _write(session, plan, now=now)
    if plan.decisions.gifts.moved:
        settle_moved_gifts(session, plan.decisions.gifts, programme=programme, now=now)
    if plan.uses.carried or plan.uses.over:
        plan.flags = settle_uses(session, plan.uses, plan.rows, programme=programme, now=now)
    if plan.refunds is not None:
        _write_refunds(session, plan, programme=programme, now=now)
    _add_known_reasons(session, plan)
    return [_outcome(plan, arrival, status) for arrival, status in zip(arrivals, plan.statuses, strict=True)]


@books
def redecide(
    session: Session, friend_ids: Iterable[int], *, programme: Programme, now: datetime, quiet: bool = False
) -> None:
    """These friends are decided again with the facts as they are now; settled things stay settled."""
    friends = list(dict.fromkeys(friend_ids))
    by_email = lends_by_address(programme)
    if by_email:
        friends = with_sharers(session, friends)
    book = terms_book(session, programme=programme, now=now)
    facts = load_facts(session, friends, by_email=by_email)
    plan = plan_decisions(session, facts, friends, book=book, ids=Ids(session), programme=programme, now=now)
    if quiet:
        plan.hush()
    write_decisions(session, plan, now=now)
    settle_gifts(session, plan.gifts, programme=programme, now=now)


def settle_refunds(session: Session, rows: Sequence[Row], *, programme: Programme, now: datetime) -> None:
    """These stored orders have given back what their rows say now, and that is in the books."""
    if rows:
        names = ("id", "refunded_minor", "over_refunded")
        update_rows(session, Order, [{name: row[name] for name in names} for row in rows], key=("id",))
        friends = sorted({row["customer_id"] for row in rows if row["customer_id"] is not None})
        redecide(session, friends, programme=programme, now=now)
        give_back(session, [row for row in rows if is_paid_back(row)], now=now)


def dry_run(session: Session, state: OrderState, *, programme: Programme, now: datetime) -> DryRun:
    """What this order would do, and why; nothing is written."""
    plan = _plan(session, [Arrival(state, now)], programme=programme, now=now, dry=True)
    row = plan.rows[state.shop, state.id]
    lots = [lot.row for lot in plan.decisions.bonuses.lots if lot.row["order_id"] == row["id"]]
    lot = max(lots, key=lambda found: found["amount_minor"], default=None)
    won = next((evidence["kind"] for evidence in row["evidence"] if "lost" not in evidence), None)
    return DryRun(
        status=plan.statuses[0],
        ambassador_id=row["ambassador_id"],
        evidence=won if row["ambassador_id"] is not None else None,
        bonus_minor=lot["amount_minor"] if lot else 0,
        currency=row["currency"],
        available_at=lot["available_at"] if lot and lot["amount_minor"] else None,
        reasons=_reasons(plan, row),
        vouchers=foresee(session, plan.uses, plan.rows, now=now),
    )


def _plan(
    session: Session,
    arrivals: Sequence[Arrival],
    *,
    programme: Programme,
    now: datetime,
    dry: bool,
) -> OrdersPlan:
    plan = OrdersPlan()
    ids = Ids(session, dry=dry, block=len(arrivals))
    book = terms_book(session, programme=programme, now=now, store=not dry)
    _take_states(session, plan, arrivals, ids=ids, programme=programme)
    created = name_buyers(session, plan, programme=programme, now=now, dry=dry)
    _pin_evidence(session, plan, book=book, programme=programme, now=now)
    in_hand = [plan.rows[key] for key in plan.applied if plan.rows[key]["customer_id"] is not None]
    friends = list(dict.fromkeys(row["customer_id"] for row in in_hand))
    by_email = lends_by_address(programme)
    if by_email:
        friends = with_sharers(session, friends, in_hand=in_hand)
    facts = load_facts(session, friends, in_hand=in_hand, created=created, by_email=by_email)
    for person_id in created:
        facts.people.setdefault(
            person_id,
            {"id": person_id, "state": "active", "first_paid_at": None, "marketing_consent": None},
        )
    plan.decisions = plan_decisions(session, facts, friends, book=book, ids=ids, programme=programme, now=now)
    for key in plan.applied:
        row = plan.rows[key]
        if row["customer_id"] is None:
            row["reasons"] = [why_unpaid(row["status"]) if row["paid_at"] is None else reason(NO_EVIDENCE)]
    return plan


def _take_states(
    session: Session,
    plan: OrdersPlan,
    arrivals: Sequence[Arrival],
    *,
    ids: Ids,
    programme: Programme,
) -> None:
    """Fold the list: of each order the newest state stands."""
    keys = [(arrival.state.shop, arrival.state.id) for arrival in arrivals]
    stored = fetch_in(session, Order, ("shop", "external_id"), keys)
    plan.rows = {(row["shop"], row["external_id"]): row for row in stored}
    plan.refunds = refunds_of(session, ((arrival.state, arrival.received_at) for arrival in arrivals))
    if plan.refunds is not None:
        plan.grown = {key for key, row in plan.rows.items() if plan.refunds.fold(row)}
    plan.erased = erased_among(session, {row["customer_id"] for row in stored if row["customer_id"] is not None})
    for key, arrival in zip(keys, arrivals, strict=True):
        fresh = fresh_row(arrival.state, received_at=arrival.received_at, currency=programme.currency)
        if plan.refunds is not None:
            plan.refunds.fold(fresh)
        known = plan.rows.get(key)
        told = answered(known, fresh, tombstone=arrival.state.tombstone) if arrival.asked and known else None
        if known is None:
            plan.rows[key] = {"id": next(ids.of("order")), **fresh}
            plan.new.add(key)
        elif told is not None:
            plan.rows[key] = told
        elif is_newer(fresh, known):
            plan.rows[key] = succeed(known, fresh, tombstone=arrival.state.tombstone)
        else:
            plan.statuses.append(APPLIED if key in plan.grown else UNCHANGED)
            continue
        plan.applied[key] = _richer(arrival.state, plan.applied.get(key))
        plan.statuses.append(APPLIED)


def _richer(state: OrderState, before: OrderState | None) -> OrderState:
    """A tombstone says nothing of the buyer; the state before it in the list does."""
    return before if state.tombstone and before is not None else state


def _pin_evidence(session: Session, plan: OrdersPlan, *, book: TermsBook, programme: Programme, now: datetime) -> None:
    """Evidence follows the state until the order is paid first; then it is pinned with count and terms (rules 3)."""
    open_orders = {key: state for key, state in plan.applied.items() if plan.rows[key]["pinned_at"] is None}
    pointers = Pointers(session, list(plan.applied.values()), pooled=programme.config.vouchers.source == POOL)
    for key, state in plan.applied.items():
        person_id = pointers.person_of_click(state)
        if person_id is not None:
            plan.click_people[key] = person_id
    for key, state in open_orders.items():
        row = plan.rows[key]
        if not state.tombstone:
            row["evidence"], row["misses"] = pointers.evidence(row, state)
            row["misses"] = [] if row["customer_id"] in plan.erased else row["misses"]
            row["orders_count"] = state.buyer.orders
        if row["paid_at"] is not None:
            row["pinned_at"] = now
            row["terms_id"] = book.in_force(row["created_at"]).id
    plan.uses = uses_of(plan.rows, plan.applied, pointers.vouchers)


def _write(session: Session, plan: OrdersPlan, *, now: datetime) -> None:
    new = [plan.rows[key] for key in plan.applied if key in plan.new]
    old = [plan.rows[key] for key in plan.applied if key not in plan.new]
    if new:
        insert_rows(session, Order, new)
    if old:
        update_rows(session, Order, old, key=("id",))
    plan.decisions.orders = [
        row for row in plan.decisions.orders if (row["shop"], row["external_id"]) not in plan.applied
    ]
    write_decisions(session, plan.decisions, now=now)
    note_consent(session, plan, now=now)


def _write_refunds(session: Session, plan: OrdersPlan, *, programme: Programme, now: datetime) -> None:
    """The refunds are kept; an older state that named one that was not known changes its order all the same."""
    if plan.refunds is not None:
        plan.refunds.save(session)
    late = [plan.rows[key] for key in sorted(plan.grown - plan.applied.keys())]
    settle_refunds(session, late, programme=programme, now=now)


def _outcome(plan: OrdersPlan, arrival: Arrival, status: str) -> OrderOutcome:
    key = (arrival.state.shop, arrival.state.id)
    row = plan.rows[key]
    # Anybody can type an address; who pays for an order under it is taken at their word.
    erased = row["customer_id"] in plan.erased
    visitor = plan.click_people.get(key) if row["paid_at"] is not None and not erased else None
    reasons = (*_reasons(plan, row), *plan.flags.get(key, ()))
    return OrderOutcome(status, reasons, row["customer_id"], visitor, erased)


def _reasons(plan: OrdersPlan, row: Row) -> tuple[Reason, ...]:
    """The order's own reasons, and those of the bonus it earns or would earn."""
    money = plan.decisions.bonuses.reasons.get((row["ambassador_id"], f"order:{row['id']}"), [])
    own = [why["code"] for why in row["reasons"]]
    return (*row["reasons"], *(why for why in money if why["code"] not in own))


def _add_known_reasons(session: Session, plan: OrdersPlan) -> None:
    """Deliveries that changed nothing are answered with what stands."""
    known = [row for key, row in plan.rows.items() if key not in plan.applied and row["ambassador_id"] is not None]
    friends = sorted({row["customer_id"] for row in known})
    for bonus in fetch_in(session, Bonus, "friend_id", friends, columns=("customer_id", "origin", "reasons")):
        plan.decisions.bonuses.reasons.setdefault((bonus["customer_id"], bonus["origin"]), bonus["reasons"])
