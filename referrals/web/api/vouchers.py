"""``/api/v1/vouchers``: credit as a code, and what a checkout asks of it; each needs an Idempotency-Key (rules 40).

``POST /vouchers`` ``{"customer", "amount_minor"?, "currency"?}`` → 201, the voucher with its ``code``.
``POST /vouchers/validate`` ``{"code", "order"?, "shop"?}`` → ``{"valid", "voucher", "reasons"}``.
``POST /vouchers/redeem`` ``{"code", "order", "shop"?, "amount_minor"?, "currency"?, "rest": "return"|"keep"}`` and
``POST /vouchers/rollback`` ``{"code", "order", "shop"?}`` → what the order holds of it, and the voucher as it is now.
Without ``amount_minor`` all of it is meant. The code itself is only said where it is made.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, NotRequired

from aiohttp import web
from pydantic import Field
from sqlmodel import Session
from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12

from referrals import money
from referrals.programme import Programme
from referrals.recruiting.shops import Nonsense, reading
from referrals.rewarding.redemptions import OrderKey, RedemptionView, redeem_voucher, rollback_voucher, stacking_reasons
from referrals.rewarding.vouchers import VoucherView, issue_voucher, validate_voucher
from referrals.web.api.calls import Call
from referrals.web.api.customers import percent_of, shop_of
from referrals.web.api.idempotency import Reply
from referrals.web.api.problems import Problem
from referrals.web.api.shapes import Currency, Explained, ExternalId, Minor, Moment, Number, ShopName
from referrals.web.api.spec import Spec, describe

MOST_MINOR = 2**53 - 1  # the greatest whole number that every JSON reader keeps
RESTS = ("return", "keep")

Code = Annotated[str, Field(min_length=1, description="As the buyer typed it, in any case.")]
Amount = Annotated[int, Field(gt=0, le=MOST_MINOR, description="In minor units; left out: all of it.")]
Named = Annotated[str, Field(examples=["EUR"], description="ISO 4217; needed beside an amount.")]


class NewVoucher(TypedDict):
    """Whose credit, and how much of it."""

    customer: Number
    amount_minor: NotRequired[Amount | None]
    currency: NotRequired[Named | None]


class Asked(TypedDict):
    """Which voucher is meant; for which order, where it may have used another code."""

    code: Code
    order: NotRequired[ExternalId]
    shop: NotRequired[ShopName]


class Redeem(TypedDict):
    """Which order takes how much of it; what happens to the rest."""

    code: Code
    order: ExternalId
    shop: NotRequired[ShopName]
    amount_minor: NotRequired[Amount | None]
    currency: NotRequired[Named | None]
    rest: NotRequired[Annotated[Literal["return", "keep"], Field(description="It is credit again, or it stays.")]]


class Rollback(TypedDict):
    """Which order was called off."""

    code: Code
    order: ExternalId
    shop: NotRequired[ShopName]


class Voucher(TypedDict):
    """Credit as a code, as it stands."""

    voucher: Number
    customer: Number
    status: Literal["standing", "redeemed", "void", "expired"]
    amount_minor: Minor
    left_minor: Minor
    currency: Currency
    created_at: Moment
    expires_at: Annotated[Moment | None, Field(description="Null: the shop's own code has no end.")]
    ended_at: Moment | None
    purpose: Annotated[Literal["credit", "gift"], Field(description="A gift is what a friend got at sign-up.")]
    kind: Literal["fixed", "percent", "gift"]
    percent: Annotated[str | None, Field(description="Of a percentage, which takes off amount_minor at most.")]
    sku: Annotated[str | None, Field(description="Of a gift that is a piece of goods.")]
    min_order_minor: Annotated[int, Field(description="The least order, for the shop to check.")]


class VoucherMade(Voucher):
    """Likewise with the code, which is said nowhere else."""

    code: str


class Validity(TypedDict):
    """Whether it can be redeemed now, and why not."""

    valid: bool
    voucher: Voucher | None
    reasons: list[Explained]


class Redemption(TypedDict):
    """What the order holds of it, and the voucher as it is now."""

    voucher: Voucher
    shop: str
    order: str
    status: Literal["redeemed", "rolled_back"]
    amount_minor: Minor
    returned_minor: Minor
    currency: Currency
    redeemed_at: Moment
    rolled_back_at: Moment | None


@describe(
    Spec(
        {201: VoucherMade},
        takes=NewVoucher,
        refuses={
            404: ("unknown_customer",),
            409: ("not_enough_credit", "no_such_reward", "excluded_customer"),
            422: ("invalid_body",),
        },
        once="required",
    )
)
async def make_voucher(call: Call) -> web.Response:
    """So much of the customer's credit is a voucher; the reply with its code is stored sealed."""
    claim = call.claim(required=True, sealed=True)
    data, programme, now = call.data, call.door.programme, call.door.clock.programme()
    customer_id = _customer(call, data)
    amount_minor, currency = _amount(data)

    def work(session: Session) -> Reply:
        voucher = issue_voucher(
            session, customer_id, amount_minor=amount_minor, currency=currency or programme.currency, actor=call.actor,
            programme=programme, now=now,
        )  # fmt: skip
        return Reply(201, _voucher(voucher, programme) | {"code": voucher.code})

    return await call.once(work, claim)


