"""Cases: what colleagues see and press, how their words reach a customer, and what the customer can say (G1, G2).

Who may press is asked at each press: an owner anywhere, anybody in the staff's group, nobody else. For the group, where
no customer speaks, ``bot.staff`` calls these screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from aiogram import Router
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton
from sqlmodel import Session

from bot.conversation import Answer, Home, Press, Reply, Turn, Visitor, without_buttons
from bot.keyboards import RowId
from bot.screens.home import old_button
from bot.screens.promise import before_when, on_day, promised
from bot.voice import OutMessage, Rows, Voice, lines, paragraphs
from referrals.asking.cases import (
    BEFORE,
    DONE,
    SOMEBODYS,
    TOOK,
    UNKNOWN,
    YOURS,
    Colleague,
    Passed,
    reopen,
    solve,
    staff_says,
    take,
)
from referrals.asking.promises import is_quiet
from referrals.asking.staff import case_of_message
from referrals.notices import CASE_ALARM, CASE_ANSWER, CASE_CARD, CASE_SAID, CASE_SOLVED
from referrals.programme import Programme
from storage.cases import LOW_SCORE, OPEN, SOLVED

TAKE, SOLVE, AGAIN = "take", "solve", "again"
SAID = {
    TOOK: "press.case_took",
    YOURS: "press.case_yours",
    SOMEBODYS: "press.case_somebodys",
    DONE: "press.case_solved",
    BEFORE: "press.case_before",
    UNKNOWN: "press.case_unknown",
}


class CaseButton(CallbackData, prefix="k1"):
    """A button of a case: take it, solve it; its customer's says that it is not solved."""

    what: str
    case: RowId


def router() -> Router:
    """The buttons; replies to cards come in as any text does."""
    own = Router(name="case")
    own.callback_query.register(on_button, CaseButton.filter())
    return own


async def on_button(_press: CallbackQuery, turn: Turn, callback_data: CaseButton) -> None:
    """A button of a card, or the customer's."""
    await turn.write(press_case, case=callback_data.case, what=callback_data.what)


def press_case(session: Session, visitor: Visitor, *, programme: Programme, case: int, what: str) -> Sequence[Reply]:
    """The button did what it says, if whoever pressed may; else it is one of the many that lead nowhere."""
    if what == AGAIN:
        return _again(session, visitor, case, programme=programme)
    if what not in (TAKE, SOLVE) or not is_staff(visitor, programme=programme):
        return old_button(visitor)
    act = take if what == TAKE else solve
    outcome = act(session, case, colleague=colleague_of(visitor), programme=programme, now=visitor.now)
    said: list[Reply] = [Press(SAID[outcome])]
    return [*said, *without_buttons(visitor)] if outcome == BEFORE else said


def is_staff(visitor: Visitor, *, programme: Programme) -> bool:
    """Whether they may answer cases: an owner, or whoever speaks in the staff's group."""
    return visitor.is_owner or visitor.chat_id == programme.config.telegram.staff_chat_id


def colleague_of(visitor: Visitor) -> Colleague:
    """Who it is, for the case and the audit log."""
    return Colleague(visitor.telegram_id, visitor.name, visitor.is_owner)


def reply_to_card(
    session: Session, visitor: Visitor, *, programme: Programme, text: str, reply_to: int | None
) -> Sequence[Reply] | None:
    """A colleague's words to the customer of the case whose message they replied to; None for any other text."""
    if reply_to is None or not is_staff(visitor, programme=programme):
        return None
    case_id = case_of_message(session, chat_id=visitor.chat_id, message_id=reply_to)
    if case_id is None:
        return None
    if not text:
        return [Answer("case_note", {"key": "case.only_text"})]
    passed = staff_says(
        session, case_id, text=text, colleague=colleague_of(visitor), programme=programme, now=visitor.now
    )
    return [Answer("case_note", {"key": key}) for key in _notes(passed)]


def _notes(passed: Passed) -> list[str]:
    """What a colleague must know of their words."""
    if passed.outcome != DONE:
        return ["case.unknown"]
    if not passed.reachable:
        return ["case.unreachable"]
    return ["case.after_solved" if passed.solved else "case.passed"]


