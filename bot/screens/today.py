"""/vandaag, for owners: what today and this week have brought, what waits, what needs a hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Answer, Look, Reply, Turn, View, Visitor
from bot.keyboards import back, to_view
from bot.screens.pool import say_pool
from bot.voice import OutMessage, Voice, lines, paragraphs
from referrals.asking.approval import waiting_count
from referrals.figures.today import today
from referrals.programme import Programme
from referrals.rewarding.pool import low_stock
from referrals.screening.telling import waiting_count as to_review

WINDOWS = ("today", "yesterday", "week", "week_before")
MOST_POOL = 10  # amounts that are running out
BY_HAND = ("quarantined", "needs_fetch", "waiting", "unreachable")


def router() -> Router:
    """The command in both languages."""
    own = Router(name="today")
    own.message.register(on_today, Command("vandaag", "today"))
    return own


async def on_today(_message: Message, turn: Turn) -> None:
    """Somebody asked for the figures."""
    await turn.write(show_today)


def show_today(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """The figures, for an owner; for anybody else there is no such command."""
    return [View("today") if visitor.is_owner else Answer("not_understood")]


def gather_today(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """The page of figures; nothing for who is no owner (any more)."""
    if not look.is_owner:
        return {"owner": False}
    figures = today(session, programme=programme, now=look.now).as_dict()
    pool = low_stock(session, programme=programme, now=look.now)[:MOST_POOL]
    decisions = {"references": waiting_count(session), "review": to_review(session), "pool": pool}
    return {"owner": True, **figures, **decisions}


def render_today(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A line a window, then the bonuses, then what needs a hand."""
    if not data["owner"]:
        return OutMessage(voice.say("unknown.text"), [back(voice)])
    currency = data["currency"]
    windows = [
        voice.say(
            f"today.{name}",
            count=data[name]["orders"],
            revenue=voice.money(data[name]["revenue_minor"], currency),
            people=data[name]["friends"],
            sign_ups=data[name]["sign_ups"],
            clicks=data[name]["clicks"],
        )
        for name in WINDOWS
    ]
    bonuses = [
        voice.say(f"today.{name}", count=data[name]["count"], amount=voice.money(data[name]["amount_minor"], currency))
        for name in ("held", "under_review", "available")
        if data[name]["count"]
    ]
    people = [
        voice.say("today.cases", count=data["cases"]["open"]) if data["cases"]["open"] else None,
        voice.say("today.overdue", count=data["cases"]["overdue"]) if data["cases"]["overdue"] else None,
        voice.say("today.references", count=data["references"]) if data["references"] else None,
    ]
    hands = [voice.say(f"today.{name}", count=data[name]) for name in BY_HAND if data[name]]
    title = voice.say("today.title", date=data["as_of"])
    text = paragraphs(
        title,
        *windows,
        lines(*bonuses, voice.say("today.review", count=data["review"]) if data["review"] else None),
        _scores(voice, data["scores"]),
        lines(*people),
        lines(*hands, say_pool(voice, data["pool"])),
    )
    return OutMessage(text, [[to_view(voice, "button.board", "board")], back(voice)])


def _scores(voice: Voice, data: dict[str, Any]) -> str | None:
    """The NPS with its interval; with few answers, that they are few; nothing where nobody was asked or answered."""
    if data["too_few"]:
        few = voice.say("today.scores_few", count=data["count"], days=data["days"], least=data["least"])
        return few if data["asked"] or data["count"] else None
    nps, low, high = (round(data[name]) for name in ("nps", "low", "high"))
    return voice.say(
        "today.scores", nps=nps, low=low, high=high, days=data["days"], count=data["count"], asked=data["asked"]
    )


GATHER = {"today": gather_today}
RENDER = {"view.today": render_today}
