"""Buttons, and what they carry: 64 bytes of a versioned prefix and short words, never a right.

Anybody can send any callback data they have seen: screens ask again who may do what.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from aiogram.filters.callback_data import CallbackData
from aiogram.types import CopyTextButton, InlineKeyboardButton
from pydantic import Field

from bot.voice import ANSWER, HOME, Voice

RowId = Annotated[int, Field(gt=0, lt=2**63)]  # a number that a table can hold; any other makes an old button
LONGEST_COPY = 256  # UTF-16 units of a copy button


class Go(CallbackData, prefix="h1"):
    """A button of the home message: it shows another view in place."""

    view: str


class Show(CallbackData, prefix="s1"):
    """A button of any other message: a new message shows the view, or, with ``here``, the same one."""

    here: bool
    view: str


class Connect(CallbackData, prefix="c1"):
    """The answer to "is that you?"; the token is spent by a yes."""

    yes: bool
    token: str


class Act(CallbackData, prefix="a1"):
    """Something to do that needs no more words."""

    what: str


class Wish(CallbackData, prefix="w1"):
    """What somebody wants to hear: a kind of message, a pause, quiet hours or nothing at all, and what of it."""

    what: str
    value: str


def to_view(voice: Voice, key: str, view: str) -> InlineKeyboardButton:
    """A button that leads to a view: in place, but for a notice, which stays as it was."""
    data = Go(view=view) if voice.place == HOME else Show(here=voice.place == ANSWER, view=view)
    return InlineKeyboardButton(text=voice.plain(key), callback_data=data.pack())


def to_do(voice: Voice, key: str, what: str) -> InlineKeyboardButton:
    """A button that does something."""
    return InlineKeyboardButton(text=voice.plain(key), callback_data=Act(what=what).pack())


def to_url(voice: Voice, key: str, url: str) -> InlineKeyboardButton:
    """A button that opens an address."""
    return InlineKeyboardButton(text=voice.plain(key), url=url)


def yes_or_no(voice: Voice, token: str) -> list[InlineKeyboardButton]:
    """[Ja, dat ben ik] [Nee]."""
    return [
        InlineKeyboardButton(text=voice.plain("button.yes_me"), callback_data=Connect(yes=True, token=token).pack()),
        InlineKeyboardButton(text=voice.plain("button.not_me"), callback_data=Connect(yes=False, token=token).pack()),
    ]


def back(voice: Voice) -> list[InlineKeyboardButton]:
    """The way to the overview, from wherever."""
    return [to_view(voice, "button.back" if voice.place == HOME else "button.overview", "home")]


def share_in_telegram(voice: Voice, *, link: str, text: str) -> InlineKeyboardButton:
    """Telegram's own page for forwarding; works everywhere and needs no switch at BotFather."""
    return to_url(voice, "button.share", f"https://t.me/share/url?url={quote(link, safe='')}&text={quote(text)}")


def share_in_whatsapp(voice: Voice, *, link: str, text: str) -> InlineKeyboardButton:
    """WhatsApp with the message filled in; to whom is the customer's choice."""
    return to_url(voice, "button.whatsapp", f"https://wa.me/?text={quote(f'{text}{chr(10)}{link}')}")


def copy_text(voice: Voice, *texts: str) -> InlineKeyboardButton:
    """A button that copies the first of these texts that is short enough."""
    fitting = next((text for text in texts if len(text.encode("utf-16-le")) // 2 <= LONGEST_COPY), texts[-1])
    return InlineKeyboardButton(text=voice.plain("button.copy"), copy_text=CopyTextButton(text=fitting))
