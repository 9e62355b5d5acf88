"""Deliveries at work: which go out now, and what came of them. At least once; two workers never send one at a time.

``claim_deliveries`` leases and counts the attempt before anything is sent, ``settle_deliveries`` writes what was
answered; the sending lies between the two transactions. Whoever is killed in between leaves a lease that ends.
Each endpoint has lanes of its own, so that a slow one keeps nobody waiting, and a failing one has a single lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, or_, select

from referrals.programme import Programme
from referrals.subscribers import schedule
from referrals.subscribers.bodies import message_id, orders_in, public_data
from referrals.subscribers.endpoints import FAILING, secret_of, switch_off
from referrals.subscribers.owners import tell_owners_off
from referrals.subscribers.schedule import Attempt
from storage.bulk import fetch_in
from storage.machine import machine_now
from storage.subscribers import DELIVERED, FAILED, PENDING, WebhookDelivery, WebhookEndpoint, WebhookEvent

LANES = 4  # requests to one endpoint at a time, over all workers
LEASE = timedelta(seconds=60)  # longer than a request may take
LONGEST_LOG = 20  # attempts that are remembered
SURE = 5  # attempts of one delivery: a blip alone switches nobody off

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sending:
    """One delivery in hand, with all that the request needs."""

    delivery_id: int
    attempt: int
    endpoint_id: int
    url: str
    secrets: tuple[str, ...]  # the newest first
    message_id: str
    type: str
    at: datetime  # of the event
    data: Row  # as it is sent, but for the sentences of its reasons


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one sending; ``now`` is the programme's time."""

    delivery_id: int
    endpoint_id: int
    attempt: int
    what: Attempt
    now: datetime


def anything_due(session: Session) -> bool:
    """Whether something waits to be sent; asked often, so it writes nothing."""
    moment = machine_now(session)
    query = select(WebhookDelivery.id).join(WebhookEndpoint, _alive(moment)).where(*_due(moment))
    return session.exec(query.limit(1)).first() is not None


def claim_deliveries(session: Session, *, programme: Programme) -> list[Sending]:
    """What goes out now, leased and its attempt counted, fairly over the endpoints."""
    moment = machine_now(session)
    query = select(WebhookEndpoint).where(*_open(moment)).order_by(col(WebhookEndpoint.id))
    taken: list[WebhookDelivery] = []
    endpoints = session.exec(query.with_for_update(skip_locked=True, key_share=True)).all()
    for endpoint in endpoints:
        taken += _claim(session, endpoint, moment=moment)
    session.flush()
    events = {row["id"]: row for row in fetch_in(session, WebhookEvent, "id", [row.event_id for row in taken])}
    orders = orders_in(session, events.values())
    secrets = {endpoint.id: _secrets(endpoint, programme, moment=moment) for endpoint in endpoints}
    urls = {endpoint.id: endpoint.url for endpoint in endpoints}
    return [
        Sending(
            delivery_id=row.id,
            attempt=row.attempts,
            endpoint_id=row.endpoint_id,
            url=urls[row.endpoint_id],
            secrets=secrets[row.endpoint_id],
            message_id=message_id(programme, event["cause"]),
            type=event["type"],
            at=event["at"].astimezone(programme.zone),
            data=public_data(event["data"], orders=orders, programme=programme),
        )
        for row in taken
        for event in (events[row.event_id],)
    ]


def settle_deliveries(session: Session, items: list[Settled], *, programme: Programme) -> list[bool]:
    """What came of each is stored, and what follows from it; False where another attempt has taken its place.

    Like everybody here it locks endpoints before deliveries, and these in the order of their numbers.
    """
    moment = machine_now(session)
    wanted = {item.endpoint_id for item in items}
    query = select(WebhookEndpoint).where(col(WebhookEndpoint.id).in_(wanted)).order_by(col(WebhookEndpoint.id))
    locked = session.exec(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    endpoints = {endpoint.id: endpoint for endpoint in locked}
    return [_settle(session, endpoints[item.endpoint_id], item, programme=programme, moment=moment) for item in items]


def release_deliveries(session: Session, sendings: Sequence[Sending]) -> None:
    """These were not sent after all: the next worker need not wait for their leases, and no attempt is counted."""
    for sending in sorted(sendings, key=lambda sending: sending.delivery_id):
        row = _locked(session, sending.delivery_id)
        if row is not None and row.status == PENDING and row.attempts == sending.attempt:
            row.attempts, row.lease_until = row.attempts - 1, None
    session.flush()


def _open(moment: datetime) -> tuple[Any, ...]:
    """Endpoints to which anything may be sent."""
    return (
        col(WebhookEndpoint.disabled_at).is_(None),
        col(WebhookEndpoint.deleted_at).is_(None),
        or_(col(WebhookEndpoint.wait_until).is_(None), col(WebhookEndpoint.wait_until) <= moment),
    )


def _alive(moment: datetime) -> Any:
    joined = col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id)
    for condition in _open(moment):
        joined &= condition
    return joined


