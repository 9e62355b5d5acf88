"""The score: eleven buttons, one tap, changeable for a day; then thanks and a link, a question, or a person (F1, B1).

No state of the conversation is needed to answer: the button carries the question's number, and the core asks again
whether this chat was asked it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton
from sqlmodel import Session, col, select

from bot.conversation import Answer, Await, Home, Press, Reply, Strip, Turn, Visitor, without_buttons
from bot.judging import drop
from bot.keyboards import RowId, Show, to_do
from bot.presses import Acts
from bot.screens.gift import bonus_words, gift_words
from bot.screens.home import old_button
from bot.screens.promise import before_when, promised
from bot.voice import OutMessage, Rows, Voice, lines, paragraphs
from referrals.asking.plays.came_via_friend import came_via
from referrals.asking.plays.promoter import may_offer
from referrals.asking.promises import is_quiet, promise
from referrals.asking.scores import (
    DETRACTORS,
    FIXED,
    HIGHEST,
    LOWEST,
    PROMOTERS,
    SAME,
    Given,
    record_score,
    say_why,
    skip_score,
)
from referrals.notices import SCORE_ASKED
from referrals.people.customers import code_of
from referrals.programme import Programme
from referrals.reasons import STALE
from storage.mailbox import DUE, SENT, Outbox

WHY = "score_why"  # what a text is the answer to
OFFER, OFFER_WHY = "screen.score_promoter", "screen.score_why"  # thanks with the link's button, and "why?" below it
IN_A_ROW = 6  # buttons: 0 to 5, 6 to 10


class Score(CallbackData, prefix="n1"):
    """A tap on a number."""

    survey: RowId
    score: int


class Skip(CallbackData, prefix="n2"):
    """The question is skipped, or, with ``why``, the words about it."""

    survey: RowId
    why: bool


def router() -> Router:
    """The numbers, and the ways not to answer."""
    own = Router(name="score")
    own.callback_query.register(on_score, Score.filter())
    own.callback_query.register(on_skip, Skip.filter())
    own.callback_query.register(on_not_now, Acts("score_not_now"))
    return own


async def on_score(_press: CallbackQuery, turn: Turn, callback_data: Score) -> None:
    """A number was tapped."""
    await turn.write(give_score, survey=callback_data.survey, score=callback_data.score)


async def on_skip(_press: CallbackQuery, turn: Turn, callback_data: Skip) -> None:
    """[Sla over], of the question or of the words."""
    await turn.write(skip_why if callback_data.why else skip, survey=callback_data.survey)


async def on_not_now(_press: CallbackQuery, turn: Turn) -> None:
    """[Nu niet]."""
    await turn.write(not_now)


def give_score(session: Session, visitor: Visitor, *, programme: Programme, survey: int, score: int) -> Sequence[Reply]:
    """The score stands and the question shows it; what follows comes in a message below, once for each kind."""
    given = record_score(
        session, survey, customer_id=visitor.customer_id, score=score, programme=programme, now=visitor.now
    )
    if given is None:
        return old_button(visitor)
    if given.outcome == FIXED:
        return [Press("press.score_fixed"), *without_buttons(visitor), Home(anew=True)]
    if given.outcome == SAME:
        return [Press("press.score_noted")]
    follows = _follows(session, visitor, given, programme=programme) if given.is_new else []
    if given.is_new and given.band != PROMOTERS:
        follows += _without_offer(session, visitor)
    shown = Answer("score_stands", {"survey": given.survey_id, "score": given.score}, edit=visitor.message_id)
    return [Press("press.score_noted"), *follows, shown]


def skip(session: Session, visitor: Visitor, *, programme: Programme, survey: int) -> Sequence[Reply]:
    """The question is gone, and nothing is asked instead."""
    if not skip_score(session, survey, customer_id=visitor.customer_id, now=visitor.now):
        return old_button(visitor)
    return [Press("press.skipped"), Answer("score_skipped", edit=visitor.message_id)]


def skip_why(session: Session, visitor: Visitor, *, programme: Programme, survey: int) -> Sequence[Reply]:
    """No words, then; a case stays open without them."""
    asked = (visitor.awaiting or {}).get("what") == WHY
    return [Press("press.skipped"), *([Await(None)] if asked else []), *without_buttons(visitor)]


def not_now(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """The offer loses its buttons; the link is there whenever they ask for it."""
    return [Press("press.not_now"), *without_buttons(visitor)]


def take_why(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """Their words are kept with the score; while a case is open a colleague reads them too, and answers."""
    survey = int((visitor.awaiting or {}).get("survey", 0))
    given = say_why(session, survey, customer_id=visitor.customer_id, text=text, programme=programme, now=visitor.now)
    if given is None:
        return [Await(None), Answer("not_understood")]
    if given.case is None:
        return [Await(None), Answer("score_thanks_why")]
    return [Await(None), Answer("score_passed_on", _promise(visitor, given, programme=programme))]


def _follows(session: Session, visitor: Visitor, given: Given, *, programme: Programme) -> list[Reply]:
    """After a 9 or 10 thanks with the link's button, and only then "why?"; for the others one open question."""
    data = {"survey": given.survey_id, "score": given.score}
    why = Await(WHY, {"survey": given.survey_id})
    if given.band == DETRACTORS:
        return [why, Answer("score_low", data | _promise(visitor, given, programme=programme))]
    if given.band != PROMOTERS:
        return [why, Answer("score_passive", data | {"case": given.case is not None})]
    offer = may_offer(session, visitor.customer_id, now=visitor.now)
    thanks = {
        "offer": offer,
        "case": given.case is not None,
        "has_link": code_of(session, visitor.customer_id) is not None,
        "via": came_via(session, visitor.customer_id) if offer else None,
    }
    return [why, Answer("score_promoter", data | thanks), Answer("score_why", data)]


