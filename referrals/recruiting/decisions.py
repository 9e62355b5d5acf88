"""Deciding a list of friends: attribution, claims and money, planned first and written afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from referrals.notices import Notice, write_notices
from referrals.reasons import BY_HAND, ORDER_UNPAID
from referrals.recruiting.addresses import evidence_of, sort_key
from referrals.recruiting.attribution import BY_HAND_KIND, EMAIL, SETTLED, Attribution, FriendFacts, Rules, attribute
from referrals.recruiting.facts import Facts, friend_facts
from referrals.recruiting.gifting import GiftPlan, note_pair, note_reversed
from referrals.recruiting.standing import PairPlan, changed_pairs, note_refusal, plan_pairs
from referrals.recruiting.states import why_unpaid
from referrals.recruiting.tellings import order_happenings, refusal_happenings
from referrals.rewarding.bonuses import BonusPlan, Settling, plan_bonuses, write_bonuses
from referrals.rewarding.lots import is_settled
from referrals.rewarding.messages import TOLD, not_counted
from referrals.rewarding.rules import Claim, OrderWorth, SignUpWorth, claims_of, kept_minor
from referrals.rewarding.tellings import bonus_happenings
from referrals.rewarding.terms import SIGN_UP
from referrals.screening.screen import Screen
from referrals.subscribers.events import Happening, tell_subscribers
from storage.bulk import insert_rows, update_rows
from storage.customers import ACTIVE, Customer
from storage.orders import Order
from storage.referrals import Referral

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme
    from referrals.reasons import Reason
    from referrals.recruiting.ids import Ids
    from referrals.rewarding.terms import TermsBook

Row = dict[str, Any]
DECIDED = ("ambassador_id", "referral_id", "by_hand", "reasons", "evidence")


@dataclass(slots=True)
class DecisionPlan:
    """What is decided and not yet written."""

    pairs: PairPlan = field(default_factory=PairPlan)
    changed_pairs: list[Row] = field(default_factory=list)
    bonuses: BonusPlan = field(default_factory=BonusPlan)
    orders: list[Row] = field(default_factory=list)  # stored orders whose decision changed
    explained: list[Row] = field(default_factory=list)  # orders that have other reasons now than before
    first_paid: list[Row] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    gifts: GiftPlan = field(default_factory=GiftPlan)
    screen: Screen | None = None

    def hush(self) -> None:
        """Nobody hears of it: what is long past is no news (rules 28)."""
        self.notices.clear()
        self.bonuses.notices.clear()


def rules_of(programme: Programme) -> Rules:
    """How the configuration attributes."""
    settings = programme.config.attribution
    return Rules(window_days=settings.window_days, touch=settings.touch, order=tuple(settings.evidence))


def plan_decisions(
    session: Session,
    facts: Facts,
    friends: Iterable[int],
    *,
    book: TermsBook,
    ids: Ids,
    programme: Programme,
    now: datetime,
) -> DecisionPlan:
    """Who brought each of these friends, and what that is worth. ``facts`` rows are changed in place."""
    plan = DecisionPlan(screen=Screen(session, facts, programme, now))
    rules = rules_of(programme)
    claims: dict[int, list[Claim]] = {}
    gone: dict[str, Reason] = {}
    for friend_id in friends:
        known = friend_facts(facts, friend_id)
        decision = attribute(known, rules)
        bond_pair = plan_pairs(plan.pairs, facts, friend_id, decision, ids=ids, now=now)
        if decision.bond is not None:
            facts.brought_by[friend_id] = decision.bond.ambassador_id
        worths = worths_of(facts, known, decision, bond_pair, book=book)
        sign_up = sign_up_of(bond_pair, decision, book=book)
        claims[friend_id], refused = claims_of(friend_id, worths, sign_up=sign_up, zone=programme.zone)
        _note_earned(facts, friend_id, bond_pair, claims[friend_id])
        _judge_orders(plan, facts, friend_id, decision, pair=bond_pair, refused=refused)
        gone |= _gone(facts, friend_id)
        if bond_pair is not None and not claims[friend_id]:
            note_refusal(bond_pair, _first_reasons(facts, friend_id))
        _first_payment(plan, facts, friend_id)
        note_pair(plan.gifts, facts, friend_id, bond_pair, before=plan.pairs.before)
    pairs = (row for friend_id in claims for row in facts.pairs.get(friend_id, []))
    plan.changed_pairs = changed_pairs(plan.pairs, pairs, now=now)
    rows = [row for friend_id in claims for row in facts.bonuses.get(friend_id, [])]
    plan.bonuses = plan_bonuses(
        session,
        Settling(claims, gone),
        rows,
        book=book,
        ids=ids.of("bonus"),
        programme=programme,
        now=now,
        screen=plan.screen,
    )
    note_reversed(plan.gifts, plan.bonuses.lots)
    return plan


def write_decisions(session: Session, plan: DecisionPlan, *, now: datetime) -> None:
    """The plan is stored: referrals, bonuses, postings, orders' decisions and notices."""
    # A pair that stops standing goes first: one friend has one standing pair at any moment.
    for standing in (False, True):
        rows = [row for row in plan.changed_pairs if row["standing"] is standing]
        if rows:
            update_rows(session, Referral, rows, key=("id",))
        new = [row for row in plan.pairs.new if row["standing"] is standing]
        if new:
            insert_rows(session, Referral, new)
    write_bonuses(session, plan.bonuses, now=now)
    if plan.orders:
        update_rows(
            session, Order, [{name: row[name] for name in ("id", *DECIDED)} for row in plan.orders], key=("id",)
        )
    if plan.first_paid:
        update_rows(session, Customer, plan.first_paid, key=("id",))
    write_notices(session, [*plan.bonuses.notices, *plan.notices], now=now)
    if plan.screen is not None:
        plan.screen.write()
    tell_subscribers(session, _happened(plan, now=now), now=now)