@describe(
    Spec(
        {200: Validity},
        takes=Asked,
        refuses={422: ("invalid_body", "unknown_shop")},
        once="required",
        speaks=True,
    )
)
async def validate(call: Call) -> web.Response:
    """Whether the code can be redeemed now, for how much, and why not."""
    claim = call.claim(required=True)
    code, programme, now = _code(call.data), call.door.programme, call.door.clock.programme()
    order = _order(call, call.data) if call.data.get("order") is not None else None

    def work(session: Session) -> Reply:
        voucher, reasons = validate_voucher(session, code, now=now)
        if voucher is not None and order is not None and not reasons:
            reasons = stacking_reasons(session, voucher, order, stackable=programme.config.vouchers.stackable_with)
        shown = None if voucher is None else _voucher(voucher, programme)
        return Reply(200, {"valid": not reasons, "voucher": shown, "reasons": call.explained(reasons)})

    return await call.once(work, claim)


@describe(
    Spec(
        {200: Redemption},
        takes=Redeem,
        refuses={
            404: ("unknown_voucher",),
            409: (
                "voucher_redeemed", "voucher_void", "voucher_expired", "voucher_worth_less", "other_currency",
                "excluded_customer", "not_stackable",
            ),
            422: ("invalid_body", "unknown_shop", "amount_needed"),
        },
        once="required",
    )
)  # fmt: skip
async def redeem(call: Call) -> web.Response:
    """The order took so much of it; the same order again changes nothing, another one is refused."""
    claim = call.claim(required=True)
    data, programme, now = call.data, call.door.programme, call.door.clock.programme()
    code, order, keep_rest = _code(data), _order(call, data), _keeps_rest(data)
    amount_minor, currency = _amount(data)

    def work(session: Session) -> Reply:
        done = redeem_voucher(
            session, code, order=order, amount_minor=amount_minor, currency=currency, keep_rest=keep_rest,
            stackable=programme.config.vouchers.stackable_with, actor=call.actor, now=now,
        )  # fmt: skip
        return Reply(200, _redemption(done, programme))

    return await call.once(work, claim)


@describe(
    Spec(
        {200: Redemption},
        takes=Rollback,
        refuses={404: ("unknown_voucher", "voucher_not_redeemed"), 422: ("invalid_body", "unknown_shop")},
        once="required",
    )
)
async def rollback(call: Call) -> web.Response:
    """The order was called off: the voucher holds again what it held."""
    claim = call.claim(required=True)
    data, programme, now = call.data, call.door.programme, call.door.clock.programme()
    code, order = _code(data), _order(call, data)

    def work(session: Session) -> Reply:
        done = rollback_voucher(session, code, order=order, actor=call.actor, now=now)
        return Reply(200, _redemption(done, programme))

    return await call.once(work, claim)


def _customer(call: Call, data: dict[str, Any]) -> int:
    number = data.get("customer")
    found = call.door.programme.identifier("customer", number) if isinstance(number, str) else None
    if found is None:
        raise Problem(404, "unknown_customer", "customer is no customer's number.")
    return found


def _code(data: dict[str, Any]) -> str:
    try:
        code = reading.text(data, "code")
    except Nonsense as error:
        raise Problem(422, "invalid_body", error.reason) from error
    if code is None:
        raise Problem(422, "invalid_body", "code says which voucher is meant.")
    return code


def _order(call: Call, data: dict[str, Any]) -> OrderKey:
    try:
        return OrderKey(shop_of(data, call.door.programme.config), reading.identifier(data, "order"))
    except Nonsense as error:
        raise Problem(422, "invalid_body", error.reason) from error


def _keeps_rest(data: dict[str, Any]) -> bool:
    rest = data.get("rest", RESTS[0])
    if rest not in RESTS:
        raise Problem(422, "invalid_body", 'rest is "return" (it is credit again) or "keep" (it stays in the voucher).')
    return bool(rest == RESTS[1])


def _amount(data: dict[str, Any]) -> tuple[int | None, str | None]:
    """The amount in minor units and its currency; an amount alone would not say of what."""
    amount, currency = data.get("amount_minor"), data.get("currency")
    if amount is not None and (type(amount) is not int or not 0 < amount <= MOST_MINOR):
        raise Problem(422, "invalid_body", "amount_minor is a whole number of the currency's smallest units, above 0.")
    if currency is not None and (not isinstance(currency, str) or currency not in money.EXPONENTS):
        raise Problem(422, "invalid_body", "currency is a currency of ISO 4217, like EUR.")
    if amount is not None and currency is None:
        raise Problem(422, "invalid_body", "amount_minor needs its currency.")
    return amount, currency


def _voucher(voucher: VoucherView, programme: Programme) -> dict[str, Any]:
    zone = programme.zone
    ended_at = voucher.ended_at
    return {
        "voucher": programme.number("voucher", voucher.id),
        "customer": programme.number("customer", voucher.customer_id),
        "status": voucher.status,
        "amount_minor": voucher.amount_minor,
        "left_minor": voucher.left_minor,
        "currency": voucher.currency,
        "created_at": voucher.created_at.astimezone(zone).isoformat(),
        "expires_at": None if voucher.expires_at is None else voucher.expires_at.astimezone(zone).isoformat(),
        "ended_at": None if ended_at is None else ended_at.astimezone(zone).isoformat(),
        "purpose": voucher.purpose,
        "kind": voucher.kind,
        "percent": percent_of(voucher.share_basis_points),
        "sku": voucher.sku,
        "min_order_minor": voucher.min_order_minor,
    }


def _redemption(done: RedemptionView, programme: Programme) -> dict[str, Any]:
    rolled_back_at = done.rolled_back_at
    return asdict(done) | {
        "voucher": _voucher(done.voucher, programme),
        "currency": done.voucher.currency,
        "redeemed_at": done.redeemed_at.astimezone(programme.zone).isoformat(),
        "rolled_back_at": None if rolled_back_at is None else rolled_back_at.astimezone(programme.zone).isoformat(),
    }
