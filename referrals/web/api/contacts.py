"""``/api/v1/contacts``: what was said of our own accord, what was not, and why."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from referrals.asking.contact_log import contact_views
from referrals.web.api.calls import Call
from referrals.web.api.paging import PAGE_QUERY, PAGE_REFUSES, read_page
from referrals.web.api.problems import reply
from referrals.web.api.shapes import Explained, Moment, Number, PageOf
from referrals.web.api.spec import Spec, describe


class Contact(TypedDict):
    """One message that the clock wanted to send, and what became of it."""

    contact: Number
    customer: Number
    play: Annotated[str, Field(description="Which of the programme's plays it belongs to.")]
    kind: Literal["score", "referral_ask", "reference_ask", "give"]
    status: Literal["planned", "sent", "not_sent"]
    cause_at: Annotated[Moment, Field(description="What it is about.")]
    planned_at: Moment
    due_at: Annotated[Moment | None, Field(description="When a planned one goes out at the earliest.")]
    expires_at: Moment
    sent_at: Moment | None
    reacted_at: Moment | None
    reasons: list[Explained]


@describe(Spec({200: PageOf[Contact]}, query=PAGE_QUERY, refuses=PAGE_REFUSES, speaks=True))
async def list_contacts(call: Call) -> web.Response:
    """Everybody's, or one customer's, the newest first; ``next_cursor`` leads on until it is null."""
    asked = read_page(call, "contact")
    rows = await call.door.database.read(contact_views, programme=call.door.programme, **asked.query)
    return reply(200, asked.page(rows, lambda row: row | {"reasons": call.explained(row["reasons"])}))
