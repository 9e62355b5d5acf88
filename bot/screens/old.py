"""Presses on buttons that no screen knows any more: each is answered, and home comes anew (rules 25)."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router
from aiogram.types import CallbackQuery
from sqlmodel import Session

from bot.conversation import Reply, Turn, Visitor
from bot.screens.home import old_button
from referrals.programme import Programme


def router() -> Router:
    """Every press that no other screen took."""
    own = Router(name="old")
    own.callback_query.register(on_old)
    return own


async def on_old(_press: CallbackQuery, turn: Turn) -> None:
    """A button from an older version, or from nowhere."""
    await turn.write(say_old)


def say_old(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """The button says that it is old, its message loses its buttons, home comes anew."""
    return old_button(visitor)
