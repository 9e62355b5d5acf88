"""Asking on days of 23 and 25 hours, leap days and month ends, and with a clock that stands still or jumps.

The whole service runs, over real HTTP and a recorded Telegram; only the programme's clock is moved.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.sandbox.people import Person
from tests.world import Buyer, World, opened

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
WEEK = timedelta(days=7)  # after the delivery a score is asked


def local(year: int, month: int, day: int, hour: int = 12, minute: int = 0, *, fold: int = 0) -> datetime:
    """A moment as the shop's clock on the wall shows it."""
    return datetime(year, month, day, hour, minute, tzinfo=AMSTERDAM, fold=fold).astimezone(UTC)


async def customer(world: World, name: str, *, asked_at: datetime) -> tuple[Person, str]:
    """Somebody in a chat whose parcel came a week before this moment: that is when the score is due."""
    buyer = Buyer(f"amb-{name}", f"{name.lower()}@example.nl", name)
    delivered = asked_at - WEEK
    await world.service.move_clock(delivered - timedelta(days=2))
    someone = await world.ambassador(name, chat=True)
    await world.order(f"order-{name}", buyer)
    await world.service.move_clock(delivered)
    state = {"order": f"order-{name}", "status": "delivered", "at": delivered.isoformat()}
    await world.hook("delivery.state", state)
    return someone.phone, someone.number


async def contact(world: World, number: str, play: str = "score") -> dict[str, Any]:
    """What became of the one message of this play to them."""
    items: list[dict[str, Any]] = (await world.get(f"/contacts?customer={number}"))["items"]
    (found,) = [item for item in items if item["play"] == play]
    return found


def scores(world: World, phone: Person) -> int:
    """How often Telegram took the question for this chat."""
    question = world.say("score.scale")
    return len([
        call for call in world.telegram.calls
        if call.method == "sendmessage" and not call.error and call.params["chat_id"] == phone.id
        if question in call.params["text"]
    ])  # fmt: skip


@pytest.mark.parametrize(
    "due,sent",
    [
        (local(2027, 3, 28, 1, 30), local(2027, 3, 28, 9)),
        (local(2027, 3, 27, 20), local(2027, 3, 28, 9)),
        (local(2026, 10, 25, 2, 30, fold=1), local(2026, 10, 25, 9)),
        (local(2026, 10, 25, 19, 59), local(2026, 10, 25, 19, 59)),
        (local(2028, 2, 28, 21), local(2028, 2, 29, 9)),
        (local(2027, 1, 31, 23, 59), local(2027, 2, 1, 9)),
        (local(2026, 12, 31, 20), local(2027, 1, 1, 9)),
    ],
    ids=[
        "spring-night",
        "eve-of-spring",
        "autumn-second-hour",
        "autumn-evening",
        "leap-day",
        "january-ends",
        "new-year",
    ],
)
async def test_an_ask_lands_after_the_quiet_hours_of_the_shops_own_clock(
    engine: str, database_url: str, tmp_path: Path, due: datetime, sent: datetime
) -> None:
    """Rule 29: nine in the morning is nine in the morning, however long the night was."""
    async with opened(engine, database_url, tmp_path, cadence__quiet_days=[]) as world:
        anna, number = await customer(world, "Anna", asked_at=due)
        await world.machine.travel(due + timedelta(days=2))

        asked = await contact(world, number)
        assert datetime.fromisoformat(asked["sent_at"]) - sent < timedelta(minutes=1)
        assert datetime.fromisoformat(asked["sent_at"]) >= sent
        assert scores(world, anna) == 1


async def test_a_quiet_sunday_on_which_the_clock_changes_is_waited_out(
    engine: str, database_url: str, tmp_path: Path
) -> None:
    """Rules 29 and 30: a quiet day of 23 hours and one of 25 are whole days."""
    async with opened(engine, database_url, tmp_path) as world:
        _, autumn = await customer(world, "Anna", asked_at=local(2026, 10, 24, 20, 30))
        await world.machine.travel(local(2026, 10, 26, 12))
        _, spring = await customer(world, "Bram", asked_at=local(2027, 3, 27, 20, 30))
        await world.machine.travel(local(2027, 3, 29, 12))

        said = [datetime.fromisoformat((await contact(world, who))["sent_at"]) for who in (autumn, spring)]
        assert [each.astimezone(AMSTERDAM).strftime("%a %d %H:%M") for each in said] == ["Mon 26 09:00", "Mon 29 09:00"]


