"""Whatever else is written: the answer to an open question, or something we do not understand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiogram import Router
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Answer, Reply, Screen, Turn, Visitor, spoken
from bot.keyboards import to_do, to_view
from bot.screens import reference, reference_consent, reference_owner
from bot.screens.case import reply_to_card
from bot.screens.connect import EMAIL, ORDER, take_email, take_order
from bot.screens.nickname import NICKNAME, take_nickname
from bot.screens.question import QUESTION, go_on, take_question
from bot.screens.score import WHY, take_why
from bot.voice import OutMessage, Voice
from referrals.asking.cases import open_case_of
from referrals.programme import Programme
from storage.database import books

ANSWERS: Mapping[str, Screen] = {
    ORDER: take_order,
    EMAIL: take_email,
    NICKNAME: take_nickname,
    WHY: take_why,
    QUESTION: take_question,
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
    words = spoken(message.text)
    screen = ANSWERS.get(turn.asked or "")
    if words.startswith("/"):
        await turn.write(not_understood)
    elif message.reply_to_message is not None:
        await turn.write(hear_reply, text=words, reply_to=message.reply_to_message.message_id, asked=turn.asked)
    elif screen is not None and words:
        await turn.write(screen, text=words)
    else:
        await turn.write(hear_text, text=words)


@books
def hear_reply(
    session: Session, visitor: Visitor, *, programme: Programme, text: str, reply_to: int, asked: str | None
) -> Sequence[Reply]:
    """An owner's reply to a case's message goes to its customer; anybody else's is a text like any other."""
    passed = reply_to_card(session, visitor, programme=programme, text=text, reply_to=reply_to)
    if passed is not None:
        return passed
    screen = ANSWERS.get(asked or "") if text else None
    return (screen or hear_text)(session, visitor, programme=programme, text=text)


def hear_text(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """While a case is open, what its customer writes belongs to it; else nothing was asked to which this answers."""
    case = open_case_of(session, visitor.customer_id)
    if case is None:
        return not_understood(session, visitor, programme=programme)
    return go_on(session, visitor, case, programme=programme, text=text)


def not_understood(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """Nothing was asked to which this is the answer; a command never is one."""
    return [Answer("not_understood")]


def say_refusal(session: Session, visitor: Visitor, *, programme: Programme, code: str) -> Sequence[Reply]:
    """What the programme refused, as a sentence."""
    return [Answer("error", {"code": code})]


def render_unknown(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """Not understood, and the ways on."""
    ways = [to_view(voice, "button.link", "link"), to_do(voice, "button.ask", "ask")]
    return OutMessage(voice.say("unknown.text"), [ways, [to_view(voice, "button.overview", "home")]])


def render_error(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A refusal or an apology; one that has no text is said in general."""
    key = f"error.{data['code']}"
    return OutMessage(
        voice.say(key if voice.texts.has(key) else "error.refused"), [[to_view(voice, "button.overview", "home")]]
    )


RENDER = {"not_understood": render_unknown, "error": render_error}
