from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referrals.figures.periods import (
    KINDS,
    UnknownPeriod,
    keys_of,
    midnight,
    period_at,
    period_named,
    period_of,
    previous,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MOMENTS = st.datetimes(min_value=datetime(2001, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


def test_a_moment_is_in_a_week_a_month_a_quarter_a_year_and_all_time() -> None:
    assert keys_of(TUESDAY, zone=AMSTERDAM) == ("2026-W48", "2026-11", "2026-Q4", "2026", "all")


@pytest.mark.parametrize(
    "moment,keys",
    [
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), ("2026-W53", "2026-12", "2026-Q4", "2026", "all")),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), ("2026-W53", "2027-01", "2027-Q1", "2027", "all")),
        (datetime(2024, 12, 30, 12, 0, tzinfo=UTC), ("2025-W01", "2024-12", "2024-Q4", "2024", "all")),
        (datetime(2027, 1, 3, 12, 0, tzinfo=UTC), ("2026-W53", "2027-01", "2027-Q1", "2027", "all")),
        (datetime(2028, 2, 29, 22, 59, tzinfo=UTC), ("2028-W09", "2028-02", "2028-Q1", "2028", "all")),
    ],
)
def test_midnight_in_amsterdam_decides_and_the_iso_year_may_differ(moment: datetime, keys: tuple[str, ...]) -> None:
    assert keys_of(moment, zone=AMSTERDAM) == keys


@pytest.mark.parametrize(
    "key,hours",
    [
        ("2026-W13", 167),  # the 23-hour day of 29 March
        ("2026-W43", 169),  # the 25-hour day of 25 October
        ("2026-W44", 168),
        ("2026-03", 31 * 24 - 1),
        ("2026-10", 31 * 24 + 1),
        ("2028-02", 29 * 24),
        ("2026-Q4", 92 * 24 + 1),
        ("2026", 365 * 24),
        ("2028", 366 * 24),
    ],
)
def test_a_period_has_its_true_length_on_the_days_that_the_clock_changes(key: str, hours: int) -> None:
    period = period_named(key, zone=AMSTERDAM)
    assert period.from_ is not None
    assert period.until is not None
    assert period.until - period.from_ == timedelta(hours=hours)


def test_the_bounds_are_local_midnights_in_utc() -> None:
    october = period_named("2026-10", zone=AMSTERDAM)
    assert october.from_ == datetime(2026, 9, 30, 22, 0, tzinfo=UTC)
    assert october.until == datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    assert midnight(date(2026, 10, 25), zone=AMSTERDAM) == datetime(2026, 10, 24, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "key,before",
    [
        ("2027-W01", "2026-W53"),
        ("2027-01", "2026-12"),
        ("2027-Q1", "2026-Q4"),
        ("2027", "2026"),
        ("2026-W43", "2026-W42"),
    ],
)
def test_the_period_before_is_of_the_same_kind(key: str, before: str) -> None:
    earlier = previous(period_named(key, zone=AMSTERDAM), zone=AMSTERDAM)
    assert earlier is not None
    assert earlier.key == before


def test_all_time_has_no_bounds_no_end_and_nothing_before_it() -> None:
    everything = period_at("all", TUESDAY, zone=AMSTERDAM)
    assert (everything.from_, everything.until) == (None, None)
    assert previous(everything, zone=AMSTERDAM) is None
    assert not everything.closed(TUESDAY)


@pytest.mark.parametrize(
    "name",
    ["fortnight", "", "2026-13", "2026-W54", "2026-Q5", "2025-W53", "20261", "0000", "2026-11-24", "٢٠٢٦", "9999"],
)
def test_a_name_that_is_no_period_is_refused(name: str) -> None:
    with pytest.raises(UnknownPeriod):
        period_at(name, TUESDAY, zone=AMSTERDAM)


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_the_ends_of_the_calendar_are_in_no_period(kind: str, moment: datetime) -> None:
    for zone in (AMSTERDAM, ZoneInfo("America/New_York")):
        with pytest.raises(UnknownPeriod):
            previous(period_of(kind, moment, zone=zone), zone=zone)


def test_before_the_first_period_of_the_calendar_there_is_none() -> None:
    assert previous(period_named("0001", zone=ZoneInfo("UTC")), zone=ZoneInfo("UTC")) is None


@given(moment=MOMENTS, kind=st.sampled_from(KINDS[:-1]))
def test_periods_of_a_kind_touch_and_hold_their_moment(moment: datetime, kind: str) -> None:
    period = period_of(kind, moment, zone=AMSTERDAM)
    before = previous(period, zone=AMSTERDAM)
    assert before is not None
    assert period.from_ is not None
    assert period.until is not None
    assert period.from_ <= moment < period.until
    assert before.until == period.from_
    assert period_named(period.key, zone=AMSTERDAM) == period


def test_a_year_of_days_has_no_gap_in_any_kind() -> None:
    days = [datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(800)]
    for kind in KINDS[:-1]:
        periods = dict.fromkeys(period_of(kind, day, zone=AMSTERDAM) for day in days)
        assert all(one.until == two.from_ for one, two in pairwise(periods))
