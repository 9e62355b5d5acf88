"""``/api/v1/references``: how every reference stands, with its words while its customer allows them."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from referrals.asking.reference_list import reference_views
from referrals.web.api.calls import Call
from referrals.web.api.paging import PAGE_QUERY, PAGE_REFUSES, read_page
from referrals.web.api.problems import reply
from referrals.web.api.shapes import Moment, Number, PageOf
from referrals.web.api.spec import Spec, describe


class Reference(TypedDict):
    """A customer's words on their way to the portfolio."""

    reference: Number
    customer: Number
    status: Literal[
        "nominated", "invited", "accepted", "snoozed", "declined", "expired", "answering", "draft",
        "customer_approved", "published", "owner_declined", "withdrawn", "over",
    ]  # fmt: skip
    on_wall: bool
    uses: list[Literal["website", "social", "print"]]
    text: Annotated[
        str | None, Field(description="This and what is shown with it: only while their customer says yes.")
    ]
    name: str | None
    town: str | None
    customer_since: str | None
    lang: str | None
    thanked: bool
    invited_at: Moment | None
    published_at: Moment | None
    expires_at: Moment | None
    withdrawn_at: Moment | None
    created_at: Moment
    updated_at: Moment


@describe(Spec({200: PageOf[Reference]}, query=PAGE_QUERY, refuses=PAGE_REFUSES))
async def list_references(call: Call) -> web.Response:
    """Everybody's, or one customer's, the newest first; ``next_cursor`` leads on until it is null."""
    asked, door = read_page(call, "reference"), call.door
    rows = await door.database.read(
        reference_views, programme=door.programme, now=door.clock.programme(), **asked.query
    )
    return reply(200, asked.page(rows, dict))
