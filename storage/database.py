"""Where transactions begin and end: ``read``, ``write`` and ``batch``.

Returned means committed. A use case's own error means that it did nothing. ``Overloaded`` means surely not applied,
``OutcomeUnknown`` that it may be: repeat it, the natural key makes that safe. A caller who goes away withdraws nothing.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, RootTransaction
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from storage.attempts import Call, serve_batch, serve_call
from storage.bulk import CONNECTION
from storage.engines import has_open_transaction, parse, reader_engine, schema_engine, writer_engine
from storage.faults import BadResult, ConnectionLost, OutcomeUnknown, Overloaded, Verdict, judge, refuse_mapped
from storage.hand import Crew, Hand
from storage.line import Entry, Kind, Line, settle
from storage.patience import Patience

__all__ = ["BadResult", "Database", "OutcomeUnknown", "Overloaded", "books"]

Args = ParamSpec("Args")
Result = TypeVar("Result")
Item = TypeVar("Item")
Function = TypeVar("Function", bound=Callable[..., Any])

COMMAND_PATIENCE_SECONDS = 30.0
LAST_SECOND = 1.0


def books(use_case: Function) -> Function:
    """The use case takes the books lock before it reads anything."""
    use_case.books = True  # type: ignore[attr-defined]  # a mark on a function; mypy knows none
    return use_case


def _takes_books(use_case: Callable[..., Any]) -> bool:
    while isinstance(use_case, functools.partial):
        use_case = use_case.func
    return getattr(use_case, "books", False)


class Database:
    """The open database: its engines, its threads and the lines before them."""

    def __init__(
        self,
        url: str | URL,
        *,
        max_items: int = 5000,
        max_bytes: int = 64_000_000,
        writers: int = 2,
        readers: int = 3,
        full_wait_seconds: float = 2.0,
        drain_seconds: float = 7.0,
        pause_seconds: float = 0.001,
    ) -> None:
        self.url = parse(url)
        self._full_wait_seconds, self._drain_seconds = full_wait_seconds, drain_seconds
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engines = [writer_engine(self.url, books=True), writer_engine(self.url), reader_engine(self.url)]
        line = functools.partial(Line, max_items=max_items, max_bytes=max_bytes)
        crew = functools.partial(Crew, serve=_serve_writes, pause_seconds=pause_seconds if self.is_sqlite else 0)
        self._books = crew(line(), engine=self._engines[0], threads=1)
        # SQLite has one lock for all that is written, so it has one writer.
        self._rest = self._books if self.is_sqlite else crew(line(), engine=self._engines[1], threads=writers)
        self._reads = Crew(line(), _serve_reads, engine=self._engines[2], threads=readers)
        self._crews = {self._books, self._rest, self._reads}

    @classmethod
    def open(cls, url: str | URL, **limits: Any) -> Self:
        """The database at this address; nothing is connected before it is used."""
        return cls(url, **limits)

    async def read(
        self, query: Callable[Concatenate[Session, Args], Result], /, *args: Args.args, **kwargs: Args.kwargs
    ) -> Result:
        """What the query returns of one moment; it can change nothing."""
        result: Result = await self._ask(self._reads, functools.partial(_call, query, args, kwargs))
        return result

    async def write(
        self, use_case: Callable[Concatenate[Session, Args], Result], /, *args: Args.args, **kwargs: Args.kwargs
    ) -> Result:
        """The use case is committed, alone; if it raises, it did nothing."""
        crew = self._books if _takes_books(use_case) else self._rest
        result: Result = await self._ask(crew, functools.partial(_call, use_case, args, kwargs))
        return result

    async def batch(
        self,
        use_case: Callable[[Session, list[Item]], list[Result]],
        item: Item,
        *,
        on_fault: Callable[[Session, Item, Exception], Result] | None = None,
        patience: Patience | None = None,
    ) -> Result:
        """The item is committed, together with others that wait for the same use case.

        If the use case fails on the item, only this one is rolled back. With ``on_fault(session, item, error)`` the
        same transaction then stores what that writes, and returns what that returns; without, the error is raised.

        Raises:
            TimeoutError: The caller's ``patience`` is over; the item may be applied all the same.
        """
        crew = self._books if _takes_books(use_case) else self._rest
        result: Result = await self._ask(crew, item, use_case=use_case, on_fault=on_fault, patience=patience)
        return result

    def look(
        self, query: Callable[Concatenate[Session, Args], Result], /, *args: Args.args, **kwargs: Args.kwargs
    ) -> Result:
        """``read`` for commands and tests."""
        result: Result = self._demand(self._reads, functools.partial(_call, query, args, kwargs))
        return result

    def run(
        self, use_case: Callable[Concatenate[Session, Args], Result], /, *args: Args.args, **kwargs: Args.kwargs
    ) -> Result:
        """``write`` for commands and tests; tries for half a minute while the service holds the lock."""
        crew = self._books if _takes_books(use_case) else self._rest
        result: Result = self._demand(crew, functools.partial(_call, use_case, args, kwargs))
        return result

    async def stop(self) -> None:
        """Everybody has an answer, the threads have ended; 8 seconds at most."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """``stop`` for commands and tests."""
        until = time.monotonic() + self._drain_seconds
        for crew in self._crews:
            crew.line.close()
        late = [crew for crew in self._crews if not crew.join(until)]
        for crew in late:
            stood, running = crew.line.empty()
            settle((entry, None, Overloaded("stopping")) for entry in stood)
            settle((entry, None, OutcomeUnknown("stopping")) for entry in running)
            crew.interrupt()
        until = time.monotonic() + LAST_SECOND
        for crew in late:
            crew.join(until)
        for engine in self._engines:
            engine.dispose()

    async def _ask(
        self, crew: Crew, item: Any, *, use_case: Any = None, on_fault: Any = None, patience: Patience | None = None
    ) -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        size = getattr(item, "size", 0) if use_case is not None else 0
        entry = Entry(item, future, loop, on_fault, copy_context(), size)
        crew.start()
        if not crew.line.put(entry, use_case):
            loop.call_later(self._full_wait_seconds, _refuse, crew.line, entry)
        if patience is not None:
            patience.watch(future)
        return await future

    def _demand(self, crew: Crew, call: Callable[[Session], Any]) -> Any:
        if any(each.is_mine(threading.current_thread()) for each in self._crews):
            raise RuntimeError("a use case may not open a transaction: it has one")
        future: Future[Any] = Future()
        entry = Entry(call, future, context=copy_context(), patience=COMMAND_PATIENCE_SECONDS)
        crew.start()
        if not crew.line.put(entry, None):
            timer = threading.Timer(self._full_wait_seconds, _refuse, (crew.line, entry))
            timer.daemon = True
            timer.start()
        return future.result()


@contextmanager
def outside_sessions(url: str | URL) -> Iterator[Connection]:
    """One transaction without a session, for the schema: committed at the end, or nothing of it happened."""
    engine = schema_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()


def _call(use_case: Callable[..., Any], args: Any, kwargs: Any, session: Session) -> Any:
    return use_case(session, *args, **kwargs)


def _refuse(line: Line, entry: Entry) -> None:
    if line.give_up(entry):
        settle([(entry, None, Overloaded("too many are waiting"))])


def _serve_reads(hand: Hand, _kind: Kind, entries: list[Entry]) -> None:
    once = functools.partial(_look_once, hand)
    settle([serve_call(entry, once) for entry in entries])


def _serve_writes(hand: Hand, kind: Kind, entries: list[Entry]) -> None:
    once = functools.partial(_write_once, hand)
    if kind.use_case is None:
        settle([serve_call(entry, once) for entry in entries])
    else:
        settle(serve_batch(kind, entries, once, _in_savepoint))


def _write_once(hand: Hand, call: Call) -> Any:
    """One transaction: what the call wrote is committed, or nothing is."""
    with _undone_on_error(hand):
        connection = hand.connection()
        transaction = connection.begin()
        result = _in_session(connection, call)
        _check_still_open(connection)
    try:
        transaction.commit()
    except BaseException as error:
        hand.drop()
        if judge(error) is Verdict.RECONNECT:
            raise OutcomeUnknown(f"the connection was lost in COMMIT: {error}") from error
        raise
    return result


def _look_once(hand: Hand, call: Call) -> Any:
    """One transaction that is given up at its end: it had nothing to keep."""
    with _undone_on_error(hand):
        transaction = hand.connection().begin()
        result = _in_session(hand.connection(), call)
        transaction.rollback()
    return result


def _in_session(connection: Connection, call: Call) -> Any:
    with Session(connection, info={CONNECTION: connection}) as session:
        result = call(session)
        session.flush()
        if session.identity_map or hasattr(type(result), "__mapper__"):
            refuse_mapped(result)
        return result


def _in_savepoint(session: Session, call: Call) -> Any:
    with session.begin_nested():
        return call(session)


def _check_still_open(connection: Connection) -> None:
    transaction = connection.get_transaction()
    if transaction is None or not transaction.is_active or not has_open_transaction(connection.connection):
        raise BadResult("the transaction had failed: a use case may not swallow an error of the database")


@contextmanager
def _undone_on_error(hand: Hand) -> Iterator[None]:
    """After an error nothing of the transaction stays, and the connection is fit for the next one, or dropped."""
    try:
        yield
    except BaseException as error:
        connection = hand.opened
        lost = connection is not None and connection.invalidated
        transaction = None if connection is None or lost else connection.get_transaction()
        if transaction is None or judge(error) is Verdict.RECONNECT or not _rolled_back(transaction):
            hand.drop()
        if lost and judge(error) is Verdict.OWN:
            raise ConnectionLost("the connection was lost, and the use case went on") from error
        raise


def _rolled_back(transaction: RootTransaction) -> bool:
    try:
        transaction.rollback()
    except (SQLAlchemyError, sqlite3.Error):
        return False
    return True
