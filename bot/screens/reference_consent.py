"""The exact text and what the customer says yes to: boxes that nobody ticked for them, their own words, their name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiogram import Router
from aiogram.types import CallbackQuery
from sqlmodel import Session

from bot.conversation import Answer, Await, Press, Reply, Screen, Turn, Visitor
from bot.screens.reference import current, press, spoken
from bot.screens.reference_words import TEXT, TOWN, Ref, Refs, open_reference
from referrals.asking import references as core
from referrals.asking.shown import LONGEST_TEXT, LONGEST_TOWN, clean_line, clean_words, seal, units
from referrals.asking.wall import shown_of
from referrals.programme import Programme
from storage.references import Reference

NOT_A_TOWN = ("/", "@", "://", "www.", "\N{MIDDLE DOT}")


def router() -> Router:
    """The buttons below the draft."""
    own = Router(name="reference_consent")
    own.callback_query.register(on_press, Refs(Ref, *ACTS))
    return own


async def on_press(_press: CallbackQuery, turn: Turn, callback_data: Ref) -> None:
    """A box, a wish to say it otherwise, or the yes."""
    data = callback_data
    await turn.write(press, act=ACTS[data.what], number=data.id, version=data.version, more=data.more)


def tick(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """A use is ticked, or no more; the message shows it in place."""
    core.tick(session, reference, use=more, now=visitor.now)
    return current(session, visitor, reference, edit=visitor.message_id)


def choose_name(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """The name that will stand there, likewise."""
    core.choose_name(session, reference, kind=more, now=visitor.now)
    return current(session, visitor, reference, edit=visitor.message_id)


def choose_town(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """The town is taken away, or the next text is one."""
    core.need(reference.status, core.DRAFT)
    if reference.town is None:
        return [Await(TOWN, {"reference": reference.id}), _ask(session, reference, "reference.town_ask")]
    core.set_town(session, reference, town=None, now=visitor.now)
    return current(session, visitor, reference, edit=visitor.message_id)


def ask_for_text(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """The next text is what they would rather say."""
    core.need(reference.status, core.DRAFT)
    return [Await(TEXT, {"reference": reference.id}), _ask(session, reference, "reference.text_ask", copy=True)]


def agree(
    session: Session, visitor: Visitor, *, reference: Reference, programme: Programme, more: str
) -> Sequence[Reply]:
    """[Akkoord]: on record, if a use is ticked and the screen showed what stands there now."""
    core.need(reference.status, core.DRAFT)
    if more != seal(shown_of(reference), reference.uses):
        return [Press("reference.moved"), *current(session, visitor, reference, edit=visitor.message_id)]
    if not reference.uses:
        return [Press("reference.tick_first")]
    core.agree(
        session, reference, sealed=more, chat_id=visitor.chat_id, locale=spoken(visitor, programme),
        programme=programme, now=visitor.now,
    )  # fmt: skip
    return [Await(None), Press("reference.agreed"), *current(session, visitor, reference, edit=visitor.message_id)]


def take_text(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """What they would rather say is read back; nobody's yes stands."""
    reference = open_reference(session, visitor, int((visitor.awaiting or {})["reference"]))
    words = clean_words(text)
    if not words or units(words) > LONGEST_TEXT:
        return [_ask(session, reference, "reference.text_again")]
    try:
        core.rewrite(session, reference, words=words, now=visitor.now)
    except core.ReferenceMoved:
        return [Await(None), Press("reference.moved"), *current(session, visitor, reference)]
    return [Await(None), *current(session, visitor, reference)]


def take_town(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """The town will stand there as they typed it."""
    reference = open_reference(session, visitor, int((visitor.awaiting or {})["reference"]))
    town = clean_line(text)
    if not town or units(town) > LONGEST_TOWN or any(part in town.lower() for part in NOT_A_TOWN):
        return [_ask(session, reference, "reference.town_again")]
    try:
        core.set_town(session, reference, town=town, now=visitor.now)
    except core.ReferenceMoved:
        return [Await(None), *current(session, visitor, reference)]
    return [Await(None), *current(session, visitor, reference)]


def _ask(session: Session, reference: Reference, key: str, *, copy: bool = False) -> Answer:
    data = core.consent_data(session, reference)
    return Answer("reference_ask", data | {"key": key, "copy": copy})


ACTS: Mapping[str, Screen] = {
    "tick": tick,
    "name": choose_name,
    "town": choose_town,
    "text": ask_for_text,
    "agree": agree,
}
ANSWERS: Mapping[str, Screen] = {TEXT: take_text, TOWN: take_town}
