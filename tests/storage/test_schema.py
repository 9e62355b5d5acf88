"""The schema comes from the migrations alone, on both engines."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError, InternalError
from sqlmodel import Session, select

from storage.bulk import insert_rows
from storage.customers import Customer
from storage.database import Database, outside_sessions
from storage.ledger import Bonus, Entry, Posting
from storage.machine import machine_now
from storage.orders import Terms
from storage.schema import BrokenReferences, check_references, is_at_head, migration_options, upgrade
from storage.tables import metadata
from tests.engines import blank_url

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    with outside_sessions(database_url) as connection:
        context = MigrationContext.configure(connection, opts=migration_options())
        assert compare_metadata(context, metadata) == []


def test_every_constraint_has_a_name(database_url: str) -> None:
    with outside_sessions(database_url) as connection:
        look = inspect(connection)
        for table in look.get_table_names():
            constraints: list[Any] = [*look.get_unique_constraints(table), *look.get_foreign_keys(table)]
            if table != "alembic_version":
                constraints.append(look.get_pk_constraint(table))
            assert all(each["name"] for each in constraints), table


def test_a_blank_database_is_brought_up_to_date_once(engine: str, tmp_path: Path) -> None:
    url = blank_url(engine, tmp_path)
    assert not is_at_head(url)
    upgrade(url)
    assert is_at_head(url)
    upgrade(url)
    assert is_at_head(url)


def test_a_database_that_is_not_there_is_not_up_to_date(tmp_path: Path) -> None:
    assert not is_at_head(f"sqlite:///{tmp_path / 'no' / 'folder.db'}")
    assert not is_at_head("postgresql://nobody@127.0.0.1:1/nothing")


def test_two_processes_that_start_at_once_both_find_the_schema(engine: str, tmp_path: Path) -> None:
    url = blank_url(engine, tmp_path)
    threads = [threading.Thread(target=upgrade, args=(url,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert is_at_head(url)


def test_an_upgrade_keeps_what_is_there(database_url: str) -> None:
    database = Database.open(database_url)
    database.run(insert_rows, Customer, [{"id": 1, "created_at": NOON}])
    upgrade(database_url)
    assert database.look(lambda session: session.get_one(Customer, 1).created_at) == NOON
    database.close()


def test_the_scripts_are_found_from_any_folder_without_a_file_of_settings(tmp_path: Path) -> None:
    code = f"from storage.schema import upgrade; upgrade('sqlite:///{tmp_path}/a.db')"
    house = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": house}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert is_at_head(f"sqlite:///{tmp_path}/a.db")


def book(session: Session) -> None:
    insert_rows(session, Customer, [{"id": 1, "created_at": NOON}])
    insert_rows(session, Terms, [{"id": "t", "body": {}, "in_force_from": NOON}])
    bonus: dict[str, Any] = {"id": 1, "customer_id": 1, "side": "ambassador", "currency": "EUR", "origin": "order:1"}
    bonus |= {"friend_id": 2, "status": "held", "month": "2026-11", "sort_key": "1", "terms_id": "t"}
    bonus |= dict.fromkeys(("earned_at", "available_at", "created_at", "updated_at"), NOON)
    insert_rows(session, Bonus, [bonus])
    posting = {"id": 1, "bonus_id": 1, "n": 0, "kind": "credit", "reason": "order", "commit_no": 1, "at": NOON}
    insert_rows(session, Posting, [posting])
    entry = {"posting_id": 1, "bonus_id": 1, "account": "held", "currency": "EUR", "amount_minor": 500}
    insert_rows(session, Entry, [entry])


@pytest.mark.parametrize(
    "change",
    ["UPDATE entry SET amount_minor = 1", "DELETE FROM entry", "UPDATE posting SET n = 9", "DELETE FROM posting"],
)
def test_what_is_booked_is_never_edited(database: Database, change: str) -> None:
    database.run(book)
    with pytest.raises((IntegrityError, InternalError), match="append-only"):
        database.run(lambda session: session.connection().exec_driver_sql(change) and None)


def test_the_books_cannot_be_emptied(postgresql: Database) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        postgresql.run(lambda session: session.connection().exec_driver_sql("TRUNCATE entry") and None)


def test_a_table_can_be_replaced_without_losing_what_refers_to_it(database_url: str) -> None:
    database = Database.open(database_url)
    database.run(book)
    with outside_sessions(database_url) as connection:
        operations = Operations(MigrationContext.configure(connection, opts=migration_options()))
        with operations.batch_alter_table("customer", recreate="always" if database.is_sqlite else "never") as batch:
            batch.add_column(sa.Column("colour", sa.Text()))
        check_references(connection)
    assert database.look(lambda session: len(session.exec(select(Bonus.id)).all())) == 1
    database.close()


def lose_the_customers(sqlite: Database) -> None:
    with outside_sessions(sqlite.url) as connection:
        connection.exec_driver_sql("DELETE FROM customer")
        check_references(connection)


def test_a_migration_that_leaves_a_row_without_its_parent_is_undone(sqlite: Database) -> None:
    sqlite.run(book)
    with pytest.raises(BrokenReferences, match="bonus"):
        lose_the_customers(sqlite)
    assert sqlite.look(lambda session: session.get_one(Customer, 1).created_at) == NOON


def test_asking_makes_no_file(tmp_path: Path) -> None:
    assert not is_at_head(f"sqlite:///{tmp_path}/a.db")
    assert not list(tmp_path.iterdir())


def test_the_machines_clock_is_the_databases_and_runs_within_a_transaction(database: Database) -> None:
    """Rule 36: ``now()`` would stand still, ``unixepoch('subsec')`` would be null."""

    def twice(session: Session) -> tuple[datetime, datetime]:
        first = machine_now(session)
        threading.Event().wait(0.05)
        return first, machine_now(session)

    first, second = database.run(twice)
    assert timedelta(milliseconds=45) < second - first < timedelta(seconds=5)
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=10)  # noqa: TID251 - compared with the machine's
    assert first.tzinfo is UTC
