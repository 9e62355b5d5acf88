"""``/api/v1/customers``: a shop's accounts told to us, their links into the chat, what they have."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from aiohttp import web
from pydantic import Field
from sqlmodel import Session
from typing_extensions import TypedDict

from referrals.config import Config
from referrals.figures.board import own_place
from referrals.people.customers import get_bot_name, get_customer, profile
from referrals.people.tokens import make_connect_token
from referrals.programme import Programme
from referrals.recruiting.events import API, Delivery, apply_deliveries
from referrals.recruiting.shops import CustomerState, Nonsense, reading, standard
from referrals.rewarding.balances import Balance, balances
from referrals.rewarding.gifts import gift_of
from referrals.rewarding.vouchers import view_of
from referrals.web.api.calls import Call
from referrals.web.api.idempotency import Reply
from referrals.web.api.problems import Problem, reply
from referrals.web.api.shapes import ExternalId, Moment, Number, ShopName
from referrals.web.api.spec import Spec, describe
from storage.vouchers import NEVER


class Account(TypedDict):
    """A shop's account, as in the standard hook; told again, it is brought up to date."""

    shop: NotRequired[ShopName]
    id: ExternalId
    email: NotRequired[str | None]
    first_name: NotRequired[str | None]
    locale: NotRequired[Annotated[str | None, Field(examples=["nl"])]]
    marketing_consent: NotRequired[bool | None]
    ambassador: NotRequired[Annotated[bool | None, Field(description="Makes a code, where they have none.")]]
    ref: NotRequired[Annotated[str | None, Field(description="As the landing page got it: a sign-up by a link.")]]
    click: NotRequired[Annotated[str | None, Field(description="As the landing page got it.")]]
    codes: NotRequired[list[str] | None]
    created_at: NotRequired[Moment | None]
    deleted: NotRequired[bool | None]


class Links(TypedDict):
    """Where a code leads."""

    web: Annotated[str, Field(description="The shop.")]
    chat: Annotated[str | None, Field(description="The bot; null until its name is known.")]
    page: Annotated[str, Field(description="The friend's page.")]


class Standing(TypedDict):
    """Where they stand in this month."""

    period: Literal["month"]
    place: int | None
    friends: int
    move: int | None
    distance_to_next: int | None


class Gift(TypedDict):
    """The welcome gift of somebody who was brought: a single-use code, and what it gives."""

    code: str
    status: Literal["standing", "redeemed", "void", "expired"]
    kind: Literal["fixed", "percent", "gift"]
    amount_minor: Annotated[int, Field(description="What it takes off, what a percentage takes off at most, or costs.")]
    percent: Annotated[str | None, Field(examples=["10.00"])]
    sku: str | None
    min_order_minor: int
    currency: str
    expires_at: Moment


class Customer(TypedDict):
    """A customer: code, links, balances by currency, standing and state; no address."""

    customer: Number
    state: Literal["active", "excluded", "staff", "erased"]
    first_name: str | None
    locale: str | None
    marketing_consent: bool | None
    code: str | None
    links: Links | None
    balances: dict[str, Balance]
    standing: Standing
    gift: Gift | None


class NeverKnown(TypedDict):
    """An account that was deleted before it was known: there is nobody."""

    customer: None
    status: str


class ConnectLink(TypedDict):
    """A link that connects one chat, once."""

    url: str
    expires_at: Moment


@describe(
    Spec(
        {200: Customer | NeverKnown, 201: Customer},
        takes=Account,
        refuses={422: ("unknown_shop", "invalid_body")},
        once="optional",
    )
)
async def put_customer(call: Call) -> web.Response:
    """The account is known as the body says; 201 when it is new. ``ambassador`` makes a code (rules 18)."""
    delivery = _delivery(call)
    programme = call.door.programme

    def work(session: Session) -> Reply:
        answer = apply_deliveries(session, [delivery], programme=programme)[0]
        if answer.customer_id is None:  # an account that was deleted before we knew it
            return Reply(200, {"customer": None, "status": answer.status})
        view = customer_view(session, answer.customer_id, programme=programme, now=delivery.received_at)
        return Reply(201 if answer.created else 200, view)

    return await call.once(work, call.claim(sealed=True))  # the reply holds the code of a gift


