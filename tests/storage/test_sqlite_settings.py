"""Each setting of SQLite has a test that fails without it."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from storage.bulk import insert_rows
from storage.codes import Code
from storage.database import Database
from storage.engines import parse, reader_engine, writer_engine
from tests.storage.notes import count_up, note, note_all, noted, notes


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
    others = [Database.open(sqlite.url) for _ in range(3)]
    threads = [threading.Thread(target=lambda each=each: [each.run(count_up) for _ in range(10)]) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sqlite.run(count_up) == 31
    for each in others:
        each.close()


def test_a_reference_to_nobody_is_refused(sqlite: Database, now: object) -> None:
    row = {"normalised": "ANNA", "display": "ANNA", "customer_id": 404, "created_at": now}
    with pytest.raises(IntegrityError):
        sqlite.run(insert_rows, Code, [row])


def test_a_commit_is_on_the_disk_before_it_is_answered(sqlite: Database) -> None:
    assert sqlite.run(pragma, "synchronous") == 2  # FULL; nothing short of a power cut shows the difference


def test_a_reader_does_not_wait_for_a_writer(sqlite: Database) -> None:
    with writer_engine(sqlite.url).connect() as writing, writing.begin():
        writing.exec_driver_sql("INSERT INTO setting VALUES ('anna', 'x')")
        started = time.monotonic()
        assert noted(sqlite) == []
        assert time.monotonic() - started < 1


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


def test_an_error_message_shows_nobodys_data(sqlite: Database) -> None:
    sqlite.run(note, "anna@example.com")
    with pytest.raises(IntegrityError) as caught:
        sqlite.run(note, "anna@example.com")
    assert "anna@example.com" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://shop@db/shop"])
def test_addresses_that_cannot_work_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        parse(url)


def test_a_command_beside_a_busy_service_gets_in(sqlite: Database) -> None:
    stop = threading.Event()
    service = Database.open(sqlite.url)

    def serve() -> None:
        numbers = iter(range(1_000_000))
        callers = [threading.Thread(target=lambda: run_until_stopped(numbers)) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    def run_until_stopped(numbers: object) -> None:
        while not stop.is_set():
            service.run(note, f"click {next(numbers)}")  # type: ignore[call-overload]  # an iterator of numbers

    busy = threading.Thread(target=serve)
    busy.start()
    time.sleep(0.1)
    slowest = 0.0
    for n in range(20):
        started = time.monotonic()
        sqlite.run(note_all, [f"command {n}"])
        slowest = max(slowest, time.monotonic() - started)
    stop.set()
    busy.join()
    service.close()
    assert slowest < 1.0
    assert len([name for name in sqlite.look(notes) if name.startswith("command")]) == 20
