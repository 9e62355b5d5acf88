from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from referrals.asking.cadence import (
    ANSWER,
    MONEY,
    RANK,
    TABLE,
    Drop,
    Go,
    Verdict,
    Wait,
    ignored_in_a_row,
    is_held_out,
    judge_news,
)
from referrals.asking.facts import AskFacts
from referrals.asking.play import ASKS, GIVE, REFERENCE_ASK, REFERRAL_ASK, SCORE
from referrals.asking.wishes import Wished
from tests.referrals.asking.somebody import (
    ANNA,
    DAY,
    KINDS,
    MINUTE,
    TUESDAY,
    USUAL,
    anna,
    judged,
    local,
    programme,
    said,
)

UNASKED = set(KINDS)
NOBODY: set[str] = set()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_keeps_anna_from_being_asked(kind: str) -> None:
    assert judged(kind) == Go()


@pytest.mark.parametrize(
    "reason, changes, kept_back",
    [
        ("stopped", {"stopped": True}, {*UNASKED, MONEY}),
        ("unreachable", {"reachable": False}, {*UNASKED, MONEY, ANSWER}),
        ("excluded_customer", {"state": "excluded"}, UNASKED),
        ("excluded_customer", {"state": "staff"}, UNASKED),
        ("excluded_customer", {"state": "erased"}, UNASKED),
        ("paused", {"paused_until": TUESDAY + MINUTE}, UNASKED),
        ("paused", {"paused_until": TUESDAY}, NOBODY),
        ("no_consent", {"marketing_consent": False}, UNASKED),
        ("no_consent", {"marketing_consent": None}, NOBODY),
        ("no_consent", {"marketing_consent": True}, NOBODY),
        ("no_consent", {"connected": False}, UNASKED),
        ("unwanted", {"wished": Wished(tips=False)}, {REFERRAL_ASK}),
        ("unwanted", {"wished": Wished(scores=False)}, {SCORE}),
        ("unwanted", {"wished": Wished(portfolio=False)}, {REFERENCE_ASK}),
        ("unverified", {"verified": False}, {REFERENCE_ASK, GIVE}),
    ],
)
def test_who_may_be_written_to_and_what(reason: str, changes: dict[str, Any], kept_back: set[str]) -> None:
    """Rule 28: the whole table; stopped and blocked get answers, who paused or wants no tips gets money."""
    facts = anna(**changes)

    found = {kind: judged(kind, facts) for kind in UNASKED}
    found |= {kind: judge_news(kind, facts, programme=USUAL, now=TUESDAY) for kind in (MONEY, ANSWER)}

    assert found == {kind: Drop(reason) if kind in kept_back else Go() for kind in found}


def test_the_table_names_every_kind_of_message_once() -> None:
    """Rule 28: one table for answers, money, scores, asks and thanks."""
    assert set(TABLE) == {*KINDS, MONEY, ANSWER} == set(RANK)
    assert sorted(RANK, key=RANK.__getitem__) == [ANSWER, MONEY, SCORE, GIVE, REFERENCE_ASK, REFERRAL_ASK]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes, gate",
    [
        ({"open_case": True}, "open_case"),
        ({"solved_at": TUESDAY - 14 * DAY + MINUTE}, "open_case"),
        ({"solved_at": TUESDAY - 14 * DAY}, None),
    ],
)
def test_nothing_is_asked_during_a_case_and_for_fourteen_days_after(
    kind: str, changes: dict[str, Any], gate: str | None
) -> None:
    """Rule 31, and A12: also thanks wait until it is really over."""
    assert judged(kind, anna(**changes)) == (Drop(gate) if gate else Go())


@pytest.mark.parametrize("kind", sorted(ASKS))
@pytest.mark.parametrize(
    "returned_at, gate", [(TUESDAY - 30 * DAY + MINUTE, "recent_return"), (TUESDAY - 30 * DAY, None)]
)
def test_who_sent_something_back_is_asked_nothing_for_a_month(kind: str, returned_at: Any, gate: str | None) -> None:
    assert judged(kind, anna(returned_at=returned_at)) == (Drop(gate) if gate else Go())


@pytest.mark.parametrize(
    "score, kept_back",
    [
        (0, {REFERRAL_ASK, REFERENCE_ASK, GIVE}),
        (6, {REFERRAL_ASK, REFERENCE_ASK, GIVE}),
        (7, {REFERRAL_ASK, REFERENCE_ASK}),
        (8, {REFERRAL_ASK, REFERENCE_ASK}),
        (9, NOBODY),
        (10, NOBODY),
    ],
)
def test_only_promoters_are_asked_for_friends_and_references(score: int, kept_back: set[str]) -> None:
    """B19: the boundary lies between 8 and 9; how satisfied somebody is now may always be asked."""
    assert {kind for kind in KINDS if judged(kind, anna(score=score)) == Drop("low_score")} == kept_back