def _due(moment: datetime) -> tuple[Any, ...]:
    return (
        WebhookDelivery.status == PENDING,
        or_(col(WebhookDelivery.next_at).is_(None), col(WebhookDelivery.next_at) <= moment),
        or_(col(WebhookDelivery.lease_until).is_(None), col(WebhookDelivery.lease_until) <= moment),
    )


def _claim(session: Session, endpoint: WebhookEndpoint, *, moment: datetime) -> list[WebhookDelivery]:
    mine = WebhookDelivery.endpoint_id == endpoint.id
    under_way = select(func.count()).select_from(WebhookDelivery)
    under_way = under_way.where(mine, WebhookDelivery.status == PENDING, col(WebhookDelivery.lease_until) > moment)
    free = (1 if endpoint.failing_since else LANES) - session.exec(under_way).one()
    if free <= 0:
        return []
    query = select(WebhookDelivery).where(mine, *_due(moment)).order_by(col(WebhookDelivery.id)).limit(free)
    rows = session.exec(query.with_for_update().execution_options(populate_existing=True)).all()
    for row in rows:
        row.attempts += 1
        row.first_at = row.first_at or moment
        row.lease_until = moment + LEASE
    return list(rows)


def _secrets(endpoint: WebhookEndpoint, programme: Programme, *, moment: datetime) -> tuple[str, ...]:
    old = endpoint.old_salt if endpoint.old_until is not None and moment < endpoint.old_until else None
    return tuple(secret_of(programme, salt) for salt in (endpoint.salt, old) if salt)


def _settle(
    session: Session, endpoint: WebhookEndpoint, item: Settled, *, programme: Programme, moment: datetime
) -> bool:
    row = _locked(session, item.delivery_id)
    means = schedule.meaning(item.what)
    arrived = means == schedule.DELIVERED
    # What arrived has arrived, whoever has taken it over meanwhile.
    if row is None or row.status != PENDING or not (arrived or row.attempts == item.attempt):
        return False
    row.lease_until = None
    _note(row, item, moment=moment)
    if arrived:
        row.status, row.next_at, row.done_at = DELIVERED, None, moment
        endpoint.failing_since = None
    else:
        _plan_again(endpoint, row, item.what, programme=programme, moment=moment)
        _judge(session, endpoint, row, item, means=means, programme=programme, moment=moment)
    session.flush()
    return True


def _note(row: WebhookDelivery, item: Settled, *, moment: datetime) -> None:
    what = item.what
    row.last_status, row.last_error, row.last_ms = what.status, what.error, what.ms
    earlier = [{name: value for name, value in each.items() if name != "answer"} for each in row.log]
    entry = {
        "at": moment.isoformat(), "attempt": item.attempt, "status": what.status, "error": what.error, "ms": what.ms,
        "answer": what.answer,
    }  # fmt: skip
    row.log = [*earlier, entry][-LONGEST_LOG:]


def _plan_again(
    endpoint: WebhookEndpoint, row: WebhookDelivery, what: Attempt, *, programme: Programme, moment: datetime
) -> None:
    """The next try of this delivery, and how long the endpoint asked everybody to wait."""
    endpoint.failing_since = endpoint.failing_since or moment
    asked = schedule.asked_wait(what.retry_after, now=moment)
    endpoint.wait_until = asked or endpoint.wait_until
    first_at, fraction = row.first_at or moment, programme.maker.fraction()
    row.next_at = schedule.next_try(first_at=first_at, now=moment, wait_until=asked, fraction=fraction)
    if row.next_at is None:
        row.status, row.done_at = FAILED, moment


def _judge(
    session: Session,
    endpoint: WebhookEndpoint,
    row: WebhookDelivery,
    item: Settled,
    *,
    means: str,
    programme: Programme,
    moment: datetime,
) -> None:
    """An endpoint that says that it is gone, or has failed for days, is switched off, and the owners hear so."""
    since = endpoint.failing_since or moment
    over = moment - since >= timedelta(days=programme.config.webhooks.failing_days)
    why = schedule.GONE if means == schedule.GONE else FAILING if over and row.attempts >= SURE else None
    if why and endpoint.disabled_at is None and endpoint.deleted_at is None:
        session.flush()
        switch_off(session, endpoint, why, now=item.now)
        tell_owners_off(session, endpoint, why, programme=programme, now=item.now)


def _locked(session: Session, delivery_id: int) -> WebhookDelivery | None:
    query = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).first()
