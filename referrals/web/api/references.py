"""``/api/v1/references``: how every reference stands, with its words while its customer allows them."""

from __future__ import annotations

from aiohttp import web

from referrals.asking.reference_list import reference_views
from referrals.web.api.calls import Call
from referrals.web.api.problems import reply
from referrals.web.api.referrals import given_number, page_size


async def list_references(call: Call) -> web.Response:
    """Everybody's, or one customer's, the newest first; ``next_cursor`` leads on until it is null."""
    query, door = call.request.query, call.door
    limit = page_size(query.get("limit"))
    items = await door.database.read(
        reference_views,
        programme=door.programme,
        now=door.clock.programme(),
        limit=limit + 1,
        customer_id=given_number(call, "customer", query.get("customer"), code="unknown_customer"),
        before_id=given_number(call, "reference", query.get("cursor"), code="invalid_cursor"),
    )
    more = len(items) > limit
    return reply(200, {"items": items[:limit], "next_cursor": items[limit - 1]["reference"] if more else None})
