"""``/api/v1/referrals``: pairs of ambassador and friend, with evidence, reasons and bonus; and by hand."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlmodel import Session, select

from referrals.errors import UnknownOrder
from referrals.recruiting.by_hand import refer_by_hand
from referrals.recruiting.overview import referral_view, referral_views
from referrals.recruiting.shops import Nonsense, reading
from referrals.web.api.calls import Call
from referrals.web.api.customers import shop_of
from referrals.web.api.idempotency import Reply
from referrals.web.api.problems import Problem, reply
from storage.orders import Order

LIMIT, MOST = 50, 200
LONGEST_NUMBER = 9  # digits


async def list_referrals(call: Call) -> web.Response:
    """Everybody's, or one customer's, the newest first; ``next_cursor`` leads on until it is null."""
    programme, query = call.door.programme, call.request.query
    limit = page_size(query.get("limit"))
    rows = await call.door.database.read(
        referral_views,
        programme=programme,
        limit=limit + 1,
        ambassador_id=given_number(call, "customer", query.get("customer"), code="unknown_customer"),
        before_id=given_number(call, "referral", query.get("cursor"), code="invalid_cursor"),
    )
    more = len(rows) > limit
    items = [_explained(call, row) for row in rows[:limit]]
    return reply(200, {"items": items, "next_cursor": items[-1]["referral"] if more else None})


async def show_referral(call: Call) -> web.Response:
    """One pair with its orders and the candidates that lost."""
    row = await call.door.database.read(referral_view, call.number("referral"), programme=call.door.programme)
    return reply(200, _explained(call, row))


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


def page_size(given: str | None) -> int:
    """How many the caller wants. Raises Problem 422."""
    if given is None:
        return LIMIT
    if not (given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER) or not 0 < int(given) <= MOST:
        raise Problem(422, "invalid_limit", f"limit is a number from 1 to {MOST}.")
    return int(given)


def given_number(call: Call, kind: str, number: str | None, *, code: str) -> int | None:
    """The id behind a public number of the query, if one is given. Raises Problem 404 or 422."""
    if number is None:
        return None
    found = call.door.programme.identifier(kind, number)
    if found is None:
        raise Problem(404 if code == "unknown_customer" else 422, code, f"No {kind} has this number.")
    return found


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
