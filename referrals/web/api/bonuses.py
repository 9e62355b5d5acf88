"""``/api/v1/bonuses``: what was earned, waits, was refused or taken back, and why; a friend is a number here."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from referrals.rewarding.balances import bonus_views
from referrals.web.api.calls import Call
from referrals.web.api.paging import PAGE_QUERY, PAGE_REFUSES, read_page
from referrals.web.api.problems import reply
from referrals.web.api.shapes import BonusStatus, Currency, Explained, Minor, Moment, Number, PageOf
from referrals.web.api.spec import Spec, describe


class BonusOrder(TypedDict):
    """The order that the bonus came from, as the shop numbers it."""

    shop: str
    id: str


class Signal(TypedDict):
    """One reason to look at a bonus."""

    code: str
    points: int
    count: NotRequired[int]
    days: NotRequired[int]


class Bonus(TypedDict):
    """One bonus of one customer, with its life so far."""

    bonus: Number
    customer: Annotated[Number, Field(description="Whose it is.")]
    side: Annotated[
        Literal["ambassador", "friend", "goodwill"], Field(description="Goodwill was given by hand; no rule owes it.")
    ]
    status: Annotated[BonusStatus | Literal["redeemed"], Field(description="redeemed: a friend's gift that was used.")]
    amount_minor: Annotated[Minor, Field(description="What is booked now; nought once refused or taken back.")]
    currency: Currency
    order: BonusOrder | None
    milestone: Annotated[int | None, Field(description="The number of friends that it is an extra for.")]
    referral: Number | None
    earned_at: Moment
    available_at: Annotated[Moment, Field(description="When the hold ends, or ended.")]
    under_review: bool
    review: Annotated[
        Literal["none", "waiting", "passed", "turned_down", "made_good"],
        Field(description="What an owner is asked or has decided; made_good: goodwill was given in its stead."),
    ]
    score: Annotated[int | None, Field(description="0 to 100, the higher the more suspicious; null: not looked at.")]
    signals: Annotated[list[Signal], Field(description="What the score is made of; not for the ambassador's eyes.")]
    reasons: list[Explained]


@describe(Spec({200: PageOf[Bonus]}, query=PAGE_QUERY, refuses=PAGE_REFUSES, speaks=True))
async def list_bonuses(call: Call) -> web.Response:
    """Everybody's, or one customer's, the newest first; ``next_cursor`` leads on until it is null."""
    asked = read_page(call, "bonus")
    rows = await call.door.database.read(bonus_views, programme=call.door.programme, **asked.query)
    return reply(200, asked.page(rows, lambda row: row | {"reasons": call.explained(row["reasons"])}))
