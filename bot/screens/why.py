"""/waarom: what does not count or still waits, each with its reason, and whom to tell if that is not right.

Owners may name a customer, ``/waarom K7QX3``, and see what was said to them and what was not (``contact_log``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Look, Reply, Turn, View, Visitor
from bot.keyboards import back, to_view
from bot.screens.contact_log import CONTACT_LOG
from bot.screens.status import explained
from bot.voice import OutMessage, Voice, lines
from referrals.errors import UnknownCustomer
from referrals.programme import Programme
from referrals.recruiting.overview import why

SHOWN = 10


def router() -> Router:
    """The command in both languages."""
    own = Router(name="why")
    own.message.register(on_why, Command("waarom", "why"))
    return own


async def on_why(_message: Message, turn: Turn, command: CommandObject) -> None:
    """They asked why something does not count, or why a customer heard what they heard."""
    await turn.write(explain, number=(command.args or "").strip())


def explain(_session: Session, visitor: Visitor, *, programme: Programme, number: str) -> Sequence[Reply]:
    """Of a customer, for an owner who names one; for anybody else what there is to say about themselves."""
    if not visitor.is_owner or not number:
        return [View("why")]
    customer_id = programme.identifier("customer", number)
    if customer_id is None:
        raise UnknownCustomer
    return [View(f"{CONTACT_LOG}.{programme.number('customer', customer_id)}")]


def gather_why(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """The newest of them; of a claimed account nothing (rules 20)."""
    if not look.sees_history:
        return {"claimed": True}
    found = why(session, look.customer_id, programme=programme, now=look.now, limit=SHOWN)
    return {"found": [_plain(one) for one in found]}


def render_why(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A line each, and who looks at it once more."""
    if data.get("claimed"):
        return OutMessage(voice.say("home.claimed"), [back(voice)])
    rows = [[to_view(voice, "button.status", "status")], back(voice)]
    if not data["found"]:
        return OutMessage(lines(voice.say("why.title"), voice.say("why.none")), rows)
    contact = voice.programme.config.programme.contact
    appeal = voice.say("why.appeal_contact", contact=contact) if contact else voice.say("why.appeal")
    return OutMessage(lines(voice.say("why.title"), *(_line(voice, one) for one in data["found"]), appeal), rows)


def _plain(one: Any) -> dict[str, Any]:
    available = one.available_at.isoformat() if one.available_at else None
    return {
        "at": one.at.isoformat(),
        "status": one.status,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "reasons": explained(one.status, list(one.reasons), available_at=available, under_review=False),
    }


def _line(voice: Voice, one: dict[str, Any]) -> str:
    state, reasons = voice.plain(f"state.{one['status']}"), voice.unescaped(one["reasons"])
    key = "why.line" if reasons else "why.line_bare"
    return voice.say(key, date=one["at"], state=state, reason=reasons)


GATHER = {"why": gather_why}
RENDER = {"view.why": render_why}
