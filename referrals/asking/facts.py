"""What is known of a customer when it is judged whether to speak to them: loaded in sets, merged people as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, SQLModel, col, func, select

from referrals.asking.wishes import Wished, joined_wishes, wishes_of
from referrals.notices import BONUS_AVAILABLE
from referrals.people.persons import survivors
from storage.bulk import fetch_in
from storage.cases import Case
from storage.codes import Click, Code
from storage.contacts import Contact, Wishes
from storage.customers import ACTIVE, EMAIL, GUEST, SHOP, TELEGRAM, VERIFIED, Customer, CustomerAlias, Identity
from storage.ledger import Bonus
from storage.mailbox import Chat, Outbox
from storage.orders import Order
from storage.referrals import Referral
from storage.surveys import Survey

Row = dict[str, Any]
RETURNED = frozenset({"refunded", "cancelled", "deleted"})
KEPT = frozenset({"paid", "completed"})
MANY = 400  # codes a statement


@dataclass(frozen=True, slots=True)
class Said:
    """One message of our own accord that went out, or may have."""

    play: str
    kind: str  # score, referral_ask, reference_ask, give
    at: datetime
    reacted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AskFacts:
    """One person, as the rules of asking see them."""

    customer_id: int
    state: str = ACTIVE
    stopped: bool = False
    reachable: bool = True  # there is a chat that can be written to
    connected: bool = True  # a shop knows them
    verified: bool = True  # and it is sure that the chat is theirs (rules 20)
    marketing_consent: bool | None = None
    paused_until: datetime | None = None
    timezone: str | None = None
    wished: Wished = field(default_factory=Wished)
    awaiting_since: datetime | None = None  # when they were last asked something that a text answers
    open_case: bool = False
    solved_at: datetime | None = None  # when their last case was
    returned_at: datetime | None = None  # when money last went back to them
    paid_at: tuple[datetime, ...] = ()  # of the orders they kept, the oldest first
    first_paid_at: datetime | None = None
    score: int | None = None  # the last one that stands
    scored_at: datetime | None = None
    praised: bool = False  # they said why, in words
    said: tuple[Said, ...] = ()  # the oldest first
    given_at: datetime | None = None  # when they last heard that a bonus is theirs
    visited_at: datetime | None = None  # the last visit to their link
    shared: bool = False  # somebody came through it
    friends: int = 0  # who brought them credit
    through_friend: bool = False  # they came through somebody themselves


def load_facts(session: Session, customer_ids: Iterable[int]) -> dict[int, AskFacts]:
    """The facts of each of them, in a dozen statements however many they are; who was merged is who they are now.

    An id that nobody has is left out.
    """
    living = survivors(session, sorted(set(customer_ids)))
    people = _people(session, sorted(set(living.values())))
    rows = _rows(session, people)
    facts = {person: _facts(person, rows) for person in people.values() if person in rows.customers}
    return {one: facts[other] for one, other in living.items() if other in facts}


def reader_facts(session: Session, customer: Customer, *, reachable: bool = True) -> AskFacts:
    """As much as the table of who may be written to needs for what is no ask: a row or two."""
    wished = wishes_of(session, customer.id)
    return AskFacts(
        customer.id,
        state=customer.state,
        stopped=customer.stopped_at is not None,
        reachable=reachable,
        marketing_consent=customer.marketing_consent,
        paused_until=customer.paused_until,
        timezone=customer.timezone,
        wished=wished,
    )


@dataclass(slots=True)
class _Rows:
    """What the statements found, by the person whom it is about."""

    customers: dict[int, Row] = field(default_factory=dict)
    merged: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    found: dict[type[SQLModel], dict[int, list[Row]]] = field(default_factory=dict)
    visits: dict[int, datetime] = field(default_factory=dict)

    def of(self, table: type[SQLModel], person: int) -> list[Row]:
        return self.found[table].get(person, [])


# Table, the column that names the customer, what is read, and a condition in SQL.
_READ: tuple[tuple[type[SQLModel], str, tuple[str, ...], str | None], ...] = (
    (Identity, "customer_id", ("kind", "level"), None),
    (Chat, "customer_id", ("reachable", "awaiting"), "last_seen_at IS NOT NULL"),
    (Wishes, "customer_id", ("tips", "scores", "portfolio", "quiet_from", "quiet_until"), None),
    (Case, "customer_id", ("solved_at",), None),
    (
        Order,
        "customer_id",
        ("status", "total_minor", "base_minor", "refunded_minor", "paid_at", "updated_at"),
        "NOT test AND paid_at IS NOT NULL",
    ),
    (Survey, "customer_id", ("score", "scored_at", "changed_at", "why"), "score IS NOT NULL"),
    (Contact, "customer_id", ("play", "kind", "sent_at", "reacted_at"), "sent_at IS NOT NULL"),
    (Outbox, "customer_id", ("sent_at",), f"kind = '{BONUS_AVAILABLE}' AND sent_at IS NOT NULL"),
    (
        Bonus,
        "customer_id",
        ("friend_id",),
        "side = 'ambassador' AND status = 'available' AND amount_minor > 0 AND friend_id IS NOT NULL",
    ),
    (Code, "customer_id", ("id",), None),
    (Referral, "ambassador_id", ("friend_id",), None),
)


def _people(session: Session, living: Sequence[int]) -> dict[int, int]:
    """The ids under which things of these people are kept, and whose they are."""
    people, new = {one: one for one in living}, set(living)
    while new:
        found = fetch_in(session, CustomerAlias, "customer_id", new)
        new = {row["merged_id"] for row in found} - people.keys()
        people.update({row["merged_id"]: people[row["customer_id"]] for row in found})
    return people


def _rows(session: Session, people: Mapping[int, int]) -> _Rows:
    rows = _Rows()
    for one, person in people.items():
        if one != person:
            rows.merged[person].append(one)
    living = sorted(set(people.values()))
    rows.customers = {row["id"]: row for row in fetch_in(session, Customer, "id", living)}
    for table, column, names, extra in _READ:
        by_person: dict[int, list[Row]] = defaultdict(list)
        for row in fetch_in(session, table, column, sorted(people), columns=(column, *names), extra=extra):
            by_person[people[row[column]]].append(row)
        rows.found[table] = by_person
    friends = fetch_in(session, Referral, "friend_id", sorted(people), columns=("friend_id",), extra="standing")
    for row in friends:
        rows.customers[people[row["friend_id"]]]["through_friend"] = True
    rows.visits = _visits(session, {row["id"]: who for who, codes in rows.found[Code].items() for row in codes})
    return rows


def _visits(session: Session, owners: Mapping[int, int]) -> dict[int, datetime]:
    """When each person's link was last visited."""
    visits: dict[int, datetime] = {}
    codes = sorted(owners)
    for start in range(0, len(codes), MANY):
        query = select(Click.code_id, func.max(Click.at)).where(col(Click.code_id).in_(codes[start : start + MANY]))
        for code_id, at in session.exec(query.group_by(col(Click.code_id))):
            person = owners[code_id]
            visits[person] = max(at, visits.get(person, at))
    return visits


