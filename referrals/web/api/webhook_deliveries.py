"""``/api/v1/webhooks/{number}/…``: what was sent to an endpoint, how that went, and sending it anew."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field
from sqlmodel import Session
from typing_extensions import TypedDict

from referrals.subscribers import endpoints
from referrals.subscribers.listing import list_deliveries, redeliver
from referrals.web.api.calls import Call
from referrals.web.api.idempotency import Reply
from referrals.web.api.paging import Count, given_number, page_size
from referrals.web.api.problems import Problem, reply
from referrals.web.api.shapes import Moment, Number, PageOf
from referrals.web.api.spec import Parameter, Spec, describe
from referrals.web.api.webhooks import EventType

STATUSES = ("pending", "delivered", "failed", "gone")
Status = Literal["pending", "delivered", "failed", "gone"]


class Asked(TypedDict):
    """A test.ping is on its way."""

    webhook: Number
    type: Literal["test.ping"]


class AttemptLog(TypedDict):
    """One request, and what came of it."""

    at: Moment
    attempt: int
    status: int | None
    error: Literal["timeout", "connection_failed", "address_refused"] | None
    ms: int
    answer: Annotated[str, Field(description="The beginning of the last refusal.")]


class Delivery(TypedDict):
    """One event for this endpoint."""

    delivery: Number
    event: Annotated[str, Field(examples=["msg_2f1c"], description="The webhook-id, the same at every attempt.")]
    type: EventType
    status: Status
    attempts: int
    next_at: Moment | None
    last_status: int | None
    last_error: str | None
    last_ms: int | None
    log: list[AttemptLog]
    created_at: Moment
    done_at: Moment | None


@describe(Spec({202: Asked}, refuses={404: ("unknown_webhook",), 409: ("webhook_off",)}, once="required"))
async def ping_webhook(call: Call) -> web.Response:
    """A `test.ping` is sent to this endpoint, whatever it subscribed to; its deliveries say how that went."""
    claim, number = call.claim(required=True), call.number("webhook")
    door, now = call.door, call.door.clock.programme()

    def work(session: Session) -> Reply:
        endpoints.ping(session, number, programme=door.programme, now=now)
        return Reply(202, {"webhook": door.programme.number("webhook", number), "type": "test.ping"})

    return await call.once(work, claim)


@describe(
    Spec(
        {200: PageOf[Delivery]},
        query=(
            Parameter("limit", Count, "How many at most; 50 where it is left out."),
            Parameter("cursor", Number, "The next_cursor of the page before."),
            Parameter("status", Status, "Only those that stand like this."),
        ),
        refuses={404: ("unknown_webhook",), 422: ("invalid_limit", "invalid_cursor", "invalid_status")},
    )
)
async def list_webhook_deliveries(call: Call) -> web.Response:
    """What was or will be sent to this endpoint, the newest first, each with its attempts."""
    query, door = call.request.query, call.door
    limit, status = page_size(query.get("limit")), query.get("status")
    before_id = given_number(call, "delivery", query.get("cursor"), code="invalid_cursor")
    if status is not None and status not in STATUSES:
        raise Problem(422, "invalid_status", f"status is one of {', '.join(STATUSES)}.")
    rows = await door.database.read(
        list_deliveries, call.number("webhook"), status=status, limit=limit + 1, before_id=before_id,
        programme=door.programme,
    )  # fmt: skip
    more = rows[limit - 1]["delivery"] if len(rows) > limit else None
    return reply(200, {"items": rows[:limit], "next_cursor": more})


@describe(
    Spec(
        {202: Delivery},
        refuses={404: ("unknown_webhook", "unknown_delivery"), 409: ("webhook_off", "event_forgotten")},
        once="required",
    )
)
async def redeliver_webhook(call: Call) -> web.Response:
    """The same message is sent anew, at once and, where that fails, after the whole schedule again."""
    claim, number = call.claim(required=True), call.number("webhook")
    delivery, programme = call.number("delivery", name="delivery"), call.door.programme

    def work(session: Session) -> Reply:
        return Reply(202, redeliver(session, number, delivery, programme=programme))

    return await call.once(work, claim)
