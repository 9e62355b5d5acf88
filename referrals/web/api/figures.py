"""``GET /api/v1/figures``: the day in figures, as the owner's chat shows it, with scores and waiting customers."""

from __future__ import annotations

from aiohttp import web

from referrals.figures.today import Today, today
from referrals.web.api.calls import Call
from referrals.web.api.problems import reply
from referrals.web.api.spec import Spec, describe


@describe(Spec({200: Today}))
async def show_figures(call: Call) -> web.Response:
    """Counts and sums, and nobody's name."""
    door = call.door
    found = await door.database.read(today, programme=door.programme, now=door.clock.programme())
    return reply(200, found.as_dict())
