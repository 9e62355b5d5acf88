"""Who is asked for a score, about what, and when (rules 28-32)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from referrals.asking.plays.score import PLAY
from storage.bulk import update_rows
from storage.contacts import Contact
from storage.database import Database
from storage.mailbox import Outbox
from storage.orders import Order
from storage.surveys import Survey
from tests.builders import NOON, Shop
from tests.referrals.asking.asked import ask, due, ordered, row

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def delivered(shop: Shop, number: int, at: datetime) -> None:
    shop.database.run(update_rows, Order, [{"external_id": str(number), "delivered_at": at}], key=("external_id",))


@pytest.mark.parametrize(
    "after, is_due",
    [(7 * DAY - MINUTE, False), (7 * DAY, True), (21 * DAY - MINUTE, True), (21 * DAY, False)],
)
def test_a_delivery_is_asked_about_a_week_later_for_a_fortnight(
    database: Database, after: timedelta, is_due: bool
) -> None:
    """Rule 32: delivered is what the shop reports as that, whenever it was paid."""
    shop = Shop(database)
    anna = ordered(shop, "Anna", 1, at=NOON - 30 * DAY)
    delivered(shop, 1, NOON)
    shop.now = NOON + after
    assert [one.customer_id for one in due(shop)] == ([anna] if is_due else [])


@pytest.mark.parametrize(
    "after, is_due",
    [(10 * DAY - MINUTE, False), (10 * DAY, True), (24 * DAY - MINUTE, True), (24 * DAY, False)],
)
def test_where_no_delivery_is_reported_one_is_assumed_three_days_after_payment(
    database: Database, after: timedelta, is_due: bool
) -> None:
    """Rule 32: `completed` is no delivery; without one it is the assumed days after payment."""
    shop = Shop(database)
    ordered(shop, "Anna", 1, at=NOON, status="completed")
    shop.now = NOON + after
    assert bool(due(shop)) is is_due


def test_a_reported_delivery_is_not_assumed_as_well(database: Database) -> None:
    shop = Shop(database)
    ordered(shop, "Anna", 1, at=NOON)
    delivered(shop, 1, NOON + 8 * DAY)
    shop.now = NOON + 12 * DAY
    assert due(shop) == []
    shop.now = NOON + 15 * DAY
    (found,) = due(shop)
    assert (found.subject, found.cause_at) == (f"order:{row(shop, 1)['id']}", NOON + 8 * DAY)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "cancelled"},
        {"status": "refunded", "refunded_minor": 9000},
        {"refunded_minor": 9000},
        {"test": True},
        {"status": "deleted"},
        {"status": "pending"},
    ],
    ids=str,
)
def test_an_order_that_was_not_kept_is_asked_about_by_nobody(database: Database, changes: dict[str, Any]) -> None:
    shop = Shop(database)
    ordered(shop, "Anna", 1, at=NOON, **({"test": True} if "test" in changes else {}))
    if "test" not in changes:
        database.run(update_rows, Order, [{"external_id": "1", **changes}], key=("external_id",))
    shop.now = NOON + 10 * DAY
    assert due(shop) == []


def test_a_part_that_came_back_leaves_an_order_that_was_kept(database: Database) -> None:
    shop = Shop(database)
    ordered(shop, "Anna", 1, at=NOON, refunded_minor=8999)
    shop.now = NOON + 10 * DAY
    assert len(due(shop)) == 1


def test_who_has_no_chat_is_looked_at_once_they_have(database: Database) -> None:
    shop = Shop(database)
    ordered(shop, "Bram", 1, at=NOON, chat=False)
    shop.now = NOON + 11 * DAY
    assert due(shop) == []
    ordered(shop, "Bram", 1, at=NOON)
    assert len(due(shop)) == 1


def test_a_plan_has_its_question_and_its_notice_once(database: Database) -> None:
    """Rule 23: a score is asked at most once, about one order once, however often the job looks."""
    shop = Shop(database)
    anna = ordered(shop, "Anna", 1, at=NOON)
    shop.now = NOON + 10 * DAY
    assert ask(shop) == [None]
    assert ask(shop) == [None]
    (survey,), (notice,), (contact,) = shop.rows(Survey), shop.rows(Outbox), shop.rows(Contact)
    subject = f"order:{row(shop, 1)['id']}"
    assert (survey["customer_id"], survey["subject"], survey["score"]) == (anna, subject, None)
    assert notice["data"] | {"survey": survey["id"]} == notice["data"]
    assert (notice["message_class"], notice["unique_key"]) == ("at_most_once", contact["key"])
    assert (notice["due_at"], notice["expires_at"]) == (NOON + 10 * DAY, NOON + 24 * DAY)
    assert due(shop) == []


@pytest.mark.parametrize(
    "days, reason", [(89, "contact_cap"), (90, None)], ids=["within ninety days", "after ninety days"]
)
def test_nobody_is_asked_twice_in_ninety_days(database: Database, days: int, reason: str | None) -> None:
    """Requirement B1: ninety days since the last question was sent, whatever it was about; a second one is dropped."""
    shop = Shop(database)
    ordered(shop, "Anna", 1, at=NOON - 10 * DAY)
    ask(shop)
    key = shop.rows(Contact)[0]["key"]
    sent = {"key": key, "status": "sent", "sent_at": NOON}
    database.run(update_rows, Contact, [sent], key=("key",))
    shop.now = NOON + days * DAY
    ordered(shop, "Anna", 2, at=shop.now - 10 * DAY)
    assert ask(shop) == [None, reason]
    assert len(shop.rows(Survey)) == (1 if reason else 2)


@pytest.mark.parametrize("percent, asked", [(0, 0), (100, 20)])
def test_after_the_first_a_share_is_asked(database: Database, percent: int, asked: int) -> None:
    shop = Shop(database, surveys__sample_percent=percent)
    for number in range(20):
        ordered(shop, f"Buyer{number}", number, at=NOON - 10 * DAY)
    assert ask(shop) == [None] * 20  # the first time everybody is
    keys = [each["key"] for each in shop.rows(Contact)]
    database.run(update_rows, Contact, [{"key": key, "status": "sent", "sent_at": NOON} for key in keys], key=("key",))
    shop.now = NOON + 200 * DAY
    for number in range(20):
        ordered(shop, f"Buyer{number}", f"again-{number}", at=shop.now - 10 * DAY)
    assert ask(shop)[20:].count(None) == asked


def test_the_oldest_come_first_and_no_more_than_are_wanted(database: Database) -> None:
    shop = Shop(database)
    for number in range(6):
        ordered(shop, f"Buyer{number}", number, at=NOON - timedelta(days=10 + number))
    delivered(shop, 3, NOON - timedelta(days=8, hours=1))
    found = due(shop, limit=4)
    assert [one.cause_at for one in found] == sorted(one.cause_at for one in due(shop))[:4]
    rest = database.look(PLAY.candidates, programme=shop.programme, now=shop.now, limit=9, after=found[-1].cause_at)
    assert {one.subject for one in found} | {one.subject for one in rest} == {one.subject for one in due(shop)}


def test_the_next_moment_is_that_of_the_next_delivery(database: Database) -> None:
    """Rule 44: the try-out's time machine stops at it."""
    shop = Shop(database)
    look = {"programme": shop.programme, "now": NOON}
    assert database.look(PLAY.next_at, **look) is None
    ordered(shop, "Anna", 1, at=NOON - DAY)
    ordered(shop, "Bram", 2, at=NOON - 2 * DAY)
    assert database.look(PLAY.next_at, **look) == NOON + 8 * DAY
    delivered(shop, 1, NOON)
    delivered(shop, 2, NOON - DAY)
    assert database.look(PLAY.next_at, **look) == NOON + 6 * DAY
