"""/taal: Dutch or English, as they choose; what their app says is only a guess."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message
from sqlmodel import Session

from bot.conversation import Answer, Home, Look, Reply, Turn, Visitor
from bot.keyboards import Act, back, to_do, to_view
from bot.presses import Acts
from bot.voice import OutMessage, Voice
from referrals.people.customers import set_locale
from referrals.programme import Programme


def router() -> Router:
    """The command in both languages and its two buttons."""
    own = Router(name="language")
    own.message.register(on_language, Command("taal", "language"))
    own.callback_query.register(on_choice, Acts("nl", "en"))
    return own


async def on_language(_message: Message, turn: Turn) -> None:
    """They want another language."""
    await turn.show("language")


async def on_choice(_press: CallbackQuery, turn: Turn, callback_data: Act) -> None:
    """They chose one."""
    await turn.write(choose_language, locale=callback_data.what)


def choose_language(session: Session, visitor: Visitor, *, programme: Programme, locale: str) -> Sequence[Reply]:
    """From this answer on they are spoken to in it."""
    set_locale(session, visitor.customer_id, locale=locale)
    if visitor.message_id is not None and visitor.message_id == visitor.home_message_id:
        return [Home()]
    return [Answer("language_set", edit=visitor.message_id)]


def gather_language(_session: Session, _look: Look, *, programme: Programme) -> dict[str, Any]:
    """Nothing: there are two."""
    return {}


def render_language(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """The question."""
    choice = [to_do(voice, "button.nl", "nl"), to_do(voice, "button.en", "en")]
    return OutMessage(voice.say("language.ask"), [choice, back(voice)])


def render_set(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """Said in the language that was chosen."""
    return OutMessage(voice.say("language.set"), [[to_view(voice, "button.overview", "home")]])


GATHER = {"language": gather_language}
RENDER = {"view.language": render_language, "language_set": render_set}
