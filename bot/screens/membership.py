"""Blocking and unblocking: whoever blocks the bot is not written to until they write again (rules 28)."""

from __future__ import annotations

from collections.abc import Sequence

from aiogram import Router
from aiogram.enums import ChatMemberStatus
from aiogram.types import ChatMemberUpdated
from sqlmodel import Session

from bot.conversation import Reply, Turn, Visitor
from referrals.programme import Programme
from storage.mailbox import Chat

GONE = frozenset({ChatMemberStatus.KICKED, ChatMemberStatus.LEFT})


def router() -> Router:
    """News of the bot's own membership of a chat."""
    own = Router(name="membership")
    own.my_chat_member.register(on_membership)
    return own


async def on_membership(news: ChatMemberUpdated, turn: Turn) -> None:
    """The bot was blocked, or let in again."""
    await turn.write(note_membership, blocked=news.new_chat_member.status in GONE)


def note_membership(session: Session, visitor: Visitor, *, programme: Programme, blocked: bool) -> Sequence[Reply]:
    """The chat can be reached, or cannot; nothing is answered."""
    chat = session.get(Chat, visitor.chat_id)
    if chat is not None:
        chat.reachable = not blocked
    return []
