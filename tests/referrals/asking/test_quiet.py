from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from referrals.asking.quiet import is_quiet_day, quiet_until
from referrals.asking.wishes import Wished
from tests.referrals.asking.somebody import USUAL, local, programme

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    "at, until",
    [
        ("2026-11-24T19:59", None),
        ("2026-11-24T20:00", "2026-11-25T09:00"),
        ("2026-11-25T08:59", "2026-11-25T09:00"),
        ("2026-11-25T09:00", None),
        ("2026-11-28T20:00", "2026-11-30T09:00"),  # a Saturday night, and all of Sunday
        ("2026-11-29T12:00", "2026-11-30T09:00"),
        ("2026-11-29T00:00", "2026-11-30T09:00"),
        ("2026-11-30T08:00", "2026-11-30T09:00"),
        ("2026-10-24T23:00", "2026-10-26T09:00"),  # the night has 25 hours
        ("2026-03-28T23:00", "2026-03-30T09:00"),  # 23 hours
        ("2028-02-28T20:00", "2028-02-29T09:00"),  # a leap day is a day
        ("2026-12-31T21:00", "2027-01-01T09:00"),
    ],
)
def test_asks_wait_for_the_end_of_quiet_hours_and_quiet_days(at: str, until: str | None) -> None:
    """Rules 29 and 30: on the local calendar, at each month's end and on the days of 23 and 25 hours."""
    found = quiet_until(local(at), programme=USUAL, zone=None)

    assert found == (local(until) if until else None)


@pytest.mark.parametrize(
    "at, until",
    [("2026-11-28T22:30", "2026-11-29T09:00"), ("2026-11-29T12:00", None), ("2026-10-24T23:00", "2026-10-25T09:00"),
     ("2027-03-27T23:00", "2027-03-28T09:00")],
)  # fmt: skip
def test_money_waits_for_quiet_hours_and_for_no_quiet_day(at: str, until: str | None) -> None:
    """Rule 29."""
    found = quiet_until(local(at), programme=USUAL, zone=None, days=False)

    assert found == (local(until) if until else None)


def test_the_hours_are_those_of_the_customers_own_clock() -> None:
    evening = datetime(2026, 11, 25, 0, 30, tzinfo=UTC)  # half past seven in New York, half past one in Amsterdam

    assert quiet_until(evening, programme=USUAL, zone=NEW_YORK) is None
    assert quiet_until(evening + timedelta(hours=1), programme=USUAL, zone=NEW_YORK) == datetime(
        2026, 11, 25, 9, 0, tzinfo=ZoneInfo(NEW_YORK)
    )


def test_a_zone_that_nobody_knows_is_the_programmes() -> None:
    assert quiet_until(local("2026-11-24T21:00"), programme=USUAL, zone="Europe/Nowhere") == local("2026-11-25T09:00")


@pytest.mark.parametrize(
    "at, until",
    [("2026-11-24T12:59", None), ("2026-11-24T13:00", "2026-11-24T17:30"), ("2026-11-24T17:30", None),
     ("2026-11-24T21:00", None)],
)  # fmt: skip
def test_hours_of_their_own_take_the_place_of_the_programmes(at: str, until: str | None) -> None:
    """Rule 28: quiet hours may lie within a day."""
    wished = Wished(quiet_from=time(13), quiet_until=time(17, 30))

    found = quiet_until(local(at), programme=USUAL, zone=None, wished=wished)

    assert found == (local(until) if until else None)


@pytest.mark.parametrize("end, over", [(time(2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC))])
def test_hours_that_end_in_the_hour_that_is_skipped_end_with_it(end: time, over: datetime) -> None:
    wished = Wished(quiet_from=time(22), quiet_until=end)

    assert quiet_until(local("2026-03-28T23:00"), programme=USUAL, zone=None, wished=wished) == datetime(
        2026, 3, 29, 22, 0, tzinfo=UTC
    ) + timedelta(hours=2, minutes=30)  # past Sunday
    assert quiet_until(local("2026-03-28T23:00"), programme=USUAL, zone=None, wished=wished, days=False) == over


def test_hours_that_end_in_the_hour_that_comes_twice_are_quiet_both_times_and_never_end_in_the_past() -> None:
    wished = Wished(quiet_from=time(22), quiet_until=time(2, 30))
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    again = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # ten past two for the second time

    found = [
        quiet_until(moment, programme=USUAL, zone=None, wished=wished, days=False)
        for moment in (first - timedelta(minutes=5), first, again, second)
    ]

    assert found == [first, None, second, None]


@pytest.mark.parametrize("named", ["12-25", "2026-12-25", "friday"])
def test_a_holiday_is_quiet_where_it_is_named(named: str) -> None:
    """Rule 30."""
    christmas = programme(cadence__quiet_days=[named])

    assert quiet_until(local("2026-12-25T12:00"), programme=christmas, zone=None) == local("2026-12-26T09:00")
    assert quiet_until(local("2026-12-24T12:00"), programme=christmas, zone=None) is None
    assert is_quiet_day(local("2027-12-25T12:00").date(), (named,)) == (named == "12-25")


def test_quiet_days_follow_each_other() -> None:
    days = ["saturday", "sunday", "12-25", "12-28"]

    assert quiet_until(local("2026-12-25T10:00"), programme=programme(cadence__quiet_days=days), zone=None) == local(
        "2026-12-29T09:00"
    )


def test_where_every_day_is_quiet_the_next_moment_is_far_away() -> None:
    every = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    noon = local("2026-11-24T12:00")

    until = quiet_until(noon, programme=programme(cadence__quiet_days=every), zone=None)

    assert until is not None
    assert until > noon + timedelta(days=365)


def test_what_the_wait_ends_with_is_never_quiet_itself() -> None:
    """Rule 29: a year of moments, each half hour and a bit."""
    moment = local("2026-01-01T00:00")
    while moment < local("2027-01-01T00:00"):
        until = quiet_until(moment, programme=USUAL, zone=None)
        if until is not None:
            assert until > moment
            assert quiet_until(until, programme=USUAL, zone=None) is None
        moment += timedelta(hours=7, minutes=31)