@pytest.mark.parametrize(
    "changes, t3, t6",
    [
        ({"score": None, "scored_at": None}, Drop("no_score"), Go()),
        ({"score": None, "scored_at": None, "friends": 1}, Go(), Go()),
        ({"scored_at": TUESDAY - 180 * DAY}, Go(), Go()),
        ({"scored_at": TUESDAY - 180 * DAY - MINUTE}, Drop("no_score"), Go()),
        ({"score": 8, "friends": 3}, Drop("low_score"), Drop("low_score")),
    ],
)
def test_after_the_second_order_only_those_are_asked_who_are_satisfied(
    changes: dict[str, Any], t3: Verdict, t6: Verdict
) -> None:
    """T3 needs a score not older than half a year, or a friend in its place; T6 and T8 answer what they did."""
    facts = anna(**changes)

    assert judged(REFERRAL_ASK, facts, play="t3") == t3
    assert judged(REFERRAL_ASK, facts, play="t6") == judged(REFERRAL_ASK, facts, play="t8") == t6


@pytest.mark.parametrize("kind, days", [(REFERRAL_ASK, 60), (REFERENCE_ASK, 180)])
def test_nobody_is_asked_before_they_have_been_a_customer_for_long_enough(kind: str, days: int) -> None:
    """A7: on the day itself, not a minute before; it waits for that only while it is fresh."""
    since = TUESDAY - days * DAY
    new = anna(first_paid_at=since + MINUTE)

    assert judged(kind, anna(first_paid_at=since)) == Go()
    assert judged(kind, new) == Wait(TUESDAY + MINUTE, "too_early")
    assert judged(kind, new, expires_at=TUESDAY + MINUTE) == Drop("too_early")
    assert judged(kind, anna(first_paid_at=since + 20 * DAY)) == Drop("too_early")
    assert judged(kind, anna(first_paid_at=None, paid_at=())) == Drop("too_early")
    assert judged(SCORE, new) == judged(GIVE, new) == Go()


def test_two_kept_orders_are_needed_to_be_asked_for_friends() -> None:
    one = anna(paid_at=ANNA.paid_at[:1])

    assert judged(REFERRAL_ASK, one) == judged(REFERENCE_ASK, one) == Drop("too_early")
    assert judged(REFERRAL_ASK, one, programme=programme(asking__min_orders=1)) == Go()


@pytest.mark.parametrize("kind", KINDS)
def test_one_message_a_week_over_all_kinds_and_exactly_seven_days_are_a_week(kind: str) -> None:
    """Rule 30: a score, an ask and thanks share the weekly slot."""
    for other in KINDS:
        soon, gone = said(other, TUESDAY - 7 * DAY + MINUTE), said(other, TUESDAY - 7 * DAY)
        given = TUESDAY - 6 * DAY  # a bonus: the balance is even
        long = {"given_at": given, "visited_at": given}
        cautious = programme(surveys__min_days_between=1, cadence__referral_ask_days=1)
        verdict = judged(kind, anna(said=(soon,), **long), programme=cautious)
        assert verdict == Wait(TUESDAY + MINUTE, "contact_cap"), other
        assert judged(kind, anna(said=(gone,), **long), programme=cautious) == Go(), other


def test_three_messages_a_month_and_no_fourth() -> None:
    """Rule 30: thirty days, open at their end."""
    told = [said(GIVE, TUESDAY - days * DAY) for days in (29, 20, 10)]
    earlier = [said(GIVE, TUESDAY - days * DAY) for days in (30, 20, 10)]

    assert judged(GIVE, anna(said=tuple(told))) == Wait(local("2026-11-25T12:00"), "contact_cap")
    assert judged(GIVE, anna(said=tuple(earlier))) == Go()
    assert judged(GIVE, anna(said=tuple(told)), expires_at=TUESDAY + DAY) == Drop("contact_cap")


def test_a_cap_of_nought_lets_nothing_through() -> None:
    assert judged(GIVE, programme=programme(cadence__per_week=0)) == Drop("contact_cap")
    assert judged(SCORE, programme=programme(cadence__per_week=0, cadence__per_month=0)) == Drop("contact_cap")


