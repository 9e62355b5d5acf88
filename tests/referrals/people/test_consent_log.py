"""Who said what to whom, and when: every word on consent is on record, in the order in which it was said."""

from __future__ import annotations

from datetime import timedelta

from referrals.asking.wishes import set_wish
from referrals.people.persons import resume, stop
from referrals.recruiting.shops import Buyer
from storage.customers import Customer
from storage.database import Database
from storage.privacy import ConsentWord
from tests.builders import NOON, Shop, order

DAY = timedelta(days=1)


def words(shop: Shop) -> list[tuple[str, bool, str, str | None]]:
    return [(row["about"], row["given"], row["channel"], row["wording"]) for row in shop.rows(ConsentWord)]


def buyer(consent: bool | None) -> Buyer:
    return Buyer("77", "bram@example.nl", marketing_consent=consent)


def test_what_a_shop_says_of_marketing_is_kept_once_for_each_change(database: Database) -> None:
    """Rule 28: the newest word stands; the log says where it came from and when it was said."""
    shop = Shop(database)
    shop.deliver(order("1", buyer(True), at=NOON))
    shop.deliver(order("2", buyer(None), at=NOON + DAY))
    shop.deliver(order("3", buyer(False), at=NOON + 2 * DAY))
    shop.deliver(order("0", buyer(True), at=NOON - DAY))  # an old order, told late: no news
    assert words(shop) == [("marketing", True, "shop:webshop", None), ("marketing", False, "shop:webshop", None)]
    assert [row["said_at"] for row in shop.rows(ConsentWord)] == [NOON, NOON + 2 * DAY]
    assert [row["marketing_consent"] for row in shop.rows(Customer)] == [False]


def test_what_is_chosen_in_the_chat_is_kept_with_the_wording_and_only_when_it_changes(database: Database) -> None:
    """Rule 28: /stop, its end, and the kinds of messages."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    for _ in range(2):
        database.run(stop, anna, now=NOON)
    database.run(resume, anna, now=NOON)
    for wanted in (True, False, False):
        database.run(set_wish, anna, kind="tips", wanted=wanted, now=NOON)
    assert words(shop) == [
        ("messages", False, "chat", "1"),
        ("messages", True, "chat", "1"),
        ("tips", False, "chat", "1"),
    ]
