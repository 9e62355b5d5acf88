"""/start: with a friend's code, a one-time link, an order in hand, or nothing; what it carries is a claim."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router
from aiogram.filters import CommandObject, CommandStart
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Answer, Await, Home, Reply, Turn, Visitor
from bot.screens.connect import ask_for_order, offer_connection
from bot.screens.home import NEW
from bot.screens.invitation import accept_invitation
from bot.voice import OutMessage, Voice
from referrals.people.customers import resume
from referrals.people.persons import clean_name
from referrals.programme import Programme

INVITED_BY, CONNECT, BY_ORDER = "r_", "c_", "o"


def router() -> Router:
    """The command with any payload."""
    own = Router(name="start")
    own.message.register(on_start, CommandStart())
    return own


async def on_start(_message: Message, turn: Turn, command: CommandObject) -> None:
    """START was pressed, or typed."""
    payload = (command.args or "").strip()
    if payload.startswith(INVITED_BY) and payload != INVITED_BY:
        await turn.write(accept_invitation, code=payload.removeprefix(INVITED_BY))
    elif payload.startswith(CONNECT):
        await turn.write(offer_connection, token=payload.removeprefix(CONNECT))
    elif payload == BY_ORDER:
        await turn.write(ask_for_order)
    else:
        await turn.write(start)


def start(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """The overview, with a welcome the first time; who had stopped is written to again."""
    back = [Answer("stop_back")] if visitor.stopped else []
    resume(session, visitor.customer_id, now=visitor.now)
    greeting = f"home.{NEW}{clean_name(visitor.name) or ''}"
    return [Await(None), *back, Home(greeting if visitor.is_new else "home", anew=True)]


def render_back(voice: Voice, _data: dict[str, object]) -> OutMessage:
    """They are written to again."""
    return OutMessage(voice.say("stop.back"))


RENDER = {"stop_back": render_back}
