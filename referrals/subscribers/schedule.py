"""When a delivery is tried again, and when no more; what an answer means. Pure.

Source: Standard Webhooks, spec 1.0.0 (success is 2xx alone, 410 ends the subscription, ``Retry-After`` is honoured).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

# Counted from the first attempt of a round.
TRIES = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER = 0.1  # of the wait, so that what failed together does not come back together
LONGEST_WAIT = timedelta(hours=24)  # whatever an endpoint asks for
MAX_DIGITS = 9

DELIVERED, RETRY, GONE = "delivered", "retry", "gone"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one request; ``error`` is a code where nothing was answered."""

    status: int | None
    ms: int
    error: str | None = None
    retry_after: str | None = None  # the header as it came
    answer: str = ""  # the beginning of the answer's body, with nobody's address in it


def meaning(attempt: Attempt) -> str:
    """Whether it arrived, is tried again, or nobody wants it there."""
    if attempt.status == HTTPStatus.GONE:
        return GONE
    arrived = attempt.status is not None and HTTPStatus.OK <= attempt.status < HTTPStatus.MULTIPLE_CHOICES
    return DELIVERED if arrived else RETRY


def next_try(*, first_at: datetime, now: datetime, wait_until: datetime | None, fraction: float) -> datetime | None:
    """When it is tried again; None: a day has passed since the first attempt.

    Judged by time alone, so that attempts that a killed worker never told of, or that waited for their turn, neither
    hurry nor stretch the schedule.

    Args:
        first_at: The first attempt of this round.
        now: When the last one ended, on the same clock.
        wait_until: What the endpoint asked for.
        fraction: Chance, in [0, 1).
    """
    since = now - first_at
    planned = next((each for each in TRIES if each > since), None)
    if planned is None:
        return None
    moment = first_at + planned + (planned - since) * JITTER * fraction
    return max(moment, wait_until) if wait_until is not None else moment


def asked_wait(header: str | None, *, now: datetime) -> datetime | None:
    """Until when a ``Retry-After`` asks to wait, in seconds or as a date; None where it says nothing of use."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        seconds = int(text) if len(text) <= MAX_DIGITS else LONGEST_WAIT.total_seconds()
        until = now + min(LONGEST_WAIT, timedelta(seconds=seconds))
    else:
        until = _read_date(text) or now
    return min(until, now + LONGEST_WAIT) if until > now else None


def _read_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
