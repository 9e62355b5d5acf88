"""References as their customers meet them: the invitation, three questions, /referentie, and withdrawing at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message
from sqlmodel import Session

from bot.conversation import Answer, Await, Press, Reply, Screen, Turn, Visitor, without_buttons
from bot.presses import Acts
from bot.screens.reference_owner import nominate_customer, waiting_cards
from bot.screens.reference_words import QUESTION, Ref, Refs, open_reference
from referrals.asking import references as core
from referrals.asking.contacts import mark_reacted
from referrals.asking.plays.reference import RENEWAL
from referrals.asking.shown import LONGEST_ANSWER, clean_words, units
from referrals.asking.wall import OVER
from referrals.people.customers import check_verified
from referrals.programme import Programme
from storage.references import Reference

SHOWN = 3  # of a customer's references; one is the rule
ALL = "all"  # uses to withdraw


def router() -> Router:
    """The command in both languages, the button in the menu, and those below a reference."""
    own = Router(name="reference")
    own.message.register(on_command, Command("referentie", "reference"))
    own.callback_query.register(on_open, Acts("reference"))
    own.callback_query.register(on_press, Refs(Ref, *ACTS))
    return own


async def on_command(_message: Message, turn: Turn, command: CommandObject) -> None:
    """How do my references stand? An owner may name a customer to be invited."""
    await turn.write(open_references, named=(command.args or "").strip())


async def on_open(_press: CallbackQuery, turn: Turn) -> None:
    """Likewise, from the menu."""
    await turn.write(open_references, named="")


async def on_press(_press: CallbackQuery, turn: Turn, callback_data: Ref) -> None:
    """A button below a reference."""
    data = callback_data
    await turn.write(press, act=ACTS[data.what], number=data.id, version=data.version, more=data.more)


def open_references(session: Session, visitor: Visitor, *, programme: Programme, named: str) -> Sequence[Reply]:
    """Their references as they stand; for an owner first those that wait, or the customer is nominated."""
    if visitor.is_owner and named:
        return nominate_customer(session, visitor, programme=programme, named=named)
    cards = waiting_cards(session, visitor) if visitor.is_owner else []
    check_verified(session, telegram_id=visitor.telegram_id)
    found = core.references_of(session, visitor.customer_id)
    live = [one for one in found if core.stage(session, one, now=visitor.now) in core.LIVE]
    chosen = (live or found[:1])[:SHOWN]
    if not chosen:
        return cards or [
            Answer("reference_said", {"key": "reference.none_for_owner" if visitor.is_owner else "reference.none"})
        ]
    return [*cards, *(reply for one in reversed(chosen) for reply in current(session, visitor, one))]


def press(
    session: Session,
    visitor: Visitor,
    *,
    programme: Programme,
    act: Screen,
    number: int,
    version: int,
    more: str,
) -> Sequence[Reply]:
    """The button did what it says; one of an older version does nothing but show how it stands now (rules 25)."""
    reference = open_reference(session, visitor, number)
    if version == reference.version:
        with suppress(core.ReferenceMoved):
            return act(session, visitor, reference=reference, more=more, programme=programme)
    return [Press("reference.moved"), *without_buttons(visitor), *current(session, visitor, reference)]


def current(session: Session, visitor: Visitor, reference: Reference, *, edit: int | None = None) -> list[Reply]:
    """Where it stands, with the buttons that do something now; a question that is open is asked again."""
    stage = core.stage(session, reference, now=visitor.now)
    data = core.consent_data(session, reference) | {"stage": stage}
    if stage in core.ASKED:
        return [Await(QUESTION, {"reference": reference.id}), Answer("reference_question", _asked(reference))]
    moment = reference.snoozed_until if stage == core.SNOOZED else reference.expires_at
    data["until_at"] = moment.isoformat() if moment else None
    return [Answer(f"reference_at_{stage}", data, edit=edit)]


def take_answer(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """One question is answered and the next one asked; after the third the draft is read back to the letter."""
    reference = open_reference(session, visitor, int((visitor.awaiting or {})["reference"]))
    words = clean_words(text)
    if not words or units(words) > LONGEST_ANSWER:
        return [Answer("reference_question", _asked(reference) | {"again": True})]
    try:
        core.take_answer(
            session, reference, words=words, locale=spoken(visitor, programme), programme=programme, now=visitor.now
        )
    except core.ReferenceMoved:
        return [Await(None), *current(session, visitor, reference)]
    finished = [] if reference.status in core.ASKED else [Await(None)]
    return [*finished, *current(session, visitor, reference)]


def accept(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Ja, leuk]: the first question."""
    if core.stage(session, reference, now=visitor.now) not in core.ASKED:
        core.accept(session, reference, programme=programme, now=visitor.now)
        _reacted(session, visitor, reference.contact_key)
    return [*without_buttons(visitor), *current(session, visitor, reference)]


