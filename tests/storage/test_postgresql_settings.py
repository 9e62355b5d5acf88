"""Each setting of PostgreSQL has a test that fails without it."""

from __future__ import annotations

import asyncio
import threading
import time

import psycopg
import pytest
from sqlalchemy.exc import InternalError
from sqlmodel import Session

from storage.database import Database, Overloaded, books
from storage.engines import parse, reader_engine
from tests.storage.notes import note, noted


@pytest.fixture
def contrary(postgresql: Database) -> Database:
    """A database whose own defaults are the opposite of ours."""
    name = postgresql.url.database
    plain = postgresql.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for setting in (
            "TimeZone = 'Asia/Tokyo'",
            "default_transaction_isolation = 'serializable'",
            "idle_in_transaction_session_timeout = 0",
            "lock_timeout = 0",
            "statement_timeout = 0",
            "synchronous_commit = off",
        ):
            connection.execute(f'ALTER DATABASE "{name}" SET {setting}'.encode())
    return postgresql


def show(session: Session, setting: str) -> object:
    return session.connection().exec_driver_sql(f"SHOW {setting}").scalar_one()


@pytest.mark.parametrize(
    "setting,value",
    [
        ("TimeZone", "UTC"),
        ("transaction_isolation", "read committed"),
        ("idle_in_transaction_session_timeout", "3s"),
        ("lock_timeout", "5s"),
        ("statement_timeout", "10s"),
        ("synchronous_commit", "on"),
    ],
)
def test_a_writer_has_our_settings_whatever_the_servers_are(contrary: Database, setting: str, value: str) -> None:
    assert contrary.run(show, setting) == value


@pytest.mark.parametrize(
    "setting,value",
    [
        ("TimeZone", "UTC"),
        ("transaction_isolation", "repeatable read"),
        ("transaction_read_only", "on"),
        ("statement_timeout", "1min"),
    ],
)
def test_a_reader_has_our_settings_whatever_the_servers_are(contrary: Database, setting: str, value: str) -> None:
    assert contrary.look(show, setting) == value


async def test_a_holder_of_the_books_lock_that_stops_is_ended_and_the_others_go_on(postgresql: Database) -> None:
    elsewhere = Database.open(postgresql.url)
    holding, free = threading.Event(), threading.Event()

    @books
    def stop_in_the_middle(session: Session) -> None:
        note(session, "late")
        holding.set()
        free.wait(10)
        note(session, "later still")

    @books
    def go_on(session: Session) -> str:
        return note(session, "anna")

    stopped = asyncio.ensure_future(elsewhere.write(stop_in_the_middle))  # noqa: TID251 - the test is the door here
    await asyncio.to_thread(holding.wait, 5)
    started = time.monotonic()
    assert await postgresql.write(go_on) == "anna noted"
    assert 1 < time.monotonic() - started < 4.5
    assert noted(postgresql) == ["anna"]
    free.set()
    await stopped  # repeated on a new connection
    assert noted(postgresql) == ["anna", "late", "later still"]
    await elsewhere.stop()


async def test_what_does_not_touch_the_books_does_not_wait_for_them(postgresql: Database) -> None:
    elsewhere = Database.open(postgresql.url)
    holding, free = threading.Event(), threading.Event()

    @books
    def hold(_session: Session) -> None:
        holding.set()
        free.wait(2)

    held = asyncio.ensure_future(elsewhere.write(hold))  # noqa: TID251 - the test is the door here
    await asyncio.to_thread(holding.wait, 5)
    started = time.monotonic()
    await postgresql.write(note, "anna")
    assert time.monotonic() - started < 1
    free.set()
    await held
    await elsewhere.stop()


async def test_a_hung_statement_is_refused_once_and_not_tried_again(postgresql: Database) -> None:
    tries = []

    def hang(session: Session) -> None:
        tries.append(1)
        session.connection().exec_driver_sql("SET LOCAL statement_timeout = '50ms'")
        session.connection().exec_driver_sql("SELECT pg_sleep(5)")

    with pytest.raises(Overloaded):
        await postgresql.write(hang)
    assert len(tries) == 1


def test_a_reader_can_write_nothing(postgresql: Database) -> None:
    with (
        reader_engine(postgresql.url).connect() as connection,
        connection.begin(),
        pytest.raises(InternalError, match="read-only"),
    ):
        connection.exec_driver_sql("INSERT INTO setting VALUES ('anna', 'x')")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+asyncpg"])
def test_every_way_to_write_the_address_means_the_same_driver(scheme: str) -> None:
    url = parse(f"{scheme}://shop:secret@db.example/ambassade")
    assert url.drivername == "postgresql+psycopg"
    assert (url.host, url.database) == ("db.example", "ambassade")
