"""What a play is: something that the clock may say, to whom, when, and until when it is still fresh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlmodel import Session

SCORE, REFERRAL_ASK, REFERENCE_ASK, GIVE = "score", "referral_ask", "reference_ask", "give"
ASKS = frozenset({SCORE, REFERRAL_ASK, REFERENCE_ASK})
# Plays that need a score of theirs; the others answer something that the customer did: made a link, brought a friend.
PROMOTERS_ONLY = frozenset({"t3", "reference"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody to whom a play could speak now, about one thing."""

    customer_id: int
    subject: str  # order:12, bonus:7, code:3: a play speaks about it once
    cause_at: datetime  # when that happened
    due_at: datetime  # not before
    expires_at: datetime  # stale from then on
    data: dict[str, Any] = field(default_factory=dict)  # of the notice


@dataclass(frozen=True, slots=True)
class Play:
    """One kind of message of our own accord.

    ``candidates(session, *, programme, now, limit)`` is one set-based query: who is due, fresh, and has no contact of
    this play about it yet, the oldest cause first. ``next_at(session, *, programme, now)`` is the next moment after
    ``now`` at which somebody becomes one. ``prepare(session, candidates, *, programme, now)`` makes what the message
    needs for those that are planned, and returns more notice data by subject. Where it ``resumes``, ``candidates``
    takes ``after`` as well: the cause from which on it looks, so that page after page does not begin anew.
    ``still(session, subject)`` says at the send whether what it is about is still so.
    """

    name: str
    kind: str  # score, referral_ask, reference_ask, give
    job: str  # which job looks for its candidates
    notice: str  # how the message is rendered
    candidates: Callable[..., list[Candidate]]
    next_at: Callable[..., datetime | None]
    held_out: bool  # a share of its candidates hears nothing, so that what asking adds can be seen (rules 30)
    prepare: Callable[..., dict[str, dict[str, Any]]] | None = None
    resumes: bool = False
    still: Callable[[Session, str], bool] | None = None

    def key(self, candidate: Candidate) -> str:
        """What keeps it from being said twice."""
        return f"{self.name}:{candidate.subject}"