def _again(session: Session, visitor: Visitor, case_id: int, *, programme: Programme) -> list[Reply]:
    """[Toch niet]: the case is open again, for its customer; after a fortnight they ask anew."""
    case = reopen(session, case_id, customer_id=visitor.customer_id, programme=programme, now=visitor.now)
    if case is None:
        return old_button(visitor)
    if case.solved_at is not None:
        return [Press("press.case_closed"), *without_buttons(visitor), Home(anew=True)]
    closed = is_quiet(visitor.now, programme=programme)
    data = promised(case.promised_at, said_at=visitor.now, closed=closed)
    return [Press("press.case_again"), *without_buttons(visitor), Answer("case_again", data)]


def render_card(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """What it is about, who it is, what they said, by when; and how it stands."""
    if "alarm" in data:
        title = voice.say("case.alarm" if data["alarm"] == 1 else "case.alarm_owner")
    else:
        title = voice.say("case.low", score=data["score"]) if data["kind"] == LOW_SCORE else voice.say("case.question")
    promise = on_day(voice, data["promised_at"]) if data["promised_at"] else None
    text = paragraphs(
        lines(title, *_who(voice, data)),
        escape(data["words"]),
        lines(
            voice.say("case.promised", when=promise) if promise else None,
            _did(voice, data),
            voice.say("case.how") if data["status"] != SOLVED else None,
        ),
    )
    return OutMessage(text, _buttons(voice, data))


def render_said(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The customer's words, with whose they are."""
    return OutMessage(lines(voice.say("case.said", who=_name(data)), escape(data["text"])))


def render_answer(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A colleague's words, to the customer."""
    text = escape(data["text"])
    rows = [[_button(voice, "button.case_again", AGAIN, data["case"])]] if data["solved"] else []
    return OutMessage(lines(voice.say("notice.case_answer"), text) if data["first"] else text, rows)


def render_solved(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """It is solved; the customer can say that it is not."""
    return OutMessage(voice.say("notice.case_solved"), [[_button(voice, "button.case_again", AGAIN, data["case"])]])


def render_again(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """Open again: what is it, and when they get an answer."""
    when = before_when(voice, data["promised_at"], said_at=data["said_at"])
    return OutMessage(voice.say("case.again_closed" if data["closed"] else "case.again", when=when))


def render_note(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """What a colleague must know about the words they just wrote."""
    return OutMessage(voice.say(data["key"]))


def _who(voice: Voice, data: dict[str, Any]) -> list[str | None]:
    """Name, number, and how long they are a customer; no ledger."""
    since = data["since"]
    return [
        escape(_name(data)),
        voice.say("case.since", month=since, year=since[:4]) if since else voice.say("case.newcomer"),
        voice.say("case.score", score=data["score"])
        if data["score"] is not None and data["kind"] != LOW_SCORE
        else None,
        voice.say("case.claimed") if data["claimed"] else None,
    ]


def _name(data: dict[str, Any]) -> str:
    return " · ".join(part for part in (data["name"], data["number"]) if part)


def _did(voice: Voice, data: dict[str, Any]) -> str | None:
    """What was done last, and by whom."""
    did, by = data.get("did"), data.get("by")
    if did is None:
        return None
    return voice.say(f"case.did.{did}", who=by or voice.plain("case.colleague"))


def _buttons(voice: Voice, data: dict[str, Any]) -> Rows:
    if data["status"] == SOLVED:
        return []
    solved = _button(voice, "button.case_solved", SOLVE, data["case"])
    return [[_button(voice, "button.case_take", TAKE, data["case"]), solved] if data["status"] == OPEN else [solved]]


def _button(voice: Voice, key: str, what: str, case: int) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=voice.plain(key), callback_data=CaseButton(what=what, case=case).pack())


RENDER = {
    CASE_CARD: render_card,
    CASE_ALARM: render_card,
    CASE_SAID: render_said,
    CASE_ANSWER: render_answer,
    CASE_SOLVED: render_solved,
    "case_again": render_again,
    "case_note": render_note,
}
