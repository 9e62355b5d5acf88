"""/gegevens: what is kept of somebody, all of it as a file, and the way to be forgotten (rules 20, 41).

An account that was only claimed sees nothing and wipes nothing: whose it is, is not sure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message
from sqlmodel import Session, col, func, select

from bot.conversation import Answer, Await, Look, Press, Reply, Strip, Turn, Visitor
from bot.keyboards import back, to_do, to_view
from bot.presses import Acts
from bot.voice import Document, OutMessage, Voice, lines, paragraphs
from referrals.notices import DATA_REQUESTED, SHOP_LEAVES
from referrals.people.customers import get_customer, sees_history
from referrals.people.persons import everybody
from referrals.privacy.erasure import erase
from referrals.privacy.export import HANDED_OUT, export_person, note_export
from referrals.programme import Programme
from referrals.rewarding.balances import balances
from storage.database import books
from storage.orders import Order
from storage.referrals import Referral

VIEW = "privacy"
ERASE = "erase"  # its page that asks whether they are sure
ERASED = "erased"
REFUSED = "privacy_refused"


def router() -> Router:
    """The command in both languages, and the buttons."""
    own = Router(name="privacy")
    own.message.register(on_data, Command("gegevens", "data"))
    own.callback_query.register(on_send, Acts("data_send"))
    own.callback_query.register(on_erase, Acts("data_erase"))
    return own


async def on_data(_message: Message, turn: Turn) -> None:
    """They asked what is kept."""
    await turn.show(VIEW)


async def on_send(_press: CallbackQuery, turn: Turn) -> None:
    """[Stuur mijn gegevens]."""
    await turn.write(send_data)


async def on_erase(_press: CallbackQuery, turn: Turn) -> None:
    """[Ja, wis alles]."""
    await turn.write(erase_me)


def send_data(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """Everything kept of them comes as a file."""
    if not sees_history(session, telegram_id=visitor.telegram_id):
        return [Answer(REFUSED)]
    actor = f"customer:{visitor.customer_id}"
    note_export(session, visitor.customer_id, actor=actor, now=visitor.now)
    kept = export_person(session, visitor.customer_id, programme=programme, now=visitor.now)
    return [Press("press.data"), Answer(HANDED_OUT, {"export": kept})]


@books
def erase_me(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """They are forgotten, and read it here once; then this chat is gone too."""
    if not sees_history(session, telegram_id=visitor.telegram_id):
        return [Answer(REFUSED)]
    actor = f"customer:{visitor.customer_id}"
    erase(session, visitor.customer_id, actor=actor, programme=programme, now=visitor.now, keep_chat=visitor.chat_id)
    home = visitor.home_message_id
    old: list[Reply] = [] if home is None or home == visitor.message_id else [Strip(home)]
    return [Await(None), Answer(ERASED, edit=visitor.message_id), *old]


def gather_privacy(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """In short what is kept, and what is lost with it."""
    if not look.sees_history:
        return {"page": look.argument, "claimed": True}
    customer = get_customer(session, look.customer_id)
    people = everybody(session, customer.id)
    accounts = balances(session, customer.id)
    orders = select(func.count()).select_from(Order).where(col(Order.customer_id).in_(people))
    friends = select(func.count()).select_from(Referral).where(col(Referral.ambassador_id).in_(people))
    return {
        "page": look.argument,
        "claimed": False,
        "name": customer.first_name,
        "orders": session.exec(orders).one(),
        "friends": session.exec(friends).one(),
        "available": {currency: one.available_minor for currency, one in accounts.items()},
        "held": {currency: one.held_minor for currency, one in accounts.items()},
    }


def render_privacy(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The page that was asked for; without a name, what is kept."""
    if data["claimed"]:
        return render_refused(voice, data)
    return _render_erase(voice, data) if data["page"] == ERASE else _render_kept(voice, data)


def _render_kept(voice: Voice, data: dict[str, Any]) -> OutMessage:
    privacy = voice.programme.config.privacy
    kept = lines(
        voice.say("privacy.name", name=data["name"]) if data["name"] else None,
        voice.say("privacy.known_by"),
        voice.say("privacy.orders", count=data["orders"]) if data["orders"] else None,
        voice.say("privacy.friends", count=data["friends"]) if data["friends"] else None,
        voice.say("privacy.words"),
    )
    long = lines(
        voice.say("privacy.bodies", count=privacy.inbox_days),
        voice.say("privacy.messages", count=privacy.message_days),
        voice.say("privacy.books", count=privacy.ledger_years),
    )
    rows = [
        [to_do(voice, "button.data_send", "data_send")],
        [to_view(voice, "button.data_erase", f"{VIEW}.{ERASE}")],
        back(voice),
    ]
    return OutMessage(paragraphs(voice.say("privacy.title"), kept, long), rows)


def _render_erase(voice: Voice, data: dict[str, Any]) -> OutMessage:
    lost = lines(
        voice.say("privacy.lose_credit", available=voice.sums(data["available"]))
        if any(data["available"].values())
        else None,
        voice.say("privacy.lose_waiting", held=voice.sums(data["held"])) if any(data["held"].values()) else None,
        voice.say("privacy.lose_link"),
    )
    text = paragraphs(voice.say("privacy.sure"), voice.say("privacy.goes"), lost, lines(voice.say("privacy.stays")))
    return OutMessage(text, [[to_do(voice, "button.data_yes", "data_erase")], [to_view(voice, "button.data_no", VIEW)]])


def render_refused(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """Not sure whose it is, and what makes it sure."""
    return OutMessage(voice.say("privacy.claimed"), [back(voice)])


def render_file(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The file, with a word about it."""
    content = json.dumps(data["export"], ensure_ascii=False, indent=2).encode()
    return OutMessage(voice.say("privacy.sent"), document=Document(voice.plain("privacy.file"), content))


def render_erased(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """The last word."""
    return OutMessage(voice.say("privacy.erased"))


def render_data_requested(voice: Voice, data: Mapping[str, Any]) -> OutMessage:
    """To an owner: somebody wants to see what is kept of them."""
    number = voice.programme.number("customer", data["customer"])
    said = voice.say(f"notice.{DATA_REQUESTED}", number=number, shop_name=data["shop"], until_at=data["until_at"])
    return OutMessage(said)


def render_shop_leaves(voice: Voice, data: Mapping[str, Any]) -> OutMessage:
    """To an owner: a shop wants its customers forgotten, which nobody does unasked."""
    return OutMessage(voice.say(f"notice.{SHOP_LEAVES}", shop_name=data["shop"], until_at=data["until_at"]))


GATHER = {VIEW: gather_privacy}
RENDER = {
    f"view.{VIEW}": render_privacy,
    HANDED_OUT: render_file,
    ERASED: render_erased,
    REFUSED: render_refused,
    DATA_REQUESTED: render_data_requested,
    SHOP_LEAVES: render_shop_leaves,
}
