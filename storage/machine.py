"""The machine's clock as the database reads it: one clock for all processes (rules 36)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# unixepoch('subsec') is NULL before SQLite 3.42, and a lease until NULL never ends; julianday is always there.
_SQLITE = "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"
# now() is the transaction's start, which may be seconds ago.
_POSTGRESQL = "SELECT clock_timestamp()"


def machine_now(session: Session) -> datetime:
    """This moment, aware and UTC, by the database's own clock; to the millisecond on SQLite."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        milliseconds: int = connection.exec_driver_sql(_SQLITE).scalar_one()
        return _EPOCH + timedelta(milliseconds=milliseconds)
    moment: datetime = connection.exec_driver_sql(_POSTGRESQL).scalar_one()
    return moment.astimezone(UTC)