def snooze(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Vraag het later]: once more in a month."""
    core.snooze(session, reference, now=visitor.now)
    _reacted(session, visitor, reference.contact_key)
    return [*without_buttons(visitor), *current(session, visitor, reference)]


def decline(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Liever niet], [Toch niet]: nothing of it is kept."""
    core.decline(session, reference, programme=programme, now=visitor.now)
    _reacted(session, visitor, reference.contact_key)
    return [Await(None), *without_buttons(visitor), *current(session, visitor, reference)]


def pause(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Later verder]: what was answered stays."""
    core.need(reference.status, *core.ASKED)
    return [Await(None), *without_buttons(visitor), Answer("reference_paused", _asked(reference))]


def go_on(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Verder], [Laat maar staan]: as it stands now, and nothing is awaited that is not asked there."""
    return [Await(None), *without_buttons(visitor), *current(session, visitor, reference)]


def withdraw(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """One use, or all of it, is withdrawn at once."""
    core.withdraw(session, reference, use=None if more == ALL else more, programme=programme, now=visitor.now)
    return [Press("reference.gone"), *current(session, visitor, reference, edit=visitor.message_id)]


def ask_to_adjust(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Aanpassen] of what is public: it leaves the wall meanwhile, so they are asked once more."""
    core.need(reference.status, *core.AGREED)
    if reference.status == core.CUSTOMER_APPROVED:
        return adjust(session, visitor, reference=reference, programme=programme, more=more)
    return [Answer("reference_adjust", core.consent_data(session, reference))]


def adjust(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """It is a draft again."""
    core.need(reference.status, *core.AGREED)
    core.reopen(session, reference, now=visitor.now)
    return [*without_buttons(visitor), *current(session, visitor, reference)]


def renew(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Ja, graag] after its time was over: the same words are read back, for a new yes."""
    core.need(core.stage(session, reference, now=visitor.now), OVER)
    _reacted(session, visitor, f"{RENEWAL}:reference:{reference.id}:{reference.version}")
    core.reopen(session, reference, now=visitor.now)
    return [*without_buttons(visitor), *current(session, visitor, reference)]


def let_go(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Nee, laat maar]: it stays off the wall, and they are not asked the same again in the answer."""
    _reacted(session, visitor, f"{RENEWAL}:reference:{reference.id}:{reference.version}")
    core.let_go(session, reference, programme=programme, now=visitor.now)
    return [*without_buttons(visitor), Answer("reference_said", {"key": "reference.let_go"})]


def spoken(visitor: Visitor, programme: Programme) -> str:
    """The language in which they are spoken to: nl or en."""
    wanted = (visitor.locale or programme.config.programme.locale).lower()
    return "nl" if wanted.startswith("nl") else "en"


def _asked(reference: Reference) -> dict[str, Any]:
    return {"reference": reference.id, "version": reference.version, "question": len(reference.answers) + 1}


def _reacted(session: Session, visitor: Visitor, key: str | None) -> None:
    if key is not None:
        mark_reacted(session, visitor.customer_id, key=key, now=visitor.now)


ACTS: Mapping[str, Screen] = {
    "yes": accept,
    "later": snooze,
    "no": decline,
    "pause": pause,
    "go": go_on,
    "gone": withdraw,
    "adjust": ask_to_adjust,
    "adjust_yes": adjust,
    "again": renew,
    "over": let_go,
}
ANSWERS: Mapping[str, Screen] = {QUESTION: take_answer}
