"""How often a transaction is tried, and what becomes of a batch in which one item is bad."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlmodel import Session

from storage.faults import BadResult, OutcomeUnknown, Overloaded, Verdict, copy_of, for_the_caller, judge, refuse_mapped
from storage.line import Entry, Kind, Outcome

TRIES = 4
FIRST_BACKOFF_SECONDS = 0.02
ENOUGH_SECONDS = 10.0  # of trying; a locked SQLite file alone takes five a try

Call = Callable[[Session], Any]
Once = Callable[[Call], Any]  # one transaction around a call
Savepoint = Callable[[Session, Call], Any]


def repeated(once: Once, call: Call, *, patience: float = 0.0) -> Any:
    """What the call returns, committed; faults of the infrastructure are tried again a few times.

    Raises:
        Overloaded: They did not go away; nothing was applied.
        OutcomeUnknown: The connection died in COMMIT.
    """
    started, attempt = time.monotonic(), 0
    while True:
        attempt += 1
        try:
            return once(call)
        except OutcomeUnknown:
            raise
        except Exception as error:
            verdict, spent = judge(error), time.monotonic() - started
            if verdict is Verdict.OWN:
                raise
            patient = verdict is Verdict.REPEAT and spent < patience
            if verdict is Verdict.REFUSE or not (patient or (attempt < TRIES and spent < ENOUGH_SECONDS)):
                raise Overloaded(f"the database refused: {error}") from error
        time.sleep(min(FIRST_BACKOFF_SECONDS * 2**attempt, 0.5))


def serve_call(entry: Entry, once: Once) -> Outcome:
    """The outcome of a plain call, in the caller's own log context."""
    try:
        result = entry.run(repeated, once, entry.item, patience=entry.patience)
    except BaseException as error:  # noqa: BLE001 - every error is its caller's; the thread goes on
        return entry, None, for_the_caller(error)
    return entry, result, None


def serve_batch(kind: Kind, entries: list[Entry], once: Once, savepoint: Savepoint) -> list[Outcome]:
    """The outcomes of a batch: all in one transaction, or, if that fails, each under a savepoint of its own."""
    try:
        try:
            results = repeated(once, lambda session: _together(session, kind, entries))
        except (Overloaded, OutcomeUnknown, BadResult):
            raise
        except BaseException:
            if len(entries) == 1 and entries[0].on_fault is None:
                raise
            outcomes: list[Outcome] = repeated(once, lambda session: _apart(session, kind, entries, savepoint))
            return outcomes
    except BaseException as error:  # noqa: BLE001 - every error is its callers'; the thread goes on
        theirs = for_the_caller(error)
        return [(entry, None, copy_of(theirs) if place else theirs) for place, entry in enumerate(entries)]
    return [(entry, result, None) for entry, result in zip(entries, results, strict=True)]


def _together(session: Session, kind: Kind, entries: list[Entry]) -> list[Any]:
    started = time.monotonic()
    results = _results(session, kind, [entry.item for entry in entries])
    kind.took(len(entries), seconds=time.monotonic() - started)
    return results


def _apart(session: Session, kind: Kind, entries: list[Entry], savepoint: Savepoint) -> list[Outcome]:
    return [_alone(session, kind, entry, savepoint) for entry in entries]


def _alone(session: Session, kind: Kind, entry: Entry, savepoint: Savepoint) -> Outcome:
    try:
        return entry, entry.run(savepoint, session, lambda inner: _one_result(inner, kind, entry)), None
    except BaseException as error:
        if judge(error) is not Verdict.OWN:
            raise
        fault = for_the_caller(error)
    on_fault = entry.on_fault
    if on_fault is None:
        return entry, None, fault
    try:
        return entry, entry.run(savepoint, session, lambda inner: on_fault(inner, entry.item, fault)), None
    except BaseException as error:
        if judge(error) is not Verdict.OWN:
            raise
        return entry, None, for_the_caller(error)


def _one_result(session: Session, kind: Kind, entry: Entry) -> Any:
    result = _results(session, kind, [entry.item])[0]
    refuse_mapped(result)
    return result


def _results(session: Session, kind: Kind, items: list[Any]) -> list[Any]:
    assert kind.use_case is not None  # noqa: S101 - a batch has one, for the type checker
    count = len(items)
    results = kind.use_case(session, items)
    if not isinstance(results, (list, tuple)) or len(results) != count:
        found = len(results) if isinstance(results, (list, tuple)) else type(results).__name__
        raise BadResult(f"a batch of {count} returned {found}: one result an item")
    return list(results)
