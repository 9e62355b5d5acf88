"""``/api/v1/referrals``: pairs of ambassador and friend, with evidence, reasons and bonus; and by hand."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from aiohttp import web
from pydantic import Field
from sqlmodel import Session, select
from typing_extensions import TypedDict

from referrals.errors import UnknownOrder
from referrals.recruiting.by_hand import refer_by_hand
from referrals.recruiting.overview import referral_view, referral_views
from referrals.recruiting.shops import Nonsense, reading
from referrals.web.api.calls import Call
from referrals.web.api.customers import shop_of
from referrals.web.api.idempotency import Reply
from referrals.web.api.paging import PAGE_QUERY, PAGE_REFUSES, read_page
from referrals.web.api.problems import Problem, reply
from referrals.web.api.shapes import (
    BonusStatus,
    Currency,
    Explained,
    ExternalId,
    Minor,
    Moment,
    Number,
    OrderStatus,
    PageOf,
    ShopName,
)
from referrals.web.api.spec import Spec, describe
from storage.orders import Order

Kind = Annotated[str, Field(examples=["code"], description="voucher, code, sign_up, click, by_hand and the like.")]


class Evidence(TypedDict):
    """What points to the ambassador."""

    kind: Kind
    code: str | None
    at: Moment


class Candidate(TypedDict):
    """Evidence of the friend's orders that points to somebody else."""

    kind: Kind
    customer: Number
    code: str | None
    at: Moment
    lost: Annotated[str | None, Field(description="The reason's code.")]


class BonusOfReferral(TypedDict):
    """The weightiest of the ambassador's bonuses for this friend."""

    bonus: Number
    status: BonusStatus
    amount_minor: Minor
    currency: Currency
    available_at: Moment
    under_review: bool
    reasons: list[Explained]


class OrderOfFriend(TypedDict):
    """An order that points to this ambassador, whether it counts for them or not."""

    shop: str
    order: str
    status: OrderStatus
    counts: bool
    reasons: list[Explained]


class Referral(TypedDict):
    """A pair of ambassador and friend."""

    referral: Number
    customer: Annotated[Number, Field(description="The ambassador.")]
    friend: Number
    status: Literal["invited", "signed_up", "on_hold", "approved", "refused", "reversed"]
    standing: Annotated[bool, Field(description="Whether it is the pair that counts for this friend.")]
    evidence: Evidence
    by_hand: Annotated[Moment | None, Field(description="When somebody decided it.")]
    reasons: list[Explained]
    bonus: BonusOfReferral | None
    created_at: Moment
    updated_at: Moment


class WholeReferral(Referral):
    """A pair with the friend's orders and the candidates that lost."""

    orders: list[OrderOfFriend]
    candidates: list[Candidate]


class OrderKey(TypedDict):
    """An order as the shop names it."""

    shop: NotRequired[ShopName]
    id: ExternalId


class ByHand(TypedDict):
    """Who brought whom, said by somebody; friend or order says who was brought."""

    ambassador: Number
    friend: NotRequired[Number | None]
    order: NotRequired[OrderKey | None]
    why: Annotated[str, Field(min_length=1, description="In words, for the audit log.")]


@describe(Spec({200: PageOf[Referral]}, query=PAGE_QUERY, refuses=PAGE_REFUSES, speaks=True))
async def list_referrals(call: Call) -> web.Response:
    """Everybody's, or one customer's, the newest first; ``next_cursor`` leads on until it is null."""
    asked = read_page(call, "referral")
    rows = await call.door.database.read(
        referral_views,
        programme=call.door.programme,
        limit=asked.limit + 1,
        ambassador_id=asked.customer_id,
        before_id=asked.before_id,
    )
    return reply(200, asked.page(rows, lambda row: _explained(call, row)))


@describe(Spec({200: WholeReferral}, refuses={404: ("unknown_referral",)}, speaks=True))
async def show_referral(call: Call) -> web.Response:
    """One pair with its orders and the candidates that lost."""
    row = await call.door.database.read(referral_view, call.number("referral"), programme=call.door.programme)
    return reply(200, _explained(call, row))


@describe(
    Spec(
        {201: WholeReferral},
        takes=ByHand,
        refuses={
            404: ("unknown_customer", "unknown_order"),
            409: ("own_account", "excluded_customer"),
            422: ("unknown_customer", "unknown_shop", "invalid_body"),
        },
        once="required",
        speaks=True,
    )
)
async def refer(call: Call) -> web.Response:
    """The friend is this ambassador's because somebody says so, with a reason (rules 12, 40)."""
    claim = call.claim(required=True)
    data, programme = call.data, call.door.programme
    now = call.door.clock.programme()
    ambassador_id = _named(call, data, "ambassador")
    friend_id = _named(call, data, "friend") if data.get("friend") is not None else None
    order = _order_key(call, data) if friend_id is None else None
    why = _why(data)

    def work(session: Session) -> Reply:
        order_id = _find_order(session, *order) if order else None
        referral_id = refer_by_hand(
            session, ambassador_id=ambassador_id, friend_id=friend_id, order_id=order_id, why=why, actor=call.actor,
            programme=programme, now=now,
        )  # fmt: skip
        session.flush()
        return Reply(201, _explained(call, referral_view(session, referral_id, programme=programme)))

    return await call.once(work, claim)


def _named(call: Call, data: dict[str, Any], name: str) -> int:
    number = data.get(name)
    found = call.door.programme.identifier("customer", number) if isinstance(number, str) else None
    if found is None:
        raise Problem(422, "unknown_customer", f"{name} is no customer's number.")
    return found


def _why(data: dict[str, Any]) -> str:
    try:
        why = reading.text(data, "why")
    except Nonsense as error:
        raise Problem(422, "invalid_body", error.reason) from error
    if why is None:
        raise Problem(422, "invalid_body", "why says in words who decided this and for what reason.")
    return why


def _order_key(call: Call, data: dict[str, Any]) -> tuple[str, str]:
    try:
        order = reading.part(data, "order")
        if not order:
            raise Problem(422, "invalid_body", "friend or order says who was brought.")
        return shop_of(order, call.door.programme.config), reading.identifier(order, "id")
    except Nonsense as error:
        raise Problem(422, "invalid_body", error.reason) from error


def _find_order(session: Session, shop: str, external_id: str) -> int:
    found = session.exec(select(Order.id).where(Order.shop == shop, Order.external_id == external_id)).first()
    if found is None:
        raise UnknownOrder
    return found


def _explained(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    """The row with a sentence beside every reason in it."""
    said = row | {"reasons": call.explained(row["reasons"])}
    if row["bonus"]:
        said["bonus"] = row["bonus"] | {"reasons": call.explained(row["bonus"]["reasons"])}
    if "orders" in row:
        said["orders"] = [order | {"reasons": call.explained(order["reasons"])} for order in row["orders"]]
    return said
