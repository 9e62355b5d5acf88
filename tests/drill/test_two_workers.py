"""The drill, line 15: two services on one database lose no update and say nothing twice."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bot.sandbox.parameters import Call
from bot.wiring import Service
from tests.drill.conftest import Start
from tests.world import Ambassador, World, friend, until

BUSY = 503
FRIENDS = 6  # of each ambassador: what is told of them at once fits in one message
WEBHOOK = {"telegram__mode": "webhook", "telegram__webhook_secret": "geheim-van-olga"}


async def test_two_workers_lose_nothing_and_say_nothing_twice(start: Start) -> None:
    """Drill 15, rules 23 and 24: every order through both doors at once, every chat heard by one of them."""
    world = await start(**WEBHOOK)
    await world.second_service()
    cast = [await world.ambassador(name, chat=True) for name in ("Anna", "Annet", "Anouk", "Ans")]

    started = [accept(world, anna, number) for anna in cast for number in range(FRIENDS)]
    await asyncio.gather(*(through_both(world, anna, number) for anna in cast for number in range(FRIENDS)))
    await until(lambda: len(told(world, cast)) == len(cast) * FRIENDS == len(invitations(world, cast)))
    held = told(world, cast)
    await world.pass_days(22)
    await until(lambda: sum(told(world, cast).values()) >= 2 * len(held))
    await quiet(world)

    assert set(held.values()) == {1}
    assert (set(told(world, cast).values()), len(told(world, cast))) == ({2}, len(held))
    assert Counter(invitations(world, cast)) == Counter(started)
    for anna in cast:
        assert await world.balance(anna) == {"available_minor": 1500 * FRIENDS}


def accept(world: World, anna: Ambassador, number: int) -> int:
    """A friend presses START with the code; the chat's number."""
    phone = world.person("F", id=7_000_000 + int(anna.phone.id % 1000) * 100 + number)
    phone.start(f"r_{anna.code}")
    return phone.id


async def through_both(world: World, anna: Ambassador, number: int) -> None:
    """The same order reaches both services at once, twice; what was too busy is asked again, as a shop does."""
    name = f"{anna.buyer.first_name}-{number}"
    state = world.state(name, friend(name), code=anna.code)
    doors = [world.service, world.others[0]] * 2
    answers = await asyncio.gather(*(acknowledged(world, state, door) for door in doors))
    assert Counter(answers)["applied"] <= 1
    assert set(answers) <= {"applied", "unchanged"}


async def acknowledged(world: World, state: dict[str, Any], door: Service) -> str:
    """What the door says once it takes the order."""
    while (answer := await world.hook("order.state", state, via=door)).status == BUSY:  # noqa: ASYNC110 - it is the other end that is asked
        await asyncio.sleep(0.1)
    return str(answer.body["status"])


async def quiet(world: World) -> None:
    """Neither worker has anything left to say."""
    for service in (world.service, *world.others):
        assert service.bot is not None
        await service.bot.deliver_due()


def told(world: World, cast: Sequence[Ambassador]) -> Counter[str]:
    """How often each bonus was named in a message to its ambassador."""
    texts = [str(call.params.get("text")) for call in sent(world) if of(cast, call)]
    return Counter(number for text in texts for number in re.findall(r"nr\. (\w+)\)", text))


def invitations(world: World, cast: Sequence[Ambassador]) -> list[int]:
    """The chats that were shown the gift, once for each message."""
    codes = [anna.code for anna in cast]
    shown = [call for call in sent(world) if any(code in str(call.params.get("text")) for code in codes)]
    return [int(call.params["chat_id"]) for call in shown if not of(cast, call)]


def sent(world: World) -> list[Call]:
    """Every message that Telegram took from either worker."""
    return world.telegram.calls_of("sendMessage")


def of(cast: Sequence[Ambassador], call: Call) -> bool:
    """Whether it went to one of the ambassadors."""
    return call.params["chat_id"] in {anna.phone.id for anna in cast}