async def test_after_a_jump_what_grew_stale_is_dropped_and_nothing_comes_in_a_burst(
    engine: str, database_url: str, tmp_path: Path
) -> None:
    """A12 and rule 29: thirty days at once, as after a long outage; each that was planned says why it was not sent."""
    async with opened(engine, database_url, tmp_path) as world:
        due = local(2026, 11, 28, 20, 30)
        people = [await customer(world, name, asked_at=due) for name in ("Anna", "Bram", "Chris")]
        await world.machine.travel(due + timedelta(minutes=1))
        before = [phone.mark() for phone, _ in people]
        assert [(await contact(world, number))["status"] for _, number in people] == ["planned"] * 3

        await world.service.move_clock(due + timedelta(days=30))
        await world.machine.settle()

        for (phone, number), mark in zip(people, before, strict=True):
            asked = await contact(world, number)
            assert (asked["status"], [why["code"] for why in asked["reasons"]]) == ("not_sent", ["stale"])
            assert phone.mark() == mark


async def test_a_clock_that_stands_still_or_goes_back_asks_once(engine: str, database_url: str, tmp_path: Path) -> None:
    """Rule 23: an hour of looks at one moment, and the same morning twice."""
    async with opened(engine, database_url, tmp_path) as world:
        due = local(2026, 12, 1, 10)
        anna, number = await customer(world, "Anna", asked_at=due)
        for moment in (due, due, due, due - timedelta(hours=1), due - timedelta(hours=1), due + timedelta(hours=1)):
            await world.service.move_clock(moment)
            await world.machine.settle()

        assert scores(world, anna) == 1
        assert (await contact(world, number))["status"] == "sent"


async def test_a_year_from_a_leap_day_is_the_last_of_february(engine: str, database_url: str, tmp_path: Path) -> None:
    """Rule 30: thanks for a year as a customer come on the day there is."""
    async with opened(engine, database_url, tmp_path) as world:
        await world.service.move_clock(local(2028, 2, 29, 12))
        anna = await world.ambassador("Anna", chat=True)
        await world.order("1", anna.buyer)
        await world.machine.travel(local(2029, 3, 3))

        thanks = await contact(world, anna.number, "t9")
        said = datetime.fromisoformat(thanks["sent_at"]).astimezone(AMSTERDAM)
        assert said.strftime("%d %B %Y %H:%M") == "28 February 2029 09:00"


async def test_a_month_of_pause_from_the_31st_ends_with_february(
    engine: str, database_url: str, tmp_path: Path
) -> None:
    """Rule 28: what is due in the pause is dropped with that reason, what is due after it is asked."""
    async with opened(engine, database_url, tmp_path) as world:
        people = {}
        await world.service.move_clock(local(2027, 1, 31, 10))
        for name in ("Anna", "Bram"):
            one = await world.ambassador(name, chat=True)
            one.phone.say("/pauze")
            asked = await one.phone.wait_for(world.say("settings.pause_ask"))
            one.phone.press(world.say("button.pause.1"), message=asked)
            await one.phone.wait_for(world.say("settings.paused", until_at="2027-02-28"))
            people[name] = one
        for name, due in (("Anna", local(2027, 2, 27, 12)), ("Bram", local(2027, 3, 1, 12))):
            await world.service.move_clock(due - WEEK - timedelta(days=1))
            await world.order(name, people[name].buyer)
            await world.service.move_clock(due - WEEK)
            await world.hook("delivery.state", {"order": name, "status": "delivered", "at": world.now.isoformat()})
        await world.machine.travel(local(2027, 3, 2))

        found = {name: await contact(world, one.number) for name, one in people.items()}
        assert [why["code"] for why in found["Anna"]["reasons"]] == ["paused"]
        assert found["Bram"]["status"] == "sent"
