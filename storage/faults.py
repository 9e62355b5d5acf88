"""What can go wrong between a use case and the disk, and whether trying again can help.

An infrastructure fault is one that no other input would have avoided: the lock was held, the connection
died, the disk was full. Everything else is the use case's own and reaches its caller as it was raised.
"""

from __future__ import annotations

import copy
import sqlite3
from enum import Enum
from typing import Any

from sqlalchemy.exc import DBAPIError


class Overloaded(Exception):
    """Surely not applied: the queue was full, the database refused for too long, or we are stopping."""


class OutcomeUnknown(Exception):
    """May be applied: the connection died in COMMIT, or the process stops while the work runs."""


class BadResult(Exception):
    """A use case returned what it may not: a list of another length, or a mapped instance."""


class ConnectionLost(Exception):
    """The connection died and the use case swallowed the error that said so."""


class Verdict(Enum):
    """What to do about a fault."""

    REPEAT = "repeat"  # the whole transaction, a bounded number of times
    RECONNECT = "reconnect"  # likewise, on a new connection; inside COMMIT the outcome is unknown
    REFUSE = "refuse"  # not again: it took too long, or we cut it off ourselves
    OWN = "own"  # the use case's own fault


_SQLITE_REPEAT = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
}
_SQLITE_RECONNECT = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_SQLITE_REFUSE = {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# Serialization, deadlock, lock not available; then classes: connection, resources, shutdown, system.
_STATES_REPEAT = ("40001", "40P01", "55P03", "53")
_STATES_RECONNECT = ("08", "57P", "58", "25P03")
_STATES_REFUSE = ("57014",)


def judge(error: BaseException) -> Verdict:
    """Whether a fault is the infrastructure's, and whether a repeat may help."""
    if isinstance(error, ConnectionLost):
        return Verdict.RECONNECT
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver_error, sqlite3.Error):
        return _judge_sqlite(driver_error)
    if type(driver_error).__module__.startswith("psycopg"):
        return _judge_state(driver_error)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Verdict.RECONNECT
    return Verdict.OWN


def _judge_sqlite(error: sqlite3.Error) -> Verdict:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return Verdict.OWN
    primary = code & 0xFF
    if primary in _SQLITE_REPEAT:
        return Verdict.REPEAT
    if primary in _SQLITE_RECONNECT:
        return Verdict.RECONNECT
    return Verdict.REFUSE if primary in _SQLITE_REFUSE else Verdict.OWN


def _judge_state(error: Any) -> Verdict:
    state = getattr(error, "sqlstate", None)
    if state is None:
        # Without a state the server never answered: the client library reports the connection.
        return Verdict.RECONNECT if type(error).__name__ == "OperationalError" else Verdict.OWN
    if state.startswith(_STATES_RECONNECT):
        return Verdict.RECONNECT
    if state.startswith(_STATES_REPEAT):
        return Verdict.REPEAT
    return Verdict.REFUSE if state.startswith(_STATES_REFUSE) else Verdict.OWN


def for_the_caller(error: BaseException) -> Exception:
    """The error as a coroutine can raise it; what would end a thread or a generator becomes a plain bug."""
    if isinstance(error, Exception) and not isinstance(error, (StopIteration, StopAsyncIteration)):
        return error
    bug = RuntimeError(f"a use case raised {error!r}")
    bug.__cause__ = error
    return bug


def copy_of(error: Exception) -> Exception:
    """An exception of its own for one more caller, so that no two share a traceback."""
    try:
        twin = copy.copy(error)
    except Exception:  # noqa: BLE001 - whatever a class does in __reduce__, its caller must hear of the error
        twin = RuntimeError(repr(error))
    twin.__cause__ = error.__cause__
    return twin


def refuse_mapped(result: Any) -> None:
    """Nothing happens for plain data; a mapped instance would be read after its session has ended.

    Raises:
        BadResult: The result is a mapped instance, or a container that holds one.
    """
    kind = type(result)
    if kind in (list, tuple, set, frozenset):
        for part in result:
            if type(part) not in _PLAIN:
                refuse_mapped(part)
    elif kind is dict:
        refuse_mapped(list(result.values()))
    elif hasattr(kind, "__mapper__"):
        message = f"a {kind.__name__} row may not leave its transaction: return plain data"
        raise BadResult(message)


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
