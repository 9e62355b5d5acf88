"""Endpoints: who is told, of what, and with which secret it is signed (rules 40 for the API in front of it).

A secret is kept nowhere. It is made of a random salt and the installation's own key, so a copy of this table signs
nothing; it is shown when it is made, and never again.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from referrals import errors
from referrals.programme import Programme
from referrals.subscribers.addresses import check_address
from referrals.subscribers.events import TEST_PING, TYPES, Happening, tell_one
from storage.auditlog import AuditEvent
from storage.machine import machine_now
from storage.subscribers import GONE, PENDING, WebhookDelivery, WebhookEndpoint

MOST = 20  # endpoints of an installation
OVERLAP = timedelta(hours=24)  # after a rotation both secrets sign
PREFIX = "whsec_"
BY_HAND, FAILING = "by_hand", "failing"
ALL_EVENTS = "*"


class UnknownEvent(errors.ProgrammeError):
    """No event is called that."""

    code = "unknown_event"


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as its owner sees it, without its secret."""

    id: int
    url: str
    events: tuple[str, ...]  # "*" for all, those to come included
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str | None


def secret_of(programme: Programme, salt: str) -> str:
    """The secret that belongs to this salt, as Standard Webhooks writes it."""
    return PREFIX + base64.b64encode(programme.derived("webhook", salt)).decode()


def make_endpoint(
    session: Session, *, url: str, events: Sequence[str], actor: str, programme: Programme, now: datetime
) -> tuple[EndpointView, str]:
    """A new endpoint is told from now on; its view, and its secret this once.

    Raises:
        AddressRefused: It is no public https address, and not named in the configuration.
        UnknownEvent: One of the types does not exist.
        TooManyWebhooks: There are twenty.
    """
    checked = check_address(url, named=programme.config.webhooks.private_hosts)
    wanted = _wanted(events)
    alive = select(func.count()).select_from(WebhookEndpoint).where(col(WebhookEndpoint.deleted_at).is_(None))
    if session.exec(alive).one() >= MOST:
        raise errors.TooManyWebhooks(most=MOST)
    row = WebhookEndpoint(url=checked, events=wanted, salt=programme.maker.token(), created_at=now)
    session.add(row)
    session.flush()
    _note(session, row, "webhook:create", before=None, actor=actor, now=now)
    return view_of(row), secret_of(programme, row.salt)


def list_endpoints(session: Session) -> list[EndpointView]:
    """Every endpoint, the newest first."""
    query = select(WebhookEndpoint).where(col(WebhookEndpoint.deleted_at).is_(None))
    return [view_of(row) for row in session.exec(query.order_by(col(WebhookEndpoint.id).desc()))]


