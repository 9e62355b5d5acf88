"""What ``Database.batch`` promises to many callers at once."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from storage.attempts import TRIES
from storage.bulk import insert_rows
from storage.database import BadResult, Database, OutcomeUnknown, Overloaded
from storage.installation import Setting
from storage.line import TURN_ITEMS
from tests.storage.notes import Nonsense, note, note_all, noted


async def together(database: Database, use_case: Callable[..., Any], items: list[Any], **options: Any) -> list[Any]:
    """The outcomes of items that wait for one turn: the writers are held until all stand in the line."""
    free = threading.Event()
    writers = 1 if database.is_sqlite else 2
    held = [asyncio.ensure_future(database.write(lambda _session: free.wait(5) and None)) for _ in range(writers)]  # noqa: TID251
    await asyncio.sleep(0.05)
    calls = [asyncio.ensure_future(database.batch(use_case, item, **options)) for item in items]  # noqa: TID251
    await asyncio.sleep(0.05)
    free.set()
    await asyncio.gather(*held)
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_those_who_wait_share_a_transaction_and_each_gets_their_result(database: Database) -> None:
    sizes = []

    def counted(session: Session, keys: list[str]) -> list[str]:
        sizes.append(len(keys))
        return note_all(session, keys)

    names = [f"friend {n:03}" for n in range(50)]
    assert await together(database, counted, names) == [f"{name} noted" for name in names]
    assert sizes == [50]
    assert noted(database) == names


async def test_a_turn_takes_two_hundred_items_at_most(database: Database) -> None:
    sizes = []

    def counted(_session: Session, keys: list[int]) -> list[int]:
        sizes.append(len(keys))
        return keys

    await together(database, counted, list(range(450)))

    assert sizes == [TURN_ITEMS, TURN_ITEMS, 50]


async def test_a_bad_item_fails_alone(database: Database) -> None:
    results = await together(database, note_all, ["anna", "bad mats", "bram"])

    assert [type(result) for result in results] == [str, Nonsense, str]
    assert noted(database) == ["anna", "bram"]


async def test_a_unique_key_that_is_taken_fails_alone(database: Database) -> None:
    await database.write(note, "anna")

    results = await together(database, note_all, ["anna", "bram", "chris"])

    assert [type(result) for result in results] == [IntegrityError, str, str]
    assert noted(database) == ["anna", "bram", "chris"]


def store_fault(session: Session, item: str, error: Exception) -> str:
    if item == "bad twice":
        raise Nonsense("the fault could not be stored")
    insert_rows(session, Setting, [{"key": f"fault {item}", "value": repr(error)}])
    return "quarantined"


async def test_what_the_fault_handler_stores_is_kept_with_the_good_items(database: Database) -> None:
    """Rule 37: the raw bytes are stored in the transaction that retries the item."""
    items = ["anna", "bad mats", "bad twice", "bram"]
    results = await together(database, note_all, items, on_fault=store_fault)

    assert results[:2] == ["anna noted", "quarantined"]
    assert str(results[2]) == "the fault could not be stored"
    assert results[3] == "bram noted"
    assert noted(database) == ["anna", "bram", "fault bad mats"]


async def test_a_single_bad_item_goes_to_its_fault_handler_too(database: Database) -> None:
    assert await database.batch(note_all, "bad mats", on_fault=store_fault) == "quarantined"
    assert noted(database) == ["fault bad mats"]


@pytest.mark.parametrize("wrong", [[], ["one too few"], "abc", None])
async def test_results_of_another_length_are_a_bug_that_every_caller_hears(database: Database, wrong: object) -> None:
    def forgetful(session: Session, keys: list[str]) -> Any:
        note_all(session, keys)
        return wrong

    results = await together(database, forgetful, ["anna", "bram", "chris"])

    assert all(isinstance(result, BadResult) for result in results)
    assert len({id(result) for result in results}) == 3
    assert noted(database) == []


async def test_one_kind_is_first_come_first_served_and_one_batch_at_a_time(database: Database) -> None:
    seen: list[int] = []
    inside = threading.Lock()

    def in_order(_session: Session, numbers: list[int]) -> list[int]:
        assert inside.acquire(blocking=False)
        seen.extend(numbers)
        threading.Event().wait(0.01)
        inside.release()
        return numbers

    await asyncio.gather(*[database.batch(in_order, number) for number in range(1000)])

    assert seen == list(range(1000))


async def test_kinds_take_turns_with_plain_writes(database: Database) -> None:
    order: list[str] = []

    def kind(name: str, _session: Session, items: list[int]) -> list[int]:
        order.append(name)
        return items

    clicks, orders = functools.partial(kind, "clicks"), functools.partial(kind, "orders")
    free = threading.Event()
    writers = 1 if database.is_sqlite else 2
    held = [database.write(lambda _session: free.wait(5) and None) for _ in range(writers)]
    clicked = [database.batch(clicks, n) for n in range(3 * TURN_ITEMS)]
    ordered = [database.batch(orders, n) for n in range(5)]
    calls = asyncio.gather(*held, *clicked, *ordered, database.write(lambda _session: order.append("plain")))
    await asyncio.sleep(0.2)
    free.set()
    await calls

    assert order.count("clicks") >= 3  # a turn has an end; a machine that is busy makes it a shorter one
    assert order[-1] == "clicks" or not database.is_sqlite  # two hands may end in either order


async def test_callers_that_wrap_one_use_case_with_the_same_values_are_one_kind(database: Database) -> None:
    sizes, programme = [], {"name": "fietsen"}

    def counted(_session: Session, items: list[int], *, programme: dict[str, str]) -> list[int]:
        sizes.append(len(items))
        return items

    free = threading.Event()
    held = [database.write(lambda _session: free.wait(5) and None) for _ in range(2)]
    calls = [database.batch(functools.partial(counted, programme=programme), n) for n in range(20)]
    waiting = asyncio.gather(*held, *calls)
    await asyncio.sleep(0.1)
    free.set()
    await waiting

    assert sizes == [20]


def raise_state(session: Session, state: str) -> None:
    """A fault of the infrastructure: a state on PostgreSQL; on SQLite a disk that is full."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'lab' USING ERRCODE = '{state}'; END $$")
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    try:
        insert_rows(session, Setting, [{"key": "large", "value": "x" * 1_000_000}])
    finally:
        connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")


