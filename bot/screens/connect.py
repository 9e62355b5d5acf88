"""Connecting a chat to a shop's customer: by a one-time link, or by order number and e-mail (rules 19, 20)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.types import CallbackQuery
from sqlmodel import Session

from bot.conversation import Answer, Await, Home, Reply, Turn, Visitor, without_buttons
from bot.keyboards import Act, Connect, to_do, to_view, yes_or_no
from bot.presses import Acts
from bot.screens.home import say_how_often
from bot.screens.welcome import gather_gift, gift_lines
from bot.voice import OutMessage, Voice, lines, paragraphs
from referrals.people.customers import get_customer, resume
from referrals.people.tokens import FRESH, token_state
from referrals.programme import Programme
from referrals.recruiting.connect import (
    ALREADY,
    CLAIMED_NOW,
    CONNECTED,
    MISSED,
    ConnectOutcome,
    connect_by_order,
    connect_by_token,
)
from storage.database import books

ORDER, EMAIL = "connect_order", "connect_email"  # what a text is the answer to
LONGEST_ANSWER = 320  # characters of an order number or an address that are looked at


def router() -> Router:
    """The answer to "is that you?", the wish to connect by order, and the way out of it."""
    own = Router(name="connect")
    own.callback_query.register(on_answer, Connect.filter())
    own.callback_query.register(on_act, Acts("connect", "cancel"))
    return own


async def on_answer(_press: CallbackQuery, turn: Turn, callback_data: Connect) -> None:
    """[Ja, dat ben ik] or [Nee]."""
    if callback_data.yes:
        await turn.write(confirm_connection, token=callback_data.token)
    else:
        await turn.write(refuse_connection)


async def on_act(_press: CallbackQuery, turn: Turn, callback_data: Act) -> None:
    """Connect by order, or stop asking."""
    await turn.write(ask_for_order if callback_data.what == "connect" else cancel)


@books
def offer_connection(session: Session, visitor: Visitor, *, programme: Programme, token: str) -> Sequence[Reply]:
    """A fresh link asks whether it is theirs and shows no name; any other says at once what it is (rules 19)."""
    resume(session, visitor.customer_id, now=visitor.now)
    state = token_state(session, token, chat_id=visitor.chat_id, machine_now=visitor.machine_now)
    if state == FRESH:
        return [Await(None), Answer("connect_ask", {"token": token})]
    return [Await(None), *_connect(session, visitor, token, programme=programme)]


@books
def confirm_connection(session: Session, visitor: Visitor, *, programme: Programme, token: str) -> Sequence[Reply]:
    """The chat is the customer's, or hears why not; the question loses its buttons."""
    return [*without_buttons(visitor), *_connect(session, visitor, token, programme=programme)]


def refuse_connection(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """Nothing is bound, and the link stays good."""
    return [*without_buttons(visitor), Answer("connect_said", {"key": "connect.refused"})]


def ask_for_order(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """The next text is an order number."""
    resume(session, visitor.customer_id, now=visitor.now)
    return [Await(ORDER), Answer("connect_question", {"key": "connect.order"})]


def take_order(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """The number is kept, the next text is an address."""
    return [Await(EMAIL, {"order": text[:LONGEST_ANSWER]}), Answer("connect_question", {"key": "connect.email"})]


@books
def take_email(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """Number and address are tried; the address is kept nowhere."""
    outcome = connect_by_order(
        session,
        chat_id=visitor.chat_id,
        order_number=str((visitor.awaiting or {}).get("order", "")),
        email=text[:LONGEST_ANSWER],
        programme=programme,
        now=visitor.now,
        machine_now=visitor.machine_now,
    )
    return [Await(None), *_said(session, visitor, outcome)]


def cancel(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """No text is awaited any more."""
    return [Await(None), *without_buttons(visitor), Answer("connect_said", {"key": "connect.cancelled"})]


def _connect(session: Session, visitor: Visitor, token: str, *, programme: Programme) -> list[Reply]:
    outcome = connect_by_token(
        session,
        token,
        chat_id=visitor.chat_id,
        telegram_id=visitor.telegram_id,
        programme=programme,
        now=visitor.now,
        machine_now=visitor.machine_now,
    )
    return _said(session, visitor, outcome)


def _said(session: Session, visitor: Visitor, outcome: ConnectOutcome) -> list[Reply]:
    data: dict[str, Any] = {"key": f"connect.{outcome.kind}"}
    if outcome.kind == CONNECTED:
        data["name"] = get_customer(session, visitor.customer_id).first_name or visitor.name
        data["gift"] = gather_gift(session, outcome.customer_id or 0, now=visitor.now)
    data["lost"] = outcome.kind not in (CONNECTED, ALREADY, CLAIMED_NOW)
    data["again"] = outcome.kind == MISSED
    home: list[Reply] = [] if data["lost"] or visitor.home_message_id is None else [Home()]
    return [Answer("connect_said", data), *home]


def render_ask(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """Is that you? No name, no order: whoever found the slip learns nothing."""
    return OutMessage(voice.say("connect.ask"), [yes_or_no(voice, data["token"])])


def render_question(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A question to be answered in words, and the way out."""
    return OutMessage(voice.say(data["key"]), [[to_do(voice, "button.cancel", "cancel")]])


def render_said(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """What came of it, and where to go on."""
    key, name = data["key"], data.get("name")
    text = voice.say(key, name=name) if name or key != "connect.connected" else voice.say("connect.connected_nameless")
    if not data.get("lost", True):
        text = lines(text, say_how_often(voice))
    text = paragraphs(text, gift_lines(voice, data.get("gift")))
    rows = [[to_view(voice, "button.overview", "home")]]
    if data.get("again") or key in ("connect.expired", "connect.unknown"):
        rows.insert(0, [to_do(voice, "button.connect", "connect")])
    elif not data.get("lost", True):
        rows.insert(0, [to_view(voice, "button.link", "link"), to_view(voice, "button.balance", "balance")])
    return OutMessage(text, rows)


RENDER = {"connect_ask": render_ask, "connect_question": render_question, "connect_said": render_said}
