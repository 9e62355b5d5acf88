"""The schema of a database: brought up to date, or asked whether it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from storage.database import outside_sessions
from storage.engines import parse, reader_engine
from storage.tables import metadata

# Two processes that start at once: the second waits, and finds the work done.
_UPGRADE_LOCK = "SELECT pg_advisory_xact_lock(7102035)"


class BrokenReferences(Exception):
    """A migration left rows that refer to nothing."""


def upgrade(url: str | URL) -> None:
    """The database has every table as of this version, and its data is still there.

    Raises:
        BrokenReferences: A row refers to one that is gone; nothing was changed.
    """
    with outside_sessions(url) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_UPGRADE_LOCK)
        command.upgrade(_config(connection), "head")
        check_references(connection)


def check_references(connection: Connection) -> None:
    """On SQLite every reference names a row; PostgreSQL holds that by itself.

    Raises:
        BrokenReferences: One does not.
    """
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise BrokenReferences(f"{len(broken)} rows refer to nothing, the first in table {broken[0][0]}")


def is_at_head(url: str | URL) -> bool:
    """Whether the schema is that of this version; False also where there is no database yet."""
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        return False  # looking would make an empty file
    engine = reader_engine(parsed)
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_heads()
    except OperationalError:
        return False
    finally:
        engine.dispose()
    return set(found) == set(ScriptDirectory.from_config(_config()).get_heads())


def is_empty(url: str | URL) -> bool:
    """Whether no migration has ever run here; True also where there is no file yet."""
    with outside_sessions(url) as connection:
        return not MigrationContext.configure(connection).get_current_heads()


def migration_options() -> dict[str, Any]:
    """How Alembic compares and changes: SQLite alters a table by copying it, so in batches."""
    return {
        "target_metadata": metadata,
        "render_as_batch": True,
        "compare_type": True,
        "transactional_ddl": True,
        "transaction_per_migration": False,
    }


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "storage:migrations")
    return config
