"""``/api/v1/customers/{number}``: everything kept of a person handed out, and a person forgotten (rules 41)."""

from __future__ import annotations

from aiohttp import web
from sqlmodel import Session

from referrals.privacy.erasure import erase
from referrals.privacy.export import export_person, note_export
from referrals.web.api.calls import Call
from referrals.web.api.idempotency import Reply
from referrals.web.api.problems import reply


async def export_customer(call: Call) -> web.Response:
    """All that is kept of them, as plain JSON; the audit log says who asked."""
    door, customer_id = call.door, call.number("customer")
    now = door.clock.programme()
    await door.database.write(note_export, customer_id, actor=call.actor, now=now)
    # Read outside the writer: somebody's ten years may take a while.
    return reply(200, await door.database.read(export_person, customer_id, programme=door.programme, now=now))


async def erase_customer(call: Call) -> web.Response:
    """They are forgotten; asked again, the answer is the same but for ``erased``, which says what this call did."""
    customer_id, programme, now = call.number("customer"), call.door.programme, call.door.clock.programme()

    def work(session: Session) -> Reply:
        done = erase(session, customer_id, actor=call.actor, programme=programme, now=now)
        number = programme.number("customer", done.customer_id)
        return Reply(200, {"customer": number, "state": "erased", "erased": not done.again})

    return await call.once(work, call.claim())
