"""``/api/v1/customers/{number}``: everything kept of a person handed out, and a person forgotten (rules 41)."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import ConfigDict, Field
from sqlmodel import Session
from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12

from referrals.privacy.erasure import erase
from referrals.privacy.export import export_person, note_export
from referrals.web.api.calls import Call
from referrals.web.api.idempotency import Reply
from referrals.web.api.problems import reply
from referrals.web.api.shapes import Moment, Number
from referrals.web.api.spec import Spec, describe


class Export(TypedDict):
    """Everything that is kept of a person, a list a table; what there is depends on what they did."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc] # how pydantic is told about a TypedDict
    programme: str
    exported_at: Moment
    customer: Number


class Erased(TypedDict):
    """A person who is forgotten."""

    customer: Number
    state: Literal["erased"]
    erased: Annotated[bool, Field(description="Whether this call did it, and not one before.")]


@describe(Spec({200: Export}, refuses={404: ("unknown_customer",)}))
async def export_customer(call: Call) -> web.Response:
    """All that is kept of them, as plain JSON; the audit log says who asked."""
    door, customer_id = call.door, call.number("customer")
    now = door.clock.programme()
    await door.database.write(note_export, customer_id, actor=call.actor, now=now)
    # Read outside the writer: somebody's ten years may take a while.
    return reply(200, await door.database.read(export_person, customer_id, programme=door.programme, now=now))


@describe(Spec({200: Erased}, refuses={404: ("unknown_customer",)}, once="optional"))
async def erase_customer(call: Call) -> web.Response:
    """They are forgotten; asked again, the answer is the same but for ``erased``, which says what this call did."""
    customer_id, programme, now = call.number("customer"), call.door.programme, call.door.clock.programme()

    def work(session: Session) -> Reply:
        done = erase(session, customer_id, actor=call.actor, programme=programme, now=now)
        number = programme.number("customer", done.customer_id)
        return Reply(200, {"customer": number, "state": "erased", "erased": not done.again})

    return await call.once(work, call.claim())
