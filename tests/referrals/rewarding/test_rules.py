"""The pure rules: which of a friend's orders earns, and how much (rules 2, 6a)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from referrals.rewarding.rules import OrderWorth, claims_of, within_margin
from referrals.rewarding.terms import Terms
from tests.builders import NOON

ZONE = ZoneInfo("Europe/Amsterdam")
FIRST = Terms("first_order", "fixed", "EUR", 1500, 0, None, 2500, None, None, 21, 30)
SECOND = replace(FIRST, when="nth_order", nth=2)
TWICE = replace(FIRST, when="every_order", per_friend=2)


def worth(number: int, terms: Terms, **changes: Any) -> OrderWorth:
    """The friend's order of that day, one a day, all through a click of the first."""
    at = NOON + timedelta(days=number)
    order = OrderWorth(
        number, 1, 2, "paid", "EUR", 9000, 9000, at, at, f"{number:04}", NOON, False, False, False, False, terms,
    )  # fmt: skip
    return order._replace(**changes)


def earning(*orders: OrderWorth) -> tuple[list[int | None], dict[int, str]]:
    claims, refused = claims_of(7, orders, sign_up=None, zone=ZONE)
    return [claim.order_id for claim in claims], {number: whys[0]["code"] for number, whys in refused.items()}


BACK = {"kept_minor": 0}


@pytest.mark.parametrize(
    "orders, earn, refused",
    [
        ([worth(1, SECOND)], [], {1: "not_nth_order"}),
        ([worth(1, SECOND), worth(2, SECOND), worth(3, SECOND)], [2], {1: "not_nth_order", 3: "not_nth_order"}),
        (
            [worth(1, SECOND, **BACK), worth(2, SECOND), worth(3, SECOND)],
            [3],
            {1: "order_refunded", 2: "not_nth_order"},
        ),
        ([worth(1, SECOND), worth(2, SECOND, kept_minor=2000), worth(3, SECOND)], [3],
         {1: "not_nth_order", 2: "below_minimum"}),
        ([worth(1, SECOND), worth(60, SECOND)], [60], {1: "not_nth_order"}),
        ([worth(40, SECOND), worth(41, SECOND)], [], {40: "not_nth_order", 41: "outside_window"}),
        ([worth(1, SECOND), worth(2, SECOND), worth(3, SECOND, settled=True)], [3],
         {1: "not_nth_order", 2: "not_nth_order"}),
        ([worth(1, FIRST), worth(2, SECOND)], [1], {2: "not_nth_order"}),
        ([worth(1, TWICE), worth(2, TWICE), worth(3, TWICE)], [1, 2], {3: "friend_cap"}),
        ([worth(1, TWICE, **BACK), worth(2, TWICE), worth(3, TWICE)], [2, 3], {1: "order_refunded"}),
        ([worth(1, TWICE), worth(2, TWICE), worth(3, TWICE, settled=True)], [3, 1], {2: "friend_cap"}),
    ],
)  # fmt: skip
def test_which_order_of_a_friend_earns(orders: list[OrderWorth], earn: list[int], refused: dict[int, str]) -> None:
    """Rules 6a, 7: whatever the order in which they are told."""
    for told in permutations(orders):
        assert earning(*told) == (earn, refused)


@pytest.mark.parametrize(
    "kept, owed, gift, left",
    [
        (10000, 1500, False, 1500),
        (10000, 2001, False, 2000),  # a fifth of it
        (10000, 1500, True, 1000),  # beside a gift of ten
        (5000, 1500, True, 0),
        (4000, 1500, True, 0),  # the gift alone is more than that
    ],
)
def test_both_sides_together_stay_below_a_share_of_the_order(kept: int, owed: int, left: int, *, gift: bool) -> None:
    terms = replace(FIRST, most_basis_points=2000, gift_minor=1000)
    assert within_margin(kept, owed, terms, gift=gift) == left


def test_a_friends_percentage_counts_and_without_a_limit_nothing_does() -> None:
    shared = replace(FIRST, most_basis_points=2000, gift_basis_points=1500)
    assert within_margin(10000, 1500, shared, gift=True) == 500
    assert within_margin(100, 1500, FIRST, gift=True) == 1500


def test_a_bonus_that_is_cut_says_so_and_a_later_order_carries_no_gift() -> None:
    """Rule 2: what a refund takes and what the margin takes are told apart."""
    terms = replace(FIRST, when="every_order", most_basis_points=2000, gift_minor=1000)
    claims, _ = claims_of(7, [worth(1, terms, kept_minor=8000), worth(2, terms)], sign_up=None, zone=ZONE)
    found = [(claim.wanted_minor, [why["code"] for why in claim.reasons]) for claim in claims]
    assert found == [(600, ["margin", "partly_refunded"]), (1500, [])]
