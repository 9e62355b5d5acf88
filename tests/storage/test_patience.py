"""Callers who wait no longer than so many seconds, and what they asked for."""

from __future__ import annotations

import asyncio
import threading
import time

from sqlmodel import Session

from storage.database import Database
from storage.patience import Patience
from tests.storage.notes import note_all, noted


async def test_whoever_waited_long_enough_is_told_and_the_item_is_applied_all_the_same(database: Database) -> None:
    free = threading.Event()

    def hold(session: Session, names: list[str]) -> list[str]:
        free.wait(5)
        return note_all(session, names)

    patience, started = Patience(0.2), time.monotonic()
    calls = [database.batch(hold, name, patience=patience) for name in ("anna", "bram")]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [TimeoutError, TimeoutError]
    assert 0.15 < time.monotonic() - started < 2
    free.set()
    await database.batch(note_all, "chris", patience=patience)
    while len(noted(database)) < 3:  # noqa: ASYNC110 - the first two are on their way
        await asyncio.sleep(0.01)
    assert noted(database) == ["anna", "bram", "chris"]


async def test_a_later_caller_has_the_whole_time() -> None:
    loop, patience = asyncio.get_running_loop(), Patience(0.3)
    first, second = loop.create_future(), loop.create_future()
    patience.watch(first)
    await asyncio.sleep(0.2)
    patience.watch(second)
    await asyncio.wait([first], timeout=2)
    assert isinstance(first.exception(), TimeoutError)
    assert not second.done()
    await asyncio.wait([second], timeout=2)
    assert isinstance(second.exception(), TimeoutError)


async def test_whoever_has_an_answer_is_forgotten_and_keeps_it() -> None:
    loop, patience = asyncio.get_running_loop(), Patience(0.1)
    answered, waiting = loop.create_future(), loop.create_future()
    patience.watch(answered)
    answered.set_result("anna")
    patience.watch(waiting)
    assert patience.watched == 1
    await asyncio.wait([waiting], timeout=2)
    assert answered.result() == "anna"
    assert patience.watched == 0
