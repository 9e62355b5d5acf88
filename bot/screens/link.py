"""/link: the ambassador's link, ready to be shared, with an honest text (voice 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message
from sqlmodel import Session

from bot.conversation import Answer, Home, Look, Press, Reply, Turn, View, Visitor
from bot.keyboards import Act, back, copy_text, share_in_telegram, share_in_whatsapp, to_do
from bot.presses import Acts
from bot.screens.gift import bonus_words, gift_words
from bot.screens.home import old_button
from bot.voice import OutMessage, Photo, Rows, Voice, lines, paragraphs
from referrals.people.customers import (
    code_of,
    enrol_ambassador,
    get_customer,
    sees_history,
    set_link_consent,
    takes_part,
    view_code,
)
from referrals.programme import Programme
from referrals.rewarding.gift_stock import is_promised

SHOWN = {"name_show": True, "name_hide": False}


def router() -> Router:
    """The command, and the buttons for the QR code and for one's own name."""
    own = Router(name="link")
    own.message.register(on_link, Command("link"))
    own.callback_query.register(on_qr, Acts("qr"))
    own.callback_query.register(on_name, Acts(*SHOWN))
    return own


async def on_link(_message: Message, turn: Turn) -> None:
    """They asked for their link in words."""
    await turn.show("link")


async def on_qr(_press: CallbackQuery, turn: Turn) -> None:
    """They pressed for its QR code."""
    await turn.write(show_qr)


async def on_name(_press: CallbackQuery, turn: Turn, callback_data: Act) -> None:
    """They want their first name on their invitation, or off it."""
    await turn.write(choose_name, consent=SHOWN[callback_data.what])


def choose_name(session: Session, visitor: Visitor, *, programme: Programme, consent: bool) -> Sequence[Reply]:
    """The friend's page and the chat's welcome name them, or do not; the link shows which."""
    if not sees_history(session, telegram_id=visitor.telegram_id):
        return old_button(visitor)
    set_link_consent(session, visitor.customer_id, consent=consent, now=visitor.now)
    at_home = visitor.message_id is not None and visitor.message_id == visitor.home_message_id
    return [Press("press.saved"), Home("link") if at_home else View("link", edit=visitor.message_id)]


def show_qr(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """Their link as a picture to be scanned.

    Raises:
        CustomerExcluded: They take no part.
    """
    view = enrol_ambassador(session, visitor.customer_id, programme=programme, now=visitor.now)
    return [Answer("qr", {"address": view.links.web, "code": view.code})]


def gather_link(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """The code and its addresses; asking for it makes it, for anybody who takes part (rules 18)."""
    customer = get_customer(session, look.customer_id)
    if not takes_part(customer.state):
        return {"excluded": True}
    code = code_of(session, customer.id)
    view = (
        view_code(session, code, programme=programme)
        if code
        else enrol_ambassador(session, customer.id, programme=programme, now=look.now)
    )
    name = customer.first_name if look.sees_history else None
    return {
        "code": view.code,
        "web": view.links.web,
        "chat": view.links.chat,
        "name": name,
        "named": customer.link_consent,
        "gone": not is_promised(session, programme=programme, now=look.now),
    }


def render_link(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The link with its text to share, in which the bonus is told."""
    if data.get("excluded"):
        return OutMessage(voice.say("error.excluded_customer"), [back(voice)])
    gift, their_gift = (None, None) if data.get("gone") else (gift_words(voice), gift_words(voice, whose="their"))
    text = paragraphs(
        lines(voice.say("link.title"), voice.say("link.address", link=data["web"])),
        lines(
            voice.say("link.gift", gift=their_gift) if their_gift else None,
            voice.say("link.bonus", bonus=bonus_words(voice)),
        ),
        lines(
            voice.say("link.code", code=data["code"]),
            voice.say("link.chat", chat=data["chat"]) if data["chat"] else None,
        ),
        voice.say("link.named" if data["named"] else "link.nameless", name=data["name"]) if data["name"] else None,
    )
    share = voice.plain("share.text", gift=gift) if gift else voice.plain("share.text_bare")
    short = voice.plain("share.short", link=data["web"])
    return OutMessage(
        text,
        [
            [share_in_telegram(voice, link=data["web"], text=share)],
            [share_in_whatsapp(voice, link=data["web"], text=share)],
            [copy_text(voice, f"{share}\n{data['web']}", short, data["web"]), to_do(voice, "button.qr", "qr")],
            *_name_row(voice, data),
            back(voice),
        ],
    )


def _name_row(voice: Voice, data: dict[str, Any]) -> Rows:
    if not data["name"]:
        return []
    what = "name_hide" if data["named"] else "name_show"
    return [[to_do(voice, f"button.{what}", what)]]


def render_qr(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The picture, with what it is for."""
    return OutMessage(voice.say("link.caption"), photo=Photo(f"qr:{data['address']}", data["address"]))


GATHER = {"link": gather_link}
RENDER = {"view.link": render_link, "qr": render_qr}
