from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from aiohttp import web

from bot.sandbox.listening import Listener
from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from tests.bot.sandbox.conftest import HandClock

Answer = Callable[[dict[str, object]], web.Response]


class Receiver:
    """The bot's own address: notes what comes, answers as it was told."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, str | None]] = []
        self.answers: list[web.Response] = []
        self.active: set[int] = set()
        self.overlap = 0
        self.quiet = asyncio.Event()
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        self.listener = Listener(app)

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.seen.append((body["update_id"], request.headers.get("X-Telegram-Bot-Api-Secret-Token")))
        self.active.add(body["update_id"])
        self.overlap = max(self.overlap, len(self.active))
        await asyncio.sleep(0.03)
        self.active.discard(body["update_id"])
        self.quiet.set()
        return self.answers.pop(0) if self.answers else web.Response()

    async def wait(self, count: int) -> list[int]:
        async with asyncio.timeout(5):
            while len(self.seen) < count or self.active:
                self.quiet.clear()
                await self.quiet.wait()
        return [number for number, _ in self.seen]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.listener.start(host="127.0.0.1", port=0)
    yield receiver
    await receiver.listener.stop()


async def set_hook(bot: Bot, receiver: Receiver) -> None:
    await bot.set_webhook(f"{receiver.listener.url}/hook", secret_token="geheim_1")


async def test_the_webhook_gets_the_secret_and_one_update_of_a_chat_at_a_time(
    telegram: Sandbox, bot: Bot, anna: Person, receiver: Receiver
) -> None:
    await set_hook(bot, receiver)
    anna.start()
    anna.say("een")
    anna.say("twee")
    ids = await receiver.wait(3)
    assert ids == sorted(ids)
    assert {secret for _, secret in receiver.seen} == {"geheim_1"}
    assert receiver.overlap == 1
    assert (await bot.get_webhook_info()).pending_update_count == 0


async def test_a_message_and_a_press_of_one_person_may_arrive_side_by_side(
    bot: Bot, anna: Person, receiver: Receiver
) -> None:
    await set_hook(bot, receiver)
    anna.start()
    await receiver.wait(1)
    yes = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Ja", callback_data="y")]])
    await bot.send_message(anna.id, "Ja?", reply_markup=yes)
    anna.say("een")
    anna.press("Ja")
    await receiver.wait(3)
    assert receiver.overlap == 2


async def test_an_update_is_repeated_in_its_place_until_the_bot_says_2xx(
    bot: Bot, anna: Person, receiver: Receiver
) -> None:
    receiver.answers = [web.Response(status=500), web.Response(status=503, headers={"Retry-After": "2"})]
    await set_hook(bot, receiver)
    anna.start()
    anna.say("daarna")
    ids = await receiver.wait(4)
    assert ids == [ids[0]] * 3 + [ids[0] + 1]
    info = await bot.get_webhook_info()
    assert info.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"


async def test_a_method_in_the_answer_is_carried_out(bot: Bot, anna: Person, receiver: Receiver) -> None:
    receiver.answers = [web.json_response({"method": "sendMessage", "chat_id": anna.id, "text": "Vanzelf"})]
    await set_hook(bot, receiver)
    anna.start()
    await anna.wait_for("Vanzelf")


async def test_what_a_webhook_did_not_take_waits_for_polling(bot: Bot, anna: Person) -> None:
    await bot.set_webhook("http://127.0.0.1:9/hook")
    anna.start()
    await bot.delete_webhook()
    assert len(await bot.get_updates()) == 1


async def test_injected_refusals_reach_the_bot_and_then_stop(telegram: Sandbox, bot: Bot, anna: Person) -> None:
    anna.start()
    telegram.inject("429", retry_after=7, method="sendMessage")
    with pytest.raises(TelegramRetryAfter) as refused:
        await bot.send_message(anna.id, "Hoi")
    assert refused.value.retry_after == 7
    for kind, error in (("500", TelegramServerError), ("502-html", ClientDecodeError), ("403", TelegramForbiddenError)):
        telegram.inject(kind, chat_id=anna.id)
        with pytest.raises(error):
            await bot.send_message(anna.id, "Hoi")
    await bot.send_message(anna.id, "Hoi")
    assert [message.words for message in anna.chat] == ["/start", "Hoi"]


@pytest.mark.parametrize("kind, arrived", [("hang", False), ("reset", False), ("reset-after", True)])
async def test_a_lost_connection_tells_nothing_about_what_happened(
    telegram: Sandbox, bot: Bot, anna: Person, kind: str, arrived: bool
) -> None:
    anna.start()
    telegram.inject(kind, seconds=0.3)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(anna.id, "Hoi", request_timeout=1)
    assert ("Hoi" in [message.words for message in anna.chat]) is arrived


async def test_the_flood_limit_allows_a_burst_and_then_one_a_second(
    telegram: Sandbox, bot: Bot, anna: Person, bram: Person, clock: HandClock
) -> None:
    telegram.faults.limit_floods(per_chat=1, burst=3, overall=4)
    anna.start()
    bram.start()
    for number in range(3):
        await bot.send_message(anna.id, f"{number}")
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(anna.id, "te veel")
    await bot.send_message(bram.id, "mag nog")
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(bram.id, "over alles te veel")
    clock.forward(seconds=1)
    await bot.send_message(anna.id, "weer")
