"""``/api/v1/reviews``: bonuses that wait for a look, with score and signals, and a person's decision on them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from aiohttp import web
from pydantic import Field
from sqlmodel import Session
from typing_extensions import TypedDict

from referrals.reviewing.decide import WHY
from referrals.reviewing.listing import decide_by_number, review_views
from referrals.web.api.bonuses import Signal
from referrals.web.api.calls import Call
from referrals.web.api.idempotency import Reply
from referrals.web.api.paging import PAGE_QUERY, PAGE_REFUSES, read_page
from referrals.web.api.problems import Problem, reply
from referrals.web.api.shapes import Currency, Minor, Moment, Number, PageOf
from referrals.web.api.spec import Spec, describe
from storage.ledger import PASSED, TURNED_DOWN

DECISIONS = {"approve": PASSED, "reject": TURNED_DOWN}

Bonuses = Annotated[list[Number], Field(description="As GET /bonuses numbers them, the oldest first.")]


class CountedSignal(Signal):
    """One reason to look, and how many of these bonuses have it."""

    bonuses: int


class Sum(TypedDict):
    """What waits in one currency."""

    currency: Currency
    amount_minor: Minor


class Review(TypedDict):
    """Bonuses of one ambassador with one main cause: one thing to decide."""

    review: Annotated[Number, Field(description="It stands for these bonuses: one more, and the number is another.")]
    customer: Annotated[Number, Field(description="The ambassador.")]
    cause: Annotated[str, Field(description="The signal that weighs most.", examples=["orders_per_ip"])]
    score: Annotated[int, Field(description="The highest of these bonuses, 0 to 100.")]
    signals: Annotated[list[CountedSignal], Field(description="Not for the ambassador's eyes.")]
    amounts: list[Sum]
    bonuses: Bonuses
    since: Annotated[Moment, Field(description="When the oldest was earned.")]


class Decision(TypedDict):
    """Approve: released on the usual day. Reject: they earn nothing, and the log says why."""

    decision: Literal["approve", "reject"]
    why: NotRequired[
        Annotated[Literal["own", "misuse", "unsure"] | None, Field(description="Needed with reject, and only there.")]
    ]


class Decided(TypedDict):
    """What became of which bonuses."""

    review: Number
    customer: Number
    status: Literal["passed", "turned_down"]
    bonuses: Bonuses


@describe(Spec({200: PageOf[Review]}, query=PAGE_QUERY, refuses=PAGE_REFUSES))
async def list_reviews(call: Call) -> web.Response:
    """What waits for a decision, the newest first; ``next_cursor`` leads on until it is null."""
    asked = read_page(call, "review")
    rows = await call.door.database.read(review_views, programme=call.door.programme, **asked.query)
    return reply(200, asked.page(rows, lambda row: row))


@describe(
    Spec(
        {200: Decided},
        takes=Decision,
        refuses={404: ("unknown_review",), 409: ("review_decided",), 422: ("invalid_body",)},
        once="required",
    )
)
async def decide_review(call: Call) -> web.Response:
    """All bonuses of the review are decided, and none that came later. What was rejected can be approved after all."""
    claim, review_id = call.claim(required=True), call.number("review")
    decision, why = _decision(call.data)
    door, now = call.door, call.door.clock.programme()

    def work(session: Session) -> Reply:
        how: dict[str, Any] = {"review": decision, "why": why, "actor": call.actor, "now": now}
        return Reply(200, decide_by_number(session, review_id, programme=door.programme, **how))

    return await call.once(work, claim)


def _decision(data: dict[str, Any]) -> tuple[str, str | None]:
    """What is decided, and why. Raises Problem 422."""
    said, why = data.get("decision"), data.get("why")
    if not isinstance(said, str) or said not in DECISIONS:
        raise Problem(422, "invalid_body", "decision is approve or reject.")
    if said == "reject" and (not isinstance(why, str) or why not in WHY):
        raise Problem(422, "invalid_body", f"why is one of {', '.join(WHY)}.")
    if said == "approve" and why is not None:
        raise Problem(422, "invalid_body", "why goes with reject.")
    return DECISIONS[said], why
