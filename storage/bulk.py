"""Reading and writing in sets on the hot paths, and the blocks of ids they need.

Statements are compiled once for a table, its columns and a dialect, and handed to the driver as they are: ten of them
cost what one object of the mapper costs. Objects that the session has loaded do not see what happens here.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session, SQLModel

from storage.engines import execute, execute_many
from storage.plans import (
    Change,
    Convert,
    Row,
    Select,
    default_of,
    insert_plan,
    select_postgresql,
    select_sqlite,
    update_plan,
)

MOST_IN_A_LIST = 4096  # SQLite takes 32,766 parameters
_TAKE_SQLITE = (
    "INSERT INTO counter (name, next) VALUES (?, 1 + ?) "
    "ON CONFLICT (name) DO UPDATE SET next = next + excluded.next - 1 RETURNING next"
)
_TAKE_POSTGRESQL = "SELECT take_ids(%s, %s)"


def take_ids(session: Session, name: str, count: int) -> range:
    """A block of numbers that nobody else has or gets; a rolled back transaction may leave a gap."""
    if not count:
        return range(0)
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        after: int = execute(connection, _TAKE_SQLITE, (name, count)).fetchall()[0][0]
        return range(after - count, after)
    first: int = execute(connection, _TAKE_POSTGRESQL, (name, count)).fetchall()[0][0]
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
    names = tuple(rows[0])
    if not _same_keys(rows):
        names = tuple(sorted({name for row in rows for name in row}))
        rows = [{name: row[name] if name in row else default_of(table, name) for name in names} for row in rows]
    plan = insert_plan(table, names, connection.dialect.name, ignore_conflicts=ignore_conflicts)
    _change(connection, plan, _sorted(rows, plan.order))


def update_rows(session: Session, table: type[SQLModel], rows: Sequence[Row], *, key: tuple[str, ...]) -> None:
    """Each row that the key names has the other values; of two for one key the last one holds.

    Raises:
        ValueError: Two rows change different columns.
    """
    if not rows:
        return
    if not _same_keys(rows):
        raise ValueError("rows of one update change the same columns")
    connection = _connection(session)
    plan = update_plan(table, tuple(rows[0]), key, connection.dialect.name)
    _change(connection, plan, _sorted(rows, plan.order))


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
    single = isinstance(column, str)
    keys = (column,) if isinstance(column, str) else tuple(column)
    wanted = [(value,) if single else value for value in dict.fromkeys(values)]
    if not wanted:
        return []
    connection = _connection(session)
    rows: list[Row] = []
    for start in range(0, len(wanted), MOST_IN_A_LIST):
        part = wanted[start : start + MOST_IN_A_LIST]
        if connection.dialect.name == "sqlite":
            # Padded with nulls to a power of two, so that there are a dozen statements and not four thousand.
            places = 1 << (len(part) - 1).bit_length()
            select = select_sqlite(table, keys, places, columns=columns, extra=extra)
            part = _converted(part, select.key_converts)
            part += [(None,) * len(keys)] * (places - len(part))
            rows += _found(connection, select, tuple(value for values in part for value in values))
        else:
            select = select_postgresql(table, keys, columns=columns, extra=extra)
            arrays = zip(*_converted(part, select.key_converts), strict=True)
            rows += _found(connection, select, tuple(map(list, arrays)))
    return rows


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
        return sorted(rows, key=lambda row: [("" if row[name] is None else str(row[name])) for name in order])


def _change(connection: Connection, plan: Change, rows: Sequence[Row]) -> None:
    parameters = _parameters(rows, plan)
    if len(parameters) == 1:
        execute(connection, plan.sql, parameters[0])
    elif plan.set_sql is None:
        execute_many(connection, plan.sql, parameters)
    else:
        execute(connection, plan.set_sql, tuple(map(list, zip(*parameters, strict=True))))


def _parameters(rows: Sequence[Row], plan: Change) -> list[tuple[Any, ...]]:
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


def _converted(values: list[tuple[Any, ...]], converts: tuple[tuple[int, Convert], ...]) -> list[tuple[Any, ...]]:
    for place, convert in converts:
        values = [(*value[:place], convert(value[place]), *value[place + 1 :]) for value in values]
    return list(values)


def _found(connection: Connection, select: Select, parameters: tuple[Any, ...]) -> list[Row]:
    names = select.names
    found = execute(connection, select.sql, parameters).fetchall()
    rows = [dict(zip(names, values, strict=True)) for values in found]
    for name, convert in select.result_converts:
        for row in rows:
            if row[name] is not None:
                row[name] = convert(row[name])
    return rows
