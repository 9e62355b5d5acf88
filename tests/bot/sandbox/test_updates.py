from __future__ import annotations

import asyncio

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError
from aiogram.types import BotCommand, BotCommandScopeChat, InlineKeyboardButton, InlineKeyboardMarkup

from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from tests.bot.sandbox.conftest import HandClock

YES = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Ja", callback_data="y:1")]])


async def test_an_update_comes_again_until_its_offset_is_passed(bot: Bot, anna: Person) -> None:
    anna.start("r_ANNA7K3Q")
    anna.say("hallo")
    first = await bot.get_updates()
    assert [update.message and update.message.text for update in first] == ["/start r_ANNA7K3Q", "hallo"]
    again = await bot.get_updates(offset=first[0].update_id)
    assert [update.update_id for update in again] == [update.update_id for update in first]
    rest = await bot.get_updates(offset=first[0].update_id + 1)
    assert [update.update_id for update in rest] == [first[1].update_id]
    assert rest[0].message
    assert rest[0].message.from_user
    assert rest[0].message.from_user.language_code == "nl"


async def test_a_long_poll_ends_as_soon_as_something_arrives(bot: Bot, anna: Person) -> None:
    poll = asyncio.ensure_future(bot.get_updates(timeout=20))  # noqa: TID251 - a test holds it
    await asyncio.sleep(0.05)
    anna.start()
    updates = await asyncio.wait_for(poll, 2)
    assert [update.message and update.message.text for update in updates] == ["/start"]


async def test_a_second_poller_ends_the_first_with_409(telegram: Sandbox, bot: Bot, anna: Person) -> None:
    first = asyncio.ensure_future(bot.get_updates(timeout=20))  # noqa: TID251 - a test holds it
    await asyncio.sleep(0.05)
    second = asyncio.ensure_future(bot.get_updates(timeout=20))  # noqa: TID251 - a test holds it
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await first
    anna.start()
    assert len(await second) == 1


async def test_polling_and_a_webhook_exclude_each_other(bot: Bot) -> None:
    poll = asyncio.ensure_future(bot.get_updates(timeout=20))  # noqa: TID251 - a test holds it
    await asyncio.sleep(0.05)
    await bot.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook"):
        await poll
    with pytest.raises(TelegramConflictError, match="while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == []


async def test_what_is_told_is_what_was_asked_for_and_is_remembered(bot: Bot, anna: Person) -> None:
    await bot.get_updates(offset=-1, allowed_updates=["message"])
    anna.start()
    anna.block()
    anna.unblock()
    assert [update.event_type for update in await bot.get_updates(offset=1)] == ["message"]
    await bot.get_updates(offset=-1, allowed_updates=[])
    anna.block()
    [_, blocked] = await bot.get_updates(offset=2, limit=5)
    assert blocked.my_chat_member
    assert blocked.my_chat_member.new_chat_member.status == "kicked"


async def test_presses_are_forgotten_after_150_seconds_and_messages_after_a_day(
    bot: Bot, anna: Person, clock: HandClock
) -> None:
    anna.start()
    await bot.send_message(anna.id, "Ja?", reply_markup=YES)
    press = anna.press("Ja")
    clock.forward(seconds=151)
    updates = await bot.get_updates()
    assert [update.event_type for update in updates] == ["message"]
    assert press.query
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(press.query.id)
    clock.forward(hours=24)
    assert await bot.get_updates(offset=1) == []


async def test_a_press_reaches_the_bot_and_its_answer_the_person(bot: Bot, anna: Person) -> None:
    anna.start()
    await bot.send_message(anna.id, "Ja?", reply_markup=YES)
    press = anna.press("Ja")
    updates = await bot.get_updates()
    query = updates[-1].callback_query
    assert query
    assert query.message
    assert (query.data, query.message.message_id) == ("y:1", anna.last.id)
    await bot.answer_callback_query(query.id, text="Mooi", show_alert=True)
    assert await press.answered() == {"text": "Mooi", "show_alert": True}


async def test_blocking_and_unblocking_is_told_and_start_unblocks(bot: Bot, anna: Person) -> None:
    anna.start()
    anna.block()
    anna.start()
    kinds = [update.event_type for update in await bot.get_updates()]
    assert kinds == ["message", "my_chat_member", "my_chat_member", "message"]
    await bot.send_message(anna.id, "Welkom terug")
    await anna.wait_for("terug")


async def test_the_narrowest_commands_in_the_own_language_are_shown(telegram: Sandbox, bot: Bot, anna: Person) -> None:
    anna.start()
    await bot.set_my_commands([BotCommand(command="help", description="Help")])
    await bot.set_my_commands([BotCommand(command="tegoed", description="Tegoed")], language_code="nl")
    chat = telegram.world.chats[anna.id]
    shown = telegram.methods.profile.commands_for
    assert [c["command"] for c in shown(chat, "nl-BE")] == ["tegoed"]
    await bot.set_my_commands(
        [BotCommand(command="vandaag", description="Vandaag")], scope=BotCommandScopeChat(chat_id=anna.id)
    )
    assert [c["command"] for c in shown(chat, "nl")] == ["vandaag"]
    assert [c.command for c in await bot.get_my_commands(language_code="nl")] == ["tegoed"]
    await bot.delete_my_commands(scope=BotCommandScopeChat(chat_id=anna.id))
    assert [c["command"] for c in shown(chat, "en")] == ["help"]
    with pytest.raises(TelegramBadRequest, match="BOT_COMMAND_INVALID"):
        await bot.set_my_commands([BotCommand(command="Tegoed!", description="x")])


async def test_a_staff_group_has_topics_that_can_be_written_in_until_closed(
    telegram: Sandbox, bot: Bot, anna: Person
) -> None:
    group = telegram.group("Atelier Noord: vragen")
    topic = await bot.create_forum_topic(group.id, "Anna")
    sent = await bot.send_message(group.id, "Mijn tafel wiebelt", message_thread_id=topic.message_thread_id)
    group.say(anna, "Ik kijk ernaar", reply_to=group.chat[-1])
    [update] = await bot.get_updates()
    assert update.message
    assert update.message.message_thread_id == sent.message_thread_id
    await bot.close_forum_topic(group.id, topic.message_thread_id)
    with pytest.raises(TelegramBadRequest, match="TOPIC_CLOSED"):
        await bot.send_message(group.id, "Nog iets", message_thread_id=topic.message_thread_id)
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(group.id, "Nog iets", message_thread_id=999)
