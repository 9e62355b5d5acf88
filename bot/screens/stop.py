"""/stop: nothing more is sent unasked; what they have stays, and /start brings them back (rules 28).

One step from any state (C4): the command and the bare word are heard before whatever a text would be the answer to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiogram import Router
from aiogram.filters import Command, Filter
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Answer, Await, Reply, Turn, Visitor
from bot.voice import OutMessage, Voice
from referrals.people.customers import get_customer, sees_history, stop
from referrals.programme import Programme
from referrals.rewarding.balances import balances


def router() -> Router:
    """The command."""
    own = Router(name="stop")
    own.message.register(on_stop, Command("stop", ignore_case=True))
    own.message.register(on_stop, BareWord("stop"))
    return own


class BareWord(Filter):
    """A message that is this word and nothing else; many write it so."""

    def __init__(self, word: str) -> None:
        """In lower case."""
        self.word = word

    async def __call__(self, message: Message) -> bool:
        """Whether it is."""
        return (message.text or "").strip(" .!\n").lower() == self.word


async def on_stop(_message: Message, turn: Turn) -> None:
    """They want no more messages."""
    await turn.write(stop_messages)


def stop_messages(session: Session, visitor: Visitor, *, programme: Programme) -> Sequence[Reply]:
    """They are stopped, and hear what they keep."""
    stop(session, visitor.customer_id, now=visitor.now)
    accounts = balances(session, get_customer(session, visitor.customer_id).id)
    shown = accounts if sees_history(session, telegram_id=visitor.telegram_id) else {}
    available = {currency: one.available_minor for currency, one in shown.items() if one.available_minor}
    return [Await(None), Answer("stopped", {"available": available})]


def render_stopped(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """Done, what stays, and the way back."""
    if not data["available"]:
        return OutMessage(voice.say("stop.done_bare"))
    return OutMessage(voice.say("stop.done", available=voice.sums(data["available"])))


RENDER = {"stopped": render_stopped}
