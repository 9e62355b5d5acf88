"""What shops and the API report, applied as one list: stored raw and processed in one transaction.

The importer, the replay of quarantined deliveries and the reconciliation come in here too; there
is no second way. A list is folded in the order of its arrival, in runs of one kind.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from referrals.people.customers import survivor, verify_chats
from referrals.reasons import INTERNAL_ERROR, Reason, reason
from referrals.recruiting.joining import join
from referrals.recruiting.orders import Arrival, OrderOutcome, apply_orders
from referrals.recruiting.privacy_wishes import note_wishes
from referrals.recruiting.refund_events import apply_refunds
from referrals.recruiting.shops import (
    CustomerState,
    DeliveryState,
    Event,
    Ignored,
    OrderState,
    PrivacyWish,
    RefundState,
)
from referrals.recruiting.sign_ups import apply_customers
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.customers import TELEGRAM, VERIFIED, Identity
from storage.database import books
from storage.mailbox import DONE, QUARANTINED, Inbox
from storage.orders import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

APPLIED, UNCHANGED, IGNORED = "applied", "unchanged", "ignored"
DELIVERED = "delivered"
HOOK, API, REPLAY, RECONCILE = "hook", "api", "replay", "reconcile"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One authentic delivery: its bytes, and what the adapter read in them.

    ``event`` is None where it made no sense; ``nonsense`` then says why. ``inbox_id`` names the
    stored delivery that a replay reads again.
    """

    kind: str  # hook, api, replay, reconcile
    shop: str
    body: bytes
    event: Event | None
    received_at: datetime
    headers: dict[str, str] = field(default_factory=dict)
    nonsense: str | None = None
    subject: str | None = None
    inbox_id: int | None = None
    replayed_at: datetime | None = None

    @property
    def now(self) -> datetime:
        """When it is applied: a replay books today what arrived earlier."""
        return self.replayed_at or self.received_at

    @property
    def size(self) -> int:
        """Bytes, for the bound of the queue."""
        return len(self.body)


class Answer(NamedTuple):
    """What a delivery did, for the shop's log and the API."""

    status: str  # applied, unchanged, quarantined, ignored
    order: str | None = None
    reasons: tuple[Reason, ...] = ()
    customer_id: int | None = None
    created: bool = False
    erased: bool = False  # it is about somebody who was erased: its body is not kept (rules 41)


@books
def apply_deliveries(session: Session, items: Sequence[Delivery], *, programme: Programme) -> list[Answer]:
    """Every delivery is stored and applied; what makes no sense is quarantined (rules 37)."""
    answers: list[Answer] = []
    for kind, run in groupby(items, key=lambda item: type(item.event)):
        answers += _apply_run(session, kind, list(run), programme=programme)
    _store(session, items, answers)
    return answers


def store_quarantined(session: Session, item: Delivery, error: Exception, *, programme: Programme) -> Answer:  # noqa: ARG001 - the shape of on_fault
    """Our own code failed on this delivery: it is kept to be replayed, and the shop is not punished (rules 37)."""
    answer = Answer(QUARANTINED, _subject_order(item), (reason(INTERNAL_ERROR),))
    _store(session, [item], [answer], why=f"{INTERNAL_ERROR}: {type(error).__name__}")
    return answer


def _apply_run(session: Session, kind: type[Any], run: list[Delivery], *, programme: Programme) -> list[Answer]:
    apply = RUNS.get(kind)
    if apply is None:  # nonsense
        return [Answer(QUARANTINED, _subject_order(item)) for item in run]
    return apply(session, run, programme=programme)


def _orders(session: Session, run: list[Delivery], *, programme: Programme) -> list[Answer]:
    arrivals = [
        Arrival(item.event, item.received_at, item.kind == RECONCILE)
        for item in run
        if isinstance(item.event, OrderState)
    ]
    now = run[-1].now
    outcomes = apply_orders(session, arrivals, programme=programme, now=now)
    _join_visitors(session, outcomes, programme=programme, now=now)
    return [
        Answer(outcome.status, arrival.state.id, outcome.reasons, outcome.customer_id, erased=outcome.erased)
        for arrival, outcome in zip(arrivals, outcomes, strict=True)
    ]


def _join_visitors(session: Session, outcomes: list[OrderOutcome], *, programme: Programme, now: datetime) -> None:
    """A shop button was made for the person of a chat; a paid order says who that is in the shop (rules 15, 20).

    An account that was only claimed is joined with nobody else: the claim would grow with every order.
    """
    met = {
        (outcome.click_person_id, outcome.customer_id)
        for outcome in outcomes
        if outcome.status == APPLIED and outcome.click_person_id is not None and outcome.customer_id is not None
    }
    if not met:
        return
    pairs = sorted({(survivor(session, visitor), buyer) for visitor, buyer in met})
    people = sorted({person for pair in pairs for person in pair})
    rows = fetch_in(session, Identity, "customer_id", people, columns=("kind", "customer_id", "level"))
    chats = {row["customer_id"]: row["level"] for row in rows if row["kind"] == TELEGRAM}
    for visitor, buyer in pairs:
        if visitor == buyer:
            verify_chats(session, buyer)
        elif buyer not in chats and chats.get(visitor) == VERIFIED:  # a bound account is never moved silently
            join(session, visitor, buyer, programme=programme, now=now)


