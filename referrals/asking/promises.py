"""By when somebody gets an answer, and when a silence is spoken about: hours in which people are at work (rule 31).

Pure, and counted on the programme's calendar: an hour is sixty minutes outside its quiet hours and days, also on the
days of 23 and 25 hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from referrals.asking.quiet import hours_of, is_quiet_day, quiet_until
from referrals.programme import Programme

ANSWER = timedelta(hours=4)  # how long an answer may take; a silence is told to the owners so much after the promise
FARTHEST = 400  # days that are looked through: where every day is quiet, hours are plain hours
HOUR = timedelta(hours=1)

Period = tuple[datetime, datetime]


def promise(now: datetime, *, programme: Programme) -> datetime:
    """Before when an answer is promised: four working hours from now, said in whole hours."""
    worked = _worked(now, ANSWER, programme=programme)
    if worked is None:
        return _whole_hour(now + ANSWER, programme=programme)
    at, closing = worked
    return min(_whole_hour(at, programme=programme), closing)


def alarm_at(promised_at: datetime, number: int, *, programme: Programme) -> datetime:
    """When this alarm about a broken promise is due, never in quiet time.

    The first at once, the second four working hours later, then one each working day.
    """
    first = _awake(promised_at, programme=programme)
    if number <= 1:
        return first
    second = _awake(add_working(promised_at, ANSWER, programme=programme), programme=programme)
    local = second.astimezone(programme.zone)
    day, time_of_day = local.date(), local.time()
    for _ in range(number - 2):
        day = _next_day(day, programme=programme)
    return second if number == 2 else datetime.combine(day, time_of_day, programme.zone).astimezone(UTC)  # noqa: PLR2004


def add_working(moment: datetime, length: timedelta, *, programme: Programme) -> datetime:
    """So many working hours later; plain hours where nobody ever works."""
    worked = _worked(moment, length, programme=programme)
    return moment + length if worked is None else worked[0]


def is_quiet(moment: datetime, *, programme: Programme) -> bool:
    """Whether nobody is at work."""
    return quiet_until(moment, programme=programme, zone=None) is not None


def _worked(moment: datetime, length: timedelta, *, programme: Programme) -> tuple[datetime, datetime] | None:
    """When so much work has passed, and when work ends on that day; None where it never does."""
    left = length
    today = moment.astimezone(programme.zone).date()
    for start, end in _working(today, programme=programme):
        begin = max(start, moment)
        if begin >= end:
            continue
        if end - begin >= left:
            return begin + left, end
        left -= end - begin
    return None


def _working(today: date, *, programme: Programme) -> Iterator[Period]:
    """Working time from this day on, in order."""
    quiet_from, quiet_to = hours_of(None, programme=programme)
    for number in range(FARTHEST):
        day = today + timedelta(days=number)
        if is_quiet_day(day, programme.config.cadence.quiet_days):
            continue
        midnight, next_one = _moment(day, time(), programme), _moment(day + timedelta(days=1), time(), programme)
        first, last = _moment(day, quiet_from, programme), _moment(day, quiet_to, programme)
        if quiet_from > quiet_to:
            yield last, first
        else:
            yield midnight, first
            yield last, next_one


def _moment(day: date, at: time, programme: Programme) -> datetime:
    return datetime.combine(day, at, programme.zone).astimezone(UTC)


def _next_day(day: date, *, programme: Programme) -> date:
    """The next day that is not quiet; the next one where all are."""
    for number in range(1, FARTHEST):
        later = day + timedelta(days=number)
        if not is_quiet_day(later, programme.config.cadence.quiet_days):
            return later
    return day + timedelta(days=1)


def _awake(moment: datetime, *, programme: Programme) -> datetime:
    return quiet_until(moment, programme=programme, zone=None) or moment


def _whole_hour(moment: datetime, *, programme: Programme) -> datetime:
    """The next whole hour of the local clock, or this moment if it is one."""
    local = moment.astimezone(programme.zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return moment if not past else moment + HOUR - past
