"""When a delivery is tried again, and what an answer means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from referrals.subscribers.schedule import DELIVERED, GONE, RETRY, TRIES, Attempt, asked_wait, meaning, next_try

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def after(seconds: float, *, wait_until: datetime | None = None, fraction: float = 0.0) -> float | None:
    """Seconds from the first attempt to the next one, where the last ended so many seconds after the first began."""
    now = NOON + timedelta(seconds=seconds)
    moment = next_try(first_at=NOON, now=now, wait_until=wait_until, fraction=fraction)
    return None if moment is None else (moment - NOON).total_seconds()


def test_every_attempt_that_fails_at_once_is_followed_by_the_next_of_the_schedule() -> None:
    hours = [2, 5, 10, 14, 20, 24]
    assert [each.total_seconds() for each in TRIES] == [0, 5, 300, 1800, *(3600 * each for each in hours)]
    moments = [each.total_seconds() for each in TRIES]
    assert [after(each + 0.2) for each in moments] == [*moments[1:], None]


def test_attempts_that_nobody_told_of_neither_hurry_nor_stretch_it() -> None:
    assert after(400) == 1800  # a worker was killed at the second attempt, and the third took its place
    assert after(86_399) == 86_400
    assert after(86_401) is None


def test_chance_only_adds_and_at_most_a_tenth_of_the_wait() -> None:
    assert after(0, fraction=0.5) == 5.25
    assert after(5, fraction=0.999) == pytest.approx(300 + 29.5, abs=0.1)


@pytest.mark.parametrize(
    "header,seconds",
    [("120", 120), (" 7 ", 7), ("Tue, 24 Nov 2026 12:10:00 GMT", 600), ("999999999999", 86_400), ("99999999", 86_400),
     ("Tue, 24 Nov 2099 12:10:00 GMT", 86_400), ("0", None), ("-5", None), ("soon", None), ("", None), (None, None),
     ("Tue, 24 Nov 2026 11:10:00 GMT", None), ("1e3", None), ("٣", None), ("Tue, 24 Nov 99999 12:10:00", None)],
)  # fmt: skip
def test_retry_after_is_read_in_both_spellings_and_holds_for_a_day_at_most(header: str, seconds: int | None) -> None:
    until = asked_wait(header, now=NOON)
    assert until == (None if seconds is None else NOON + timedelta(seconds=seconds))


def test_what_an_endpoint_asks_for_is_waited_for_where_it_is_longer() -> None:
    assert after(0.2, wait_until=NOON + timedelta(seconds=90)) == 90
    assert after(0.2, wait_until=NOON + timedelta(seconds=2)) == 5


@pytest.mark.parametrize(
    "status,means",
    [(200, DELIVERED), (204, DELIVERED), (299, DELIVERED), (300, RETRY), (301, RETRY), (199, RETRY), (400, RETRY),
     (404, RETRY), (410, GONE), (429, RETRY), (500, RETRY), (None, RETRY)],
)  # fmt: skip
def test_only_2xx_is_a_success_and_410_is_the_end(status: int | None, means: str) -> None:
    assert meaning(Attempt(status, 1)) == means
