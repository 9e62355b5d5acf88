"""``/api/v1/orders``: orders in their last state, one or many, and what one would do."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

import structlog
from aiohttp import web
from pydantic import Field
from sqlmodel import Session
from typing_extensions import TypedDict

from referrals.recruiting.events import API, Answer, Delivery, apply_deliveries
from referrals.recruiting.orders import dry_run
from referrals.recruiting.shops import Nonsense, OrderState, standard
from referrals.recruiting.shops.reading import MAX_COUNT
from referrals.web.api.calls import Call
from referrals.web.api.customers import shop_of, stored_body
from referrals.web.api.idempotency import Reply
from referrals.web.api.problems import Problem, reply
from referrals.web.api.shapes import Currency, Explained, ExternalId, Minor, Moment, Number, OrderStatus, ShopName
from referrals.web.api.spec import Spec, describe
from storage.database import OutcomeUnknown, Overloaded

log = structlog.get_logger()

MOST_ORDERS = 200  # in one request; a transaction holds nobody up over a tenth of a second
Amount = Annotated[
    Annotated[str, Field(pattern=r"^[0-9]{1,13}(\.[0-9]{1,4})?$")] | Annotated[float, Field(ge=0, lt=1e13)],
    Field(description="With a point, no finer than its currency.", examples=["90.00"]),
]


class Buyer(TypedDict, total=False):
    """Who buys; a guest has no id."""

    id: ExternalId | None
    email: str | None
    phone: str | None
    first_name: str | None
    orders: Annotated[int | None, Field(ge=0, le=MAX_COUNT, description="How many they placed, this one included.")]
    marketing_consent: bool | None


class Address(TypedDict, total=False):
    """Where the order goes; kept as a fingerprint only, to see orders of one household."""

    postcode: str | None
    number: Annotated[
        str | int | None, Field(description="House number, with what is added to it; a street line will do.")
    ]
    country: Annotated[str | None, Field(description="ISO 3166 code of two letters.")]


class DeletedOrder(TypedDict):
    """An order of which only its end is known."""

    shop: NotRequired[ShopName]
    id: ExternalId
    status: Literal["deleted"]


class Discount(TypedDict):
    """What the code of a voucher or a gift took off."""

    code: str
    amount: Amount


class Order(TypedDict):
    """An order in its last state, as in the standard hook."""

    shop: NotRequired[ShopName]
    id: ExternalId
    status: OrderStatus
    currency: Currency
    total: Annotated[Amount, Field(description="What is paid in all.")]
    base: NotRequired[
        Annotated[Amount | None, Field(description="What bonuses count on; the total where it is absent.")]
    ]
    refunded: NotRequired[Amount | None]
    created_at: NotRequired[Moment | None]
    paid_at: NotRequired[Moment | None]
    updated_at: NotRequired[Moment | None]
    customer: NotRequired[Buyer | None]
    codes: NotRequired[list[str] | None]
    discounts: NotRequired[Annotated[list[Discount] | None, Field(description="What vouchers took off; absent: all.")]]
    ref: NotRequired[Annotated[str | None, Field(description="As the landing page got it.")]]
    click: NotRequired[Annotated[str | None, Field(description="As the landing page got it.")]]
    spoken_name: NotRequired[str | None]
    address: NotRequired[Address | None]
    ip: NotRequired[Annotated[str | None, Field(description="Of the buyer; kept as a fingerprint of that day only.")]]
    test: NotRequired[bool | None]


class Orders(TypedDict):
    """Orders of one or more shops."""

    orders: Annotated[list[Order | DeletedOrder], Field(min_length=1, max_length=MOST_ORDERS)]


class Applied(TypedDict):
    """What became of an order, and why it counts, waits or does not."""

    status: Literal["applied", "unchanged", "quarantined", "ignored"]
    order: str | None
    customer: Annotated[Number | None, Field(description="Who bought; null for a guest.")]
    reasons: list[Explained]


class RefusedAlone(TypedDict):
    """An order that makes no sense; the others of its batch stand."""

    status: Literal["refused"]
    code: Literal["invalid_body", "unknown_shop", "internal_error"]
    detail: str


class Results(TypedDict):
    """One result an order, in their order."""

    results: list[Applied | RefusedAlone]


class WouldUse(TypedDict):
    """What the order would take of a voucher or a gift whose code it carries."""

    ending: Annotated[str, Field(description="Of its code.")]
    purpose: Literal["credit", "gift"]
    amount_minor: Minor
    currency: str
    reasons: list[Explained]


class WouldBe(TypedDict):
    """What an order would do."""

    status: Literal["applied", "unchanged"]
    ambassador: Number | None
    evidence: str | None
    bonus_minor: Minor
    currency: Annotated[str, Field(description="Empty where only the end of the order is told.")]
    available_at: Moment | None
    reasons: list[Explained]
    vouchers: list[WouldUse]


REFUSES = {422: ("unknown_shop", "invalid_body")}


@describe(Spec({200: Applied}, takes=Order | DeletedOrder, refuses=REFUSES, once="optional", speaks=True))
async def put_order(call: Call) -> web.Response:
    """The order is in this state, exactly as if the shop's hook had said so."""
    delivery = _delivery(call, call.data, received_at=call.door.clock.programme())
    claim = call.claim()
    if claim is None:
        answer = await call.door.database.batch(call.door.apply, delivery)
        return reply(200, _said(call, answer))

    def work(session: Session) -> Reply:
        answer = apply_deliveries(session, [delivery], programme=call.door.programme)[0]
        return Reply(200, _said(call, answer))

    return await call.once(work, claim)