@describe(Spec({201: ConnectLink}, refuses={404: ("unknown_customer",), 503: ("bot_unknown",)}, once="optional"))
async def make_connect_link(call: Call) -> web.Response:
    """A one-time deep link for e-mails and packing slips; 503 ``bot_unknown`` until the bot has a name (rules 22)."""
    customer_id, door = call.number("customer"), call.door
    machine_now = door.clock.machine()

    def work(session: Session) -> Reply:
        bot = door.bot_name or get_bot_name(session, door.programme.config)
        token, expires_at = make_connect_token(session, customer_id, programme=door.programme, machine_now=machine_now)
        url = door.programme.chat_link(bot, f"c_{token}")
        return Reply(201, {"url": url, "expires_at": expires_at.isoformat()})

    return await call.once(work, call.claim(sealed=True))


@describe(Spec({200: Customer}, refuses={404: ("unknown_customer",)}))
async def show_customer(call: Call) -> web.Response:
    """Code, links, balances, standing and state."""
    door = call.door
    view = await door.database.read(
        customer_view, call.number("customer"), programme=door.programme, now=door.clock.programme()
    )
    return reply(200, view)


def customer_view(session: Session, customer_id: int, *, programme: Programme, now: datetime) -> dict[str, Any]:
    """A customer as the API shows them. Raises UnknownCustomer."""
    customer = get_customer(session, customer_id)
    money = {programme.currency: Balance()} | balances(session, customer.id)
    place = own_place(session, customer.id, period="month", programme=programme, now=now)
    return {
        **profile(session, customer.id, programme=programme),
        "balances": {currency: asdict(balance) for currency, balance in money.items()},
        "standing": {
            "period": "month",
            "place": place.place,
            "friends": place.friends,
            "move": place.move,
            "distance_to_next": place.distance_to_next,
        },
        "gift": _gift(session, customer.id, programme=programme, now=now),
    }


def _gift(session: Session, customer_id: int, *, programme: Programme, now: datetime) -> dict[str, Any] | None:
    found = gift_of(session, customer_id)
    if found is None:
        return None
    view = view_of(found, now=now)
    return {
        "code": view.code,
        "status": view.status,
        "kind": view.kind,
        "amount_minor": view.amount_minor,
        "percent": percent_of(view.share_basis_points),
        "sku": view.sku,
        "min_order_minor": view.min_order_minor,
        "currency": view.currency,
        "expires_at": (view.expires_at or NEVER).astimezone(programme.zone).isoformat(),
    }


def percent_of(basis_points: int | None) -> str | None:
    """A share as the configuration writes it."""
    return None if basis_points is None else f"{basis_points / 100:.2f}"


def shop_of(data: dict[str, Any], config: Config) -> str:
    """The shop that the body names; where there is only one it need not. Raises Problem 422."""
    name = data.get("shop", config.shops[0].name if len(config.shops) == 1 else None)
    if not isinstance(name, str) or config.shop(name) is None:
        raise Problem(422, "unknown_shop", "shop names no [[shops]] of the configuration.")
    return name


def stored_body(kind: str, data: dict[str, Any]) -> bytes:
    """The event as the standard hook would say it, for the inbox and its replay."""
    return json.dumps({"type": kind, "data": data}, default=str, separators=(",", ":")).encode()


def _delivery(call: Call) -> Delivery:
    data = call.data
    shop = shop_of(data, call.door.programme.config)
    state = _state(shop, data)
    return Delivery(
        kind=API, shop=shop, body=stored_body("customer.state", data), event=state,
        received_at=call.door.clock.programme(),
    )  # fmt: skip


def _state(shop: str, data: dict[str, Any]) -> CustomerState:
    try:
        return replace(standard.customer_state(shop, data), ambassador=reading.truth(data, "ambassador") or False)
    except Nonsense as error:
        raise Problem(422, "invalid_body", error.reason) from error