def _happened(plan: DecisionPlan, *, now: datetime) -> Iterator[Happening]:
    """What this brought that somebody may have subscribed to; nothing in most batches."""
    yield from bonus_happenings(plan.bonuses.lots)
    known = {lot.row["order_id"] for lot in plan.bonuses.lots}
    yield from order_happenings(row for row in plan.explained if row["id"] not in known)
    yield from refusal_happenings(plan.pairs, plan.changed_pairs, now=now)


def worths_of(
    facts: Facts,
    friend: FriendFacts,
    decision: Attribution,
    pair: Row | None,
    *,
    book: TermsBook,
) -> list[OrderWorth]:
    """The friend's paid orders that count for an ambassador, as money sees them."""
    settled = {row["order_id"] for row in facts.bonuses.get(friend.friend_id, []) if is_settled(row)}
    bond = decision.bond
    worths = []
    for row, order in zip(facts.orders.get(friend.friend_id, []), friend.orders, strict=True):
        verdict = decision.verdicts[order.id]
        if verdict.ambassador_id is None or bond is None or row["paid_at"] is None:
            continue
        key = sort_key(row)
        worths.append(
            OrderWorth(
                order_id=row["id"],
                ambassador_id=verdict.ambassador_id,
                referral_id=pair["id"] if pair else None,
                status=row["status"],
                currency=row["currency"],
                base_minor=row["base_minor"],
                kept_minor=kept_minor(base=row["base_minor"], total=row["total_minor"], refunded=row["refunded_minor"]),
                created_at=row["created_at"],
                paid_at=row["paid_at"],
                sort_key=key,
                evidence_at=bond.at,
                by_hand=bond.kind in (BY_HAND_KIND, SETTLED),
                bonded_here=bond in order.evidence,
                settled=row["id"] in settled,
                test=row["test"],
                terms=book.by_id(row["terms_id"]),
                elsewhere=facts.earned_under.get(friend.friend_id, key) < key,
            )
        )
    return worths


def _note_earned(facts: Facts, friend_id: int, pair: Row | None, claims: Iterable[Claim]) -> None:
    """What an order earned by a borrowed address its owner's orders do not earn again (rules 16)."""
    if pair is None or pair["evidence"] != EMAIL or not facts.lent:
        return
    earning = {claim.order_id for claim in claims}
    settled = any(is_settled(bonus) for bonus in facts.bonuses.get(friend_id, ()))
    for row in facts.orders.get(friend_id, ()):
        if row["id"] in earning and row["email_owner_id"] is not None:
            key = "" if settled else sort_key(row)
            owner = row["email_owner_id"]
            facts.earned_under[owner] = min(key, facts.earned_under.get(owner, key))


