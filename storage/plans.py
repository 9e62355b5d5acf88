"""The statements of ``bulk``: compiled once for a table, its columns and a dialect, with what converts their values."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, Date, LargeBinary, Table, UniqueConstraint
from sqlmodel import SQLModel

from storage.columns import Json, UtcTime, from_driver_time, in_utc, to_json, to_text

Row = dict[str, Any]
Convert = Callable[[Any], Any]
SAME_FOR_ALL = (list, dict)  # default factories whose result, once stored, is the same text each time


class Change(NamedTuple):
    """An INSERT or UPDATE, and how a row becomes its parameters."""

    sql: str
    set_sql: str | None  # the same for many rows at once, as arrays
    getter: Callable[[Row], tuple[Any, ...]]
    converts: tuple[tuple[int, Convert], ...]  # place in the tuple, conversion
    constants: tuple[Any, ...]  # defaults, already as the driver stores them
    order: tuple[str, ...]  # the unique key by which rows are sorted


class Select(NamedTuple):
    """A SELECT by a set of keys, and how what it finds becomes Python values."""

    sql: str
    names: tuple[str, ...]
    key_converts: tuple[tuple[int, Convert], ...]  # place in the tuple, conversion
    result_converts: tuple[tuple[str, Convert], ...]  # column, conversion of what is not null


@lru_cache(maxsize=1024)
def insert_plan(table: type[SQLModel], names: tuple[str, ...], dialect: str, *, ignore_conflicts: bool) -> Change:
    """The INSERT of rows with these columns; the others get the class' defaults.

    Raises:
        ValueError: A column has no default, or does not exist.
    """
    columns = table_of(table).c
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise ValueError(f"{table.__name__} has no column {', '.join(unknown)}")
    left_out = [column for column in columns if column.name not in names and not _made_by_database(table, column)]
    defaults = {column.name: _to_driver(column, dialect)(default_of(table, column.name)) for column in left_out}
    defaults = {name: value for name, value in defaults.items() if value is not None}  # null is what they get anyway
    listed = [*names, *defaults]
    into = f"INSERT INTO {table_of(table).name} ({_list(listed)}) "
    tail = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    sql = f"{into}VALUES ({', '.join([_mark(dialect)] * len(listed))}){tail}"
    arrays = ", ".join(f"%b::{_array_type(columns[name])}[]" for name in listed)
    many = f"{into}SELECT * FROM unnest({arrays}){tail}"  # noqa: S608 - names of our own tables
    set_sql = None if dialect == "sqlite" else many
    converts = _converts(table, names, dialect)
    return Change(sql, set_sql, _getter(names), converts, tuple(defaults.values()), _order(table, names))


@lru_cache(maxsize=1024)
def update_plan(table: type[SQLModel], names: tuple[str, ...], key: tuple[str, ...], dialect: str) -> Change:
    """The UPDATE of one row by its key. Many are sent one by one: a join would take their locks in any order."""
    changed = tuple(name for name in names if name not in key)
    mark = _mark(dialect)
    assignments = ", ".join(f'"{name}" = {mark}' for name in changed)
    conditions = " AND ".join(f'"{name}" = {mark}' for name in key)
    sql = f"UPDATE {table_of(table).name} SET {assignments} WHERE {conditions}"  # noqa: S608 - names of our own tables
    bound = changed + key
    return Change(sql, None, _getter(bound), _converts(table, bound, dialect), (), key)


@lru_cache(maxsize=1024)
def select_plan(
    table: type[SQLModel], keys: tuple[str, ...], places: int, *, columns: tuple[str, ...] | None, extra: str | None
) -> Select:
    """The SELECT of rows by so many keys, each a parameter; 0: by arrays of PostgreSQL."""
    names = columns or tuple(column.name for column in table_of(table).c)
    sql = f"SELECT {_list(names)} FROM {_found_by(table, keys, places, extra)}"  # noqa: S608 - our own names
    converts = _converts(table, keys, _dialect(places))
    return Select(sql, names, converts, _result_converts(table, names, _dialect(places)))


@lru_cache(maxsize=64)
def grouped_plan(
    table: type[SQLModel], keys: tuple[str, ...], places: int, *, figures: str, by: str, extra: str | None
) -> Select:
    """The SELECT of figures over such rows, in groups; what it finds stays as the driver has it."""
    sql = f"SELECT {figures} FROM {_found_by(table, keys, places, extra)} GROUP BY {by}"  # noqa: S608 - our own names
    return Select(sql, (), _converts(table, keys, _dialect(places)), ())


@lru_cache(maxsize=64)
def select_all(table: type[SQLModel], dialect: str) -> Select:
    """The SELECT of the whole table."""
    names = tuple(column.name for column in table_of(table).c)
    sql = f"SELECT {_list(names)} FROM {table_of(table).name}"  # noqa: S608 - our own names
    return Select(sql, names, (), _result_converts(table, names, dialect))


def default_of(table: type[SQLModel], name: str) -> Any:
    """What a row that leaves the column out gets.

    Raises:
        ValueError: It may not leave it out.
    """
    field = table.model_fields[name]
    column = table_of(table).c[name]
    if field.default_factory in SAME_FOR_ALL:
        return field.default_factory()
    if field.is_required() or field.default_factory or (column.primary_key and field.default is None):
        raise ValueError(f"{column} has no default")
    return field.default


def table_of(table: type[SQLModel]) -> Table:
    """The table of a table class."""
    return table.__table__  # type: ignore[attr-defined, no-any-return]  # SQLModel sets it on table classes


def _found_by(table: type[SQLModel], keys: tuple[str, ...], places: int, extra: str | None) -> str:
    """The FROM and WHERE that find the rows of these keys."""
    name, also = table_of(table).name, f" AND ({extra})" if extra else ""
    if not places:
        arrays = ", ".join(f"%s::{_array_type(table_of(table).c[key])}[]" for key in keys)
        wanted = f"= ANY({arrays})" if len(keys) == 1 else f"IN (SELECT * FROM unnest({arrays}))"  # noqa: S608 - likewise
        return f"{name} WHERE ({_list(keys)}) {wanted}{also}"
    if len(keys) == 1:
        return f"{name} WHERE {_list(keys)} IN ({', '.join('?' * places)}){also}"
    # (a, b) IN (VALUES ...) reads the whole index; CROSS JOIN makes the wanted keys the outer loop.
    one = f"({', '.join('?' * len(keys))})"
    condition = " AND ".join(f'"{key}" = wanted.column{place}' for place, key in enumerate(keys, 1))
    return f"(VALUES {', '.join([one] * places)}) AS wanted CROSS JOIN {name} WHERE {condition}{also}"


def _dialect(places: int) -> str:
    return "sqlite" if places else "postgresql"


def _list(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _mark(dialect: str) -> str:
    return "?" if dialect == "sqlite" else "%s"


def _getter(names: tuple[str, ...]) -> Callable[[Row], tuple[Any, ...]]:
    if len(names) == 1:
        only = names[0]
        return lambda row: (row[only],)
    return operator.itemgetter(*names)


def _made_by_database(table: type[SQLModel], column: Column[Any]) -> bool:
    field = table.model_fields[column.name]
    return column.primary_key and not field.is_required() and field.default is None


def _order(table: type[SQLModel], names: tuple[str, ...]) -> tuple[str, ...]:
    """The first unique key that the rows have whole."""
    arguments = getattr(table, "__table_args__", ())
    keys = [tuple(part.columns.keys()) for part in arguments if isinstance(part, UniqueConstraint)]
    keys.append(tuple(column.name for column in table_of(table).primary_key))
    return next((key for key in keys if set(key) <= set(names)), ())


def _converts(table: type[SQLModel], names: tuple[str, ...], dialect: str) -> tuple[tuple[int, Convert], ...]:
    each = ((place, _to_driver(table_of(table).c[name], dialect)) for place, name in enumerate(names))
    return tuple((place, convert) for place, convert in each if convert is not _as_it_is)


def _result_converts(table: type[SQLModel], names: tuple[str, ...], dialect: str) -> tuple[tuple[str, Convert], ...]:
    each = ((name, _from_driver(table_of(table).c[name], dialect)) for name in names)
    return tuple((name, convert) for name, convert in each if convert is not None)


def _as_it_is(value: Any) -> Any:
    return value


def _to_driver(column: Column[Any], dialect: str) -> Convert:
    if isinstance(column.type, UtcTime):
        to_driver = to_text if dialect == "sqlite" else in_utc
        return _or_none(to_driver) if column.nullable else to_driver
    if isinstance(column.type, Json):
        return _or_none(to_json) if column.nullable else to_json
    if isinstance(column.type, Date) and dialect == "sqlite":
        return _or_none(date.isoformat)
    return _as_it_is


def _from_driver(column: Column[Any], dialect: str) -> Convert | None:
    if isinstance(column.type, UtcTime):
        return from_driver_time
    if isinstance(column.type, Json):
        return json.loads
    if dialect == "sqlite" and isinstance(column.type, Boolean):
        return bool
    if dialect == "sqlite" and isinstance(column.type, Date):
        return date.fromisoformat
    return None


def _or_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _array_type(column: Column[Any]) -> str:
    if isinstance(column.type, UtcTime):
        return "timestamptz"
    if isinstance(column.type, Json):
        return "text"
    if isinstance(column.type, LargeBinary):
        return "bytea"
    return {int: "bigint", str: "text", bool: "boolean", date: "date"}[column.type.python_type]
