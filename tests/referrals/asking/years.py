"""What must hold of everything that was said unasked in a year, added up again without the engine's own words.

``Heard`` is what Telegram got, or may have got; ``History`` is what happened to one customer meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from referrals.asking.play import ASKS, GIVE, REFERRAL_ASK
from referrals.programme import Programme

DAY = timedelta(days=1)
CLOCK_STARTED = frozenset({"t3", "t6", "t8"})
SUNDAY = 6


@dataclass(frozen=True)
class Heard:
    """One message as it reached its customer, or may have."""

    key: str
    play: str
    kind: str
    at: datetime
    cause_at: datetime
    expires_at: datetime


@dataclass
class History:
    """What happened to a customer: what keeps them from being asked, and what opens the way again."""

    zone: str | None = None
    orders: list[datetime] = field(default_factory=list)  # paid and kept
    cases: list[tuple[datetime, datetime | None]] = field(default_factory=list)  # opened, solved
    returns: list[datetime] = field(default_factory=list)
    gives: list[datetime] = field(default_factory=list)  # they heard that a bonus came in
    visits: list[datetime] = field(default_factory=list)  # of their link
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    scores: list[tuple[datetime, int]] = field(default_factory=list)


def check(heard: Sequence[Heard], history: History, programme: Programme) -> None:
    """Everything that rules 28 to 31 promise a customer was kept."""
    heard = sorted(heard, key=lambda one: one.at)
    config = programme.config
    assert max(Counter(one.key for one in heard).values(), default=0) <= 1, "one was said twice"
    assert_window(heard, most=config.cadence.per_week, window=7 * DAY)
    assert_window(heard, most=config.cadence.per_month, window=30 * DAY)
    referral = [one for one in heard if one.kind == REFERRAL_ASK]
    assert_window(referral, most=1, window=config.cadence.referral_ask_days * DAY)
    assert_window([one for one in heard if one.kind == "score"], most=1, window=config.surveys.min_days_between * DAY)
    for one in heard:
        assert one.cause_at <= one.at < one.expires_at, ("not fresh", one)
        assert_awake(one, ZoneInfo(history.zone) if history.zone else programme.zone, programme)
        assert_undisturbed(one, history)
    for one in referral:
        assert_ready(one, history, programme)
    assert_balanced([one for one in heard if one.kind in ASKS], heard, history)
    assert_reminded_once(referral, history)


def assert_window(heard: Sequence[Heard], *, most: int, window: timedelta) -> None:
    """No window of this length, open at its end, holds more."""
    for first, last in zip(heard, heard[most:], strict=False):
        assert last.at - first.at >= window, (f"more than {most} within {window}", first, last)


def assert_awake(one: Heard, zone: ZoneInfo, programme: Programme) -> None:
    """Neither in quiet hours nor on a quiet day, on the customer's own clock."""
    local, cadence = one.at.astimezone(zone), programme.config.cadence
    assert cadence.quiet_until <= local.time() < cadence.quiet_from, ("in quiet hours", one, local)
    assert local.weekday() != SUNDAY, ("on a Sunday", one, local)
    assert f"{local:%m-%d}" not in cadence.quiet_days, ("on a holiday", one, local)


def assert_undisturbed(one: Heard, history: History) -> None:
    """Not during a case nor within 14 days after, not within 30 days after a return, not in a pause.

    What happened at the very moment of the message may have come after it.
    """
    for opened, solved in history.cases:
        assert not (opened < one.at and (solved is None or one.at < solved + 14 * DAY)), (
            "a case",
            one,
            opened,
            solved,
        )
    for start, until in history.pauses:
        assert not start < one.at < until, ("a pause", one)
    if one.kind != GIVE:
        assert not any(back < one.at < back + 30 * DAY for back in history.returns), ("a return", one)


def assert_ready(one: Heard, history: History, programme: Programme) -> None:
    """Nobody is asked for friends before they have been a customer for long enough, with enough orders."""
    asking = programme.config.asking
    before = [order for order in history.orders if order <= one.at]
    assert len(before) >= asking.min_orders, ("too few orders", one)
    assert one.at - min(before) >= asking.min_tenure_days * DAY, ("too early", one, min(before))
    last = [score for at, score in history.scores if at <= one.at]
    assert not last or last[-1] >= 9, ("no promoter", one, last)


def assert_balanced(asks: Sequence[Heard], heard: Sequence[Heard], history: History) -> None:
    """Between two asks lies something that asked nothing, or a month."""
    gives = [one.at for one in heard if one.kind == GIVE] + history.gives
    for first, second in pairwise(asks):
        given = any(first.at <= give <= second.at for give in gives)
        assert given or second.at - first.at >= 30 * DAY, ("two asks without a give", first, second)


def assert_reminded_once(referral: Sequence[Heard], history: History) -> None:
    """After a reminder of a link that nobody opened: ninety days nothing, unless it is opened."""
    for first, second in pairwise(referral):
        if first.play == "t8" and second.at - first.at < 90 * DAY:
            assert any(first.at <= visit <= second.at for visit in history.visits), ("reminded twice", first, second)
