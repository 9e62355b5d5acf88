"""``GET /api/v1/leaderboard``: the board of a period, as the command prints it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from referrals.figures.board import TOP, Row, UnknownPeriod, board
from referrals.figures.periods import KINDS
from referrals.recruiting.shops import Nonsense, reading
from referrals.web.api.calls import Call
from referrals.web.api.paging import Count, page_size
from referrals.web.api.problems import Problem, reply
from referrals.web.api.shapes import Currency, Moment
from referrals.web.api.spec import Parameter, Spec, describe

KEY = r"[0-9]{4}(-(W?[0-9]{2}|Q[1-4]))?"
Period = Annotated[str, Field(pattern=f"^({'|'.join(KINDS)}|{KEY})$")]
QUERY = (
    Parameter(
        "period", str, "week, month, quarter, year, all, or a key: 2026-W47, 2026-11, 2026-Q4, 2026. A month else."
    ),
    Parameter("at", Moment, "A moment that chooses the period; now where it is left out."),
    Parameter("top", Count, f"How many lines at most; {TOP} where it is left out."),
)
Leaderboard = TypedDict(
    "Leaderboard",
    {
        "period": Literal["week", "month", "quarter", "year", "all"],
        "key": str,
        "from": Moment | None,
        "until": Moment | None,
        "closed": bool,
        "rows": list[Row],
        "excluded": int,
        "under_review": int,
        "currency": Currency,
    },
)
Leaderboard.__doc__ = "The first of a period; equal results share a place."


@describe(Spec({200: Leaderboard}, query=QUERY, refuses={422: ("invalid_limit", "unknown_period", "invalid_time")}))
async def show_leaderboard(call: Call) -> web.Response:
    """The first of the period; ``at`` chooses a moment in it, ``top`` how many."""
    door, query = call.door, call.request.query
    top = page_size(query["top"]) if "top" in query else TOP
    try:
        found = await door.database.read(
            board,
            period=query.get("period", "month"),
            programme=door.programme,
            now=door.clock.programme(),
            at=_moment(query.get("at")),
            top=top,
        )
    except UnknownPeriod as error:
        raise Problem(
            422, "unknown_period", "period is week, month, quarter, year, all or a key like 2026-11."
        ) from error
    return reply(200, found.as_dict())


def _moment(given: str | None) -> datetime | None:
    try:
        # In a query a plus is a blank; nobody means one in a time.
        return reading.moment({"at": given.replace(" ", "+")}, "at") if given else None
    except Nonsense as error:
        raise Problem(422, "invalid_time", error.reason) from error
