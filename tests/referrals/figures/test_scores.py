"""The NPS as it is shown: known answers give a known figure, and how sure it is (B1)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referrals.figures.scores import LEAST, Scores, Waiting, nps, scores_of_late, waiting
from storage.bulk import insert_rows, update_rows
from storage.cases import Case
from storage.contacts import Contact
from storage.customers import Customer, CustomerAlias
from storage.database import Database
from storage.orders import Order
from storage.surveys import Survey
from tests.builders import NOON, Shop, friend, order


@pytest.mark.parametrize(
    "scores, figure",
    [
        ([10, 9, 8, 7, 6, 0], 0.0),
        ([9], 100.0),
        ([6], -100.0),
        ([8, 7], 0.0),
        ([10] * 6 + [8] * 3 + [3], 50.0),
    ],
)
def test_nine_and_ten_promote_and_up_to_six_detract(scores: list[int], figure: float) -> None:
    """Requirement B19: the boundaries lie at 6 and 7, and at 8 and 9."""
    assert nps(Counter(scores)).nps == figure


def test_the_interval_adds_three_quarters_to_both_sides_and_three_to_all() -> None:
    """Source: playbook 4.3; with 60 promoters, 25 passives and 15 detractors it runs from 29.3 to 58.0."""
    p, d, n = 60.75 / 103, 15.75 / 103, 103
    half = 1.96 * sqrt((p + d - (p - d) ** 2) / n)
    found = nps({10: 60, 8: 25, 2: 15})
    assert (found.nps, found.low, found.high) == (45.0, 29.3, 58.0)
    assert found.low == round(100 * (p - d - half), 1)
    assert found.high == round(100 * (p - d + half), 1)


def test_without_answers_there_is_no_figure() -> None:
    found = nps({})
    assert (found.nps, found.low, found.high, found.count, found.too_few) == (None, None, None, 0, True)


@pytest.mark.parametrize("count, too_few", [(LEAST - 1, True), (LEAST, False)])
def test_fewer_than_thirty_answers_are_too_few(count: int, too_few: bool) -> None:
    assert nps({9: count}).too_few is too_few


@given(st.dictionaries(st.integers(0, 10), st.integers(1, 500), min_size=1))
def test_the_interval_lies_within_what_is_possible_and_around_what_was_said(scores: dict[int, int]) -> None:
    found = nps(scores)
    assert found.nps is not None
    assert found.low is not None
    assert found.high is not None
    assert -100 <= found.low <= found.high <= 100
    assert found.promoters + found.passives + found.detractors == found.count == sum(scores.values())


def asked(shop: Shop, number: int, score: int | None, *, days: float = 1.0, **more: Any) -> int:
    """A customer was asked so many days ago and answered, or did not; who it is."""
    shop.deliver(order(number, friend(number), at=NOON - timedelta(days=20)))
    (row,) = [row for row in shop.rows(Order) if row["external_id"] == str(number)]
    at, subject = NOON - timedelta(days=days), f"order:{row['id']}"
    survey = {"kind": "nps", "subject": subject, "customer_id": row["customer_id"], "created_at": at}
    shop.database.run(insert_rows, Survey, [survey | {"score": score, "scored_at": at if score is not None else None}])
    contact = {
        "key": f"score:{subject}", "customer_id": row["customer_id"], "play": "score", "kind": "score",
        "status": "sent", "cause_at": at, "planned_at": at, "expires_at": at + timedelta(days=14), "sent_at": at,
    }  # fmt: skip
    shop.database.run(insert_rows, Contact, [contact | more])
    return int(row["customer_id"])


def figures(shop: Shop) -> Scores:
    return shop.database.look(scores_of_late, now=NOON)


def test_the_answers_of_ninety_days_count_and_the_share_that_answered(database: Database) -> None:
    shop = Shop(database)
    for number, score in enumerate([10, 9, 7, 3, None, None]):
        asked(shop, number, score)
    asked(shop, 7, 0, days=90)
    asked(shop, 8, 0, days=-1)
    found = figures(shop)
    assert (found.promoters, found.passives, found.detractors, found.nps) == (2, 1, 1, 25.0)
    assert (found.asked, found.response_percent, found.days, found.too_few) == (6, 67, 90, True)


def test_what_was_not_sent_was_not_asked(database: Database) -> None:
    shop = Shop(database)
    asked(shop, 1, None, status="not_sent", sent_at=None)
    found = figures(shop)
    assert (found.asked, found.response_percent) == (0, None)


@pytest.mark.parametrize("state", ["staff", "excluded", "erased"])
def test_people_who_are_out_and_test_orders_are_in_no_figure(database: Database, state: str) -> None:
    """Rule 33 and rule 5: staff and excluded people are out, also under an old number; test orders are in no figure."""
    shop = Shop(database)
    out, merged = asked(shop, 1, 10), asked(shop, 2, 10)
    asked(shop, 3, 10)
    asked(shop, 4, 2)
    database.run(update_rows, Customer, [{"id": out, "state": state}], key=("id",))
    database.run(insert_rows, CustomerAlias, [{"merged_id": merged, "customer_id": out, "at": NOON}])
    database.run(update_rows, Order, [{"external_id": "3", "test": True}], key=("external_id",))
    found = figures(shop)
    assert (found.count, found.nps, found.asked) == (1, -100.0, 1)


def test_cases_are_counted_while_they_are_open_and_late_ones_while_somebody_waits(database: Database) -> None:
    """Requirement G6: the owner sees how many wait, and how many longer than was promised."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    hour = timedelta(hours=1)
    rows: list[dict[str, Any]] = [
        {"promised_at": NOON - hour, "waiting_since": NOON - 5 * hour},
        {"promised_at": NOON + hour, "waiting_since": NOON - 3 * hour},
        {"promised_at": NOON - hour, "waiting_since": None},
        {"promised_at": NOON - hour, "waiting_since": None, "solved_at": NOON},
    ]
    base = {"customer_id": anna, "kind": "question", "opened_at": NOON, "status": "open", "solved_at": None}
    database.run(insert_rows, Case, [base | row for row in rows])
    assert database.look(waiting, now=NOON) == Waiting(open=3, overdue=1)
