"""References as owners meet them: a card with the exact text, [Plaatsen], a shorter text, a kind no, a nomination."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiogram import Router
from aiogram.types import CallbackQuery
from sqlmodel import Session

from bot.conversation import Answer, Await, Press, Reply, Screen, Turn, Visitor
from bot.keyboards import copy_text, to_view
from bot.screens.reference_words import SHORTER, Own, Refs, button, exactly, fits_copy, ticked, uses_in_words
from bot.voice import OutMessage, Rows, Voice, lines, paragraphs
from referrals.asking import approval
from referrals.asking.owners import card_data
from referrals.asking.references import (
    CUSTOMER_APPROVED,
    OWNER_DECLINED,
    WITHDRAWN,
    ReferenceMoved,
    get_reference,
    need,
    stage,
)
from referrals.asking.shown import seal
from referrals.asking.wall import OVER, PUBLISHED, shown_of
from referrals.notices import REFERENCE_CARD, REFERENCE_LESS
from referrals.programme import Programme
from storage.references import Reference

MOST = 5  # cards at once


def router() -> Router:
    """The buttons below a card."""
    own = Router(name="reference_owner")
    own.callback_query.register(on_press, Refs(Own, *ACTS))
    return own


async def on_press(_press: CallbackQuery, turn: Turn, callback_data: Own) -> None:
    """An owner decides."""
    data = callback_data
    await turn.write(press, number=data.id, version=data.version, what=data.what, more=data.more)


def waiting_cards(session: Session, visitor: Visitor) -> list[Reply]:
    """A card for each of those that wait the longest, and how many more there are."""
    found = approval.waiting(session, limit=MOST)
    more = approval.waiting_count(session) - len(found)
    rest: list[Reply] = [Answer("reference_said", {"key": "reference.owner.more", "count": more})] if more else []
    return [*(Answer("reference_card", card_data(session, one, now=visitor.now)) for one in found), *rest]


def nominate_customer(session: Session, visitor: Visitor, *, programme: Programme, named: str) -> Sequence[Reply]:
    """The customer of this number will be invited, or the owner hears why not."""
    customer_id = programme.identifier("customer", named)
    if customer_id is None:
        return [Answer("reference_said", {"key": "error.unknown_customer"})]
    outcome, until = approval.nominate(
        session, customer_id, actor=f"owner:{visitor.telegram_id}", programme=programme, now=visitor.now
    )
    data = {"key": f"reference.owner.{outcome}", "until_at": until.isoformat() if until else None}
    return [Answer("reference_said", data)]


def press(
    session: Session, visitor: Visitor, *, programme: Programme, number: int, version: int, what: str, more: str
) -> Sequence[Reply]:
    """The owner's word, once: of two who press at the same time the second sees what the first one did."""
    if not visitor.is_owner:
        return [Answer("not_understood")]
    reference = get_reference(session, number)
    if version == reference.version and (what != "place" or more == seal(shown_of(reference), reference.uses)):
        with suppress(ReferenceMoved):
            return ACTS[what](session, visitor, reference, programme=programme)
    return [Press("reference.owner.moved"), _card(session, visitor, reference)]


def place(session: Session, visitor: Visitor, reference: Reference, *, programme: Programme) -> list[Reply]:
    """[Plaatsen]: public at once."""
    approval.publish(session, reference, owner=visitor.telegram_id, programme=programme, now=visitor.now)
    return [Press("reference.owner.placed"), _card(session, visitor, reference)]


def refuse(session: Session, visitor: Visitor, reference: Reference, *, programme: Programme) -> list[Reply]:
    """[Liever niet], or away from the wall; the customer hears it kindly."""
    approval.refuse(session, reference, owner=visitor.telegram_id, programme=programme, now=visitor.now)
    return [Press("reference.owner.refused"), _card(session, visitor, reference)]


def thank(session: Session, visitor: Visitor, reference: Reference, *, programme: Programme) -> list[Reply]:
    """[Kreeg een bedankje]: the wall says so."""
    approval.note_thanks(session, reference, owner=visitor.telegram_id, now=visitor.now)
    return [_card(session, visitor, reference)]


def ask_for_shorter(session: Session, visitor: Visitor, reference: Reference, *, programme: Programme) -> list[Reply]:
    """[Korter maken]: the next text is the shorter one."""
    need(stage(session, reference, now=visitor.now), CUSTOMER_APPROVED, PUBLISHED)
    asked = {"reference": reference.id, "version": reference.version}
    return [Await(SHORTER, asked), _ask(session, visitor, reference, "reference.owner.shorter_ask")]


