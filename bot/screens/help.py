"""/help: what can be done here, as a list."""

from __future__ import annotations

from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Look, Turn
from bot.keyboards import back
from bot.voice import OutMessage, Voice, paragraphs
from referrals.programme import Programme


def router() -> Router:
    """The command."""
    own = Router(name="help")
    own.message.register(on_help, Command("help"))
    return own


async def on_help(_message: Message, turn: Turn) -> None:
    """They asked what there is."""
    await turn.show("help")


def gather_help(_session: Session, _look: Look, *, programme: Programme) -> dict[str, Any]:
    """Nothing: it is a list."""
    return {}


def render_help(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """The commands, the owner's only for owners, and where to find a person."""
    contact = voice.programme.config.programme.contact
    text = paragraphs(
        voice.say("help.text"),
        voice.say("help.owner") if voice.is_owner else None,
        voice.say("help.contact", contact=contact) if contact else None,
    )
    return OutMessage(text, [back(voice)])


GATHER = {"help": gather_help}
RENDER = {"view.help": render_help}