def sign_up_of(pair: Row | None, decision: Attribution, *, book: TermsBook) -> SignUpWorth | None:
    """A standing sign-up, where the terms of its day reward it. A bare START never does (rules 14)."""
    if pair is None or decision.bond is None or pair["signed_up_at"] is None:
        return None
    terms = book.in_force(pair["signed_up_at"])
    if terms.when != SIGN_UP or pair["ambassador_id"] == pair["friend_id"]:
        return None
    return SignUpWorth(pair["ambassador_id"], pair["id"], pair["signed_up_at"], terms)


def _judge_orders(
    plan: DecisionPlan,
    facts: Facts,
    friend_id: int,
    decision: Attribution,
    *,
    pair: Row | None,
    refused: dict[int, tuple[Reason, ...]],
) -> None:
    """Each order carries its decision; changed ones are in the plan."""
    for row in facts.orders.get(friend_id, []):
        verdict = decision.verdicts[row["id"]]
        lost = {(evidence.kind, evidence.ambassador_id): why for evidence, why in verdict.losers}
        decided = {
            "ambassador_id": verdict.ambassador_id,
            "referral_id": pair["id"] if pair and verdict.ambassador_id is not None else None,
            "by_hand": verdict.evidence is not None and verdict.evidence.kind == BY_HAND_KIND,
            "reasons": [*_in_state(row, verdict.reasons), *refused.get(row["id"], ())],
            "evidence": [_judged(evidence, lost) for evidence in evidence_of(row, facts.lent)],
        }
        if any(row[name] != value for name, value in decided.items()):
            if decided["reasons"] != row["reasons"]:
                plan.explained.append(row)
            row.update(decided)
            plan.orders.append(row)
        _tell(plan, facts, row, verdict.evidence.ambassador_id if verdict.evidence else None)


def _in_state(row: Row, reasons: Iterable[Reason]) -> list[Reason]:
    """An order that was never paid says what became of it instead."""
    return [why_unpaid(row["status"]) if why["code"] == ORDER_UNPAID else why for why in reasons]


def _judged(evidence: Row, lost: dict[tuple[str, int], str]) -> Row:
    why = lost.get((evidence["kind"], evidence["ambassador_id"]))
    pinned = {name: evidence[name] for name in ("kind", "ambassador_id", "code_id", "at")}
    return {**pinned, "lost": why} if why else pinned


def _tell(plan: DecisionPlan, facts: Facts, row: Row, ambassador_id: int | None) -> None:
    """An ambassador whose link was used hears why the order does not count, once."""
    if ambassador_id is None and row["evidence"]:
        ambassador_id = row["evidence"][0]["ambassador_id"]
    person = facts.people.get(ambassador_id or 0)
    told = row["reasons"][:1] and row["reasons"][0]["code"] in TOLD
    if (
        told
        and row["paid_at"] is not None
        and ambassador_id != row["customer_id"]
        and person
        and person["state"] == ACTIVE
    ):
        plan.notices.append(not_counted(person["id"], row["id"], row["reasons"][0]))


def _gone(facts: Facts, friend_id: int) -> dict[str, Reason]:
    """Why an order earns nothing now, by its origin; that it was referred by hand is no reason against it."""
    found = {}
    for row in facts.orders.get(friend_id, []):
        against = [why for why in row["reasons"] if why["code"] != BY_HAND]
        if against:
            found[f"order:{row['id']}"] = against[0]
    return found


def _first_reasons(facts: Facts, friend_id: int) -> list[Reason]:
    rows = sorted(facts.orders.get(friend_id, []), key=lambda row: (row["paid_at"] or row["created_at"], row["id"]))
    return next((list(row["reasons"]) for row in rows if row["reasons"]), [])


def _first_payment(plan: DecisionPlan, facts: Facts, friend_id: int) -> None:
    """Customer since their first paid order."""
    paid = [row["paid_at"] for row in facts.orders.get(friend_id, []) if row["paid_at"] and not row["test"]]
    person = facts.people.get(friend_id)
    first = min(paid, default=None)
    if (
        person is not None
        and first is not None
        and (person["first_paid_at"] is None or first < person["first_paid_at"])
    ):
        person["first_paid_at"] = first
        plan.first_paid.append({"id": friend_id, "first_paid_at": first})
