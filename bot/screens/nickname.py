"""The nickname on the leaderboard: chosen in words, shown to others, taken away again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.types import CallbackQuery
from sqlmodel import Session

from bot.conversation import Answer, Await, Reply, Turn, Visitor
from bot.keyboards import Act, to_do, to_view
from bot.presses import Acts
from bot.voice import OutMessage, Voice
from referrals.people.customers import set_nickname
from referrals.people.persons import LONGEST_NICKNAME
from referrals.programme import Programme

NICKNAME = "nickname"  # what a text is the answer to
SHORTEST = 2
NOT_A_NAME = ("/", "@", "://", "www.", "t.me")


def router() -> Router:
    """The buttons below the board."""
    own = Router(name="nickname")
    own.callback_query.register(on_press, Acts("nickname", "nickname_remove", "nickname_keep"))
    return own


async def on_press(_press: CallbackQuery, turn: Turn, callback_data: Act) -> None:
    """Choose one, or take it away."""
    screens = {"nickname": ask_nickname, "nickname_remove": remove_nickname, "nickname_keep": keep_nickname}
    await turn.write(screens[callback_data.what])


def ask_nickname(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """The next text is a nickname."""
    return [Await(NICKNAME), Answer("nickname_ask")]


def take_nickname(session: Session, visitor: Visitor, *, programme: Programme, text: str) -> Sequence[Reply]:
    """The board shows it, if it can be one; else they are asked again."""
    name = " ".join(text.split())
    fits = SHORTEST <= len(name) <= LONGEST_NICKNAME and not any(part in name.lower() for part in NOT_A_NAME)
    if not fits:
        return [Answer("nickname_ask", {"again": True})]
    kept = set_nickname(session, visitor.customer_id, nickname=name)
    return [Await(None), Answer("nickname_said", {"key": "board.nickname_set", "nickname": kept})]


def remove_nickname(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """Nobody sees their name any more."""
    set_nickname(session, visitor.customer_id, nickname=None)
    return [Await(None), Answer("nickname_said", {"key": "board.nickname_removed"})]


def keep_nickname(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """They thought better of it."""
    return [Await(None), Answer("nickname_said", {"key": "board.nickname_kept"})]


def render_ask(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The question, or what was wrong with the answer."""
    key = "board.nickname_refused" if data.get("again") else "board.nickname_ask"
    text = voice.say(key, count=LONGEST_NICKNAME)
    return OutMessage(text, [[to_do(voice, "button.cancel", "nickname_keep")]])


def render_said(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """How it is now."""
    text = voice.say(data["key"], nickname=data.get("nickname"))
    return OutMessage(text, [[to_view(voice, "button.board", "board")]])


RENDER = {"nickname_ask": render_ask, "nickname_said": render_said}