def leave(session: Session, visitor: Visitor, reference: Reference, *, programme: Programme) -> list[Reply]:
    """[Laat zo]: nothing is awaited."""
    return [Await(None), _card(session, visitor, reference)]


def take_shorter(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """The customer reads the shorter text and decides; without their yes nothing of it is public."""
    asked = visitor.awaiting or {}
    if not visitor.is_owner:
        return [Await(None), Answer("not_understood")]
    reference = get_reference(session, int(asked["reference"]))
    try:
        need(str(reference.version), str(asked["version"]))
        approval.shorten(session, reference, words=text, owner=visitor.telegram_id, now=visitor.now)
    except approval.NotACorrection:
        return [_ask(session, visitor, reference, "reference.owner.shorter_again")]
    except ReferenceMoved:
        return [Await(None), Answer("reference_card", card_data(session, reference, now=visitor.now))]
    return [Await(None), Answer("reference_said", {"key": "reference.owner.shortened"})]


def _card(session: Session, visitor: Visitor, reference: Reference) -> Reply:
    return Answer("reference_card", card_data(session, reference, now=visitor.now), edit=visitor.message_id)


def _ask(session: Session, visitor: Visitor, reference: Reference, key: str) -> Answer:
    return Answer("reference_shorter", card_data(session, reference, now=visitor.now) | {"key": key})


def render_card(voice: Voice, data: Mapping[str, Any]) -> OutMessage:
    """The exact text, what the customer agreed to, and the buttons that do something now."""
    state, status = voice.say(f"reference.owner.state.{data['status']}"), data["status"]
    if not data["text"] or status in (OWNER_DECLINED, WITHDRAWN, OVER):
        return OutMessage(state, [[to_view(voice, "button.overview", "home")]])
    number = voice.programme.number("customer", data["customer"])
    uses = uses_in_words(voice, data["uses"])
    customer = voice.say("reference.owner.customer", number=number, uses=uses) if uses else None
    original = None
    if data["original"]:
        original = lines(voice.say("reference.owner.original"), voice.say("reference.quoted", text=data["original"]))
    text = paragraphs(state, exactly(voice, data), customer, original)
    return OutMessage(text, _buttons(voice, data))


def render_less(voice: Voice, data: Mapping[str, Any]) -> OutMessage:
    """What a customer withdrew; what was printed is the owner's to take away."""
    number = voice.programme.number("customer", data["customer"])
    said = voice.say(f"notice.{REFERENCE_LESS}", number=number, gone=uses_in_words(voice, data["gone"]))
    return OutMessage(paragraphs(said, exactly(voice, data)))


def render_ask(voice: Voice, data: Mapping[str, Any]) -> OutMessage:
    """The shorter text is awaited; the one that is there can be copied."""
    rows = [[button(voice, "button.reference.leave", data, "leave", kind=Own)]]
    if fits_copy(data["text"]):
        rows.insert(0, [copy_text(voice, data["text"])])
    return OutMessage(voice.say(data["key"]), rows)


def _buttons(voice: Voice, data: Mapping[str, Any]) -> Rows:
    def own(key: str, what: str, more: str = "") -> Any:
        return button(voice, key, data, what, more, kind=Own)

    if data["status"] == CUSTOMER_APPROVED:
        place = own("button.reference.place", "place", data["seal"])
        return [[place], [own("button.reference.shorter", "shorter"), own("button.reference.no", "refuse")]]
    if data["status"] == PUBLISHED:
        thanks = ticked(voice, "button.reference.thanked", data, "thanks", "", is_ticked=data["thanked"], kind=Own)
        away = own("button.reference.take_down", "refuse")
        return [[thanks], [own("button.reference.shorter", "shorter"), away]]
    return [[to_view(voice, "button.overview", "home")]]


Act = Callable[..., list[Reply]]
ACTS: Mapping[str, Act] = {
    "place": place,
    "refuse": refuse,
    "thanks": thank,
    "shorter": ask_for_shorter,
    "leave": leave,
}
ANSWERS: Mapping[str, Screen] = {SHORTER: take_shorter}
RENDER = {
    REFERENCE_CARD: render_card,
    REFERENCE_LESS: render_less,
    "reference_shorter": render_ask,
}