def _facts(person: int, rows: _Rows) -> AskFacts:
    customer = rows.customers[person]
    identities, chats = rows.of(Identity, person), rows.of(Chat, person)
    wishes = sorted(rows.of(Wishes, person), key=lambda row: (row["customer_id"] != person, row["customer_id"]))
    cases, orders = rows.of(Case, person), rows.of(Order, person)
    kept = sorted(row["paid_at"] for row in orders if _is_kept(row))
    score = max(rows.of(Survey, person), key=lambda row: row["scored_at"], default=None)
    friends = {row["friend_id"] for row in rows.of(Bonus, person)}
    return AskFacts(
        person,
        state=customer["state"],
        stopped=customer["stopped_at"] is not None,
        reachable=any(row["reachable"] for row in chats),
        connected=any(row["kind"] in (SHOP, EMAIL, GUEST) for row in identities),
        verified=any(row["kind"] == TELEGRAM and row["level"] == VERIFIED for row in identities),
        marketing_consent=customer["marketing_consent"],
        paused_until=customer["paused_until"],
        timezone=customer["timezone"],
        wished=joined_wishes(wishes),
        awaiting_since=_latest(_since(row["awaiting"]) for row in chats),
        open_case=any(row["solved_at"] is None for row in cases),
        solved_at=_latest(row["solved_at"] for row in cases),
        returned_at=_latest(row["updated_at"] for row in orders if _went_back(row)),
        paid_at=tuple(kept),
        first_paid_at=min([*filter(None, [customer["first_paid_at"]]), *kept], default=None),
        score=score["score"] if score else None,
        scored_at=(score["changed_at"] or score["scored_at"]) if score else None,
        praised=bool(score and score["why"]),
        said=tuple(_said(rows.of(Contact, person))),
        given_at=_latest(row["sent_at"] for row in rows.of(Outbox, person)),
        visited_at=rows.visits.get(person),
        shared=bool(rows.of(Referral, person)),
        friends=len(friends),
        through_friend=bool(customer.get("through_friend")),
    )


def _said(contacts: Iterable[Row]) -> list[Said]:
    found = [Said(row["play"], row["kind"], row["sent_at"], row["reacted_at"]) for row in contacts]
    return sorted(found, key=lambda said: said.at)


def _is_kept(order: Row) -> bool:
    """Paid, and something of it was kept (rules 2)."""
    kept = min(order["base_minor"], order["total_minor"] - order["refunded_minor"])
    return order["status"] in KEPT and kept > 0


def _went_back(order: Row) -> bool:
    return order["refunded_minor"] > 0 or order["status"] in RETURNED


def _since(awaiting: Row | None) -> datetime | None:
    return datetime.fromisoformat(awaiting["since"]) if awaiting and awaiting.get("since") else None


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max(filter(None, moments), default=None)
