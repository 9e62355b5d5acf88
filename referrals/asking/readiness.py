"""Who is satisfied, who may be asked for friends or for a reference, and how ready they are: 0 to 100, in its parts.

Gates are absolute, the score only orders (playbook 3.1). Everything here is pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from referrals.asking.facts import AskFacts
    from referrals.config import Config

PROMOTER = 9  # from here on a score is a promoter's
BEST = 10
DETRACTOR = 6  # up to here it is a detractor's
FRESH_SCORE = timedelta(days=180)
OWN_INTERVAL = timedelta(days=75)  # between orders of somebody who has made one
REST_AFTER_CASE = timedelta(days=14)
REST_AFTER_RETURN = timedelta(days=30)
ORDER_POINTS = ((5, 18), (3, 14), (2, 10))  # from so many orders on: points
TENURE_POINT, TENURE_POINTS = timedelta(days=90), 7


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the score: why, and how much of how much."""

    name: str  # score, orders, recency, praise, sharing, through_friend, tenure
    points: int
    most: int


def satisfied(facts: AskFacts, *, now: datetime) -> bool:
    """They said so with a 9 or a 10 within half a year; who said nothing at all has shown it by a friend they brought.

    Source: playbook 3.1 (B19); real sharing overrules a score that is missing, never one that is low.
    """
    if facts.score is None or facts.scored_at is None:
        return facts.friends > 0
    return facts.score >= PROMOTER and now - facts.scored_at <= FRESH_SCORE


def tenured_at(facts: AskFacts, *, days: int) -> datetime | None:
    """From when on they have been a customer for so many days; None for somebody who has bought nothing."""
    return None if facts.first_paid_at is None else facts.first_paid_at + timedelta(days=days)


def ambassador_ready(facts: AskFacts, *, config: Config, now: datetime) -> bool:
    """Satisfied, with enough orders that they kept, and a customer for long enough."""
    asking = config.asking
    since = tenured_at(facts, days=asking.min_tenure_days)
    return satisfied(facts, now=now) and len(facts.paid_at) >= asking.min_orders and since is not None and since <= now


def reference_ready(facts: AskFacts, *, config: Config, now: datetime) -> bool:
    """Ready as an ambassador, a customer for half a year, and with a 10 or a friend who bought."""
    since = tenured_at(facts, days=config.references.min_tenure_days)
    return (
        ambassador_ready(facts, config=config, now=now)
        and since is not None
        and since <= now
        and (facts.score == BEST or facts.friends > 0)
    )


def readiness(facts: AskFacts, *, now: datetime) -> tuple[Part, ...]:
    """The parts of the score, each with what it could be at most; their points add up to 100 at most."""
    return (
        Part("score", _score_points(facts, now=now), 30),
        Part("orders", next((points for least, points in ORDER_POINTS if len(facts.paid_at) >= least), 0), 18),
        Part("recency", 12 if _is_recent(facts, now=now) else 0, 12),
        Part("praise", 10 if facts.praised and (facts.score or 0) >= PROMOTER else 0, 10),
        Part("sharing", 15 if facts.friends else 8 if facts.shared or facts.visited_at else 0, 15),
        Part("through_friend", 8 if facts.through_friend else 0, 8),
        Part("tenure", _tenure_points(facts, now=now), TENURE_POINTS),
    )


def total(parts: tuple[Part, ...]) -> int:
    """The score, 0 to 100."""
    return sum(part.points for part in parts)


def _score_points(facts: AskFacts, *, now: datetime) -> int:
    if facts.score is None or facts.scored_at is None or now - facts.scored_at > FRESH_SCORE:
        return 0
    return {PROMOTER: 24, BEST: 30}.get(facts.score, 0)


def _is_recent(facts: AskFacts, *, now: datetime) -> bool:
    """Whether they bought within the interval at which they usually do."""
    if not facts.paid_at:
        return False
    gaps = [later - earlier for earlier, later in zip(facts.paid_at, facts.paid_at[1:], strict=False)]
    usual = timedelta(seconds=median(gap.total_seconds() for gap in gaps)) if gaps else OWN_INTERVAL
    return now - facts.paid_at[-1] <= usual


def _tenure_points(facts: AskFacts, *, now: datetime) -> int:
    if facts.first_paid_at is None:
        return 0
    return max(0, min(TENURE_POINTS, (now - facts.first_paid_at) // TENURE_POINT))
