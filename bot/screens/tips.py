"""Tips and thanks: what the clock says to somebody who is glad with us; every tip has a way not to get another (A6).

A press is a reaction, and ends the row of tips that led to nothing; [Geen tips meer] leaves the link as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from aiogram import Router
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton
from sqlmodel import Session

from bot.conversation import Answer, Press, Reply, Turn, View, Visitor, without_buttons
from bot.screens.gift import bonus_words, gift_words
from bot.voice import OutMessage, Rows, Voice, lines, paragraphs
from referrals.asking.contacts import mark_reacted
from referrals.asking.wishes import set_wish
from referrals.notices import THANKS, TIP_NEVER_OPENED, TIP_SECOND_ORDER, TIP_SHARE_AGAIN
from referrals.programme import Programme

Does = Literal["share", "later", "off"]


class Tip(CallbackData, prefix="t1", sep="|"):
    """A button under a tip; ``contact`` names it, with the colons of its own."""

    does: Does
    contact: str


def router() -> Router:
    """The three buttons."""
    own = Router(name="tips")
    own.callback_query.register(on_tip, Tip.filter())
    return own


async def on_tip(_press: CallbackQuery, turn: Turn, callback_data: Tip) -> None:
    """They answered a tip."""
    await turn.write(DOES[callback_data.does], contact=callback_data.contact)


def share(session: Session, visitor: Visitor, *, programme: Programme, contact: str) -> Sequence[Reply]:
    """Their link, ready to be shared, in a message of its own."""
    mark_reacted(session, visitor.customer_id, key=contact, now=visitor.now)
    return [View("link")]


def later(session: Session, visitor: Visitor, *, programme: Programme, contact: str) -> Sequence[Reply]:
    """The tip loses its buttons; the next one comes when it would have come."""
    mark_reacted(session, visitor.customer_id, key=contact, now=visitor.now)
    return [Press("press.tip_later"), *without_buttons(visitor)]


def off(session: Session, visitor: Visitor, *, programme: Programme, contact: str) -> Sequence[Reply]:
    """No tip comes any more; their link goes on working, and the way back stands in the answer."""
    mark_reacted(session, visitor.customer_id, key=contact, now=visitor.now)
    set_wish(session, visitor.customer_id, kind="tips", wanted=False, now=visitor.now)
    return [Press("press.tips_off"), *without_buttons(visitor), Answer("tips_off")]


DOES: dict[Does, Callable[..., Sequence[Reply]]] = {"share": share, "later": later, "off": off}


def render_second_order(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """T3: they came back by themselves."""
    told = lines(_said(voice, TIP_SECOND_ORDER), _gift(voice), voice.say("tips.bonus", bonus=bonus_words(voice)))
    return OutMessage(paragraphs(told, _through_friend(voice, data)), _buttons(voice, data))


def render_share_again(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """T6: thanks for a friend; who may not see what their link brought hears that it is there."""
    if not voice.sees_history:
        return render_never_opened(voice, data)
    told = lines(_said(voice, TIP_SHARE_AGAIN), _gift(voice, "tips.again"))
    return OutMessage(paragraphs(told, _through_friend(voice, data)), _buttons(voice, data))


def render_never_opened(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """T8: the link is there (voice 8)."""
    told = lines(_said(voice, TIP_NEVER_OPENED), _gift(voice))
    return OutMessage(paragraphs(told, _through_friend(voice, data)), _buttons(voice, data))


def render_thanks(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """T9: thanks, and nothing to press."""
    milestone = "years" if "years" in data else "friends"
    text = lines(_said(voice, f"{THANKS}.{milestone}", count=data[milestone]), voice.say(f"notice.{THANKS}"))
    return OutMessage(text)


def render_tips_off(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """Done, and where to change it."""
    return OutMessage(voice.say("tips.off"))


def _said(voice: Voice, key: str, **data: Any) -> str:
    """With their name, where we may say it."""
    if voice.name:
        return voice.say(f"notice.{key}", name=voice.name, **data)
    return voice.say(f"notice.{key}.nameless", **data)


def _gift(voice: Voice, key: str = "tips.gift") -> str:
    """What the friend gets comes first (playbook 3.4)."""
    gift = gift_words(voice, whose="their")
    return voice.say(key, gift=gift) if gift else voice.say(f"{key}_bare")


def _through_friend(voice: Voice, data: dict[str, Any]) -> str | None:
    """Only if it is true, and only to whom it is surely about."""
    return voice.say("tips.through_friend") if data.get("through_friend") and voice.sees_history else None


def _buttons(voice: Voice, data: dict[str, Any]) -> Rows:
    return [
        [_button(voice, "button.tip_share", "share", data)],
        [_button(voice, "button.tip_later", "later", data), _button(voice, "button.tip_off", "off", data)],
    ]


def _button(voice: Voice, key: str, does: Does, data: dict[str, Any]) -> InlineKeyboardButton:
    packed = Tip(does=does, contact=data["contact"]).pack()
    return InlineKeyboardButton(text=voice.plain(key), callback_data=packed)


RENDER = {
    TIP_SECOND_ORDER: render_second_order,
    TIP_SHARE_AGAIN: render_share_again,
    TIP_NEVER_OPENED: render_never_opened,
    THANKS: render_thanks,
    "tips_off": render_tips_off,
}
