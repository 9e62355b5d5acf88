from __future__ import annotations

from typing import Any

import pytest

from referrals.asking.readiness import ambassador_ready, readiness, reference_ready, satisfied, total
from tests.referrals.asking.somebody import DAY, MINUTE, TUESDAY, USUAL, anna


def points(**changes: Any) -> dict[str, int]:
    return {part.name: part.points for part in readiness(anna(**changes), now=TUESDAY)}


@pytest.mark.parametrize("score, so", [(8, False), (9, True), (10, True), (None, False)])
def test_satisfied_begins_at_nine(score: int | None, so: bool) -> None:
    """B19."""
    assert satisfied(anna(score=score), now=TUESDAY) is so


def test_a_score_counts_for_half_a_year() -> None:
    assert satisfied(anna(scored_at=TUESDAY - 180 * DAY), now=TUESDAY)
    assert not satisfied(anna(scored_at=TUESDAY - 180 * DAY - MINUTE), now=TUESDAY)


@pytest.mark.parametrize(
    "changes, ambassador, reference",
    [
        ({}, True, False),
        ({"score": 10}, True, True),
        ({"friends": 1}, True, True),
        ({"score": 8, "friends": 1}, False, False),
        ({"paid_at": (TUESDAY - 100 * DAY,)}, False, False),
        ({"score": 10, "first_paid_at": TUESDAY - 60 * DAY}, True, False),
        ({"score": 10, "first_paid_at": TUESDAY - 60 * DAY + MINUTE}, False, False),
        ({"score": 10, "first_paid_at": TUESDAY - 180 * DAY}, True, True),
        ({"score": 10, "first_paid_at": TUESDAY - 180 * DAY + MINUTE}, True, False),
        ({"score": 10, "first_paid_at": None}, False, False),
    ],
)
def test_ready_as_an_ambassador_and_as_a_reference(changes: dict[str, Any], ambassador: bool, reference: bool) -> None:
    facts = anna(**changes)

    assert ambassador_ready(facts, config=USUAL.config, now=TUESDAY) is ambassador
    assert reference_ready(facts, config=USUAL.config, now=TUESDAY) is reference


def test_the_score_shows_each_of_its_parts_and_reaches_a_hundred() -> None:
    """Playbook 3.1: every part with what it could be at most."""
    best = {
        "score": 10, "praised": True, "friends": 2, "through_friend": True, "first_paid_at": TUESDAY - 900 * DAY,
        "paid_at": tuple(TUESDAY - days * DAY for days in (900, 400, 300, 100, 10)),
    }  # fmt: skip
    parts = readiness(anna(**best), now=TUESDAY)

    assert [(part.name, part.points) for part in parts] == [
        ("score", 30), ("orders", 18), ("recency", 12), ("praise", 10), ("sharing", 15), ("through_friend", 8),
        ("tenure", 7),
    ]  # fmt: skip
    assert all(part.points == part.most for part in parts)
    assert total(parts) == 100


@pytest.mark.parametrize(
    "changes, part, worth",
    [
        ({"score": 9}, "score", 24),
        ({"score": 8}, "score", 0),
        ({"scored_at": TUESDAY - 181 * DAY}, "score", 0),
        ({"paid_at": ()}, "orders", 0),
        ({"paid_at": (TUESDAY,) * 2}, "orders", 10),
        ({"paid_at": (TUESDAY,) * 3}, "orders", 14),
        ({"paid_at": (TUESDAY,) * 4}, "orders", 14),
        ({"paid_at": (TUESDAY - 75 * DAY,)}, "recency", 12),
        ({"paid_at": (TUESDAY - 76 * DAY,)}, "recency", 0),
        ({"paid_at": (TUESDAY - 40 * DAY, TUESDAY - 20 * DAY)}, "recency", 12),
        ({"paid_at": (TUESDAY - 41 * DAY, TUESDAY - 21 * DAY)}, "recency", 0),
        ({"praised": True, "score": 7}, "praise", 0),
        ({"shared": True}, "sharing", 8),
        ({"visited_at": TUESDAY}, "sharing", 8),
        ({"first_paid_at": TUESDAY - 89 * DAY}, "tenure", 0),
        ({"first_paid_at": TUESDAY - 90 * DAY}, "tenure", 1),
        ({"first_paid_at": None}, "tenure", 0),
    ],
)
def test_what_a_part_is_worth(changes: dict[str, Any], part: str, worth: int) -> None:
    assert points(**changes)[part] == worth
