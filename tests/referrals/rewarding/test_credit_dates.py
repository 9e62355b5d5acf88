"""When credit ends, as pure dates: each warning is followed by the days that it names (rules 9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from referrals.rewarding.credit_dates import Rule, Term, begun, come_back, is_warned, warned

ZONE = ZoneInfo("Europe/Amsterdam")
RULE = Rule(365, (30, 7), ZONE)
RELEASED = datetime(2026, 9, 1, 12, 0, tzinfo=ZONE)
END = datetime(2027, 9, 1, 12, 0, tzinfo=ZONE)


def test_a_year_of_local_days_with_two_warnings_and_the_end() -> None:
    first = begun(RULE, released_at=RELEASED)
    assert (first.until_at, first.next_at) == (END, datetime(2027, 8, 2, 12, 0, tzinfo=ZONE))
    second = warned(RULE, first, now=first.next_at or END)
    assert second == Term(END, 1, datetime(2027, 8, 25, 12, 0, tzinfo=ZONE))
    last = warned(RULE, second, now=second.next_at or END)
    assert last == Term(END, 2, END)
    assert is_warned(RULE, last)


def test_days_keep_their_local_time_when_the_clock_changes() -> None:
    summer = begun(Rule(30, (), ZONE), released_at=datetime(2026, 3, 20, 12, 0, tzinfo=ZONE))
    assert summer.until_at == datetime(2026, 4, 19, 12, 0, tzinfo=ZONE)


@pytest.mark.parametrize("late", [0, 20, 400], ids=["on time", "late", "long after the end"])
def test_a_late_warning_moves_the_end_and_never_shortens_it(late: int) -> None:
    """An upgrade, or a job that stood still: nobody loses credit without the days of both warnings."""
    now = END - timedelta(days=30) + timedelta(days=late)
    first = warned(RULE, begun(RULE, released_at=RELEASED), now=now)
    assert first.until_at == max(END, datetime.fromtimestamp(now.timestamp(), ZONE) + timedelta(days=30))
    second = warned(RULE, first, now=first.until_at)
    assert second.until_at - first.until_at == timedelta(days=7)


@pytest.mark.parametrize(
    "term, back",
    [
        (Term(END, 0, None), Term(END, 0, END - timedelta(days=30))),
        (Term(END, 1, None), Term(END, 1, END - timedelta(days=7))),
        (Term(END + timedelta(days=20), 2, None), Term(END + timedelta(days=20), 2, END + timedelta(days=20))),
        (Term(END - timedelta(days=99), 2, None), Term(END + timedelta(days=7), 1, END)),
    ],
    ids=["not warned", "warned once", "warned, days left", "over"],
)
def test_what_comes_back_late_gets_the_last_warning_again(term: Term, back: Term) -> None:
    assert come_back(RULE, term, now=END) == back
