"""The dispatcher: which screen hears an update, and what an update says apart from that."""

from __future__ import annotations

from functools import cache
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.types import CallbackQuery, Update, User

from bot.conversation import Turn
from bot.inbox import Taken
from bot.registry import routers
from bot.turn import Event

NUL = "\x00"


@cache
def build_dispatcher() -> Dispatcher:
    """A router of every screen; it keeps no state, what is awaited stands in the database, so one serves all bots."""
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher.include_routers(*routers())
    return dispatcher


async def dispatch(dispatcher: Dispatcher, bot: Bot, update: Update, turn: Turn) -> None:
    """The screen that hears this update has had its turn; errors are the caller's."""
    await dispatcher.feed_update(bot, update, turn=turn)


def parse(bot: Bot, taken: Taken) -> Update:
    """The update behind these bytes. Raises: ValueError for one that is none."""
    update = Update.model_validate_json(taken.body, context={"bot": bot})
    press = update.callback_query
    if press is not None and press.data and NUL in press.data:  # a forged one: no database keeps this symbol
        press = press.model_copy(update={"data": press.data.replace(NUL, "")})
        update = update.model_copy(update={"callback_query": press})
    return update


def event_of(update: Update, taken: Taken) -> Event | None:
    """What every screen needs of it; None for a kind that no screen hears."""
    user = _user(update)
    if user is None:
        return None
    said: dict[str, Any] = {"chat_id": user.id, "at": None, "message_id": None}
    if update.message:
        said |= {"chat_id": update.message.chat.id, "at": update.message.date}
    elif update.my_chat_member:
        said |= {"chat_id": update.my_chat_member.chat.id, "at": update.my_chat_member.date}
    elif update.callback_query and update.callback_query.message:
        pressed = update.callback_query.message
        said |= {"chat_id": pressed.chat.id, "message_id": pressed.message_id}
    return Event(
        inbox_id=taken.inbox_id,
        key=taken.key,
        telegram_id=user.id,
        first_name=user.first_name,
        language_code=user.language_code,
        waited=taken.waited,
        **said,
    )


def press_of(update: Update) -> CallbackQuery | None:
    """The press, if it is one."""
    return update.callback_query


def _user(update: Update) -> User | None:
    for part in (update.message, update.callback_query, update.my_chat_member):
        if part is not None:
            return part.from_user
    return None
