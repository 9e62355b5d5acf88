"""The home message: credit, waiting bonuses and the ways on, edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.types import CallbackQuery
from sqlmodel import Session

from bot.conversation import Home, Look, Press, Reply, Turn, View, Visitor, without_buttons
from bot.keyboards import Go, Show, back, to_do, to_view
from bot.screens.credit import gather_ending, say_ending
from bot.screens.welcome import gather_gift, gift_lines
from bot.voice import OutMessage, Rows, Voice, lines, paragraphs
from referrals.people.customers import get_customer, is_connected
from referrals.programme import Programme
from referrals.rewarding.balances import balances, bonuses_of
from referrals.rewarding.milestones import next_milestone
from referrals.rewarding.release import friends_of
from referrals.rewarding.terms import configured_terms
from storage.ledger import HELD

NEW = "new:"  # of a view: the first time, with the name that their app gave
MOST_HELD = 100  # bonuses that are looked at for the first date


def router() -> Router:
    """Presses that lead to a view."""
    own = Router(name="home")
    own.callback_query.register(on_go, Go.filter())
    own.callback_query.register(on_show, Show.filter())
    return own


async def on_go(_press: CallbackQuery, turn: Turn, callback_data: Go) -> None:
    """A button of a home message, this one or an older one."""
    await turn.write(go, view=callback_data.view)


async def on_show(_press: CallbackQuery, turn: Turn, callback_data: Show) -> None:
    """A button of another message."""
    await turn.write(show, view=callback_data.view, here=callback_data.here)


def go(session: Session, visitor: Visitor, *, programme: Programme, view: str) -> Sequence[Reply]:
    """The home message shows the view; an older one loses its buttons and home comes anew (rules 25)."""
    if visitor.message_id is not None and visitor.message_id == visitor.home_message_id:
        return [Home(view)]
    return old_button(visitor)


def show(session: Session, visitor: Visitor, *, programme: Programme, view: str, here: bool) -> Sequence[Reply]:
    """The view, in the message whose button was pressed or in a new one."""
    if view == "home":
        return [Home(anew=True)]
    return [View(view, edit=visitor.message_id if here else None)]


def old_button(visitor: Visitor) -> list[Reply]:
    """The button says that it is old, its message loses its buttons, home comes anew."""
    return [Press("press.old"), *without_buttons(visitor), Home(anew=True)]


def gather_home(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """Sums of the ledger and the first date at which one of the waiting bonuses comes free."""
    customer = get_customer(session, look.customer_id)
    accounts = balances(session, customer.id) if look.sees_history else {}
    held = [one for one in bonuses_of(session, customer.id, limit=MOST_HELD) if one.status == HELD and one.amount_minor]
    dates = sorted(one.available_at for one in held if not one.under_review)
    return {
        "name": look.argument.removeprefix(NEW),
        "available": {currency: one.available_minor for currency, one in accounts.items()},
        "held": {currency: one.held_minor for currency, one in accounts.items()},
        "debt": {currency: one.debt_minor for currency, one in accounts.items()},
        "ending": gather_ending(session, customer.id, programme=programme) if look.sees_history else None,
        "count": len(held),
        "date": dates[0].isoformat() if dates else None,
        **(_friends(session, customer.id, programme) if look.sees_history else {"friends": 0}),
        "connected": is_connected(session, customer.id),
        "claimed": not look.sees_history,
        "stopped": customer.stopped_at is not None,
        "welcome": look.argument.startswith(NEW),
        "gift": gather_gift(session, customer.id, now=look.now) if look.sees_history else None,
    }


def _friends(session: Session, customer_id: int, programme: Programme) -> dict[str, Any]:
    """How many friends count, and how many more bring an extra; nothing of that before the first."""
    friends = friends_of(session, customer_id)
    ahead = next_milestone(configured_terms(programme.config), friends) if friends else None
    extra = {"count": ahead[0] - friends, "amount_minor": ahead[1], "currency": programme.currency} if ahead else None
    return {"friends": friends, "milestone": extra}


def render_home(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The overview; the first time with a welcome."""
    title = _welcome(voice, data) if data["welcome"] else voice.say("home.title")
    text = paragraphs(title, gift_lines(voice, data["gift"]), lines(*_money(voice, data)), _state(voice, data))
    return OutMessage(text, _buttons(voice, data))


