"""Reading and writing in sets on the hot paths, and the blocks of ids they need.

Statements are compiled once for a table, its columns and a dialect, and handed to the driver as they are: ten of them
cost what one object of the mapper costs. Objects that the session has loaded do not see what happens here.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, Connection, Date, Table, UniqueConstraint
from sqlmodel import Session, SQLModel

from storage.columns import Json, UtcTime, from_driver_time, to_driver_time, to_json

Row = dict[str, Any]
Convert = Callable[[Any], Any]
MOST_IN_A_LIST = 4096  # SQLite takes 32,766 parameters
SAME_FOR_ALL = (list, dict)  # default factories whose result, once stored, is the same text each time


def take_ids(session: Session, name: str, count: int) -> range:
    """A block of numbers that nobody else has or gets; gaps are left where a transaction is rolled back."""
    connection = _connection(session)
    if connection.dialect.name == "sqlite":
        upsert = (
            "INSERT INTO counter (name, next) VALUES (?, 1 + ?) "
            "ON CONFLICT (name) DO UPDATE SET next = next + excluded.next - 1 RETURNING next"
        )
        after: int = connection.exec_driver_sql(upsert, (name, count)).scalar_one()
        return range(after - count, after)
    first: int = connection.exec_driver_sql("SELECT take_ids(%s, %s)", (name, count)).scalar_one()
    return range(first, first + count)


def next_id(session: Session, name: str) -> int:
    """One number that nobody else has or gets."""
    return take_ids(session, name, 1)[0]


def insert_rows(
    session: Session, table: type[SQLModel], rows: Sequence[Row], *, ignore_conflicts: bool = False
) -> None:
    """The rows are in the table; what a row leaves out is the class' default, or null.

    Args:
        session: The session of the transaction.
        table: A table class.
        rows: Column names and Python values.
        ignore_conflicts: A row whose key is taken is left out instead of being an error.

    Raises:
        ValueError: A row lacks a column without a default, or names one that the table does not have.
    """
    if not rows:
        return
    connection = _connection(session)
    names = tuple(rows[0]) if _same_keys(rows) else tuple(sorted({name for row in rows for name in row}))
    plan = _insert_plan(table, names, connection.dialect.name, ignore_conflicts=ignore_conflicts)
    if not _same_keys(rows):
        rows = [_filled(table, row, names) for row in rows]
    ordered = _sorted(rows, plan.order)
    connection.exec_driver_sql(plan.sql, _parameters(ordered, plan))


def update_rows(session: Session, table: type[SQLModel], rows: Sequence[Row], *, key: tuple[str, ...]) -> None:
    """Each row that the key names has the other values; all rows of a call change the same columns."""
    if not rows:
        return
    if not _same_keys(rows):
        raise ValueError("rows of one update change the same columns")
    connection = _connection(session)
    plan = _update_plan(table, tuple(rows[0]), key, connection.dialect.name)
    connection.exec_driver_sql(plan.sql, _parameters(_sorted(rows, plan.order), plan))


def fetch_in(
    session: Session,
    table: type[SQLModel],
    column: str | tuple[str, ...],
    values: Iterable[Any],
    *,
    columns: tuple[str, ...] | None = None,
    extra: str | None = None,
) -> list[Row]:
    """The rows whose column is one of the values, in no order; whole rows, or the named columns of them.

    Args:
        session: The session of the transaction.
        table: A table class.
        column: A column, or several that are compared together with tuples of values.
        values: Python values; repeats and nulls find nothing more.
        columns: What to return; everything by default.
        extra: One more condition, constant SQL.
    """
    wanted = list(dict.fromkeys(values))
    if not wanted:
        return []
    connection = _connection(session)
    keys = (column,) if isinstance(column, str) else tuple(column)
    tuples = [(value,) for value in wanted] if isinstance(column, str) else wanted
    fetch = _fetch_sqlite if connection.dialect.name == "sqlite" else _fetch_postgresql
    rows: list[Row] = []
    for start in range(0, len(tuples), MOST_IN_A_LIST):
        rows += fetch(connection, table, keys, tuples[start : start + MOST_IN_A_LIST], columns, extra)
    return rows


class _Plan(NamedTuple):
    sql: str
    getter: Callable[[Row], tuple[Any, ...]]
    converts: tuple[tuple[int, Convert], ...]  # place in the tuple, conversion
    constants: tuple[Any, ...]  # defaults, already as the driver stores them
    order: tuple[str, ...]


class _Select(NamedTuple):
    sql: str
    names: tuple[str, ...]
    key_converts: tuple[tuple[int, Convert], ...]
    result_converts: tuple[tuple[str, Convert], ...]


def _connection(session: Session) -> Connection:
    session.flush()  # what the mapper holds back comes first: rows refer to each other
    return session.connection()


def _same_keys(rows: Sequence[Row]) -> bool:
    first = rows[0].keys()
    return all(row.keys() == first for row in rows)


def _sorted(rows: Sequence[Row], order: tuple[str, ...]) -> Sequence[Row]:
    """By the unique key, so that two transactions take their locks in one order."""
    if len(rows) == 1 or not order:
        return rows
    try:
        return sorted(rows, key=operator.itemgetter(*order))
    except TypeError:  # a null among the values
        return sorted(
            rows, key=lambda row: [(row[name] is not None, row[name]) for name in order if row[name] is not None]
        )


def _parameters(rows: Sequence[Row], plan: _Plan) -> list[tuple[Any, ...]]:
    getter, converts, constants = plan.getter, plan.converts, plan.constants
    if not converts:
        return [getter(row) + constants for row in rows]
    parameters = []
    for row in rows:
        values = list(getter(row))
        for place, convert in converts:
            values[place] = convert(values[place])
        parameters.append((*values, *constants))
    return parameters


def _filled(table: type[SQLModel], row: Row, names: tuple[str, ...]) -> Row:
    return {name: row[name] if name in row else _default(table, name) for name in names}


def _default(table: type[SQLModel], name: str) -> Any:
    field = table.model_fields[name]
    column = _table(table).c[name]
    if field.default_factory in SAME_FOR_ALL:
        return field.default_factory()  # type: ignore[misc, call-arg]  # list or dict, which take nothing
    if field.is_required() or field.default_factory or (column.primary_key and field.default is None):
        raise ValueError(f"{column} has no default")
    return field.default


@lru_cache(maxsize=1024)
def _insert_plan(table: type[SQLModel], names: tuple[str, ...], dialect: str, *, ignore_conflicts: bool) -> _Plan:
    columns = _table(table).c
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise ValueError(f"{table.__name__} has no column {', '.join(unknown)}")
    missing = [column for column in columns if column.name not in names and not _made_by_database(table, column)]
    constants = tuple(_to_driver(column, dialect)(_default(table, column.name)) for column in missing)
    listed = [*names, *(column.name for column in missing)]
    marks = ", ".join([_mark(dialect)] * len(listed))
    sql = f"INSERT INTO {_table(table).name} ({', '.join(map(_quoted, listed))}) VALUES ({marks})"  # noqa: S608 - our own names
    sql += " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    return _Plan(sql, _getter(names), _converts(table, names, dialect), constants, _order(table, names))


@lru_cache(maxsize=1024)
def _update_plan(table: type[SQLModel], names: tuple[str, ...], key: tuple[str, ...], dialect: str) -> _Plan:
    changed = tuple(name for name in names if name not in key)
    mark = _mark(dialect)
    assignments = ", ".join(f"{_quoted(name)} = {mark}" for name in changed)
    conditions = " AND ".join(f"{_quoted(name)} = {mark}" for name in key)
    sql = f"UPDATE {_table(table).name} SET {assignments} WHERE {conditions}"  # noqa: S608 - our own names
    bound = changed + key
    return _Plan(sql, _getter(bound), _converts(table, bound, dialect), (), key)


def _fetch_sqlite(
    connection: Connection,
    table: type[SQLModel],
    keys: tuple[str, ...],
    values: list[tuple[Any, ...]],
    columns: tuple[str, ...] | None,
    extra: str | None,
) -> list[Row]:
    # Padded to a power of two, so that there are a dozen statements and not four thousand.
    places = 1 << (len(values) - 1).bit_length()
    select = _select_sqlite(table, keys, places, columns, extra)
    values = _converted(values, select.key_converts)
    values += [values[-1]] * (places - len(values))
    return _rows(connection, select, tuple(part for value in values for part in value))


def _fetch_postgresql(
    connection: Connection,
    table: type[SQLModel],
    keys: tuple[str, ...],
    values: list[tuple[Any, ...]],
    columns: tuple[str, ...] | None,
    extra: str | None,
) -> list[Row]:
    select = _select_postgresql(table, keys, columns, extra)
    arrays = tuple(list(array) for array in zip(*_converted(values, select.key_converts), strict=True))
    return _rows(connection, select, arrays)


def _converted(values: list[tuple[Any, ...]], converts: tuple[tuple[int, Convert], ...]) -> list[tuple[Any, ...]]:
    for place, convert in converts:
        values = [(*value[:place], convert(value[place]), *value[place + 1 :]) for value in values]
    return list(values)


def _rows(connection: Connection, select: _Select, parameters: tuple[Any, ...]) -> list[Row]:
    found = connection.exec_driver_sql(select.sql, parameters).fetchall()
    names = select.names
    rows = [dict(zip(names, values, strict=True)) for values in found]
    for name, convert in select.result_converts:
        for row in rows:
            if row[name] is not None:
                row[name] = convert(row[name])
    return rows


@lru_cache(maxsize=1024)
def _select_sqlite(
    table: type[SQLModel], keys: tuple[str, ...], places: int, columns: tuple[str, ...] | None, extra: str | None
) -> _Select:
    if len(keys) == 1:
        condition = f"{_quoted(keys[0])} IN ({', '.join('?' * places)})"
    else:
        one = f"({', '.join('?' * len(keys))})"
        condition = f"({', '.join(map(_quoted, keys))}) IN (VALUES {', '.join([one] * places)})"
    return _select(table, keys, columns, condition, extra, "sqlite")


@lru_cache(maxsize=1024)
def _select_postgresql(
    table: type[SQLModel], keys: tuple[str, ...], columns: tuple[str, ...] | None, extra: str | None
) -> _Select:
    arrays = [f"%s::{_array_type(_table(table).c[key])}[]" for key in keys]
    if len(keys) == 1:
        condition = f"{_quoted(keys[0])} = ANY({arrays[0]})"
    else:
        condition = f"({', '.join(map(_quoted, keys))}) IN (SELECT * FROM unnest({', '.join(arrays)}))"
    return _select(table, keys, columns, condition, extra, "postgresql")


def _select(
    table: type[SQLModel],
    keys: tuple[str, ...],
    columns: tuple[str, ...] | None,
    condition: str,
    extra: str | None,
    dialect: str,
) -> _Select:
    names = columns or tuple(column.name for column in _table(table).c)
    condition += f" AND ({extra})" if extra else ""
    sql = f"SELECT {', '.join(map(_quoted, names))} FROM {_table(table).name} WHERE {condition}"  # noqa: S608 - our own names
    results = ((name, _from_driver(_table(table).c[name], dialect)) for name in names)
    converts = tuple((name, convert) for name, convert in results if convert is not None)
    return _Select(sql, names, _converts(table, keys, dialect), converts)


def _table(table: type[SQLModel]) -> Table:
    return table.__table__  # type: ignore[attr-defined, no-any-return]  # SQLModel sets it on table classes


def _quoted(name: str) -> str:
    return f'"{name}"'


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
    keys.append(tuple(column.name for column in _table(table).primary_key))
    return next((key for key in keys if set(key) <= set(names)), ())


def _converts(table: type[SQLModel], names: tuple[str, ...], dialect: str) -> tuple[tuple[int, Convert], ...]:
    each = ((place, _to_driver(_table(table).c[name], dialect)) for place, name in enumerate(names))
    return tuple((place, convert) for place, convert in each if convert is not _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _to_driver(column: Column[Any], dialect: str) -> Convert:
    if isinstance(column.type, UtcTime):
        return lambda value: to_driver_time(value, dialect)
    if isinstance(column.type, Json):
        return lambda value: None if value is None else to_json(value)
    if isinstance(column.type, Date) and dialect == "sqlite":
        return lambda value: None if value is None else value.isoformat()
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


def _array_type(column: Column[Any]) -> str:
    if isinstance(column.type, UtcTime):
        return "timestamptz"
    return {int: "bigint", str: "text", bool: "boolean", bytes: "bytea", date: "date"}[column.type.python_type]
