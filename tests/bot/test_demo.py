"""The try-out as a whole (rules 35, 44)."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from bot.demo import Demo, DemoSettings, free_port, next_tuesday
from bot.sandbox.build import ANNA
from bot.sandbox.shop import NotNow
from bot.sandbox.shop_orders import Buyer
from bot.seed import AMBASSADORS
from referrals.figures.board import board
from referrals.rewarding.books import audit
from storage.ledger import Bonus
from storage.mailbox import QUARANTINED, Inbox
from tests.builders import NOON
from tests.rows import rows_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def quiet(_step: str) -> None:
    """Nobody watches the start."""


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """A shop without a past, open."""
    demo = Demo(DemoSettings(port=free_port(18080), empty=True))
    await demo.start(progress=quiet)
    yield demo
    await demo.stop()


async def test_the_shop_has_a_believable_past_and_its_books_balance() -> None:
    """Rule 44: seeded only through hooks and updates, on a Tuesday at 10:00, audit clean afterwards."""
    demo = Demo(DemoSettings(port=free_port(18180)))
    steps: list[str] = []
    try:
        await demo.start(progress=steps.append)
        service = demo.service
        now = service.clock.programme()
        year = service.database.look(board, period="all", programme=service.programme, now=now, top=10).as_dict()
        stored = rows_of(service.database, Inbox)
    finally:
        await demo.stop()

    local = now.astimezone(AMSTERDAM)
    assert (local.strftime("%A"), local.hour, local.minute) == ("Tuesday", 10, 0)
    assert steps == ["database", "programme", "seed"]
    assert {row["name"] for row in year["rows"]} & {one.nickname or one.name for one in AMBASSADORS}
    assert year["rows"][0]["friends"] >= 3
    assert {row["kind"] for row in stored} == {"hook", "telegram"}
    assert not [row for row in stored if row["status"] == QUARANTINED]


async def test_a_new_demo_balances_and_later_lands_at_ten_on_a_day_that_is_not_quiet(demo: Demo) -> None:
    """Rule 44."""
    service = demo.service
    assert service.database.look(audit) == []
    assert rows_of(service.database, Bonus) == []

    landed = [(await demo.time_machine.later()).astimezone(AMSTERDAM) for _ in range(7)]

    assert {(moment.hour, moment.minute) for moment in landed} == {(10, 0)}
    assert "Sunday" not in {moment.strftime("%A") for moment in landed}
    assert landed == sorted(landed)


async def test_the_time_machine_keeps_local_time_over_a_clock_change(demo: Demo) -> None:
    """Rule 44: 10:00 is 10:00 on both sides of the last Sunday of March."""
    await demo.time_machine.travel(datetime(2027, 3, 27, 10, tzinfo=AMSTERDAM))

    landed = await demo.time_machine.forward(2)

    assert landed.astimezone(AMSTERDAM).replace(second=0, microsecond=0) == datetime(2027, 3, 29, 10, tzinfo=AMSTERDAM)


async def test_links_into_the_chat_open_the_chat_page(demo: Demo) -> None:
    """Rule 44: no link of the try-out leads to Telegram's own site."""
    async with aiohttp.ClientSession() as client, client.get(demo.door_url) as answer:
        text = await answer.text()

    assert answer.status == 200
    assert f"{demo.try_out.page.url}/t.me/atelier_noord_bot?start=o" in text
    assert "https://t.me" not in text


async def test_the_mail_after_an_order_connects_its_buyer_for_sure(demo: Demo) -> None:
    """Rules 19 and 44: through the API, as a real shop would, and into the chat page."""
    say, anna = demo.service.texts.say, demo.try_out.telegram.people[ANNA]
    order = await demo.try_out.shop.checkout(Buyer("Anna", "anna@example.nl"), {11: 1})
    with pytest.raises(NotNow):
        await demo.try_out.shop.mail_link(order.id)
    await demo.try_out.shop.pay(order.id)
    link = await demo.try_out.shop.mail_link(order.id)
    assert link.startswith(f"{demo.try_out.page.url}/t.me/atelier_noord_bot?start=c_")
    anna.start(link.partition("start=")[2])
    asked = await anna.wait_for(say("connect.ask", shop="Atelier Noord").splitlines()[-1])
    anna.press(say("button.yes_me"), message=asked)
    await anna.wait_for(say("connect.connected", name="Anna").partition(".")[0])


async def test_the_page_leads_to_the_wall_and_moves_by_months(demo: Demo) -> None:
    """Rule 44."""
    page = demo.try_out.page.url
    await demo.time_machine.travel(datetime(2027, 1, 31, 10, tzinfo=AMSTERDAM))
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{page}/api/state") as answer:
            assert (await answer.json())["wall"] == f"{demo.programme_url}/wall"
        async with client.post(f"{page}/api/time/forward", json={"months": 1}) as answer:
            landed = datetime.fromisoformat((await answer.json())["now"])
    assert landed.astimezone(AMSTERDAM).replace(second=0, microsecond=0) == datetime(2027, 2, 28, 10, tzinfo=AMSTERDAM)


def test_a_port_in_use_is_the_next_free_one() -> None:
    """Rule 44."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert free_port(port) > port


@pytest.mark.parametrize("days", range(7))
def test_the_demo_starts_on_the_coming_tuesday(days: int) -> None:
    """Rule 44."""
    now = NOON + timedelta(days=days)

    start = next_tuesday(now)

    assert start.astimezone(AMSTERDAM).strftime("%A %H:%M") == "Tuesday 10:00"
    assert timedelta(hours=-4) < start - now < timedelta(days=7)
