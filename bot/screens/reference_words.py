"""What the screens of references have in common: their buttons, and a reference as it is shown, to the letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from aiogram.filters import Filter
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton
from pydantic import Field
from sqlmodel import Session

from bot.conversation import Visitor
from bot.keyboards import LONGEST_COPY, RowId
from bot.voice import Voice, lines
from referrals.asking.references import own_reference
from referrals.asking.shown import USES, units
from referrals.people.customers import check_verified
from storage.references import Reference

QUESTION = "reference_answer"  # what a text is the answer to
TEXT, TOWN, SHORTER = "reference_text", "reference_town", "reference_shorter"


Version = Annotated[int, Field(ge=0, lt=2**31)]  # as a table holds it


class Ref(CallbackData, prefix="r1"):
    """A customer's button below a reference: which one, of which version, what to do, and with what."""

    id: RowId
    version: Version
    what: str
    more: str = ""


class Own(CallbackData, prefix="o1"):
    """An owner's button below a reference; whether they are one is asked again."""

    id: RowId
    version: Version
    what: str
    more: str = ""


class Refs(Filter):
    """A press below a reference that wants one of these; hands the handler its ``callback_data``."""

    def __init__(self, kind: type[Ref | Own], *wanted: str) -> None:
        """The words in ``what``."""
        self.kind, self.wanted = kind, frozenset(wanted)

    async def __call__(self, press: CallbackQuery) -> bool | dict[str, Any]:
        """Whether it is one of them."""
        if not press.data or not press.data.startswith(f"{self.kind.__prefix__}:"):
            return False
        try:
            data = self.kind.unpack(press.data)
        except (TypeError, ValueError):
            return False
        return {"callback_data": data} if data.what in self.wanted else False


def open_reference(session: Session, visitor: Visitor, number: int) -> Reference:
    """The visitor's own reference, locked; a name is never theirs to give in a chat that is only claimed.

    Raises:
        NotVerified: The chat is claimed.
        UnknownReference: It is somebody else's, or nobody's.
    """
    check_verified(session, telegram_id=visitor.telegram_id)
    return own_reference(session, number, customer_id=visitor.customer_id)


def button(
    voice: Voice, key: str, data: Mapping[str, Any], what: str, more: str = "", *, kind: Any = Ref, **words: Any
) -> InlineKeyboardButton:
    """A button of the reference that the data is of."""
    packed = kind(id=data["reference"], version=data["version"], what=what, more=more).pack()
    return InlineKeyboardButton(text=voice.plain(key, **words), callback_data=packed)


def ticked(
    voice: Voice,
    key: str,
    data: Mapping[str, Any],
    what: str,
    more: str,
    *,
    is_ticked: bool,
    kind: Any = Ref,
    **words: str,
) -> InlineKeyboardButton:
    """A box with its label."""
    mark = "reference.ticked" if is_ticked else "reference.unticked"
    packed = kind(id=data["reference"], version=data["version"], what=what, more=more).pack()
    return InlineKeyboardButton(text=voice.plain(mark, label=voice.plain(key, **words)), callback_data=packed)


def fits_copy(text: str) -> bool:
    """Whether a button can copy it."""
    return units(text) <= LONGEST_COPY


def exactly(voice: Voice, data: Mapping[str, Any]) -> str:
    """The words between quotes, and below them what will stand beside them: as on the wall, letter for letter."""
    return lines(
        voice.say("reference.quoted", text=data["text"]), voice.say("reference.signed", by=signature(voice, data))
    )


def signature(voice: Voice, data: Mapping[str, Any]) -> str:
    """Sanne, Utrecht · geverifieerde klant sinds 2024."""
    who = data["name"] or voice.plain("reference.anonymous")
    place = ", ".join(part for part in (who, data["town"]) if part)
    since = voice.plain("reference.since", year=str(data["since"])) if data["since"] else None
    return " · ".join(part for part in (place, since) if part)


def uses_in_words(voice: Voice, uses: Sequence[str]) -> str:
    """Op de website, op social media en in print."""
    said = [voice.plain(f"reference.use.{use}") for use in USES if use in uses]
    while len(said) > 1:
        said[-2:] = [voice.plain("list.and", first=said[-2], last=said[-1])]
    return said[0] if said else ""


def full_day(voice: Voice, moment: str) -> str:
    """24 november 2028, as it is in the programme's zone."""
    local = datetime.fromisoformat(moment).astimezone(voice.programme.zone)
    return f"{voice.day(local)} {local.year}"


def wall_link(voice: Voice) -> str:
    """Where everybody sees it."""
    return f"{voice.programme.config.programme.base_url}/wall"
