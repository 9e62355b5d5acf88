"""Weeks, months, quarters and years as the programme's own calendar has them.

A period is known by its key: ``2026-W47`` (ISO week), ``2026-11``, ``2026-Q4``, ``2026`` and ``all``.
Its bounds are local midnights as UTC moments, so a week with a 23- or 25-hour day is 167 or 169 hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

WEEK, MONTH, QUARTER, YEAR, ALL = "week", "month", "quarter", "year", "all"
KINDS = (WEEK, MONTH, QUARTER, YEAR, ALL)
MONTHS_IN_QUARTER = 3
DECEMBER = 12

_WEEK_KEY = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_MONTH_KEY = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_QUARTER_KEY = re.compile(r"(\d{4})-Q([1-4])", re.ASCII)
_YEAR_KEY = re.compile(r"(\d{4})", re.ASCII)


class UnknownPeriod(ValueError):
    """The text names no period and no kind of period."""


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open window ``from_`` ≤ moment < ``until`` in UTC; ``all`` has neither bound."""

    kind: str
    key: str
    first: date | None = None  # local
    end: date | None = None  # local, the day after the last
    from_: datetime | None = None
    until: datetime | None = None

    def closed(self, now: datetime) -> bool:
        """Whether the period is over at ``now``."""
        return self.until is not None and self.until <= now


def period_of(kind: str, moment: datetime, *, zone: ZoneInfo) -> Period:
    """The period of this kind that holds the moment. Raises: UnknownPeriod."""
    try:
        day = local_day(moment, zone=zone)
    except OverflowError as error:  # the last hour of the year 9999, east of Greenwich
        raise UnknownPeriod(kind) from error
    return _period_on(kind, day, zone)


def keys_of(moment: datetime, *, zone: ZoneInfo) -> tuple[str, ...]:
    """The keys of all periods that hold the moment, shortest period first."""
    return keys_on(local_day(moment, zone=zone))


@lru_cache(maxsize=1024)
def keys_on(day: date) -> tuple[str, ...]:
    """The keys of all periods that hold this local day, shortest period first."""
    return tuple(_key(kind, day) for kind in KINDS)


def period_named(key: str, *, zone: ZoneInfo) -> Period:
    """The period with this key. Raises: UnknownPeriod."""
    for pattern, kind, first in _READERS:
        if match := pattern.fullmatch(key):
            try:
                first_day = first(*map(int, match.groups()))
            except ValueError as error:
                raise UnknownPeriod(key) from error
            return _period_on(kind, first_day, zone)
    if key == ALL:
        return Period(kind=ALL, key=ALL)
    raise UnknownPeriod(key)


def period_at(name: str, moment: datetime, *, zone: ZoneInfo) -> Period:
    """The period that a kind (``month``) or a key (``2026-11``) means at this moment. Raises: UnknownPeriod."""
    return period_of(name, moment, zone=zone) if name in KINDS else period_named(name, zone=zone)


def previous(period: Period, *, zone: ZoneInfo) -> Period | None:
    """The period of the same kind just before; ``all`` has none, and neither has the first of the calendar."""
    if period.first is None or period.first == date.min:
        return None
    return _period_on(period.kind, period.first - timedelta(days=1), zone)


def local_day(moment: datetime, *, zone: ZoneInfo) -> date:
    """The calendar day on which the moment falls."""
    return moment.astimezone(zone).date()


def midnight(day: date, *, zone: ZoneInfo) -> datetime:
    """The UTC moment at which the local day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _period_on(kind: str, day: date, zone: ZoneInfo) -> Period:
    if kind == ALL:
        return Period(kind=ALL, key=ALL)
    if kind not in KINDS:
        raise UnknownPeriod(kind)
    key = _key(kind, day)
    try:
        first, end = _days(kind, day)
        return Period(kind, key, first, end, midnight(first, zone=zone), midnight(end, zone=zone))
    except (ValueError, OverflowError) as error:  # at either end of the calendar
        raise UnknownPeriod(key) from error


def _days(kind: str, day: date) -> tuple[date, date]:
    if kind == WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    if kind == MONTH:
        return _months(day, day.month, 1)
    if kind == QUARTER:
        return _months(day, day.month - (day.month - 1) % MONTHS_IN_QUARTER, MONTHS_IN_QUARTER)
    if kind == YEAR:
        return date(day.year, 1, 1), date(day.year + 1, 1, 1)
    raise UnknownPeriod(kind)


def _months(day: date, month: int, length: int) -> tuple[date, date]:
    after = month + length
    end = date(day.year + 1, after - DECEMBER, 1) if after > DECEMBER else date(day.year, after, 1)
    return date(day.year, month, 1), end


def _key(kind: str, day: date) -> str:
    if kind == WEEK:
        iso = day.isocalendar()
        return f"{iso.year:04d}-W{iso.week:02d}"
    if kind == MONTH:
        return f"{day.year:04d}-{day.month:02d}"
    if kind == QUARTER:
        return f"{day.year:04d}-Q{(day.month - 1) // MONTHS_IN_QUARTER + 1}"
    return f"{day.year:04d}" if kind == YEAR else ALL


_READERS: tuple[tuple[re.Pattern[str], str, Callable[..., date]], ...] = (
    (_WEEK_KEY, WEEK, lambda year, week: date.fromisocalendar(year, week, 1)),
    (_MONTH_KEY, MONTH, lambda year, month: date(year, month, 1)),
    (_QUARTER_KEY, QUARTER, lambda year, quarter: date(year, (quarter - 1) * MONTHS_IN_QUARTER + 1, 1)),
    (_YEAR_KEY, YEAR, lambda year: date(year, 1, 1)),
)
