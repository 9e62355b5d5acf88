"""Each setting of SQLite has a test that fails without it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from storage.bulk import insert_rows
from storage.codes import Code
from storage.database import BadResult, Database
from storage.engines import parse, reader_engine, writer_engine
from tests.engines import blank_url
from tests.storage.notes import count_up, note, note_all, noted


def pragma(session: Session, name: str) -> object:
    return session.connection().exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_a_savepoint_that_is_rolled_back_keeps_nothing(sqlite: Database) -> None:
    def half(session: Session) -> None:
        note(session, "anna")
        savepoint = session.begin_nested()
        note(session, "mats")
        savepoint.rollback()

    sqlite.run(half)
    assert noted(sqlite) == ["anna"]


def test_a_savepoint_is_part_of_its_transaction(sqlite: Database) -> None:
    def whole(session: Session) -> None:
        with session.begin_nested():
            note(session, "anna")
        raise KeyError

    with pytest.raises(KeyError):
        sqlite.run(whole)
    assert noted(sqlite) == []


def test_writers_take_the_lock_before_they_read(sqlite: Database) -> None:
    # A deferred BEGIN fails at once when it turns to writing, whatever the busy timeout.
    tries = []

    def count(session: Session) -> int:
        tries.append(1)
        return count_up(session)

    others = [Database.open(sqlite.url) for _ in range(3)]
    threads = [threading.Thread(target=lambda each=each: [each.run(count) for _ in range(10)]) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sqlite.run(count) == 31
    assert len(tries) == 31
    for each in others:
        each.close()


def test_a_reference_to_nobody_is_refused(sqlite: Database, now: object) -> None:
    row = {"normalised": "ANNA", "display": "ANNA", "customer_id": 404, "created_at": now}
    with pytest.raises(IntegrityError):
        sqlite.run(insert_rows, Code, [row])


def test_a_commit_is_on_the_disk_before_it_is_answered(sqlite: Database) -> None:
    assert sqlite.run(pragma, "synchronous") == 2  # FULL; nothing short of a power cut shows the difference


def test_readers_and_writers_do_not_wait_for_each_other(tmp_path: Path) -> None:
    sqlite = Database.open(blank_url("sqlite", tmp_path))  # a copied file would have its journal mode already
    table = "CREATE TABLE setting (key TEXT, value TEXT)"
    sqlite.run(lambda session: session.connection().exec_driver_sql(table) and None)
    with reader_engine(sqlite.url).connect() as reading, reading.begin():
        assert reading.exec_driver_sql("SELECT * FROM setting").fetchall() == []
        started = time.monotonic()
        sqlite.run(note, "anna")
        assert time.monotonic() - started < 1
        assert reading.exec_driver_sql("SELECT * FROM setting").fetchall() == []
    assert noted(sqlite) == ["anna"]
    sqlite.close()


def test_a_writer_waits_for_another_process(sqlite: Database) -> None:
    other = sqlite3.connect(str(sqlite.url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ["COMMIT"])
    timer.start()
    with writer_engine(sqlite.url).connect() as connection, connection.begin():
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    timer.join()
    other.close()


def test_a_reader_can_write_nothing(sqlite: Database) -> None:
    with (
        reader_engine(sqlite.url).connect() as connection,
        connection.begin(),
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.exec_driver_sql("INSERT INTO setting VALUES ('anna', 'x')")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://shop@db/shop"])
def test_addresses_that_cannot_work_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        parse(url)


def test_the_lock_is_free_for_a_moment_while_work_waits(sqlite: Database) -> None:
    # With a service that is never idle a command beside it waits for the lock for seconds, or in vain.
    service = Database.open(sqlite.url, pause_seconds=0.05)
    free, started = threading.Event(), time.monotonic()
    callers = [threading.Thread(target=service.run, args=(lambda _session: free.wait(5) and None,))]
    callers += [threading.Thread(target=service.run, args=(note, f"click {n}")) for n in range(5)]
    for caller in callers:
        caller.start()
    time.sleep(0.05)
    free.set()
    for caller in callers:
        caller.join()
    service.close()
    assert time.monotonic() - started >= 5 * 0.05


async def test_the_lock_is_free_for_a_moment_while_more_of_one_batch_waits(sqlite: Database) -> None:
    # A shop that never stops sending is one kind of batch, and one batch of a kind is in flight.
    service = Database.open(sqlite.url, pause_seconds=0.2)
    free = threading.Event()

    def hold(session: Session, names: list[str]) -> list[str]:
        free.wait(5)
        return note_all(session, names)

    first = asyncio.ensure_future(service.batch(hold, "anna"))  # noqa: TID251 - the test is the door here
    await asyncio.sleep(0.1)
    second = asyncio.ensure_future(service.batch(hold, "bram"))  # noqa: TID251 - likewise
    await asyncio.sleep(0.1)
    free.set()
    assert await first == "anna noted"
    started = time.monotonic()
    assert await second == "bram noted"
    assert time.monotonic() - started >= 0.15
    await service.stop()


def test_a_use_case_may_not_go_on_after_the_database_gave_up(sqlite: Database) -> None:
    # The driver would begin another transaction by itself, and half of the use case would be committed.
    def go_on(session: Session) -> None:
        note(session, "anna")
        with contextlib.suppress(IntegrityError):
            session.connection().exec_driver_sql("INSERT OR ROLLBACK INTO setting VALUES ('anna', 'again')")
        note(session, "bram")

    with pytest.raises(BadResult):
        sqlite.run(go_on)
