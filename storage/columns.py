"""Column types: times that keep their zone, JSON as text, big ids and short strings.

SQLite drops time zones silently and stores decimals as floats, so both databases get
types of our own: a time is always UTC and aware, money is always an integer of minor units.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, DateTime, Integer, String, Text
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
# Set before any table is declared: every constraint gets a name that a migration can call it by.
SQLModel.metadata.naming_convention = NAMING

# A BIGINT primary key is no rowid on SQLite, so ids are INTEGER there.
BigId = BigInteger().with_variant(Integer, "sqlite")
Minor = BigInteger
HOUR = len("2026-11-24T11")  # of a time as text


class NaiveTimeError(ValueError):
    """A time without a zone was about to be stored."""


def to_text(value: datetime) -> str:
    """The time as SQLite stores it: fixed width and UTC, so that text order is time order."""
    return _text_of_utc(value if value.tzinfo is UTC else in_utc(value))


@lru_cache(maxsize=4096)
def _text_of_utc(value: datetime) -> str:
    """Kept, because the columns of one batch share few moments. Only for UTC: elsewhere two moments may be equal."""
    return value.isoformat(timespec="microseconds")


def in_utc(value: datetime) -> datetime:
    """The same moment in UTC."""
    if value.tzinfo is None:
        raise NaiveTimeError(repr(value))
    return value.astimezone(UTC)


def from_text(value: str) -> datetime:
    """The aware UTC time that ``to_text`` wrote."""
    return datetime.fromisoformat(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, UTC in Python and in the database (``timestamptz``; fixed-width text on SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, ``timestamptz`` elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times; hand the driver what it stores."""
        return to_driver_time(value, dialect.name)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """An aware UTC time, whatever the driver returned."""
        return from_driver_time(value)


def to_driver_time(value: datetime | None, dialect_name: str) -> Any:
    """What the driver of this dialect stores for a time."""
    if value is None:
        return None
    return to_text(value) if dialect_name == "sqlite" else in_utc(value)


def from_driver_time(value: Any) -> datetime | None:
    """The aware UTC time for what the driver returned."""
    if value is None:
        return None
    if isinstance(value, str):
        return from_text(value)
    moment: datetime = value
    return moment.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """Plain data as compact JSON text, the same on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Compact JSON."""
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """The plain data again."""
        return None if value is None else json.loads(value)


# One encoder for all: ``json.dumps`` with arguments makes a new one at each call.
_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=True, check_circular=False).encode


def to_json(value: Any) -> str:
    """Compact JSON with its keys sorted, so that equal data is equal text."""
    if not value:
        return "[]" if isinstance(value, list) else _encode(value)  # most lists of reasons are empty
    return _encode(value)
