"""Reading and writing in sets on the hot paths, and the blocks of ids they need.

Statements are compiled once for a table, its columns and a dialect, and handed to the driver as they are: ten of them
cost what one object of the mapper costs. Objects that the session has loaded do not see what happens here.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
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
    grouped_plan,
    insert_plan,
    select_all,
    select_plan,
    update_plan,
)

CONNECTION = "connection"  # in the session's info, where whoever opened the session put it
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
    connection = bound(session)
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
    keys, wanted = _wanted(column, values)
    if not wanted:
        return []
    connection = _connection(session)
    rows: list[Row] = []
    for part, places in _parts(connection, wanted):
        select = select_plan(table, keys, places, columns=columns, extra=extra)
        rows += _found(connection, select, _key_parameters(part, select, places))
    return rows


def fetch_grouped(
    session: Session,
    table: type[SQLModel],
    column: str | tuple[str, ...],
    values: Iterable[Any],
    *,
    figures: str,
    by: str,
    extra: str | None = None,
) -> list[tuple[Any, ...]]:
    """Figures over the rows whose column is one of the values, in groups; of very long lists in several parts.

    Args:
        session: The session of the transaction.
        table: A table class.
        column: As of ``fetch_in``.
        values: Likewise.
        figures: What to return, constant SQL; the driver's own values.
        by: What makes a group, constant SQL.
        extra: One more condition, constant SQL.
    """
    keys, wanted = _wanted(column, values)
    if not wanted:
        return []
    connection = _connection(session)
    found: list[tuple[Any, ...]] = []
    for part, places in _parts(connection, wanted):
        select = grouped_plan(table, keys, places, figures=figures, by=by, extra=extra)
        found += execute(connection, select.sql, _key_parameters(part, select, places)).fetchall()
    return found


def fetch_all(session: Session, table: type[SQLModel]) -> list[Row]:
    """Every row of a small table, in no order."""
    connection = _connection(session)
    return _found(connection, select_all(table, connection.dialect.name), ())


def _connection(session: Session) -> Connection:
    session.flush()  # what the mapper holds back comes first: rows refer to each other
    return bound(session)


def bound(session: Session) -> Connection:
    """The connection of the session's transaction; asking the mapper for it costs as much as a row.

    It is asked under a savepoint, for it sets that when it is asked.
    """
    known: Connection | None = session.info.get(CONNECTION)
    return session.connection() if known is None or session.in_nested_transaction() else known


def _wanted(column: str | tuple[str, ...], values: Iterable[Any]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The columns that are compared, and the tuples that they are compared with."""
    if isinstance(column, str):
        return (column,), [(value,) for value in dict.fromkeys(values)]
    return column, list(dict.fromkeys(values))


def _parts(connection: Connection, wanted: list[tuple[Any, ...]]) -> Iterator[tuple[list[tuple[Any, ...]], int]]:
    """As many keys as a statement takes, and its places: a power of two, so that there are a dozen statements."""
    is_sqlite = connection.dialect.name == "sqlite"
    for start in range(0, len(wanted), MOST_IN_A_LIST):
        part = wanted[start : start + MOST_IN_A_LIST]
        yield part, 1 << (len(part) - 1).bit_length() if is_sqlite else 0


def _key_parameters(part: list[tuple[Any, ...]], select: Select, places: int) -> tuple[Any, ...]:
    converted = _converted(part, select.key_converts)
    if not places:
        return tuple(map(list, zip(*converted, strict=True)))
    nulls = (None,) * (len(part[0]) * (places - len(part)))
    return (*chain.from_iterable(converted), *nulls)


def _same_keys(rows: Sequence[Row]) -> bool:
    names = tuple(rows[0])
    if [*map(tuple, rows)].count(names) == len(rows):
        return True
    return all(row.keys() == rows[0].keys() for row in rows)


def _sorted(rows: Sequence[Row], order: tuple[str, ...]) -> Sequence[Row]:
    """By the unique key, so that two transactions take their locks in one order."""
    if len(rows) == 1 or not order:
        return rows
    try:
        return sorted(rows, key=operator.itemgetter(*order))
    except TypeError:  # a null among the values
        return sorted(rows, key=lambda row: [("" if row[name] is None else str(row[name])) for name in order])


def _change(connection: Connection, plan: Change, rows: Sequence[Row]) -> None:
    columns = _by_column(map(plan.getter, rows), plan.converts)
    columns += [(constant,) * len(rows) for constant in plan.constants]
    if plan.set_sql is not None and len(rows) > 1:
        execute(connection, plan.set_sql, tuple(map(list, columns)))
        return
    parameters = list(zip(*columns, strict=True))
    if len(parameters) == 1:
        execute(connection, plan.sql, parameters[0])
    else:
        execute_many(connection, plan.sql, parameters)


def _by_column(rows: Iterable[tuple[Any, ...]], converts: Iterable[tuple[int, Convert]]) -> list[Iterable[Any]]:
    """The same by column, converted: a row at a time, conversions cost more than the statement."""
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for place, convert in converts:
        columns[place] = map(convert, columns[place])
    return columns


def _converted(rows: list[tuple[Any, ...]], converts: tuple[tuple[int, Convert], ...]) -> Iterable[tuple[Any, ...]]:
    return zip(*_by_column(rows, converts), strict=True) if rows and converts else rows


def _found(connection: Connection, select: Select, parameters: tuple[Any, ...]) -> list[Row]:
    """Rows by name; what a column holds is converted where there is anything: most times of a row may be missing."""
    names = select.names
    rows = [dict(zip(names, values)) for values in execute(connection, select.sql, parameters).fetchall()]  # noqa: B905 - strict takes half as long again
    for name, convert in select.result_converts:
        for row in rows:
            if row[name] is not None:
                row[name] = convert(row[name])
    return rows
