"""Lines 7 and 15: processes that are killed under load, and two of them on one database."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp

from bot.sandbox.parameters import Call
from tests.outside.shop import friend, order
from tests.outside.stage import Ambassador, Reply, Stage, until

BUSY = 503
CLIENTS = 4
PAUSE_SECONDS = 0.15  # of a client, between two events: what was sent is all sent again at the end
LIVES = (0.2, 0.9, 0.05, 0.5, 1.2)  # seconds between two kills, one after the other
FIRST_CHAT = 8_000_001
FRIENDS = 6  # of each ambassador: what is told of them at once fits in one message


@dataclass
class Log:
    """What the clients sent, and what they were told."""

    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)  # places in ``sent``
    clicks: list[tuple[Ambassador, str]] = field(default_factory=list)  # tokens that somebody landed with
    started: dict[int, str] = field(default_factory=dict)  # chats that pressed START, and with whose code
    cut_off: int = 0

    def ids(self, kind: str, *, acknowledged: bool = False) -> set[str]:
        """The shop's numbers of what was sent, or of what was acknowledged only."""
        every = enumerate(self.sent)
        return {data["id"] for n, (of, data) in every if of == kind and (n in self.acknowledged or not acknowledged)}


async def line_7(stage: Stage) -> str:
    """Kill -9 at any moment under load: nothing acknowledged is lost, nothing is doubled."""
    cast = [await stage.ambassador(name, chat=True) for name in ("Zeven", "Zevende", "Zeventien")]
    log, stopping = Log(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(_client(stage, log, cast, stopping))
        try:
            await _kill_and_start(stage)
        finally:
            stopping.set()

    acknowledged = log.ids("order.state", acknowledged=True)
    kept = await _orders_with_a_bonus(stage, cast)
    assert not acknowledged - kept.keys(), f"lost: {sorted(acknowledged - kept.keys())}"
    for kind, data in log.sent:  # everything once more, as a shop does that heard nothing
        await _taken(partial(stage.hook, kind, data))
    for number, (anna, token) in enumerate(log.clicks):
        data = order(f"click-{number}", friend(f"click-{number}"), at=stage.now, click=token, ref=anna.code)
        log.sent.append(("order.state", data))
        said = await stage.hook("order.state", data)
        assert said.body["status"] == "applied", said
    await _complete(stage, log, cast)
    return (
        f"{stage.kills} kills cut off {log.cut_off} requests; {len(acknowledged)} orders acknowledged, none lost;"
        f" {len(log.sent)} events, {len(log.clicks)} clicks, {len(log.started)} STARTs: each counted once"
    )


async def _kill_and_start(stage: Stage) -> None:
    """The service dies so often, each time with a request in flight, and starts again."""
    worker = stage.workers[0]
    for number in range(stage.kills):
        await asyncio.sleep(LIVES[number % len(LIVES)])
        await until(lambda: worker.in_flight > 0)
        worker.kill()
        await worker.start()


async def _complete(stage: Stage, log: Log, cast: Sequence[Ambassador]) -> None:
    """Each order has one bonus, each sign-up one referral, and everybody who pressed START was answered."""
    kept = await _orders_with_a_bonus(stage, cast)
    assert kept == Counter(log.ids("order.state")), kept - Counter(log.ids("order.state"))
    friends = [row for anna in cast for row in await stage.referrals(anna)]
    expected = len(log.ids("customer.state"))
    assert sum(row["status"] == "signed_up" for row in friends) == expected, (expected, len(friends))
    await until(lambda: _answered(stage, log).keys() == log.started.keys())
    assert max(_answered(stage, log).values(), default=0) <= 1 + stage.kills


async def _client(stage: Stage, log: Log, cast: Sequence[Ambassador], stopping: asyncio.Event) -> None:
    """An order, a sign-up, a visit and a START, over and over; what became of each is noted."""
    while not stopping.is_set():
        number, anna = len(log.sent), cast[len(log.sent) % len(cast)]
        kind, data = _event(stage, number, anna)
        log.sent.append((kind, data))
        answer = await _attempt(stage, log, partial(stage.hook, kind, data))
        if answer is not None and answer.status == 200:
            log.acknowledged.add(number)
        if number % 5 == 0:
            landed = await _attempt(stage, log, partial(stage.ask, "GET", f"/r/{anna.code}"))
            token = re.search(r"click=([\w-]+)", landed.headers["Location"]) if landed is not None else None
            log.clicks += [(anna, token[1])] if token else []
        if number % 20 == 0:
            person = stage.telegram.person("Vriend", id=FIRST_CHAT + number)
            person.start(f"r_{anna.code}")
            log.started[person.id] = anna.code
        await asyncio.sleep(PAUSE_SECONDS)


def _event(stage: Stage, number: int, anna: Ambassador) -> tuple[str, dict[str, Any]]:
    """Three first orders of somebody new, then a sign-up."""
    buyer = friend(f"7-{number}")
    if number % 4 < 3:
        return "order.state", order(f"zeven-{number}", buyer, at=stage.now, code=anna.code)
    return "customer.state", {"id": buyer.id, "email": buyer.email, "codes": [anna.code]}


async def _attempt(stage: Stage, log: Log, call: Callable[[], Awaitable[Reply]]) -> Reply | None:
    """The answer; None where nobody knows what became of it. Where nobody listens it is asked again."""
    while True:
        try:
            return await call()
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.25)  # the service that starts needs the machine
        except (aiohttp.ClientError, TimeoutError, OSError):
            log.cut_off += 1
            return None


