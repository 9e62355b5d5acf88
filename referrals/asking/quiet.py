"""Quiet hours and quiet days: when nobody is written to unasked, by the customer's own clock (rules 29, 30).

Hours hold back everything that is no answer, money too; days hold back asks and thanks only. All of it is counted on
the local calendar at each send, so it is right on the days of 23 and 25 hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from referrals.asking.wishes import Wished
    from referrals.programme import Programme

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FARTHEST = 400  # days that are looked through: where every day is quiet there is no next moment


def quiet_until(
    moment: datetime, *, programme: Programme, zone: str | None, wished: Wished | None = None, days: bool = True
) -> datetime | None:
    """When the quiet time that this moment lies in is over; None where it lies in none.

    The zone is the customer's, else the programme's; the hours likewise. Without ``days``, quiet days are like others.
    """
    local_zone = zone_of(zone, programme=programme)
    hours = hours_of(wished, programme=programme)
    quiet_days = frozenset(programme.config.cadence.quiet_days if days else ())
    found = moment
    for _ in range(2 * FARTHEST):
        later = _next_morning(found, local_zone, quiet_days) or _end_of_hours(found, local_zone, hours)
        if later is None:
            break
        found = later
    return None if found == moment else found


def is_quiet_day(day: date, quiet_days: frozenset[str] | tuple[str, ...]) -> bool:
    """Whether the day is named: as a weekday, as a day of every year (12-25) or as a date."""
    return not {WEEKDAYS[day.weekday()], f"{day:%m-%d}", day.isoformat()}.isdisjoint(quiet_days)


def zone_of(zone: str | None, *, programme: Programme) -> ZoneInfo:
    """The customer's zone; the programme's where there is none, or none that this machine knows."""
    return (_zone(zone) if zone else None) or programme.zone


def hours_of(wished: Wished | None, *, programme: Programme) -> tuple[time, time]:
    """From when until when it is quiet: the customer's own hours, else the programme's."""
    if wished is not None and wished.quiet_from is not None and wished.quiet_until is not None:
        return wished.quiet_from, wished.quiet_until
    cadence = programme.config.cadence
    return cadence.quiet_from, cadence.quiet_until


def _next_morning(moment: datetime, zone: ZoneInfo, quiet_days: frozenset[str]) -> datetime | None:
    """The midnight that ends a quiet day; None on any other day."""
    day = moment.astimezone(zone).date()
    if not is_quiet_day(day, quiet_days):
        return None
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def _end_of_hours(moment: datetime, zone: ZoneInfo, hours: tuple[time, time]) -> datetime | None:
    start, end = hours
    local = moment.astimezone(zone)
    if not _is_quiet(local.time(), start, end):
        return None
    day = local.date() + timedelta(days=1 if local.time() >= end else 0)
    over = datetime.combine(day, end, zone).astimezone(UTC)
    if over <= moment:  # the clock is put back within the quiet hours: they end when it says so for the second time
        over = datetime.combine(day, end, zone).replace(fold=1).astimezone(UTC)
    return over


def _is_quiet(now: time, start: time, end: time) -> bool:
    if start <= end:
        return start <= now < end
    return now >= start or now < end


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
