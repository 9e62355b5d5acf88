"""One turn of a job under its lease: what it is given, what it counts, and its fenced transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlmodel import Session

from referrals.jobs.leases import LEASE_SECONDS, Held, LeaseLost, renew_lease
from referrals.programme import Programme
from referrals.tasks import Tasks
from storage.database import Database, OutcomeUnknown, Overloaded, books

LOOK_SECONDS = 0.25  # between two looks whether the process is to stop, while somebody outside takes their time

Args = ParamSpec("Args")
Result = TypeVar("Result")


def never() -> bool:
    """Nobody wants this turn to end early."""
    return False


@dataclass(slots=True)
class Turn:
    """What a job works with. ``now`` is the programme's time at its beginning."""

    database: Database
    programme: Programme
    now: datetime
    held: Held
    stopping: Callable[[], bool] = never  # asked between transactions
    done: int = 0
    skipped: int = 0
    failed: int = 0

    async def read(
        self, query: Callable[Concatenate[Session, Args], Result], /, *args: Args.args, **kwargs: Args.kwargs
    ) -> Result:
        """What the query returns."""
        return await self.database.read(query, *args, **kwargs)

    async def write(
        self, use_case: Callable[Concatenate[Session, Args], Result], /, *args: Args.args, **kwargs: Args.kwargs
    ) -> Result:
        """The use case is committed under the lease, which lasts longer for it. Raises: LeaseLost."""
        fenced = _fenced_books if getattr(use_case, "books", False) else _fenced
        result: Result = await self.database.write(fenced, self.held, use_case, args, kwargs)
        return result

    async def outside(self, work: Coroutine[Any, Any, None]) -> None:
        """The work, which waits for somebody outside, has ended; or it is broken off, where the process is to stop.

        It has to bear that like a kill. The lease is kept meanwhile.
        """
        tasks = Tasks()
        async with self.kept():
            working = tasks.start(work, name=f"outside:{self.held.name}", awaited=True)
            try:
                while not working.done() and not self.stopping():
                    await asyncio.wait({working}, timeout=LOOK_SECONDS)
                if working.done():
                    working.result()
            finally:
                await tasks.stop()

    @asynccontextmanager
    async def kept(self, every: float = LEASE_SECONDS / 3) -> AsyncIterator[None]:
        """The lease lasts as long as the block, however long somebody outside takes to answer; renewed every so often.

        Where it is lost all the same, the next ``write`` says so.
        """
        tasks = Tasks()
        tasks.start(self._keep(every), name=f"lease:{self.held.name}")
        try:
            yield
        finally:
            await tasks.stop()

    async def _keep(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await self.database.write(renew_lease, self.held)
            except LeaseLost:
                return
            except (Overloaded, OutcomeUnknown):
                continue  # two more come before the lease ends


def _fenced(session: Session, held: Held, use_case: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    renew_lease(session, held)
    return use_case(session, *args, **kwargs)


@books
def _fenced_books(session: Session, held: Held, use_case: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return _fenced(session, held, use_case, args, kwargs)
