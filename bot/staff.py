"""The staff's group: what its members press and reply is heard here, and nothing else of what they say (rule 31).

The group is nobody's chat: ``bot.turn`` binds no person to it, and no screen of customers answers there.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiogram.types import CallbackQuery, Message, Update
from sqlmodel import Session

from bot.conversation import Reply, Turn, Visitor, spoken
from bot.screens.case import SOLVE, TAKE, CaseButton, press_case, reply_to_card
from bot.screens.membership import GONE, note_membership
from referrals.programme import Programme


async def hear_staff(update: Update, turn: Turn) -> None:
    """A press on a case, a reply to one, or the bot's membership; the turn of anything else is left unwritten."""
    if update.callback_query is not None:
        await _hear_press(update.callback_query, turn)
    elif update.message is not None:
        await _hear_reply(update.message, turn)
    elif update.my_chat_member is not None:
        await turn.write(note_membership, blocked=update.my_chat_member.new_chat_member.status in GONE)


def reply_in_group(
    session: Session, visitor: Visitor, *, programme: Programme, text: str, reply_to: int
) -> Sequence[Reply]:
    """The words go to the case's customer; a reply to anything else is between colleagues."""
    return reply_to_card(session, visitor, programme=programme, text=text, reply_to=reply_to) or []


async def _hear_press(press: CallbackQuery, turn: Turn) -> None:
    try:
        button = CaseButton.unpack(press.data or "")
    except (TypeError, ValueError):
        return
    if button.what in (TAKE, SOLVE):
        await turn.write(press_case, case=button.case, what=button.what)


async def _hear_reply(message: Message, turn: Turn) -> None:
    if message.reply_to_message is not None:
        words = spoken(message.text)
        await turn.write(reply_in_group, text=words, reply_to=message.reply_to_message.message_id)
