"""Local days and months: what "21 days" and "this month" mean where the shop is."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo


def add_local_days(moment: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same local time, so many calendar days later, in UTC.

    A local time that the clock skips is read as the moment it would have been; one that comes
    twice is the first (``fold=0``).
    """
    local = moment.astimezone(zone)
    later = local.replace(tzinfo=None) + timedelta(days=days)
    return later.replace(tzinfo=zone).astimezone(UTC)


def add_local_months(moment: datetime, months: int, zone: ZoneInfo) -> datetime:
    """The same local time and day of the month, so many months later, in UTC; where there is no such day, the last.

    A local time that the clock skips or shows twice is read as in ``add_local_days``.
    """
    local = moment.astimezone(zone).replace(tzinfo=None)
    years, month = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month + 1
    day = min(local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day).replace(tzinfo=zone).astimezone(UTC)


def local_month(moment: datetime, zone: ZoneInfo) -> str:
    """The local month of a moment: 2026-11."""
    local = moment.astimezone(zone)
    return f"{local.year:04}-{local.month:02}"