async def _orders_with_a_bonus(stage: Stage, cast: Sequence[Ambassador]) -> Counter[str]:
    """The shop's numbers of the orders that earned, each as often as it did."""
    bonuses = [bonus for anna in cast for bonus in await stage.bonuses(anna)]
    return Counter(bonus["order"]["id"] for bonus in bonuses if bonus["order"] and bonus["amount_minor"] == 1500)


def _answered(stage: Stage, log: Log) -> Counter[int]:
    """How often each of those who pressed START was shown the gift."""
    said = ((int(call.params["chat_id"]), str(call.params)) for call in _said(stage))
    return Counter(chat for chat, text in said if chat in log.started and log.started[chat] in text)


async def line_15(stage: Stage) -> str:
    """Two processes on one database: no lost update, no double send."""
    cast = [await stage.ambassador(name, chat=True) for name in ("Anna", "Annet", "Anouk", "Ans")]
    started = {}
    for number, anna in enumerate(cast * FRIENDS):
        person = stage.telegram.person("Vriend", id=FIRST_CHAT + number)
        person.start(f"r_{anna.code}")
        started[person.id] = anna.code
    log = Log(started=started)
    await asyncio.gather(*(_through_both(stage, anna, number) for anna in cast for number in range(FRIENDS)))
    expected = len(cast) * FRIENDS
    await until(lambda: len(_told(stage, cast)) == expected == len(_answered(stage, log)))
    held = _told(stage, cast)
    await stage.pass_days(22)
    await until(lambda: sum(_told(stage, cast).values()) >= 2 * expected)
    await asyncio.sleep(1)  # whatever would be said once more has been said by then

    assert set(held.values()) == {1}, held
    assert set(_told(stage, cast).values()) == {2}, _told(stage, cast)
    assert set(_answered(stage, log).values()) == {1}, _answered(stage, log)
    balances = [await stage.balance(anna) for anna in cast]
    assert balances == [{"available_minor": 1500 * FRIENDS}] * len(cast), balances
    return f"{expected} orders through both, twice each: one bonus each; {3 * expected} messages, none of them twice"


async def _through_both(stage: Stage, anna: Ambassador, number: int) -> None:
    """The same order reaches both processes at once, twice."""
    name = f"{anna.buyer.first_name}-{number}"
    state = order(name, friend(name), at=stage.now, code=anna.code)

    async def through(door: int) -> str:
        return str((await _taken(lambda: stage.hook("order.state", state, via=door))).body["status"])

    answers = Counter(await asyncio.gather(*(through(door) for door in (0, 1, 0, 1))))
    assert (answers["applied"], answers["unchanged"]) in {(1, 3), (0, 4)}, answers


async def _taken(call: Callable[[], Awaitable[Reply]]) -> Reply:
    """The answer once there is one; what was too busy is asked again, as a shop does."""
    while (answer := await call()).status == BUSY:  # noqa: ASYNC110 - it is the other end that is asked
        await asyncio.sleep(0.1)
    assert answer.status == 200, answer
    return answer


def _told(stage: Stage, cast: Sequence[Ambassador]) -> Counter[str]:
    """How often each bonus was named in a message to its ambassador."""
    chats = {anna.phone.id for anna in cast}
    texts = [str(call.params.get("text")) for call in _said(stage) if call.params["chat_id"] in chats]
    return Counter(number for text in texts for number in re.findall(r"nr\. (\w+)\)", text))


def _said(stage: Stage) -> list[Call]:
    """Every message that Telegram took."""
    return stage.telegram.calls_of("sendMessage")
