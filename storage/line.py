"""The line in front of the threads: who waits for a transaction, in which order, and how many may.

A *kind* is everything that waits for one use case; plain calls are a kind too. Kinds take turns.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

from storage.faults import Overloaded

TURN_ITEMS = 200
TURN_SECONDS = 0.05  # of plain calls, one after another
BATCH_SECONDS = 0.1  # a batch in two costs more in all: half of what it does is done once a batch
MAX_KINDS = 100  # beyond this, idle ones are forgotten

AnyFuture = asyncio.Future[Any] | Future[Any]


@dataclass(slots=True, eq=False)
class Entry:
    """One caller in the line, and what they brought."""

    item: Any  # of a batch; for a plain call, the call: a function of the session
    future: AnyFuture
    loop: asyncio.AbstractEventLoop | None = None  # None: the caller is a thread
    on_fault: Callable[..., Any] | None = None
    context: Context | None = None
    size: int = 0  # bytes
    patience: float = 0.0  # seconds for which a locked database is tried again

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The function's result, with the log context of the caller."""
        return function(*args, **kwargs) if self.context is None else self.context.run(function, *args, **kwargs)


@dataclass(slots=True, eq=False)
class Kind:
    """What waits for one use case, first come first served."""

    use_case: Callable[..., Any] | None  # None: plain calls, one transaction each
    entries: deque[Entry] = field(default_factory=deque)
    limit: int = TURN_ITEMS  # items a turn, so that one takes at most about BATCH_SECONDS
    busy: bool = False  # a batch of this kind is in flight
    listed: bool = False  # waits for its turn

    def took(self, count: int, *, seconds: float) -> None:
        """Remember how long a batch worked: the next one is halved when it was too long, doubled when short."""
        if seconds > BATCH_SECONDS:
            self.limit = max(1, count // 2)
        elif seconds < BATCH_SECONDS / 2 and count == self.limit:
            self.limit = min(TURN_ITEMS, self.limit * 2)


def kind_key(use_case: Callable[..., Any]) -> Any:
    """The same key for the same use case, also where each caller makes a ``functools.partial`` of its own."""
    if isinstance(use_case, functools.partial):
        named = tuple((name, id(value)) for name, value in sorted(use_case.keywords.items()))
        return (use_case.func, tuple(map(id, use_case.args)), named)
    return use_case


class Line:
    """A bounded line before some threads. Every method may be called from any thread."""

    def __init__(self, *, max_items: int, max_bytes: int) -> None:
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._kinds: dict[Any, Kind] = {}
        self._ready: deque[Kind] = deque()
        self._waiting: deque[tuple[Any, Callable[..., Any] | None, Entry]] = deque()  # the line is full
        self._running: dict[int, list[Entry]] = {}  # by thread
        self._max_items, self._max_bytes = max_items, max_bytes
        self._items = self._bytes = self._idle = 0
        self._closed = False

    def put(self, entry: Entry, use_case: Callable[..., Any] | None) -> bool:
        """Whether the entry stands in the line; else it waits for room and may be given up.

        Raises:
            Overloaded: The line is closed.
        """
        key = None if use_case is None else kind_key(use_case)
        with self._lock:
            if self._closed:
                raise Overloaded("stopping")
            if self._waiting or not self._has_room(entry):
                self._waiting.append((key, use_case, entry))
                return False
            self._admit(key, use_case, entry)
            return True

    def give_up(self, entry: Entry) -> bool:
        """Whether the entry was still outside, and is gone now."""
        with self._lock:
            for place, (_, _, waiting) in enumerate(self._waiting):
                if waiting is entry:
                    del self._waiting[place]
                    return True
        return False

    def take(self) -> tuple[Kind, list[Entry]] | None:
        """The next kind's turn and its first entries; waits for one. None when the line has closed and is empty."""
        with self._lock:
            while True:
                while self._ready:
                    kind = self._ready.popleft()
                    kind.listed = False
                    if kind.entries:
                        return kind, self._take_from(kind)
                if self._closed:
                    return None
                self._idle += 1
                self._more.wait()
                self._idle -= 1

    def take_more(self, kind: Kind) -> list[Entry]:
        """One more plain call for a turn that goes on, if there is one."""
        with self._lock:
            self._running.pop(threading.get_ident(), None)
            return self._take_from(kind) if kind.entries else []

    def finish(self, kind: Kind) -> None:
        """The turn is over; the kind goes to the end if more waits for it."""
        with self._lock:
            self._running.pop(threading.get_ident(), None)
            kind.busy = False
            self._list(kind)
            if len(self._kinds) > MAX_KINDS:
                self._kinds = {key: each for key, each in self._kinds.items() if each.entries or each.busy}

    def has_work(self) -> bool:
        """Whether somebody stands in the line, also of a kind whose batch is in flight."""
        return self._items > 0

    def close(self) -> None:
        """Nobody else comes in; those outside are refused, those inside are still served."""
        with self._lock:
            self._closed = True
            outside = [entry for _, _, entry in self._waiting]
            self._waiting.clear()
            self._more.notify_all()
        settle((entry, None, Overloaded("stopping")) for entry in outside)

    def empty(self) -> tuple[list[Entry], list[Entry]]:
        """Nobody stands in the line any more; those who stood (untouched), and those whose work runs."""
        with self._lock:
            stood = [entry for kind in self._kinds.values() for entry in kind.entries]
            for kind in self._kinds.values():
                kind.entries.clear()
            return stood, [entry for entries in self._running.values() for entry in entries]

    def _has_room(self, entry: Entry) -> bool:
        if self._items == 0:
            return True  # also for one that is larger than the whole line
        return self._items < self._max_items and self._bytes + entry.size <= self._max_bytes

    def _admit(self, key: Any, use_case: Callable[..., Any] | None, entry: Entry) -> None:
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = Kind(use_case)
        kind.entries.append(entry)
        self._items += 1
        self._bytes += entry.size
        self._list(kind)

    def _list(self, kind: Kind) -> None:
        if kind.entries and not kind.busy and not kind.listed:
            kind.listed = True
            self._ready.append(kind)
            if self._idle:
                self._more.notify()

    def _take_from(self, kind: Kind) -> list[Entry]:
        plain = kind.use_case is None
        count = 1 if plain else min(kind.limit, len(kind.entries))
        taken = [kind.entries.popleft() for _ in range(count)]
        kind.busy = not plain
        self._list(kind)  # more plain calls may run beside this one, in another thread
        self._items -= count
        self._bytes -= sum(entry.size for entry in taken)
        self._running[threading.get_ident()] = taken
        while self._waiting and self._has_room(self._waiting[0][2]):
            self._admit(*self._waiting.popleft())
        return taken


Outcome = tuple[Entry, Any, Exception | None]


def settle(outcomes: Iterable[Outcome]) -> None:
    """Every caller has their answer; each event loop is woken once for all of its callers."""
    loops: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for outcome in outcomes:
        loop = outcome[0].loop
        if loop is None:
            _answer(outcome)
        else:
            loops.setdefault(loop, []).append(outcome)
    for loop, theirs in loops.items():
        with suppress(RuntimeError):  # the loop has closed: nobody waits there any more
            loop.call_soon_threadsafe(_answer_all, theirs)


def _answer_all(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        _answer(outcome)


def _answer(outcome: Outcome) -> None:
    entry, result, error = outcome
    if entry.future.done():  # the caller has gone, or stop() has answered already
        return
    with suppress(InvalidStateError, asyncio.InvalidStateError):
        if error is None:
            entry.future.set_result(result)
        else:
            entry.future.set_exception(error)
