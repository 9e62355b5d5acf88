"""The score is a table: what is known of a bonus, and what it weighs by the weights that come with the programme."""

from __future__ import annotations

from typing import Any

import pytest

from referrals.config import parse_config
from referrals.fraud import Fraud, Weights
from referrals.screening.score import SIGNALS, Known, Scale, Score, is_leaked
from tests.referrals.configs import with_keys

RULES = parse_config(with_keys(), {}).fraud


def rules(**keys: Any) -> Fraud:
    return parse_config(with_keys(**{f"fraud__{name}": value for name, value in keys.items()}), {}).fraud


def score(known: Known, fraud: Fraud) -> Score:
    return Scale(fraud).weigh(known)


def codes(known: Known, fraud: Fraud = RULES) -> dict[str, int]:
    return {part.code: part.points for part in score(known, fraud).parts}


def test_an_ordinary_friend_scores_nothing() -> None:
    ordinary = Known(friends_in_hour=1, friends_in_day=2, orders_of_ip=1, order_minor=9000, ambassador_days=400)
    assert (score(Known(), RULES).total, score(ordinary, RULES).total) == (0, 0)


@pytest.mark.parametrize(
    "known, found",
    [
        pytest.param(Known(at_ambassadors_address=True), {"household": 30}, id="a housemate"),
        pytest.param(
            Known(at_ambassadors_address=True, one_first_name=True),
            {"same_name": 40, "household": 30},
            id="themselves?",
        ),
        pytest.param(Known(one_first_name=True), {}, id="one name in two houses says nothing"),
        pytest.param(Known(friends_at_address=2), {"shared_address": 30}, id="two friends of one house"),
        pytest.param(Known(friends_with_phone=1), {"shared_phone": 40}, id="one phone"),
        pytest.param(Known(one_mailbox_name=True), {"similar_email": 40}, id="one mailbox name"),
        pytest.param(Known(friends_in_hour=6), {}, id="six an hour"),
        pytest.param(Known(friends_in_hour=7), {"many_an_hour": 60}, id="the seventh an hour"),
        pytest.param(Known(friends_in_day=12), {}, id="twelve a day"),
        pytest.param(Known(friends_in_day=13), {"many_a_day": 60}, id="the thirteenth a day"),
        pytest.param(Known(sign_ups_in_day=21), {"mass_sign_ups": 60}, id="the 21st sign-up a day"),
        pytest.param(Known(orders_of_ip=6), {"orders_per_ip": 60}, id="the sixth order of one network"),
        pytest.param(Known(ambassador_days=6, order_minor=24_999), {}, id="young, but not large"),
        pytest.param(Known(ambassador_days=7, order_minor=25_000), {}, id="large, but not young"),
        pytest.param(Known(ambassador_days=6, order_minor=25_000), {"young_account": 40}, id="young and large"),
        pytest.param(Known(typed=True, typed_in_day=10), {}, id="ten who typed the code"),
        pytest.param(Known(typed=True, typed_in_day=11), {"leaked_code": 100}, id="the eleventh who typed it"),
        pytest.param(Known(typed_in_day=11), {}, id="a visitor among those who typed it"),
        pytest.param(Known(typed=True, code_is_leaked=True), {"leaked_code": 100}, id="typed after it leaked"),
        pytest.param(Known(given_back=1), {}, id="once given back happens"),
        pytest.param(Known(given_back=2), {"coupon_cycling": 60}, id="twice given back"),
        pytest.param(Known(taken_back_in_month=2), {}, id="two friends gave back"),
        pytest.param(Known(taken_back_in_month=3), {"refunded_friends": 40}, id="three friends gave back"),
        pytest.param(Known(in_a_circle=True), {"circle": 60}, id="a circle of three"),
        pytest.param(Known(refused_before=1), {"refused_before": 60}, id="turned down before"),
    ],
)
def test_each_signal_has_its_threshold(known: Known, found: dict[str, int]) -> None:
    assert codes(known) == found


def test_a_household_alone_is_flagged_and_never_held() -> None:
    """Talking about money late is allowed, refusing a family is not."""
    assert score(Known(at_ambassadors_address=True), RULES).total < RULES.review_score
    assert score(Known(friends_at_address=5), RULES).total < RULES.review_score
    assert score(Known(at_ambassadors_address=True, friends_at_address=1), RULES).total >= RULES.review_score


def test_the_parts_add_up_and_stop_at_a_hundred() -> None:
    result = score(Known(in_a_circle=True, friends_in_hour=99, friends_in_day=99), RULES)
    assert (result.total, sum(part.points for part in result.parts)) == (100, 180)


def test_the_heaviest_part_comes_first_with_what_its_sentence_names() -> None:
    result = score(Known(at_ambassadors_address=True, friends_in_day=20), RULES)
    assert [part.as_dict() for part in result.parts] == [
        {"code": "many_a_day", "points": 60, "count": 20},
        {"code": "household", "points": 30},
    ]


def test_a_signal_without_weight_is_not_looked_at() -> None:
    assert codes(Known(in_a_circle=True), rules(weights__circle=0)) == {}


def test_thresholds_are_the_owners() -> None:
    assert codes(Known(friends_in_day=3), rules(friends_per_day=2)) == {"many_a_day": 60}
    assert is_leaked(Known(typed=True, typed_in_day=3), rules(leaked_code_friends=2))


def test_every_weight_has_its_signal() -> None:
    assert set(SIGNALS) == set(Weights.model_fields)