@describe(Spec({200: Results}, takes=Orders, refuses={422: ("invalid_body",)}, once="optional", speaks=True))
async def put_orders(call: Call) -> web.Response:
    """Each order is in its state; one that makes no sense is refused alone, at its place in ``results``."""
    given = call.data.get("orders")
    if not isinstance(given, list) or not 0 < len(given) <= MOST_ORDERS:
        raise Problem(422, "invalid_body", f"orders is a list of 1 to {MOST_ORDERS} orders.")
    now = call.door.clock.programme()
    read = [_read_or_refuse(call, data, received_at=now) for data in given]
    deliveries = [each for each in read if isinstance(each, Delivery)]
    claim = call.claim()
    if claim is None:
        said = iter(await asyncio.gather(*(_applied(call, each) for each in deliveries)))
        return reply(200, {"results": [next(said) if isinstance(each, Delivery) else each for each in read]})

    def work(session: Session) -> Reply:
        answers = iter(apply_deliveries(session, deliveries, programme=call.door.programme))
        results = [_said(call, next(answers)) if isinstance(each, Delivery) else each for each in read]
        return Reply(200, {"results": results})

    return await call.once(work, claim)


@describe(Spec({200: WouldBe}, takes=Order | DeletedOrder, refuses=REFUSES, speaks=True))
async def try_order(call: Call) -> web.Response:
    """What this order would do, and why; nothing is written."""
    data, door = call.data, call.door
    state = _state(call, data)
    would = await door.database.read(dry_run, state, programme=door.programme, now=door.clock.programme())
    ambassador = door.programme.number("customer", would.ambassador_id) if would.ambassador_id is not None else None
    return reply(
        200,
        {
            "status": would.status,
            "ambassador": ambassador,
            "evidence": would.evidence,
            "bonus_minor": would.bonus_minor,
            "currency": would.currency,
            "available_at": would.available_at.isoformat() if would.available_at else None,
            "reasons": call.explained(would.reasons),
            "vouchers": [asdict(use) | {"reasons": call.explained(use.reasons)} for use in would.vouchers],
        },
    )


def _state(call: Call, data: Any) -> OrderState:
    if not isinstance(data, dict):
        raise Problem(422, "invalid_body", "an order is an object")
    shop = shop_of(data, call.door.programme.config)
    try:
        return standard.order_state(shop, data)
    except Nonsense as error:
        raise Problem(422, "invalid_body", error.reason) from error


def _delivery(call: Call, data: Any, *, received_at: datetime) -> Delivery:
    state = _state(call, data)
    return Delivery(
        kind=API, shop=state.shop, body=stored_body("order.state", data), event=state, received_at=received_at
    )


def _read_or_refuse(call: Call, data: Any, *, received_at: datetime) -> Delivery | dict[str, Any]:
    try:
        return _delivery(call, data, received_at=received_at)
    except Problem as problem:
        return {"status": "refused", "code": problem.code, "detail": problem.detail}


async def _applied(call: Call, delivery: Delivery) -> dict[str, Any]:
    """What one of many did: a fault of ours fails it alone. Raises Overloaded, OutcomeUnknown."""
    try:
        return _said(call, await call.door.database.batch(call.door.apply, delivery))
    except (Overloaded, OutcomeUnknown):
        raise
    except Exception:
        log.exception("api.order_failed")
        return {"status": "refused", "code": "internal_error", "detail": "The fault is ours and has been logged."}


def _said(call: Call, answer: Answer) -> dict[str, Any]:
    customer = call.door.programme.number("customer", answer.customer_id) if answer.customer_id is not None else None
    return {
        "status": answer.status,
        "order": answer.order,
        "customer": customer,
        "reasons": call.explained(answer.reasons),
    }
