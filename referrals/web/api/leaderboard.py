"""``GET /api/v1/leaderboard``: the board of a period, as the command prints it."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from referrals.figures.board import TOP, UnknownPeriod, board
from referrals.recruiting.shops import Nonsense, reading
from referrals.web.api.calls import Call
from referrals.web.api.problems import Problem, reply
from referrals.web.api.referrals import page_size


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
