from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.keyboards import copy_text
from bot.texts import Texts
from bot.voice import Voice
from referrals.people.customers import bot_name
from storage.database import Database
from tests.bot.chat import OLGA, USERNAME, Play, staged


async def test_a_service_learns_its_name_tells_its_menus_once_and_answers_at_once(play: Play) -> None:
    """Rules 22 and 24: polling, the commands in both languages and for owners, an answer without delay."""
    play.person("Olga", id=OLGA).start()
    await play.turn()
    await play.service.start()
    anna = play.person("Anna")
    anna.start()
    await anna.wait_for("fijn dat je er bent", within=20)
    anna.say("/help")
    await anna.wait_for("Dit kun je hier doen", within=3)
    assert play.database.look(bot_name, play.programme.config) == USERNAME
    told = play.sandbox.calls_of("setMyCommands")
    assert [call.params.get("language_code") for call in told] == [None, "nl", "en"] * 2
    await play.service.stop()
    again = play.another()
    await again.start()
    anna.say("/help")
    await anna.wait_for("Dit kun je hier doen", after=anna.mark(), within=20)
    assert len(play.sandbox.calls_of("setMyCommands")) == len(told)
    await again.stop()


async def test_what_is_not_stored_is_asked_for_again(play: Play) -> None:
    """Rule 24: an update is acknowledged by asking for the next one, and only after its commit."""
    play.person("Anna").start()
    await play.hear()
    first = play.offset
    play.offset = None
    await play.hear()
    assert play.offset == first
    assert len(play.inbox()) == 1


@pytest.mark.parametrize("kind", ["500", "502-html", "429", "reset"])
async def test_polling_outlives_telegrams_faults(play: Play, kind: str) -> None:
    play.sandbox.inject(kind, method="getUpdates", count=1)
    await play.service.start()
    anna = play.person("Anna")
    anna.start()
    await anna.wait_for("fijn dat je er bent", within=20)


async def test_a_webhook_is_set_with_its_secret_and_kinds(database: Database) -> None:
    keys: dict[str, Any] = {"telegram__mode": "webhook", "telegram__webhook_secret": "olga-s_secret"}
    async with staged(database, **keys) as play:
        await play.service.start()
        async with asyncio.timeout(10):
            while not play.sandbox.calls_of("setWebhook"):  # noqa: ASYNC110 - another task of ours calls it
                await asyncio.sleep(0.02)
        call = play.sandbox.calls_of("setWebhook")[0]
        assert call.params["url"] == "https://friends.example/telegram/webhook"
        assert call.params["secret_token"] == "olga-s_secret"
        assert "my_chat_member" in call.params["allowed_updates"]


@pytest.mark.parametrize("name", ["Atelier Noord", "N" * 200])
def test_what_a_button_copies_is_never_too_long(database: Database, name: str) -> None:
    from tests.builders import Shop  # noqa: PLC0415 - the one test that needs no chat

    voice = Voice(Texts(), "nl", Shop(database, programme__name=name).programme)
    button = copy_text(voice, voice.plain("share.text", gift="€ 25 korting"), "https://friends.example/r/ANNA7K3Q")
    assert button.copy_text is not None
    assert len(button.copy_text.text) <= 256