def _without_offer(session: Session, visitor: Visitor) -> list[Reply]:
    """An offer that a better answer brought loses its buttons: now it would be an ask. One that waits is not sent."""
    mine = select(Outbox).where(Outbox.chat_id == visitor.chat_id)
    for row in session.exec(mine.where(Outbox.status == DUE, col(Outbox.kind).in_((OFFER, OFFER_WHY)))):
        drop(session, row, STALE)
    sent = mine.where(Outbox.status == SENT, Outbox.kind == OFFER).order_by(col(Outbox.id).desc()).limit(1)
    offer = session.exec(sent).first()
    return [] if offer is None or offer.message_id is None else [Strip(offer.message_id)]


def _promise(visitor: Visitor, given: Given, *, programme: Programme) -> dict[str, Any]:
    when = given.case.promised_at if given.case else promise(visitor.now, programme=programme)
    return promised(when, said_at=visitor.now, closed=is_quiet(visitor.now, programme=programme))


def render_asked(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The question with its eleven buttons, which it was sent with (voice 2)."""
    ordered = data.get("ordered_at") if voice.sees_history else None
    about = voice.say("score.ordered", ordered_at=ordered) if ordered else voice.say("score.ordered_lately")
    text = lines(f"{about} {voice.say('notice.score_asked')}", voice.say("score.scale"))
    skip_button = _button(voice, "button.score_skip", Skip(survey=data["survey"], why=False))
    return OutMessage(text, [*_numbers(data["survey"], None), [skip_button]])


def render_stands(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The question with the answer that stands, and how to change it."""
    text = paragraphs(
        lines(voice.say("notice.score_asked"), voice.say("score.scale")), voice.say("score.stands", score=data["score"])
    )
    return OutMessage(text, _numbers(data["survey"], data["score"]))


def render_skipped(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """Nothing is asked any more."""
    return OutMessage(voice.say("score.skipped"))


def render_promoter(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """Thanks and the link's button in one breath (voice 3, rules 18)."""
    if not data["offer"]:
        return OutMessage(voice.say("score.thanks_case" if data["case"] else "score.thanks"))
    gift, bonus = gift_words(voice, whose="their"), bonus_words(voice)
    offer = voice.say("score.offer", gift=gift, bonus=bonus) if gift else voice.say("score.offer_bare", bonus=bonus)
    text = lines(voice.say("score.thanks"), _via(voice, data["via"]), offer)
    label = "button.score_share" if data["has_link"] else "button.score_link"
    link = _button(voice, label, Show(here=False, view="link"))
    return OutMessage(text, [[link], [to_do(voice, "button.score_not_now", "score_not_now")]])


def render_why(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """Why a 9 or a 10."""
    return _why(voice, voice.say("score.why", score=data["score"]), data)


def render_passive(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """One open question."""
    return _why(voice, voice.say("score.passive_case" if data["case"] else "score.passive"), data)


def render_low(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """It should have been better; who answers, and when (voice, "Low score")."""
    when = before_when(voice, data["promised_at"], said_at=data["said_at"])
    return _why(voice, voice.say("score.low_closed" if data["closed"] else "score.low", when=when), data)


def render_thanks_why(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """Their words are kept."""
    return OutMessage(voice.say("score.why_thanks"))


def render_passed_on(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """Their words are with a colleague."""
    when = before_when(voice, data["promised_at"], said_at=data["said_at"])
    return OutMessage(voice.say("score.passed_on", when=when))


def _via(voice: Voice, name: str | None) -> str | None:
    """They came through a friend themselves; ``name`` is empty where it may not be said (T7)."""
    if name is None:
        return None
    return voice.say("score.came_via", name=name) if name else voice.say("score.came_via_somebody")


def _why(voice: Voice, text: str, data: dict[str, Any]) -> OutMessage:
    return OutMessage(text, [[_button(voice, "button.score_skip", Skip(survey=data["survey"], why=True))]])


def _numbers(survey: int, standing: int | None) -> Rows:
    """0 to 10 in two rows; the one that stands is marked."""
    buttons = [
        InlineKeyboardButton(
            text=f"· {number} ·" if number == standing else str(number),
            callback_data=Score(survey=survey, score=number).pack(),
        )
        for number in range(LOWEST, HIGHEST + 1)
    ]
    return [buttons[:IN_A_ROW], buttons[IN_A_ROW:]]


def _button(voice: Voice, key: str, data: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=voice.plain(key), callback_data=data.pack())


RENDER = {
    SCORE_ASKED: render_asked,
    "score_stands": render_stands,
    "score_skipped": render_skipped,
    "score_promoter": render_promoter,
    "score_why": render_why,
    "score_passive": render_passive,
    "score_low": render_low,
    "score_thanks_why": render_thanks_why,
    "score_passed_on": render_passed_on,
}