def _customers(session: Session, run: list[Delivery], *, programme: Programme) -> list[Answer]:
    states = [item.event for item in run if isinstance(item.event, CustomerState)]
    outcomes = apply_customers(session, states, programme=programme, now=run[-1].now)
    return [
        Answer(
            APPLIED if outcome.changed or outcome.created else UNCHANGED,
            None,
            tuple(outcome.reasons),
            outcome.customer_id,
            outcome.created,
        )
        for outcome in outcomes
    ]


def _refunds(session: Session, run: list[Delivery], *, programme: Programme) -> list[Answer]:
    states = [item.event for item in run if isinstance(item.event, RefundState)]
    outcomes = apply_refunds(session, states, programme=programme, now=run[-1].now)
    return [
        Answer(outcome.status, state.order, outcome.reasons, outcome.customer_id)
        for state, outcome in zip(states, outcomes, strict=True)
    ]


def _parcels(session: Session, run: list[Delivery], *, programme: Programme) -> list[Answer]:  # noqa: ARG001 - a run's shape
    """When the parcel came; of an order that is not known yet it makes no sense (rules 32)."""
    states = [item.event for item in run if isinstance(item.event, DeliveryState)]
    rows = fetch_in(
        session,
        Order,
        ("shop", "external_id"),
        [(state.shop, state.order) for state in states],
        columns=("id", "shop", "external_id", "delivered_at"),
    )
    known = {(row["shop"], row["external_id"]): row for row in rows}
    answers = []
    for state in states:
        row = known.get((state.shop, state.order))
        if row is None:
            answers.append(Answer(QUARANTINED, state.order))
        elif state.status != DELIVERED:
            answers.append(Answer(IGNORED, state.order))
        elif row["delivered_at"] is not None and row["delivered_at"] <= state.at:
            answers.append(Answer(UNCHANGED, state.order))
        else:
            row["delivered_at"] = state.at
            answers.append(Answer(APPLIED, state.order))
    moved = {answer.order for answer in answers if answer.status == APPLIED}
    changed = [{"id": row["id"], "delivered_at": row["delivered_at"]} for row in rows if row["external_id"] in moved]
    if changed:
        update_rows(session, Order, changed, key=("id",))
    return answers


def _wishes(session: Session, run: list[Delivery], *, programme: Programme) -> list[Answer]:  # noqa: ARG001 - likewise
    wishes = [(item.event, item.received_at) for item in run if isinstance(item.event, PrivacyWish)]
    return [Answer(APPLIED if new else UNCHANGED) for new in note_wishes(session, wishes)]


def _unused(session: Session, run: list[Delivery], *, programme: Programme) -> list[Answer]:  # noqa: ARG001 - likewise
    return [Answer(IGNORED) for _ in run]


RUNS: Mapping[type[Any], Callable[..., list[Answer]]] = {
    OrderState: _orders,
    CustomerState: _customers,
    RefundState: _refunds,
    DeliveryState: _parcels,
    PrivacyWish: _wishes,
    Ignored: _unused,
}


def _store(session: Session, items: Sequence[Delivery], answers: Sequence[Answer], *, why: str | None = None) -> None:
    """The raw deliveries, and what became of them; a replayed one is marked where it lies.

    Of what a shop said when it was asked only what made no sense is kept: the rest it can be asked again.
    """
    rows, replayed = [], []
    for item, answer in zip(items, answers, strict=True):
        quarantined = answer.status == QUARANTINED
        judged = {
            "status": QUARANTINED if quarantined else DONE,
            "result": answer.status,
            "reason": (why or item.nonsense or "unknown order") if quarantined else _kind(item),
            "done_at": item.now,
        }
        if item.inbox_id is not None:
            replayed.append({"id": item.inbox_id, **judged, "body": None if answer.erased else item.body})
            continue
        if item.kind == RECONCILE and not quarantined:
            continue
        rows.append(
            {
                "kind": item.kind,
                "source": item.shop,
                "headers": item.headers,
                "body": None if answer.erased else item.body,
                "digest": hashlib.sha256(item.body).hexdigest(),
                "subject": item.subject or _subject(item),
                "received_at": item.received_at,
                **judged,
            }
        )
    if rows:
        insert_rows(session, Inbox, rows)
    if replayed:
        update_rows(session, Inbox, replayed, key=("id",))


def _kind(item: Delivery) -> str | None:
    """Of what kind it is, where that does not follow from its subject."""
    return item.event.kind if isinstance(item.event, (Ignored, PrivacyWish)) else None


def _subject(item: Delivery) -> str | None:
    event = item.event
    if isinstance(event, Ignored):
        return event.subject
    if isinstance(event, OrderState):
        return f"order:{event.id}"
    if isinstance(event, CustomerState):
        return f"customer:{event.id}"
    if isinstance(event, PrivacyWish):
        return f"customer:{event.account}" if event.account else None
    return f"order:{event.order}" if isinstance(event, (RefundState, DeliveryState)) else None


def _subject_order(item: Delivery) -> str | None:
    subject = item.subject or _subject(item) or ""
    return subject.removeprefix("order:") if subject.startswith("order:") else None