def endpoint_view(session: Session, endpoint_id: int) -> EndpointView:
    """One endpoint. Raises: UnknownWebhook."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, col(WebhookEndpoint.deleted_at).is_(None))
    row = session.exec(query).first()
    if row is None:
        raise errors.UnknownWebhook
    return view_of(row)


def change_endpoint(
    session: Session,
    endpoint_id: int,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    enabled: bool | None = None,
    actor: str,
    programme: Programme,
    now: datetime,
) -> EndpointView:
    """What is given holds from now on; one that is switched on again begins anew, without what it missed.

    Raises:
        UnknownWebhook: There is none of this number.
        AddressRefused: It is no public https address.
        UnknownEvent: One of the types does not exist.
    """
    row = get_endpoint(session, endpoint_id)
    before = _noted(row)
    if url is not None:
        row.url = check_address(url, named=programme.config.webhooks.private_hosts)
        row.failing_since = row.wait_until = None  # of the old address
    if events is not None:
        row.events = _wanted(events)
    if enabled is True:
        row.disabled_at = row.disabled_because = row.failing_since = row.wait_until = None
    elif enabled is False and row.disabled_at is None:
        switch_off(session, row, BY_HAND, now=now)
    session.flush()
    if _noted(row) != before:
        _note(session, row, "webhook:change", before=before, actor=actor, now=now)
    return view_of(row)


def rotate_secret(
    session: Session, endpoint_id: int, *, actor: str, programme: Programme, now: datetime
) -> tuple[EndpointView, str, datetime]:
    """A new secret signs; the one before signs beside it for a day. The view, the secret this once, and until when.

    Raises:
        UnknownWebhook: There is none of this number.
    """
    row = get_endpoint(session, endpoint_id)
    row.old_salt, row.old_until = row.salt, machine_now(session) + OVERLAP
    row.salt = programme.maker.token()
    session.flush()
    _note(session, row, "webhook:rotate", before=None, actor=actor, now=now)
    return view_of(row), secret_of(programme, row.salt), row.old_until


def delete_endpoint(session: Session, endpoint_id: int, *, actor: str, now: datetime) -> None:
    """It is told nothing more and shown nowhere; deleted again, it is gone already. Raises: UnknownWebhook."""
    row = get_endpoint(session, endpoint_id)
    before = _noted(row)
    row.deleted_at, row.salt, row.old_salt = now, "", None
    session.flush()
    _note(session, row, "webhook:delete", before=before, actor=actor, now=now)


def ping(session: Session, endpoint_id: int, *, programme: Programme, now: datetime) -> None:
    """A ``test.ping`` will be sent to this endpoint alone. Raises: UnknownWebhook, WebhookOff."""
    row = get_endpoint(session, endpoint_id)
    if row.disabled_at is not None:
        raise errors.WebhookOff
    cause = f"{TEST_PING}:{programme.maker.token()}"
    tell_one(session, Happening(TEST_PING, cause, {"webhook": row.id}), endpoint_id=row.id, now=now)


def get_endpoint(session: Session, endpoint_id: int) -> WebhookEndpoint:
    """The endpoint, locked. Raises: UnknownWebhook."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, col(WebhookEndpoint.deleted_at).is_(None))
    row = session.exec(query.with_for_update(key_share=True).execution_options(populate_existing=True)).first()
    if row is None:
        raise errors.UnknownWebhook
    return row


def switch_off(session: Session, row: WebhookEndpoint, why: str, *, now: datetime) -> None:
    """It is told nothing more, and what waits for it is not sent."""
    row.disabled_at, row.disabled_because = now, why
    session.flush()
    waiting = update(WebhookDelivery).where(col(WebhookDelivery.endpoint_id) == row.id)
    waiting = waiting.where(col(WebhookDelivery.status) == PENDING)
    session.execute(waiting.values(status=GONE, next_at=None, lease_until=None, done_at=machine_now(session)))


def view_of(row: WebhookEndpoint) -> EndpointView:
    """The endpoint as it is shown."""
    return EndpointView(
        id=row.id,
        url=row.url,
        events=tuple(row.events) or (ALL_EVENTS,),
        created_at=row.created_at,
        failing_since=row.failing_since,
        disabled_at=row.disabled_at,
        disabled_because=row.disabled_because,
    )


def _wanted(events: Sequence[str]) -> list[str]:
    """The types as they are stored: in our order, none for all."""
    for each in events:
        if each not in (*TYPES, ALL_EVENTS):
            raise UnknownEvent(event=each[:50])
    return [] if ALL_EVENTS in events or not events else [each for each in TYPES if each in events]


def _noted(row: WebhookEndpoint) -> dict[str, Any]:
    return {"url": row.url, "events": list(row.events), "disabled": row.disabled_because}


def _note(session: Session, row: WebhookEndpoint, action: str, *, before: Any, actor: str, now: datetime) -> None:
    subject = f"webhook:{row.id}"
    event = AuditEvent(at=now, actor=actor, action=action, subject=subject, before=before, after=_noted(row))
    session.add(event)
    session.flush()
