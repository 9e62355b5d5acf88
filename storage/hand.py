"""A thread's hand on the database: one connection kept open, and the threads that own one each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from storage.engines import interrupt
from storage.faults import for_the_caller
from storage.line import TURN_ITEMS, TURN_SECONDS, Entry, Kind, Line, settle


class Hand:
    """One thread's connection; opened when first used, replaced when it was lost."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.opened: Connection | None = None

    def connection(self) -> Connection:
        """The open connection of this thread."""
        if self.opened is None:
            self.opened = self.engine.connect()
        return self.opened

    def drop(self) -> None:
        """The connection is gone, whatever state it was in; the next transaction opens another."""
        connection, self.opened = self.opened, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()

    def interrupt(self) -> None:
        """What this hand is doing fails soon. Called from another thread."""
        connection = self.opened
        if connection is not None and not connection.closed and not connection.invalidated:
            interrupt(connection.connection.dbapi_connection)


Serve = Callable[[Hand, Kind, list[Entry]], None]


class Crew:
    """Some threads that serve one line. They start with the first entry and end when the line has closed."""

    def __init__(self, line: Line, serve: Serve, *, engine: Engine, threads: int, pause_seconds: float = 0) -> None:
        self.line, self._serve, self._pause_seconds = line, serve, pause_seconds
        self._hands = [Hand(engine) for _ in range(threads)]
        self._threads: list[threading.Thread] = []
        self._start_lock = threading.Lock()

    def start(self) -> None:
        """The threads run. They are daemons: nothing that hangs in one keeps the interpreter from ending."""
        if self._threads:
            return
        with self._start_lock:
            if not self._threads:
                threads = [threading.Thread(target=self._run, args=(hand,), daemon=True) for hand in self._hands]
                for thread in threads:
                    thread.name = f"database-{thread.name}"
                    thread.start()
                self._threads = threads

    def is_mine(self, thread: threading.Thread) -> bool:
        """Whether a thread is one of this crew."""
        return thread in self._threads

    def join(self, until: float) -> bool:
        """Whether all threads have ended by that moment of the steady clock."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def interrupt(self) -> None:
        """Whatever statement runs now fails."""
        for hand in self._hands:
            hand.interrupt()

    def _run(self, hand: Hand) -> None:
        try:
            while (turn := self.line.take()) is not None:
                self._take_turn(hand, *turn)
        finally:
            hand.drop()

    def _take_turn(self, hand: Hand, kind: Kind, entries: list[Entry]) -> None:
        until = time.monotonic() + TURN_SECONDS
        try:
            for _ in range(TURN_ITEMS):
                self._serve_safely(hand, kind, entries)
                if self._pause_seconds and self.line.has_work():
                    # The lock is free for a moment, so that a command beside the service gets in.
                    time.sleep(self._pause_seconds)
                if kind.use_case is not None or time.monotonic() > until:
                    return
                entries = self.line.take_more(kind)
                if not entries:
                    return
        finally:
            self.line.finish(kind)

    def _serve_safely(self, hand: Hand, kind: Kind, entries: list[Entry]) -> None:
        try:
            self._serve(hand, kind, entries)
        except BaseException as error:  # noqa: BLE001 - the thread outlives every fault; the callers hear of it
            settle([(entry, None, for_the_caller(error)) for entry in entries])
