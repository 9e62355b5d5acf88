"""``/api/v1/webhooks``: who is told what happens, with which secret, and how each telling fared (rules 40).

A secret is in the answer that makes it and in no other; that reply is stored sealed for whoever asks for it twice.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, Literal, NotRequired, TypeVar

from aiohttp import web
from pydantic import Field
from sqlmodel import Session
from typing_extensions import TypedDict

from referrals.subscribers import endpoints
from referrals.subscribers.addresses import AddressRefused
from referrals.subscribers.endpoints import EndpointView, UnknownEvent
from referrals.subscribers.events import TYPES
from referrals.web.api.calls import Call
from referrals.web.api.idempotency import Reply
from referrals.web.api.problems import Problem, reply
from referrals.web.api.shapes import Moment, Number
from referrals.web.api.spec import Spec, describe

Result = TypeVar("Result")
MOST_EVENTS = 50
WHY = {
    "characters": "url holds characters that an address does not have.",
    "unreadable": "url is no address.",
    "scheme": "url is an https address with a host.",
    "parts": "url holds no user, no password and no fragment.",
    "port": "url has port 443 or 8443.",
    "private": "url leads to a host that is not public; name it in webhooks.private_hosts if it is yours.",
}

Url = Annotated[str, Field(examples=["https://hooks.example/ambassade"], description="A public https address.")]
Events = Annotated[list[str], Field(description="Types of events; empty or `*`: all, and those to come.")]
EventType = Annotated[str, Field(examples=["bonus.held"])]


class NewWebhook(TypedDict):
    """Where to tell, and of what."""

    url: Url
    events: NotRequired[Events]


class WebhookChange(TypedDict, total=False):
    """What is to be otherwise; what is left out stays."""

    url: Url
    events: Events
    enabled: Annotated[bool, Field(description="Switched on again it begins anew, without what it missed.")]


class Webhook(TypedDict):
    """An endpoint, without its secret."""

    webhook: Number
    url: str
    events: list[EventType]
    enabled: bool
    disabled_because: Literal["by_hand", "gone", "failing"] | None
    disabled_at: Moment | None
    failing_since: Annotated[Moment | None, Field(description="Of its last attempts none has succeeded since then.")]
    created_at: Moment


class WebhookMade(Webhook):
    """Likewise with its secret, which is said nowhere else."""

    secret: Annotated[str, Field(examples=["whsec_…"], description="Of Standard Webhooks.")]


class WebhookRotated(WebhookMade):
    """Until then both secrets sign."""

    old_secret_until: Moment


class Webhooks(TypedDict):
    """Every endpoint, the newest first."""

    items: list[Webhook]


@describe(Spec({200: Webhooks}))
async def list_webhooks(call: Call) -> web.Response:
    """Every endpoint; there are twenty at most."""
    views = await call.door.database.read(endpoints.list_endpoints)
    return reply(200, {"items": [_webhook(call, view) for view in views]})


@describe(
    Spec(
        {201: WebhookMade},
        takes=NewWebhook,
        refuses={409: ("too_many_webhooks",), 422: ("invalid_body", "invalid_url", "unknown_event")},
        once="required",
    )
)
async def make_webhook(call: Call) -> web.Response:
    """A new endpoint is told from now on. The answer holds its secret, and no later one does."""
    claim = call.claim(required=True, sealed=True)
    data, door, now = call.data, call.door, call.door.clock.programme()
    url, events = _url(data), _events(data) or []

    def work(session: Session) -> Reply:
        with_secret = endpoints.make_endpoint(
            session, url=url, events=events, actor=call.actor, programme=door.programme, now=now
        )
        return Reply(201, _webhook(call, with_secret[0]) | {"secret": with_secret[1]})

    return await _refusing(call.once(work, claim))


@describe(Spec({200: Webhook}, refuses={404: ("unknown_webhook",)}))
async def show_webhook(call: Call) -> web.Response:
    """One endpoint as it stands."""
    view = await call.door.database.read(endpoints.endpoint_view, call.number("webhook"))
    return reply(200, _webhook(call, view))


@describe(
    Spec(
        {200: Webhook},
        takes=WebhookChange,
        refuses={404: ("unknown_webhook",), 422: ("invalid_body", "invalid_url", "unknown_event")},
    )
)
async def change_webhook(call: Call) -> web.Response:
    """What is given holds from now on: where it is told, of what, and whether at all."""
    data, door, number = call.data, call.door, call.number("webhook")
    enabled = data.get("enabled")
    if enabled is not None and not isinstance(enabled, bool):
        raise Problem(422, "invalid_body", "enabled is true or false.")
    url = None if data.get("url") is None else _url(data)
    changes: dict[str, Any] = {"url": url, "events": _events(data), "enabled": enabled}
    changing = door.database.write(
        endpoints.change_endpoint, number, **changes, actor=call.actor, programme=door.programme,
        now=door.clock.programme(),
    )  # fmt: skip
    return reply(200, _webhook(call, await _refusing(changing)))


@describe(Spec({200: Webhook}, refuses={404: ("unknown_webhook",)}))
async def delete_webhook(call: Call) -> web.Response:
    """It is told nothing more; the answer shows it for the last time."""
    door, number = call.door, call.number("webhook")
    view = await door.database.read(endpoints.endpoint_view, number)
    await door.database.write(endpoints.delete_endpoint, number, actor=call.actor, now=door.clock.programme())
    return reply(200, _webhook(call, view))


@describe(Spec({201: WebhookRotated}, refuses={404: ("unknown_webhook",)}, once="required"))
async def rotate_webhook(call: Call) -> web.Response:
    """A new secret signs; for 24 hours the one before signs beside it."""
    claim, number = call.claim(required=True, sealed=True), call.number("webhook")
    door, now = call.door, call.door.clock.programme()

    def work(session: Session) -> Reply:
        view, secret, until = endpoints.rotate_secret(
            session, number, actor=call.actor, programme=door.programme, now=now
        )
        moment = until.astimezone(door.programme.zone).isoformat()
        return Reply(201, _webhook(call, view) | {"secret": secret, "old_secret_until": moment})

    return await call.once(work, claim)


async def _refusing(work: Awaitable[Result]) -> Result:
    """What the work returns. Raises Problem 422 with what is wrong with the address, or with an event."""
    try:
        return await work
    except AddressRefused as error:
        raise Problem(422, "invalid_url", WHY[error.data["why"]]) from error
    except UnknownEvent as error:
        raise Problem(422, "unknown_event", f"events are among {', '.join(TYPES)}.") from error


def _url(data: dict[str, Any]) -> str:
    url = data.get("url")
    if not isinstance(url, str):
        raise Problem(422, "invalid_body", "url says where to tell.")
    return url


def _events(data: dict[str, Any]) -> list[str] | None:
    events = data.get("events")
    if events is None:
        return None
    if not isinstance(events, list) or len(events) > MOST_EVENTS or not all(isinstance(each, str) for each in events):
        raise Problem(422, "invalid_body", "events is a list of types.")
    return events


def _webhook(call: Call, view: EndpointView) -> dict[str, Any]:
    programme = call.door.programme

    def local(moment: Any) -> str | None:
        return moment.astimezone(programme.zone).isoformat() if moment else None

    return {
        "webhook": programme.number("webhook", view.id),
        "url": view.url,
        "events": list(view.events),
        "enabled": view.disabled_at is None,
        "disabled_because": view.disabled_because,
        "disabled_at": local(view.disabled_at),
        "failing_since": local(view.failing_since),
        "created_at": local(view.created_at),
    }
