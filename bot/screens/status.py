"""/status: the friends who came, how each of them stands and why; nothing of who they are."""

from __future__ import annotations

from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Look, Turn
from bot.keyboards import back, to_view
from bot.voice import OutMessage, Voice, lines
from referrals.programme import Programme
from referrals.reasons import ON_HOLD_UNTIL, UNDER_REVIEW, Reason, reason
from referrals.recruiting.overview import ON_HOLD, FriendView, friends_of

SHOWN = 10
EXPLAINED = ("on_hold", "refused", "reversed")  # the others say it themselves


def router() -> Router:
    """The command."""
    own = Router(name="status")
    own.message.register(on_status, Command("status"))
    return own


async def on_status(_message: Message, turn: Turn) -> None:
    """They asked how their friends stand."""
    await turn.show("status")


def gather_status(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """The newest friends; of a claimed account nothing (rules 20)."""
    if not look.sees_history:
        return {"claimed": True}
    found = friends_of(session, look.customer_id, programme=programme, now=look.now, limit=SHOWN + 1)
    return {"friends": [_plain(friend) for friend in found[:SHOWN]], "more": len(found) > SHOWN}


def render_status(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A line a friend, with the reason below where one is needed."""
    if data.get("claimed"):
        return OutMessage(voice.say("home.claimed"), [back(voice)])
    if not data["friends"]:
        text = lines(voice.say("status.title"), voice.say("status.none"))
        return OutMessage(text, [[to_view(voice, "button.link", "link")], back(voice)])
    older = voice.say("status.older", count=SHOWN) if data["more"] else None
    text = lines(voice.say("status.title"), *(_line(voice, friend) for friend in data["friends"]), older)
    return OutMessage(text, [[to_view(voice, "button.why", "why"), to_view(voice, "button.link", "link")], back(voice)])


def explained(status: str, reasons: list[Reason], *, available_at: str | None, under_review: bool) -> list[Reason]:
    """The reasons, and for what waits at least until when."""
    if status != ON_HOLD or any(one["code"] in (ON_HOLD_UNTIL, UNDER_REVIEW) for one in reasons):
        return reasons
    if under_review:
        return [*reasons, reason(UNDER_REVIEW)]
    return [*reasons, reason(ON_HOLD_UNTIL, date=available_at)] if available_at else reasons


def _plain(friend: FriendView) -> dict[str, Any]:
    available = friend.available_at.isoformat() if friend.available_at else None
    return {
        "since": friend.since.isoformat(),
        "status": friend.status,
        "amount_minor": friend.amount_minor,
        "currency": friend.currency,
        "reasons": explained(
            friend.status, list(friend.reasons), available_at=available, under_review=friend.under_review
        ),
    }


def _line(voice: Voice, friend: dict[str, Any]) -> str:
    state, since = voice.plain(f"state.{friend['status']}"), friend["since"]
    said = voice.say("status.line", date=since, state=state)
    if friend["amount_minor"]:
        bonus = voice.money(friend["amount_minor"], friend["currency"])
        said = voice.say("status.line_bonus", date=since, state=state, bonus=bonus)
    if friend["status"] not in EXPLAINED or not friend["reasons"]:
        return said
    return lines(said, voice.say("status.reason", reason=voice.unescaped(friend["reasons"])))


GATHER = {"status": gather_status}
RENDER = {"view.status": render_status}
