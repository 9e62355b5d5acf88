"""By when an answer is promised, and when a silence is told: working hours, on every kind of day (rule 31)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referrals.asking.promises import add_working, alarm_at, is_quiet, promise
from referrals.config import parse_config
from referrals.programme import Programme
from tests.referrals.configs import with_keys

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def programme(**keys: Any) -> Programme:
    return Programme(parse_config(with_keys(**keys), {}), b"key", "salt")


USUAL = programme()


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


def said(moment: datetime) -> str:
    return f"{moment.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    "asked, answered",
    [
        pytest.param("2026-11-24 12:00", "2026-11-24 16:00", id="a whole hour stays"),
        pytest.param("2026-11-24 12:20", "2026-11-24 17:00", id="else the next one is said"),
        pytest.param("2026-11-24 16:00", "2026-11-24 20:00", id="up to closing time"),
        pytest.param("2026-11-24 16:01", "2026-11-25 10:00", id="a minute later the rest is tomorrow's"),
        pytest.param("2026-11-24 07:00", "2026-11-24 13:00", id="before opening"),
        pytest.param("2026-11-24 22:00", "2026-11-25 13:00", id="at night"),
        pytest.param("2026-11-28 18:00", "2026-11-30 11:00", id="Saturday evening, over the Sunday"),
        pytest.param("2026-11-29 12:00", "2026-11-30 13:00", id="on a Sunday"),
        pytest.param("2027-03-27 19:00", "2027-03-29 12:00", id="over the night that loses an hour"),
        pytest.param("2026-10-24 19:00", "2026-10-26 12:00", id="over the night that gains one"),
        pytest.param("2028-02-28 18:00", "2028-02-29 11:00", id="into a leap day"),
    ],
)
def test_an_answer_is_promised_within_four_working_hours(asked: str, answered: str) -> None:
    """Requirement G6: the expected time is honest, whenever somebody asks."""
    assert said(promise(local(asked), programme=USUAL)) == answered


def test_a_promise_is_not_later_than_the_closing_of_a_day() -> None:
    late = programme(cadence__quiet_from="19:45", cadence__quiet_until="09:00")
    assert said(promise(local("2026-11-24 15:40"), programme=late)) == "2026-11-24 19:45"


def test_quiet_hours_in_the_middle_of_a_day_are_no_working_hours() -> None:
    siesta = programme(cadence__quiet_from="13:00", cadence__quiet_until="15:00", cadence__quiet_days=[])
    assert said(promise(local("2026-11-24 12:00"), programme=siesta)) == "2026-11-24 18:00"
    assert said(promise(local("2026-11-24 22:00"), programme=siesta)) == "2026-11-25 02:00"


def test_where_nobody_ever_works_an_hour_is_an_hour() -> None:
    closed = programme(cadence__quiet_days=EVERY_DAY)
    assert said(promise(local("2026-11-24 12:20"), programme=closed)) == "2026-11-24 17:00"
    assert alarm_at(local("2026-11-24 17:00"), 5, programme=closed) > local("2026-11-24 17:00")


def test_a_holiday_is_no_working_day() -> None:
    """Rule 30: holidays are quiet days where the configuration names them."""
    feast = programme(cadence__quiet_days=["sunday", "12-25", "2026-12-26"])
    assert said(promise(local("2026-12-24 18:00"), programme=feast)) == "2026-12-28 11:00"


def test_a_silence_is_told_at_the_promise_four_hours_later_and_then_daily() -> None:
    """Requirement G6: warn at x, escalate at y, and silence past y always escalates."""
    friday = local("2026-11-27 15:00")
    told = [said(alarm_at(friday, number, programme=USUAL)) for number in range(1, 6)]
    assert told == ["2026-11-27 15:00", "2026-11-27 19:00", "2026-11-28 19:00", "2026-11-30 19:00", "2026-12-01 19:00"]


def test_a_promise_that_ends_with_the_day_is_told_in_the_morning() -> None:
    told = [said(alarm_at(local("2026-11-28 20:00"), number, programme=USUAL)) for number in (1, 2, 3)]
    assert told == ["2026-11-30 09:00", "2026-11-30 13:00", "2026-12-01 13:00"]


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - they get one


@given(MOMENTS)
def test_whenever_somebody_asks_the_promise_lies_ahead_and_four_working_hours_fit(moment: datetime) -> None:
    """Rule 35: right on the days of 23 and 25 hours too."""
    promised = promise(moment, programme=USUAL)
    assert moment + timedelta(hours=4) <= promised <= moment + timedelta(days=3)
    assert add_working(moment, timedelta(hours=4), programme=USUAL) <= promised
    assert promised.astimezone(AMSTERDAM).minute == 0
    assert not is_quiet(promised - timedelta(seconds=1), programme=USUAL)


@given(MOMENTS, st.integers(1, 40))
def test_alarms_come_one_after_another_and_never_in_quiet_time(moment: datetime, number: int) -> None:
    promised = promise(moment, programme=USUAL)
    at, after = (alarm_at(promised, n, programme=USUAL) for n in (number, number + 1))
    assert promised <= at < after <= at + timedelta(days=3)
    assert not is_quiet(at, programme=USUAL)
