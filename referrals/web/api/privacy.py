"""``/api/v1/customers/{number}``: everything kept of a person handed out, and a person forgotten (rules 41)."""

from __future__ import annotations

from aiohttp import web
from sqlmodel import Session

from referrals.privacy.erasure import erase
from referrals.privacy.export import hand_out
from referrals.web.api.calls import Call
from referrals.web.api.idempotency import Reply
from referrals.web.api.problems import reply


async def export_customer(call: Call) -> web.Response:
    """All that is kept of them, as plain JSON; the audit log says who asked."""
    door = call.door
    kept = await door.database.write(
        hand_out, call.number("customer"), actor=call.actor, programme=door.programme, now=door.clock.programme()
    )
    return reply(200, kept)


async def erase_customer(call: Call) -> web.Response:
    """They are forgotten; asked again, the answer is the same but for ``erased``, which says what this call did."""
    customer_id, programme, now = call.number("customer"), call.door.programme, call.door.clock.programme()

    def work(session: Session) -> Reply:
        done = erase(session, customer_id, actor=call.actor, programme=programme, now=now)
        number = programme.number("customer", done.customer_id)
        return Reply(200, {"customer": number, "state": "erased", "erased": not done.again})

    return await call.once(work, call.claim())