def render_more(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """The rest of what there is."""
    rows = [
        [to_view(voice, "button.balance", "balance"), to_view(voice, "button.why", "why")],
        [to_view(voice, "button.settings", "settings"), to_view(voice, "button.language", "language")],
        [to_view(voice, "button.terms", "terms"), to_view(voice, "button.privacy", "privacy")],
        [to_view(voice, "button.help", "help")],
        [to_do(voice, "button.ask", "ask"), to_do(voice, "button.reference", "reference")],
    ]
    if voice.is_owner:
        rows.append([to_do(voice, "button.connect", "connect")])
    return OutMessage(voice.say("more.title"), [*rows, back(voice)])


def gather_more(_session: Session, _look: Look, *, programme: Programme) -> dict[str, Any]:
    """Nothing: it is a list of ways."""
    return {}


def _welcome(voice: Voice, data: dict[str, Any]) -> str:
    hello = voice.say("home.welcome", name=data["name"]) if data.get("name") else voice.say("home.welcome_nameless")
    return paragraphs(hello, lines(voice.say("home.about"), say_how_often(voice)))


def say_how_often(voice: Voice) -> str:
    """How often they are written to unasked, and how to end it."""
    cadence = voice.programme.config.cadence
    unasked = min(cadence.per_week, cadence.per_month)
    often = voice.say("home.unasked", count=unasked) if unasked else voice.say("home.never_unasked")
    return f"{often} {voice.say('home.rather_not')}"


def _money(voice: Voice, data: dict[str, Any]) -> list[str]:
    if data["claimed"]:
        return [voice.say("home.claimed")]
    said = []
    if any(data["available"].values()):
        said.append(voice.say("home.balance", available=voice.sums(data["available"])))
        said += filter(None, [say_ending(voice, data["ending"])])
    if any(data["held"].values()):
        said.append(_waiting(voice, data))
    if any(data["debt"].values()):
        said.append(voice.say("home.debt", debt=voice.sums(data["debt"])))
    if data["friends"]:
        said.append(voice.say("home.friends", count=data["friends"]))
    if data.get("milestone"):
        said.append(voice.say("home.milestone", **data["milestone"]))
    return said or [voice.say("home.nothing")]


def _waiting(voice: Voice, data: dict[str, Any]) -> str:
    held = voice.sums(data["held"])
    if data["date"] is None:
        return voice.say("home.waiting_undated", held=held)
    return voice.say("home.waiting", held=held, count=data["count"], date=data["date"])


def _state(voice: Voice, data: dict[str, Any]) -> str | None:
    if data["stopped"]:
        return voice.say("home.stopped")
    return None if data["connected"] or voice.is_owner else voice.say("home.connect")


def _buttons(voice: Voice, data: dict[str, Any]) -> Rows:
    rows = [
        [to_view(voice, "button.link", "link"), to_view(voice, "button.status", "status")],
        [to_view(voice, "button.board", "board"), to_view(voice, "button.more", "more")],
    ]
    if voice.is_owner:
        return [*rows, [to_view(voice, "button.today", "today")]]
    if any(data["available"].values()):
        rows.insert(0, [to_view(voice, "button.rewards", "rewards")])
    connect = [] if data["connected"] else [[to_do(voice, "button.connect", "connect")]]
    return [*rows, [to_do(voice, "button.ask", "ask")], *connect]


GATHER = {"home": gather_home, "more": gather_more}
RENDER = {"view.home": render_home, "view.more": render_more}
