"""``/api/v1/contacts``: what was said of our own accord, what was not, and why."""

from __future__ import annotations

from aiohttp import web

from referrals.asking.contact_log import contact_views
from referrals.web.api.calls import Call
from referrals.web.api.problems import reply
from referrals.web.api.referrals import given_number, page_size


async def list_contacts(call: Call) -> web.Response:
    """Everybody's, or one customer's, the newest first; ``next_cursor`` leads on until it is null."""
    query = call.request.query
    limit = page_size(query.get("limit"))
    rows = await call.door.database.read(
        contact_views,
        programme=call.door.programme,
        limit=limit + 1,
        customer_id=given_number(call, "customer", query.get("customer"), code="unknown_customer"),
        before_id=given_number(call, "contact", query.get("cursor"), code="invalid_cursor"),
    )
    items = [row | {"reasons": call.explained(row["reasons"])} for row in rows[:limit]]
    return reply(200, {"items": items, "next_cursor": items[-1]["contact"] if len(rows) > limit else None})
