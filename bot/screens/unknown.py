"""Whatever else is written: the answer to an open question, or something we do not understand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiogram import Router
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Answer, Reply, Screen, Turn, Visitor
from bot.keyboards import to_view
from bot.screens import reference, reference_consent, reference_owner
from bot.screens.connect import EMAIL, ORDER, take_email, take_order
from bot.screens.nickname import NICKNAME, take_nickname
from bot.voice import OutMessage, Voice
from referrals.programme import Programme

ANSWERS: Mapping[str, Screen] = {
    ORDER: take_order,
    EMAIL: take_email,
    NICKNAME: take_nickname,
    **reference.ANSWERS,
    **reference_consent.ANSWERS,
    **reference_owner.ANSWERS,
}


def router() -> Router:
    """Every message that no other screen took."""
    own = Router(name="unknown")
    own.message.register(on_anything)
    return own


async def on_anything(message: Message, turn: Turn) -> None:
    """A text, a picture, a command of another bot."""
    words = (message.text or "").strip()
    screen = None if words.startswith("/") else ANSWERS.get(turn.asked or "")
    if screen is None or not words:
        await turn.write(not_understood)
    else:
        await turn.write(screen, text=words)


def not_understood(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """Nothing was asked to which this is the answer; a command never is one."""
    return [Answer("not_understood")]


def say_refusal(session: Session, visitor: Visitor, *, programme: Programme, code: str) -> Sequence[Reply]:
    """What the programme refused, as a sentence."""
    return [Answer("error", {"code": code})]


def render_unknown(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """Not understood, and the ways on."""
    ways = [to_view(voice, "button.link", "link"), to_view(voice, "button.status", "status")]
    return OutMessage(voice.say("unknown.text"), [ways, [to_view(voice, "button.overview", "home")]])


def render_error(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A refusal or an apology; one that has no text is said in general."""
    key = f"error.{data['code']}"
    return OutMessage(
        voice.say(key if voice.texts.has(key) else "error.refused"), [[to_view(voice, "button.overview", "home")]]
    )


RENDER = {"not_understood": render_unknown, "error": render_error}
