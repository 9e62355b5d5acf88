"""The line before the writer: bounded, woken once, drained when the house closes."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

import pytest
from sqlmodel import Session

from storage.database import Database, OutcomeUnknown, Overloaded
from storage.line import TURN_ITEMS, Entry, Kind, settle
from tests.storage.notes import note, note_all, noted


@dataclass(frozen=True)
class Parcel:
    """An item that knows how many bytes it holds."""

    name: str
    size: int


def deliver(session: Session, parcels: list[Parcel]) -> list[str]:
    return note_all(session, [parcel.name for parcel in parcels])


class Held:
    """The only writer is busy until ``free`` is set."""

    def __init__(self, database: Database) -> None:
        self.free, self.started = threading.Event(), threading.Event()
        self.call = asyncio.ensure_future(database.write(self._hold))  # noqa: TID251 - the test is the door here

    def _hold(self, _session: Session) -> None:
        self.started.set()
        self.free.wait(10)

    async def until_started(self) -> None:
        await asyncio.to_thread(self.started.wait, 5)


async def test_a_full_line_refuses_after_a_wait_and_the_refused_were_surely_not_applied(sqlite: Database) -> None:
    small = Database.open(sqlite.url, max_items=2, full_wait_seconds=0.2)
    held = Held(small)
    await held.until_started()
    calls = asyncio.gather(*[small.batch(note_all, name) for name in ("anna", "bram", "chris")], return_exceptions=True)
    started = time.monotonic()
    await asyncio.sleep(0.3)
    held.free.set()

    results = await calls
    assert results[:2] == ["anna noted", "bram noted"]
    assert isinstance(results[2], Overloaded)
    assert time.monotonic() - started >= 0.2
    assert noted(sqlite) == ["anna", "bram"]
    await small.stop()


async def test_who_waits_outside_a_full_line_comes_in_when_there_is_room(sqlite: Database) -> None:
    small = Database.open(sqlite.url, max_items=2)
    held = Held(small)
    await held.until_started()
    names = [f"friend {n}" for n in range(20)]
    order: list[str] = []

    def in_order(session: Session, keys: list[str]) -> list[str]:
        order.extend(keys)
        return note_all(session, keys)

    calls = asyncio.gather(*[small.batch(in_order, name) for name in names])
    await asyncio.sleep(0.05)
    held.free.set()

    assert await calls == [f"{name} noted" for name in names]
    assert order == names
    await small.stop()


async def test_the_line_is_bounded_in_bytes_too(sqlite: Database) -> None:
    small = Database.open(sqlite.url, max_bytes=1000, full_wait_seconds=0.1)
    held = Held(small)
    await held.until_started()
    parcels = [Parcel("large", 900), Parcel("small", 100), Parcel("one more", 1)]
    calls = asyncio.gather(*[small.batch(deliver, parcel) for parcel in parcels], return_exceptions=True)
    await asyncio.sleep(0.2)
    held.free.set()

    assert [type(result) for result in await calls] == [str, str, Overloaded]
    await small.stop()


async def test_one_item_larger_than_the_whole_line_is_still_served(sqlite: Database) -> None:
    small = Database.open(sqlite.url, max_bytes=1000)
    assert await small.batch(deliver, Parcel("huge", 5000)) == "huge noted"
    await small.stop()


async def test_stopping_serves_everybody_who_stands_in_the_line(database: Database) -> None:
    calls = [asyncio.ensure_future(database.batch(note_all, f"friend {n}")) for n in range(500)]  # noqa: TID251
    await asyncio.sleep(0)
    await database.stop()

    assert len([call.result() for call in calls]) == 500
    with pytest.raises(Overloaded):
        await database.write(note, "too late")
    with pytest.raises(Overloaded):
        await database.read(lambda _session: None)


async def test_stopping_gives_up_on_what_hangs_and_says_what_it_knows(sqlite: Database) -> None:
    database = Database.open(sqlite.url, drain_seconds=0.2)
    held = Held(database)
    await held.until_started()
    standing = asyncio.ensure_future(database.batch(note_all, "anna"))  # noqa: TID251 - the test is the door here
    await asyncio.sleep(0)
    started = time.monotonic()
    await database.stop()

    assert time.monotonic() - started < 2
    with pytest.raises(OutcomeUnknown):
        await held.call
    with pytest.raises(Overloaded):
        await standing
    held.free.set()


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


async def test_stopping_interrupts_a_statement_that_does_not_end(engine: str, database_url: str) -> None:
    database = Database.open(database_url, drain_seconds=0.2)

    def endless(session: Session) -> None:
        session.connection().exec_driver_sql(ENDLESS[engine])

    call = asyncio.ensure_future(database.write(endless))  # noqa: TID251 - the test is the door here
    await asyncio.sleep(0.2)
    await database.stop()

    with pytest.raises(OutcomeUnknown):
        await call
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("database-")]


async def test_nobody_is_left_when_the_database_has_stopped(database: Database) -> None:
    await database.write(note, "anna")
    await database.read(lambda _session: None)
    await database.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("database-")]


async def test_a_whole_batch_wakes_its_event_loop_once() -> None:
    wakes = []

    class Loop:
        def call_soon_threadsafe(self, callback: object, *_arguments: object) -> None:
            wakes.append(callback)

    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    loop = Loop()
    settle((Entry("item", future, loop), "result", None) for _ in range(50))  # type: ignore[arg-type]  # a fake loop
    assert len(wakes) == 1


async def test_a_caller_whose_loop_has_closed_is_nobodys_problem() -> None:
    loop = asyncio.new_event_loop()
    future: asyncio.Future[str] = loop.create_future()
    loop.close()
    settle([(Entry("item", future, loop), "result", None)])


def test_a_batch_that_worked_too_long_makes_the_next_one_smaller() -> None:
    kind = Kind(deliver)
    kind.took(TURN_ITEMS, seconds=0.15)
    assert kind.limit == TURN_ITEMS // 2
    kind.took(TURN_ITEMS // 2, seconds=0.01)
    assert kind.limit == TURN_ITEMS
