"""How we speak to SQLite and PostgreSQL. Every setting here has a test that fails without it.

With the drivers' defaults both databases lose updates silently, SQLite forgets foreign keys, and a client that
was stopped in the middle holds everybody's lock for ever.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, PoolProxiedConnection

SQLITE_BUSY_MS = 5000
# A stopped holder of the books lock would block all others and commit late; the server ends it instead.
IDLE_IN_TRANSACTION = "3s"
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10s"
READ_STATEMENT_TIMEOUT = "60s"
CONNECT_TIMEOUT_SECONDS = 5
# The write lock before the first read: two deferred transactions that read and then write lose an update or fail
# at once, whatever the busy timeout.
SQLITE_BEGIN = "BEGIN IMMEDIATE"
POSTGRESQL_BEGIN = "BEGIN"
# The one books lock: whoever attributes, posts or spends holds it. Later shards are more numbers.
BOOKS_LOCK = "SELECT pg_advisory_xact_lock(7102034)"
POSTGRESQL_IN_TRANSACTION = 2  # INTRANS of the client library; 3 is a transaction that has failed


def parse(url: str | URL) -> URL:
    """The address with the driver we use: psycopg 3 for PostgreSQL, sqlite3 for SQLite.

    Raises:
        ValueError: Another database, or a SQLite database in memory (each thread would have its own).
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ValueError(f"a database address starts with sqlite:/// or postgresql://, not {backend}:")
    if parsed.database in (None, "", ":memory:"):
        raise ValueError("a SQLite address names a file: sqlite:///ambassade.db")
    return parsed.set(drivername="sqlite+pysqlite")


def writer_engine(url: str | URL, *, books: bool = False) -> Engine:
    """An engine whose transactions write; with ``books`` they hold the books lock before they read anything.

    Its threads each keep one connection, so it pools none.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _engine(parsed, connected=_sqlite_writer, begin=SQLITE_BEGIN)
    begin = f"{POSTGRESQL_BEGIN}; {BOOKS_LOCK}" if books else POSTGRESQL_BEGIN
    return _engine(parsed, connected=_postgresql_writer, begin=begin)


def reader_engine(url: str | URL) -> Engine:
    """An engine whose transactions see one moment and can change nothing."""
    parsed = parse(url)
    connected = _sqlite_reader if parsed.get_backend_name() == "sqlite" else _postgresql_reader
    return _engine(parsed, connected=connected, begin="BEGIN")


def schema_engine(url: str | URL) -> Engine:
    """An engine for migrations: they may take their time, and on SQLite replace a table that others refer to."""
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _engine(parsed, connected=_sqlite_schema, begin=SQLITE_BEGIN)
    return _engine(parsed, connected=_postgresql_schema, begin=POSTGRESQL_BEGIN)


def execute(connection: Connection, sql: str, parameters: tuple[Any, ...]) -> Any:
    """The driver's own cursor after the statement: a tenth of what a result object costs, with the same errors."""
    return _at_driver(connection, "execute", sql, parameters)


def execute_many(connection: Connection, sql: str, parameters: list[tuple[Any, ...]]) -> None:
    """The statement has run for each tuple, in this order."""
    _at_driver(connection, "executemany", sql, parameters)


def _at_driver(connection: Connection, method: str, sql: str, parameters: Any) -> Any:
    cursor = connection.connection.cursor()
    try:
        getattr(cursor, method)(sql, parameters)
    except Exception as error:
        cursor.close()
        _hide_details(error)
        base = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(sql, None, error, base, dialect=connection.dialect) from error
    return cursor


def _without_details(context: ExceptionContext) -> None:
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            _hide_details(error)


def _hide_details(error: BaseException) -> None:
    """PostgreSQL shows the row: DETAIL: Key (value)=(anna@example.com) already exists."""
    if error.args and isinstance(error.args[0], str):
        error.args = (error.args[0].split("\nDETAIL:")[0], *error.args[1:])


def has_open_transaction(connection: PoolProxiedConnection) -> bool:
    """Whether COMMIT would keep what was written.

    Both databases can end a transaction on their own and then answer COMMIT without a complaint: PostgreSQL
    after any error that a use case swallowed, SQLite after a full disk.
    """
    driver_connection: Any = connection.dbapi_connection
    if isinstance(driver_connection, sqlite3.Connection):
        return driver_connection.in_transaction
    return int(driver_connection.info.transaction_status) == POSTGRESQL_IN_TRANSACTION


def interrupt(driver_connection: Any) -> None:
    """The statement that another thread runs on this connection fails soon."""
    if isinstance(driver_connection, sqlite3.Connection):
        driver_connection.interrupt()
    else:
        driver_connection.cancel_safe(timeout=1.0)


def _engine(url: URL, *, connected: Callable[[Any, Any], None], begin: str) -> Engine:
    """An engine whose transactions begin with a statement of ours, and not whenever the driver thinks fit."""
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "ambassade"}
    if url.get_backend_name() == "sqlite":
        arguments = {"isolation_level": None}  # the driver begins nothing by itself
    # hide_parameters: an error message that lands in a log shows no person's data.
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    event.listen(engine, "connect", connected)
    event.listen(engine, "handle_error", _without_details)
    event.listen(engine, "begin", lambda connection: connection.connection.cursor().execute(begin))
    return engine


def _sqlite_writer(connection: Any, _record: Any) -> None:
    _pragmas(
        connection,
        f"busy_timeout={SQLITE_BUSY_MS}",  # first: changing the journal mode needs the lock as well
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL may lose the last commits at a power cut
        "foreign_keys=ON",
    )


def _sqlite_schema(connection: Any, _record: Any) -> None:
    # Copying a table drops the old one, which would delete what refers to it; the keys are checked at the end.
    _pragmas(connection, f"busy_timeout={SQLITE_BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF")


def _sqlite_reader(connection: Any, _record: Any) -> None:
    _pragmas(connection, f"busy_timeout={SQLITE_BUSY_MS}", "query_only=ON")


def _pragmas(connection: Any, *pragmas: str) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").close()


def _postgresql_writer(connection: Any, _record: Any) -> None:
    _settings(
        connection,
        TimeZone="UTC",
        default_transaction_isolation="read committed",
        idle_in_transaction_session_timeout=IDLE_IN_TRANSACTION,
        lock_timeout=LOCK_TIMEOUT,
        statement_timeout=STATEMENT_TIMEOUT,
        synchronous_commit="on",
    )


def _postgresql_reader(connection: Any, _record: Any) -> None:
    _settings(
        connection,
        TimeZone="UTC",
        default_transaction_isolation="repeatable read",  # every statement of a query sees the same moment
        default_transaction_read_only="on",
        statement_timeout=READ_STATEMENT_TIMEOUT,
    )


def _postgresql_schema(connection: Any, _record: Any) -> None:
    _settings(connection, TimeZone="UTC", synchronous_commit="on", lock_timeout="0", statement_timeout="0")


def _settings(connection: Any, **settings: str) -> None:
    """Set for the session, outside a transaction, so that nothing takes them back."""
    connection.autocommit = True  # and stays: the engine begins by itself
    calls = ", ".join("set_config(%s, %s, false)" for _ in settings)
    connection.execute(f"SELECT {calls}", [part for pair in settings.items() for part in pair])