@pytest.mark.parametrize("state", ["40001", "40P01", "53100"])
async def test_a_fault_of_the_infrastructure_repeats_the_whole_batch(database: Database, state: str) -> None:
    tries = []

    def flaky(session: Session, keys: list[str]) -> list[str]:
        tries.append(len(keys))
        if len(tries) < TRIES:
            raise_state(session, state)
        return note_all(session, keys)

    assert await together(database, flaky, ["anna", "bram"]) == ["anna noted", "bram noted"]
    assert tries == [2] * TRIES


async def test_a_fault_that_stays_refuses_every_caller_with_an_error_of_their_own(database: Database) -> None:
    tries = []

    def always(session: Session, keys: list[str]) -> list[str]:
        tries.append(len(keys))
        note_all(session, keys)
        raise_state(session, "40001")
        return keys

    results = await together(database, always, ["anna", "bram"], on_fault=store_fault)

    assert [type(result) for result in results] == [Overloaded, Overloaded]
    assert results[0] is not results[1]
    assert tries == [2] * TRIES
    assert noted(database) == []


async def test_a_connection_that_dies_is_replaced_and_the_batch_repeated(postgresql: Database) -> None:
    tries = []

    def killed_once(session: Session, keys: list[str]) -> list[str]:
        tries.append(1)
        if len(tries) == 1:
            session.connection().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return note_all(session, keys)

    assert await together(postgresql, killed_once, ["anna", "bram"]) == ["anna noted", "bram noted"]


async def test_a_connection_that_dies_in_commit_leaves_the_outcome_unknown(postgresql: Database) -> None:
    dies_in_commit = """
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER die AFTER INSERT ON setting DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.key = 'anna') EXECUTE FUNCTION die()"""
    postgresql.run(lambda session: session.connection().exec_driver_sql(dies_in_commit) and None)

    results = await together(postgresql, note_all, ["anna", "bram"])

    assert [type(result) for result in results] == [OutcomeUnknown, OutcomeUnknown]
    assert results[0] is not results[1]
    assert await postgresql.batch(note_all, "chris") == "chris noted"


async def test_an_error_that_is_swallowed_does_not_pass_as_committed(postgresql: Database) -> None:
    def swallow(session: Session) -> None:
        note(session, "anna")
        try:
            note(session, "anna")
        except IntegrityError:
            return

    with pytest.raises(BadResult, match="swallow"):
        await postgresql.write(swallow)