def test_the_cap_counts_a_message_that_lies_ahead_because_the_clock_was_put_back() -> None:
    """Rule 29."""
    assert judged(GIVE, anna(said=(said(GIVE, TUESDAY + 2 * DAY),))) == Wait(TUESDAY + 9 * DAY, "contact_cap")


@pytest.mark.parametrize("first", sorted(ASKS))
def test_between_two_asks_lies_something_that_asks_nothing_or_a_month(first: str) -> None:
    """Rule 30 and A6: thanks or a bonus that came in open the way, and nothing else does."""
    loose = programme(cadence__referral_ask_days=1, surveys__min_days_between=1)
    asked = said(first, TUESDAY - 20 * DAY, reacted_at=TUESDAY - 19 * DAY)
    thanked = said(GIVE, TUESDAY - 10 * DAY)
    for kind in sorted(ASKS):
        free = Wait(TUESDAY + 10 * DAY, "contact_cap")
        assert judged(kind, anna(said=(asked,)), programme=loose) == free
        assert judged(kind, anna(said=(asked,), given_at=TUESDAY - 21 * DAY), programme=loose) == free
        assert judged(kind, anna(said=(asked, thanked)), programme=loose) == Go()
        assert judged(kind, anna(said=(asked,), given_at=TUESDAY - 19 * DAY), programme=loose) == Go()
    assert judged(GIVE, anna(said=(asked,)), programme=loose) == Go()
    month_ago = said(first, TUESDAY - 30 * DAY, reacted_at=TUESDAY)
    assert judged(REFERRAL_ASK, anna(said=(month_ago,)), programme=loose) == Go()


def test_referral_asks_have_one_cap_whatever_their_play() -> None:
    """Rule 30: T3, T6 and T8 within ``referral_ask_days``; thanks in between do not shorten it."""
    for play in ("t3", "t6", "t8"):
        asked = said(REFERRAL_ASK, TUESDAY - 20 * DAY, play=play)
        facts = anna(said=(asked, said(GIVE, TUESDAY - 10 * DAY)), visited_at=TUESDAY - 5 * DAY)
        assert judged(REFERRAL_ASK, facts) == Wait(TUESDAY + 10 * DAY, "contact_cap")
        assert judged(REFERRAL_ASK, facts, expires_at=TUESDAY + 10 * DAY) == Drop("contact_cap")
        assert judged(REFERENCE_ASK, facts) == Go()


def test_a_reminder_of_the_link_is_followed_by_ninety_days_of_nothing_unless_it_is_opened() -> None:
    """Rule 30: T8 is one reminder."""
    reminded = said(REFERRAL_ASK, TUESDAY - 89 * DAY, play="t8", reacted_at=TUESDAY - 88 * DAY)

    assert judged(REFERRAL_ASK, anna(said=(reminded,))) == Wait(TUESDAY + DAY, "contact_cap")
    assert judged(REFERRAL_ASK, anna(said=(reminded,), visited_at=TUESDAY - 60 * DAY)) == Go()
    assert judged(SCORE, anna(said=(reminded,))) == Go()


def ignored(count: int, *, last: int = 60, apart: int = 40, **more: Any) -> AskFacts:
    """Asks that led to nothing, the last one so many days ago."""
    asks = [said(REFERRAL_ASK, TUESDAY - (last + apart * n) * DAY) for n in reversed(range(count))]
    return anna(said=tuple(asks), **{"scored_at": TUESDAY - 300 * DAY, **more})


@pytest.mark.parametrize(
    "facts, verdict",
    [
        (ignored(1), Go()),
        (ignored(2), Drop("contact_cap")),
        (ignored(2, last=80), Wait(TUESDAY + 10 * DAY, "contact_cap")),
        (ignored(2, last=90), Go()),
        (ignored(3, last=170), Drop("contact_cap")),
        (ignored(3, visited_at=TUESDAY - 50 * DAY), Go()),
        (ignored(3, scored_at=TUESDAY - 50 * DAY), Go()),
        (ignored(3, scored_at=TUESDAY - 50 * DAY, score=8), Drop("low_score")),
    ],
)
def test_who_ignores_asks_is_asked_less_and_then_no_more_until_they_show_something(
    facts: AskFacts, verdict: Verdict
) -> None:
    """F9: two ignored, ninety days; three, none until somebody visits the link or they give a 9 or 10 again."""
    assert judged(REFERRAL_ASK, facts) == verdict


