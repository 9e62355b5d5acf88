from __future__ import annotations

import json
from datetime import timedelta

from referrals.figures.clicks import count_clicks
from referrals.figures.today import Today, today
from referrals.recruiting.clicks import ClickItem, record_clicks
from storage.bulk import insert_rows, update_rows
from storage.customers import Customer
from storage.database import Database
from storage.mailbox import Chat, Inbox
from tests.builders import NOON, SHOP, Shop, friend, later, order


def figures(shop: Shop) -> Today:
    return shop.database.look(today, programme=shop.programme, now=shop.now)


def test_what_came_through_ambassadors_today_is_beside_yesterday(database: Database) -> None:
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code, at=NOON - timedelta(hours=20)))
    shop.deliver(order(2, friend(2), code=code), order(3, friend(3), code=code, total=5000), order(4, friend(4)))
    found = figures(shop)
    assert (found.today.orders, found.today.revenue_minor, found.today.friends) == (2, 14000, 2)
    assert (found.yesterday.orders, found.yesterday.revenue_minor) == (1, 9000)
    assert (found.week.orders, found.week_before.orders) == (3, 0)
    assert (found.held.count, found.held.amount_minor, found.available.count) == (3, 4500, 0)


def test_a_part_that_came_back_is_no_revenue_and_a_whole_one_no_order(database: Database) -> None:
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    first, second = order(1, friend(1), code=code), order(2, friend(2), code=code)
    shop.deliver(first, second)
    shop.deliver(later(first, refunded_minor=4000), later(second, refunded_minor=9000, status="refunded"))
    assert (figures(shop).today.orders, figures(shop).today.revenue_minor) == (1, 5000)


def test_orders_of_people_who_are_out_are_only_counted_as_left_out(database: Database) -> None:
    """Rule 33: staff and excluded people are out, their number is shown to the owner."""
    shop = Shop(database)
    joris, code = shop.ambassador("Joris")
    shop.deliver(order(1, friend(1), code=code))
    database.run(update_rows, Customer, [{"id": joris, "state": "staff"}], key=("id",))
    found = figures(shop)
    assert (found.today.orders, found.today.revenue_minor, found.today.excluded, found.excluded) == (0, 0, 1, 1)


def test_released_bonuses_are_available_and_no_longer_held(database: Database) -> None:
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code))
    shop.pass_days(22)
    found = figures(shop)
    assert (found.held.count, found.available.count, found.available.amount_minor) == (0, 1, 1500)


def test_what_needs_a_hand_is_counted(database: Database) -> None:
    shop = Shop(database)
    inbox = {"kind": "hook", "source": SHOP, "digest": "", "received_at": NOON}
    database.run(insert_rows, Inbox, [inbox | {"status": status} for status in ("done", "quarantined")])
    database.run(insert_rows, Chat, [{"chat_id": 5, "reachable": False, "created_at": NOON}])
    found = figures(shop)
    assert (found.quarantined, found.unreachable, found.needs_fetch, found.waiting) == (1, 1, 0, 0)


def test_clicks_are_counted_in_their_window_whatever_the_ids(database: Database) -> None:
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    for hours in range(0, 240, 6):
        item = ClickItem(code=code, shop=SHOP, at=NOON - timedelta(hours=240 - hours))
        database.run(record_clicks, [item], programme=shop.programme)
    assert database.look(count_clicks, NOON - timedelta(hours=24), until=NOON) == 4
    assert database.look(count_clicks, NOON - timedelta(days=30), until=NOON) == 40
    assert database.look(count_clicks, NOON, until=NOON + timedelta(days=1)) == 0
    assert figures(shop).today.clicks == 2  # at midnight and at six


def test_the_figures_are_plain_data_without_anybody_in_it(database: Database) -> None:
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    text = json.dumps(figures(shop).as_dict())
    assert "Anna" not in text
    assert "bram" not in text
