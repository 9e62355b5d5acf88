"""Quiet hours: when nobody is written to unasked, by the customer's own clock (rules 29)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from referrals.programme import Programme


def quiet_until(moment: datetime, *, programme: Programme, zone: str | None) -> datetime | None:
    """When the quiet hours that this moment lies in are over; None where it lies in none.

    The zone is the customer's, else the programme's; the hours are counted on its calendar at each send, so they are
    right on the days of 23 and 25 hours.
    """
    cadence = programme.config.cadence
    local_zone = ZoneInfo(zone) if zone else programme.zone
    local = moment.astimezone(local_zone)
    if not _is_quiet(local.time(), cadence.quiet_from, cadence.quiet_until):
        return None
    day = local.date()
    if local.time() >= cadence.quiet_until:
        day += timedelta(days=1)
    return datetime.combine(day, cadence.quiet_until, local_zone).astimezone(UTC)


def _is_quiet(now: time, start: time, end: time) -> bool:
    if start <= end:
        return start <= now < end
    return now >= start or now < end