def test_a_press_or_a_visit_is_a_reaction_and_ends_the_row() -> None:
    """Rule 30: what counts is the row of the last ones."""
    first, second, third = (said(REFERRAL_ASK, TUESDAY - days * DAY) for days in (200, 150, 100))
    pressed = said(REFERRAL_ASK, TUESDAY - 150 * DAY, reacted_at=TUESDAY - 149 * DAY)
    old = {"scored_at": TUESDAY - 300 * DAY}

    assert ignored_in_a_row(anna(said=(first, second, third), **old)) == 3
    assert ignored_in_a_row(anna(said=(first, pressed, third), **old)) == 1
    assert ignored_in_a_row(anna(said=(first, second, third), visited_at=TUESDAY - 140 * DAY, **old)) == 1
    assert ignored_in_a_row(anna(said=(first, second, third), visited_at=TUESDAY - 100 * DAY, **old)) == 0


def test_a_score_is_asked_again_after_ninety_days_since_it_was_sent_and_does_not_wait_for_that() -> None:
    """A throttled question is dropped, not queued; 90 days over all kinds of questions."""
    just, long = said(SCORE, TUESDAY - 90 * DAY + MINUTE), said(SCORE, TUESDAY - 90 * DAY)

    assert judged(SCORE, anna(said=(just,))) == Drop("contact_cap")
    assert judged(SCORE, anna(said=(long,))) == Go()


def test_after_the_first_score_a_share_of_customers_is_asked_again_another_one_each_month() -> None:
    half = programme(surveys__sample_percent=50)
    asked = said(SCORE, TUESDAY - 200 * DAY)
    people = [anna(customer_id=number, said=(asked,)) for number in range(400)]

    november = [judged(SCORE, facts, programme=half) == Go() for facts in people]
    december = [judged(SCORE, facts, programme=half, cause_at=TUESDAY + 20 * DAY) == Go() for facts in people]

    assert 150 < sum(november) < 250
    assert november != december
    assert {judged(SCORE, facts, programme=half) for facts in people} == {Go(), Drop("not_sampled")}
    assert judged(SCORE, anna(), programme=programme(surveys__sample_percent=0)) == Go()  # the first time, everybody


@pytest.mark.parametrize("kind", KINDS)
def test_a_conversation_that_is_open_is_not_broken_into(kind: str) -> None:
    """Rule 31: for a day after a question to which a text is the answer."""
    waited = anna(awaiting_since=TUESDAY - timedelta(hours=23))

    assert judged(kind, waited) == Wait(TUESDAY + timedelta(hours=1), "in_conversation")
    assert judged(kind, waited, expires_at=TUESDAY + timedelta(hours=1)) == Drop("in_conversation")
    assert judged(kind, anna(awaiting_since=TUESDAY - timedelta(hours=24))) == Go()


def test_what_is_over_is_stale() -> None:
    """Rule 29."""
    assert judged(GIVE, expires_at=TUESDAY) == Drop("stale")
    assert judged(GIVE, expires_at=TUESDAY + MINUTE) == Go()


def test_asks_wait_for_the_morning_while_they_are_fresh_and_are_dropped_when_they_would_not_be() -> None:
    """Rule 29: the last Saturday evening of October; Sunday is quiet and has 25 hours."""
    evening, monday = local("2026-10-24T20:00"), local("2026-10-26T09:00")

    assert judged(REFERRAL_ASK, now=evening) == Wait(monday, "quiet_hours")
    assert judged(REFERRAL_ASK, now=evening, expires_at=monday) == Drop("quiet_hours")
    assert judge_news(MONEY, ANNA, programme=USUAL, now=evening) == Wait(local("2026-10-25T09:00"), "quiet_hours")
    assert judge_news(ANSWER, ANNA, programme=USUAL, now=evening) == Go()


def test_a_cap_that_frees_at_night_is_waited_for_until_the_morning_after() -> None:
    """Rules 29 and 30: the wait ends at a moment at which it may really go."""
    evening = local("2026-11-17T21:30")

    assert judged(GIVE, anna(said=(said(GIVE, evening),)), now=TUESDAY) == Wait(
        local("2026-11-25T09:00"), "contact_cap"
    )


@pytest.mark.parametrize("percent", [0, 10, 100])
def test_the_hold_out_is_a_stable_share_of_customers_for_each_play(percent: int) -> None:
    """Rule 30: hash(play, customer)."""
    some = programme(cadence__holdout_percent=percent)
    held = [is_held_out("t3", number, programme=some) for number in range(2000)]

    assert held == [is_held_out("t3", number, programme=some) for number in range(2000)]
    assert abs(sum(held) / 20 - percent) < 2.5
    if percent == 10:
        assert held != [is_held_out("t6", number, programme=some) for number in range(2000)]
