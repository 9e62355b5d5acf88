from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.sandbox.build import ANNA, BRAM, OLGA, TryOut, build_sandbox
from bot.sandbox.page import STATIC
from bot.sandbox.shop import ShopSettings
from bot.sandbox.words import KEYS
from bot.texts import Texts, catalogue
from tests.bot.sandbox.conftest import HandClock


class DayMachine:
    """Moves the programme's clock, and nothing else."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock

    async def later(self, *, enough: Callable[[], bool]) -> datetime:
        assert not enough()
        return await self.forward(4)

    async def forward(self, days: int = 0, *, months: int = 0) -> datetime:
        self.clock.time += timedelta(days=days + 30 * months)
        return self.clock.time


@pytest.fixture
async def try_out(clock: HandClock) -> AsyncIterator[TryOut]:
    programme = HandClock()
    try_out = build_sandbox(
        say=Texts().say,
        shop=ShopSettings(hook_url="http://127.0.0.1:9/hooks/webshop", secret="geheim"),
        time_machine=DayMachine(programme),
        now=clock,
        programme_now=programme,
    )
    await try_out.start()
    yield try_out
    await try_out.stop()


@pytest.fixture
async def browser(try_out: TryOut) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(try_out.page.url) as session:
        yield session


async def post(browser: aiohttp.ClientSession, path: str, **body: Any) -> int:
    async with browser.post(path, json=body) as reply:
        return reply.status


async def state(browser: aiohttp.ClientSession, locale: str = "nl") -> dict[str, Any]:
    async with browser.get(f"/api/state?locale={locale}") as reply:
        body: dict[str, Any] = await reply.json()
        return body


async def test_the_page_is_served_with_a_strict_policy_and_loads_nothing_from_elsewhere(
    browser: aiohttp.ClientSession,
) -> None:
    for path in ("/", "/shop", "/static/chat.js", "/static/products/table.svg"):
        async with browser.get(path) as reply:
            assert reply.status == 200
            assert "default-src 'none'; script-src 'self'" in reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", [path for path in STATIC.rglob("*") if path.is_file()], ids=lambda path: path.name)
def test_static_files_hold_no_inline_script_or_style_and_no_address_elsewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=\"", text)
    found = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
    assert {address for address in found if "${" not in address} == set()


@pytest.mark.parametrize("locale", ["nl", "en"])
def test_every_word_that_a_page_asks_for_is_in_the_catalogue(locale: str) -> None:
    asked = set()
    for path in STATIC.glob("*.*"):
        asked |= set(
            re.findall(r"\b(?:say\(|data-(?:word|title|label|hint)=)\"([a-z_]+\.[a-z_]+)\"", path.read_text("utf-8"))
        )
    known = catalogue(locale).keys
    assert {f"sandbox.{key}" for key in asked} <= set(KEYS) <= known
    assert {key for key in known if key.startswith("sandbox.")} == set(KEYS)


async def test_three_people_have_a_phone_and_nobody_has_started(browser: aiohttp.ClientSession) -> None:
    shown = await state(browser)
    phones = [(person["id"], person["name"], person["started"]) for person in shown["people"]]
    assert phones == [(ANNA, "Anna", False), (BRAM, "Bram", False), (OLGA, "Olga", False)]
    assert shown["words"]["share.send"] == "Stuur naar {name}"
    assert (await state(browser, "en"))["words"]["share.send"] == "Send to {name}"


async def test_what_is_done_on_the_page_reaches_the_bot_and_its_answer_the_page(
    try_out: TryOut, browser: aiohttp.ClientSession
) -> None:
    assert await post(browser, f"/api/people/{BRAM}/say", text="te vroeg") == 409
    assert await post(browser, f"/api/people/{BRAM}/start", payload="r_ANNA7K3Q") == 200
    session = AiohttpSession(api=TelegramAPIServer.from_base(try_out.telegram.url))
    async with Bot(try_out.telegram.token, session=session) as bot:
        [start] = await bot.get_updates()
        assert start.message
        assert start.message.text == "/start r_ANNA7K3Q"
        yes = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Ja", callback_data="y")]])
        sent = await bot.send_message(BRAM, "Welkom <b>Bram</b>", parse_mode="HTML", reply_markup=yes)
        shown = (await state(browser))["people"][1]["messages"][-1]
        assert (shown["text"], shown["rows"]) == ("Welkom Bram", [[{"text": "Ja", "press": True}]])
        await post(browser, f"/api/people/{BRAM}/press", message=sent.message_id, row=0, column=0)
        updates = await bot.get_updates(offset=start.update_id + 1)
    assert [update.callback_query and update.callback_query.data for update in updates] == ["y"]


async def test_somebody_replies_to_a_message_and_the_page_shows_to_which(
    try_out: TryOut, browser: aiohttp.ClientSession
) -> None:
    await post(browser, f"/api/people/{OLGA}/start")
    server = AiohttpSession(api=TelegramAPIServer.from_base(try_out.telegram.url))
    bot = Bot(try_out.telegram.token, session=server)
    asked = await bot.send_message(OLGA, "Vraag van een klant")
    await bot.session.close()
    assert await post(browser, f"/api/people/{OLGA}/say", text="Morgen.", reply_to=asked.message_id) == 200
    assert await post(browser, f"/api/people/{OLGA}/say", text="Morgen.", reply_to=9999) == 409
    pane = next(pane for pane in (await state(browser))["people"] if pane["id"] == OLGA)
    assert pane["messages"][-1]["reply"] == "Vraag van een klant"
    assert "reply" not in pane["messages"][-2]


async def test_open_pages_hear_of_messages_edits_and_answers(try_out: TryOut, browser: aiohttp.ClientSession) -> None:
    async with browser.get("/api/events") as stream:
        first = json.loads((await stream.content.readuntil(b"\n\n")).removeprefix(b"data: "))
        assert first["kind"] == "clock"
        await post(browser, f"/api/people/{ANNA}/start")
        heard = [json.loads((await stream.content.readuntil(b"\n\n")).removeprefix(b"data: ")) for _ in range(2)]
    assert [(event["kind"], event["chat"]) for event in heard] == [("pane", ANNA), ("message", ANNA)]
    assert heard[1]["message"]["text"] == "/start"


async def test_a_link_goes_from_one_phone_to_another_without_the_bot(
    try_out: TryOut, browser: aiohttp.ClientSession
) -> None:
    await post(
        browser, f"/api/people/{ANNA}/send", to=BRAM, text="Kijk: https://t.me/atelier_noord_bot?start=r_ANNA7K3Q"
    )
    [note] = (await state(browser))["people"][1]["messages"]
    assert (note["by"], note["name"], note["entities"][0]["type"]) == ("friend", "Anna", "url")
    assert try_out.telegram.updates.pending() == []


async def test_a_telegram_link_of_the_try_out_opens_the_chat_page(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/t.me/atelier_noord_bot?start=r_ANNA7K3Q", allow_redirects=False) as reply:
        assert (reply.status, reply.headers["Location"]) == (302, "/?start=r_ANNA7K3Q")


async def test_the_time_machine_moves_the_date_of_the_next_message(browser: aiohttp.ClientSession) -> None:
    before = datetime.fromisoformat((await state(browser))["now"])
    assert await post(browser, "/api/time/forward", days=7) == 200
    assert await post(browser, "/api/time/later") == 200
    assert await post(browser, "/api/time/forward", months=1) == 200
    await post(browser, f"/api/people/{ANNA}/start")
    shown = await state(browser)
    assert datetime.fromisoformat(shown["now"]) - before == timedelta(days=41)
    assert shown["people"][0]["messages"][0]["date"] == int((before + timedelta(days=41)).timestamp())


async def test_other_sites_cannot_post_here(browser: aiohttp.ClientSession) -> None:
    async with browser.post(f"/api/people/{ANNA}/start", data="{}", headers={"Content-Type": "text/plain"}) as reply:
        assert reply.status == 415
    assert await post(browser, f"/api/people/{ANNA}/dance") == 409
    assert await post(browser, "/api/people/99/start") == 400


async def test_the_shop_sells_and_shows_what_became_of_the_delivery(browser: aiohttp.ClientSession) -> None:
    order = {"basket": {"15": 1}, "first_name": "Bram", "email": "bram@example.nl", "pay": True, "ref": "ANNA7K3Q"}
    assert await post(browser, "/api/shop/orders", **order) == 200
    assert await post(browser, "/api/shop/orders/1001/refund_part") == 200
    assert await post(browser, "/api/shop/orders/1001/pay") == 409
    async with browser.get("/api/shop?locale=nl") as reply:
        shop = await reply.json()
    assert [person["name"] for person in shop["people"]] == ["Anna", "Bram", "Olga", "Chris"]
    [shown] = shop["orders"]
    assert (shown["status"], shown["refunded_minor"], shown["answer"]) == ("processing", 2_797, {"http": 0})


async def test_the_shop_can_be_asked_for_orders_that_changed(try_out: TryOut, browser: aiohttp.ClientSession) -> None:
    order = {"basket": {"15": 1}, "first_name": "Bram", "email": "bram@example.nl"}
    for _ in range(3):
        await post(browser, "/api/shop/orders", **order)
    await post(browser, "/api/time/forward", days=1)
    await post(browser, "/api/shop/orders/1002/pay")
    await post(browser, "/api/shop/orders/1003/trash")
    path = "/wp-json/wc/v3/orders"
    async with browser.get(path) as reply:
        assert reply.status == 401
    keys = {"Authorization": "Basic " + base64.b64encode(b"ck_sandbox:cs_sandbox").decode()}
    changed = {"modified_after": "2026-11-24T12:00:00", "dates_are_gmt": "true", "orderby": "modified", "order": "asc"}
    async with browser.get(path, headers=keys, params=changed) as reply:
        assert [(it["id"], it["status"]) for it in await reply.json()] == [(1002, "processing")]
    async with browser.get(path, headers=keys, params={"per_page": "1", "page": "2"}) as reply:
        assert (reply.headers["X-WP-Total"], [it["id"] for it in await reply.json()]) == ("2", [1001])
    async with browser.get(f"{path}/1003", headers=keys) as reply:
        assert (await reply.json())["status"] == "trash"
    async with browser.get(f"{path}/9", headers=keys) as reply:
        assert reply.status == 404
