"""/vraag: a question for a person; the answer comes into this chat (G1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message
from sqlmodel import Session

from bot.conversation import Answer, Await, Press, Reply, Turn, Visitor, spoken, without_buttons
from bot.keyboards import to_do, to_view
from bot.presses import Acts
from bot.screens.promise import before_when, promised
from bot.voice import OutMessage, Voice
from referrals.asking.cases import customer_says, open_case, open_case_of
from referrals.asking.promises import is_quiet, promise
from referrals.programme import Programme
from storage.cases import QUESTION as ABOUT_QUESTION
from storage.cases import Case

QUESTION = "question"  # what a text is the answer to


def router() -> Router:
    """The command in both languages, the button, and the way out."""
    own = Router(name="question")
    own.message.register(on_ask, Command("vraag", "ask"))
    own.callback_query.register(on_press, Acts("ask"))
    own.callback_query.register(on_cancel, Acts("ask_not"))
    return own


async def on_ask(_message: Message, turn: Turn, command: CommandObject) -> None:
    """With the question behind the command, or without."""
    words = spoken(command.args)
    if words:
        await turn.write(take_question, text=words)
    else:
        await turn.write(ask)


async def on_press(_press: CallbackQuery, turn: Turn) -> None:
    """[Stel een vraag]."""
    await turn.write(ask)


async def on_cancel(_press: CallbackQuery, turn: Turn) -> None:
    """No question after all."""
    await turn.write(cancel)


def ask(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """The next text is a question; while a case is open every text is part of it."""
    if open_case_of(session, visitor.customer_id) is not None:
        return [Await(None), Answer("question_open")]
    when = promise(visitor.now, programme=programme)
    return [Await(QUESTION), Answer("question_ask", _promised(visitor, when, programme=programme))]


def cancel(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """Nothing is awaited any more."""
    asked = (visitor.awaiting or {}).get("what") == QUESTION
    return [Press("press.no_question"), *([Await(None)] if asked else []), *without_buttons(visitor)]


def take_question(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """A colleague has the question, and the customer hears when they get an answer."""
    case = open_case_of(session, visitor.customer_id)
    if case is not None:
        return [Await(None), *go_on(session, visitor, case, programme=programme, text=text)]
    case = open_case(session, visitor.customer_id, kind=ABOUT_QUESTION, text=text, programme=programme, now=visitor.now)
    return [Await(None), Answer("question_taken", _promised(visitor, case.promised_at, programme=programme))]


def go_on(session: Session, visitor: Visitor, case: Case, *, programme: Programme, text: str) -> list[Reply]:
    """What they write while a case is open belongs to it; a new wait has a new promise."""
    if not text:
        return [Answer("question_said", {"key": "question.only_text"})]
    begins = customer_says(session, case, text=text, programme=programme, now=visitor.now)
    if begins:
        return [Answer("question_taken", _promised(visitor, case.promised_at, programme=programme) | {"again": True})]
    return [Answer("question_said", {"key": "question.added"})]


def _promised(visitor: Visitor, when: Any, *, programme: Programme) -> dict[str, Any]:
    return promised(when, said_at=visitor.now, closed=is_quiet(visitor.now, programme=programme))


def render_ask(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """What is it, and when the answer comes."""
    when = before_when(voice, data["promised_at"], said_at=data["said_at"])
    text = voice.say("question.ask_closed" if data["closed"] else "question.ask", when=when)
    return OutMessage(text, [[to_do(voice, "button.cancel", "ask_not")]])


def render_taken(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """It lies with a colleague; before when they answer."""
    when = before_when(voice, data["promised_at"], said_at=data["said_at"])
    key = "question.passed_on" if data.get("again") else "question.taken"
    return OutMessage(voice.say(f"{key}_closed" if data["closed"] else key, when=when))


def render_open(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """There is a case already: go on writing."""
    return OutMessage(voice.say("question.open"))


def render_said(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A word about what they just sent."""
    rows = [] if data["key"] == "question.added" else [[to_view(voice, "button.overview", "home")]]
    return OutMessage(voice.say(data["key"]), rows)


RENDER = {
    "question_ask": render_ask,
    "question_taken": render_taken,
    "question_open": render_open,
    "question_said": render_said,
}
