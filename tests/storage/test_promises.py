"""What ``Database`` promises to a single caller."""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from storage.attempts import TRIES, repeated
from storage.database import BadResult, Database, Overloaded
from storage.installation import Setting
from tests.storage.notes import Nonsense, count_up, note, note_all, noted, notes


def open_again(database: Database) -> Database:
    return Database.open(database.url)


async def test_returned_means_committed(database: Database) -> None:
    assert await database.write(note, "anna") == "anna noted"

    elsewhere = open_again(database)
    assert noted(elsewhere) == ["anna"]
    elsewhere.close()


async def test_an_error_means_that_nothing_was_done(database: Database) -> None:
    def note_and_fail(session: Session) -> None:
        note(session, "anna")
        raise Nonsense("no")

    with pytest.raises(Nonsense):
        await database.write(note_and_fail)

    assert noted(database) == []


async def test_a_query_can_change_nothing(database: Database) -> None:
    with pytest.raises(DBAPIError):
        await database.read(note, "anna")

    assert noted(database) == []


async def test_a_query_sees_one_moment(database: Database) -> None:
    looked, written = threading.Event(), threading.Event()

    def look_twice(session: Session) -> tuple[list[str], list[str]]:
        before = notes(session)
        looked.set()
        written.wait(5)
        return before, notes(session)

    reading = asyncio.get_running_loop().run_in_executor(None, database.look, look_twice)
    await asyncio.to_thread(looked.wait, 5)
    await database.write(note, "anna")
    written.set()

    assert await reading == ([], [])


async def test_a_cancelled_caller_withdraws_nothing(database: Database) -> None:
    started, free = threading.Event(), threading.Event()

    def note_slowly(session: Session) -> None:
        started.set()
        free.wait(5)
        note(session, "slow")

    slow = asyncio.ensure_future(database.write(note_slowly))  # noqa: TID251 - the test is the door here
    batched = asyncio.ensure_future(database.batch(note_all, "batched"))  # noqa: TID251 - likewise
    await asyncio.to_thread(started.wait, 5)
    slow.cancel()
    batched.cancel()
    free.set()
    await database.write(note, "later")
    await database.stop()

    elsewhere = open_again(database)
    assert noted(elsewhere) == ["batched", "later", "slow"]
    elsewhere.close()


def first_setting(session: Session) -> Setting:
    return session.exec(select(Setting)).one()


def settings(session: Session) -> dict[str, list[Setting]]:
    return {"all": list(session.exec(select(Setting)))}


def made(session: Session) -> Setting:
    row = Setting(key="bram", value="x")
    session.add(row)
    return row


@pytest.mark.parametrize("query", [first_setting, settings])
async def test_a_mapped_row_may_not_leave_a_query(database: Database, query: object) -> None:
    await database.write(note, "anna")

    with pytest.raises(BadResult, match="Setting row may not leave"):
        await database.read(query)  # type: ignore[arg-type]  # any of the two


async def test_a_mapped_row_may_not_leave_a_use_case_and_nothing_is_kept(database: Database) -> None:
    with pytest.raises(BadResult, match="Setting row may not leave"):
        await database.write(made)
    with pytest.raises(BadResult, match="Setting row may not leave"):
        await database.batch(lambda session, keys: [made(session) for _ in keys], "bram")

    assert noted(database) == []


@pytest.mark.parametrize("stopper", [StopIteration("x"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
async def test_whatever_a_use_case_raises_reaches_its_caller_and_the_threads_live_on(
    database: Database, stopper: BaseException
) -> None:
    def fail(_session: Session) -> None:
        raise stopper

    def fail_all(_session: Session, _keys: list[str]) -> list[str]:
        raise stopper

    for call in (database.write(fail), database.read(fail), database.batch(fail_all, "anna")):
        with pytest.raises(RuntimeError, match=type(stopper).__name__):
            await call
    assert await database.write(note, "anna") == "anna noted"


async def test_a_use_case_may_not_swallow_that_its_transaction_ended(database: Database) -> None:
    def end_it(session: Session) -> None:
        note(session, "anna")
        session.connection().exec_driver_sql("ROLLBACK")

    with pytest.raises((BadResult, DBAPIError)):
        await database.write(end_it)

    assert await database.write(note, "bram") == "bram noted"
    assert noted(database) == ["bram"]


async def test_read_modify_write_from_two_processes_loses_nothing(database: Database) -> None:
    elsewhere = open_again(database)

    await asyncio.gather(*[each.write(count_up) for _ in range(40) for each in (database, elsewhere)])

    assert await database.write(count_up) == 81
    elsewhere.close()


request_id = contextvars.ContextVar("request_id", default="nobody")


async def test_the_log_context_of_the_caller_travels_with_the_call(database: Database) -> None:
    request_id.set("request 7")

    def whose(_session: Session) -> str:
        return request_id.get()

    assert await database.read(whose) == "request 7"
    assert await database.write(whose) == "request 7"


def test_a_use_case_cannot_open_a_second_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError, match="it has one"):
        database.run(lambda _session: database.run(note, "anna"))


def test_commands_get_their_own_errors_and_results(database: Database) -> None:
    assert database.run(note, "anna") == "anna noted"
    with pytest.raises(DBAPIError):
        database.run(note, "anna")


HANGING = """
import sys, threading, time
from storage.database import Database
database = Database.open(sys.argv[1])
started = threading.Event()
def hang(session):
    started.set()
    time.sleep(60)
threading.Thread(target=database.run, args=(hang,), daemon=True).start()
started.wait(5)
print("over")
"""


def test_nothing_that_hangs_keeps_the_interpreter_from_ending(database_url: str) -> None:
    command = [sys.executable, "-c", HANGING, database_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == "over\n"


def add(session: Session, key: str) -> None:
    session.add(Setting(key=key, value="x"))


@pytest.mark.parametrize("use_case", [note, add])
def test_an_error_message_shows_nobodys_data(database: Database, use_case: Callable[..., None]) -> None:
    database.run(use_case, "anna@example.com")
    with pytest.raises(DBAPIError) as caught:
        database.run(use_case, "anna@example.com")
    assert "anna@example.com" not in str(caught.value)


def test_a_reader_whose_connection_died_gets_another(postgresql: Database) -> None:
    killed: list[int] = []

    def look(session: Session) -> int:
        if not killed:
            killed.append(1)
            session.connection().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        found: int = session.connection().exec_driver_sql("SELECT 7").scalar_one()
        return found

    assert postgresql.look(look) == 7


def test_a_connection_that_died_while_nobody_used_it_is_replaced(postgresql: Database) -> None:
    pid = "SELECT pg_backend_pid()"
    idle: int = postgresql.run(lambda session: session.connection().exec_driver_sql(pid).scalar_one())
    kill = f"SELECT pg_terminate_backend({idle})"
    postgresql.look(lambda session: session.connection().exec_driver_sql(kill) and None)
    assert postgresql.run(note, "anna") == "anna noted"
    assert postgresql.run(note, "bram") == "bram noted"


def locked() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


@pytest.mark.parametrize("patience,outcome", [(30.0, "done"), (0.0, Overloaded)])
def test_a_command_waits_longer_for_a_locked_database_than_a_service_does(patience: float, outcome: object) -> None:
    answers = iter([locked() for _ in range(TRIES + 1)])

    def once(call: object) -> str:
        for error in answers:
            raise error
        return "done"

    if outcome == "done":
        assert repeated(once, lambda _session: None, patience=patience) == "done"
    else:
        with pytest.raises(Overloaded):
            repeated(once, lambda _session: None, patience=patience)
