"""What has happened, in the order of its moments: the candidates of a play that follows upon one kind of thing.

Second orders (T3), bonuses that came in (T6) and links that were made (T8) are looked for in the same way: by the index
of their moment, from where they are stale to where they are due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select
from sqlmodel import Session

from referrals.asking.candidates import JUST, MOST, UNTIL, named, unheard
from referrals.asking.play import Candidate
from referrals.programme import Programme

EVER = datetime.min.replace(tzinfo=UTC)


def at_once(_programme: Programme) -> timedelta:
    """It is a cause the moment it happens."""
    return timedelta()


@dataclass(frozen=True, eq=False)
class Trail:
    """Rows with a moment, each of which is a cause ``wait`` after that moment, due ``delay`` after its cause.

    ``rows(*first)`` is a statement of (number, customer, moment) that begins after ``SINCE`` and is in the order of
    its moments; ``first`` are conditions to look at before its own.
    """

    play: str
    subject: str  # order, bonus, code
    number: Any  # columns
    moment: Any
    rows: Callable[..., Select[*tuple[Any, ...]]]
    delay: timedelta
    fresh: timedelta  # after the cause
    wait: Callable[[Programme], timedelta] = at_once

    def candidates(
        self, session: Session, *, programme: Programme, now: datetime, limit: int, after: datetime | None = None
    ) -> list[Candidate]:
        """Those that are due and not yet stale, the oldest first."""
        wait = self.wait(programme)
        since = now - self.fresh if after is None else max(now - self.fresh, after - JUST)
        known = {"since": since - wait, "until": now - wait - self.delay, "most": limit}
        return [self._candidate(*row, wait=wait) for row in session.execute(_fresh(self), known)]

    def next_at(self, session: Session, *, programme: Programme, now: datetime) -> datetime | None:
        """When the next one is due."""
        wait = self.wait(programme) + self.delay
        row = session.execute(_later(self), {"since": now - wait}).first()
        moment: datetime | None = None if row is None else row[2] + wait
        return moment

    def still(self, session: Session, subject: str) -> bool:
        """Whether it is still such a thing: not sent back, not visited meanwhile."""
        kind, _, number = subject.partition(":")
        found = self.rows(self.number == int(number)) if kind == self.subject else None
        return found is None or session.execute(found, {"since": EVER}).first() is not None

    def _candidate(self, number: int, customer_id: int, moment: datetime, *, wait: timedelta) -> Candidate:
        cause = moment + wait
        return Candidate(customer_id, f"{self.subject}:{number}", cause, cause + self.delay, cause + self.fresh)


@cache
def _fresh(trail: Trail) -> Select[*tuple[Any, ...]]:
    unsaid = unheard(trail.play, named(trail.subject, trail.number))
    return trail.rows(trail.moment <= UNTIL, unsaid).limit(MOST)


@cache
def _later(trail: Trail) -> Select[*tuple[Any, ...]]:
    return trail.rows().limit(1)
