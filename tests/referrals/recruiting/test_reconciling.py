"""What a shop says when it is asked: guesses are decided, pages move their watermark, failures wait longer."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from referrals.recruiting.events import RECONCILE, Delivery
from referrals.recruiting.reconciling import (
    OVERLAP,
    apply_page,
    asked_of,
    due_shops,
    finish,
    guessed_orders,
    note_failure,
    read_asked,
)
from referrals.recruiting.shops import OrderState
from referrals.recruiting.shops.standard import tombstone
from storage.bulk import insert_rows
from storage.database import Database
from storage.installation import Setting
from storage.mailbox import Inbox
from storage.orders import Order, ShopWatermark
from tests.builders import NOON, SHOP, Shop, friend, later, order

HOUR = timedelta(hours=1)
WOO = {
    "kind": "woocommerce", "name": SHOP, "secrets": ["s"], "landing_url": "https://shop.example/?ref={code}",
    "api": {"url": "https://shop.example", "key": "ck", "secret": "cs"},
}  # fmt: skip
OTHER = {"kind": "standard", "name": "market", "secrets": ["s"], "landing_url": "https://market.example/?ref={code}"}


def webshop(database: Database, **keys: Any) -> Shop:
    return Shop(database, shops=[WOO], **keys)


def answer(shop: Shop, *states: OrderState, at: datetime = NOON, until: datetime | None = None) -> dict[str, int]:
    """The shop was asked then, and said this."""
    items = [Delivery(RECONCILE, SHOP, b"{}", state, at) for state in states]
    return shop.database.run(
        apply_page, items, shop=SHOP, changed_until=until, programme=shop.programme, now=max(at, NOON)
    )


def standing(shop: Shop) -> list[tuple[str, bool]]:
    return [(row["status"], row["needs_fetch"]) for row in shop.rows(Order)]


def guessed(shop: Shop) -> list[str]:
    return [each.external_id for each in shop.database.look(guessed_orders, SHOP, after=0, limit=9)]


def test_a_guess_within_one_second_is_decided_by_the_shops_answer(database: Database) -> None:
    """Rule 1: the tie-break guessed, the next reconcile decides, whatever the guess was."""
    shop = webshop(database)
    _, code = shop.ambassador("Anna")
    paid = order(1, code=code)
    shop.deliver(paid, later(paid, 0, status="refunded", refunded_minor=9000))
    assert (standing(shop), guessed(shop)) == ([("refunded", True)], ["1"])

    answer(shop, paid, at=NOON + HOUR)

    assert (standing(shop), guessed(shop)) == ([("paid", False)], [])
    assert shop.reasons("1") == ["on_hold_until"]
    assert shop.faults() == []


def test_an_order_that_the_shop_still_has_was_not_deleted(database: Database) -> None:
    """Rule 1: of a tombstone only the time of its receipt is known, so an older answer stands above it."""
    shop = webshop(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    shop.deliver(tombstone(SHOP, "1"), now=NOON + HOUR)
    assert shop.balance(anna).held_minor == 0

    answer(shop, order(1, code=code), at=NOON + 2 * HOUR)

    assert standing(shop) == [("paid", False)]
    assert shop.balance(anna).held_minor == 1500
    assert shop.faults() == []


def test_an_order_that_the_shop_has_no_more_is_deleted_for_sure(database: Database) -> None:
    shop = webshop(database)
    shop.deliver(order(1))
    shop.deliver(tombstone(SHOP, "1"), now=NOON + HOUR)

    answer(shop, tombstone(SHOP, "1"), at=NOON + 2 * HOUR)

    assert standing(shop) == [("deleted", False)]


def test_what_came_after_the_question_is_left_to_the_next_one(database: Database) -> None:
    shop = webshop(database)
    shop.deliver(order(1))
    shop.deliver(tombstone(SHOP, "1"), now=NOON + 2 * HOUR)

    answer(shop, order(1), at=NOON + HOUR)

    assert standing(shop) == [("deleted", True)]


def test_the_watermark_moves_with_its_page_and_never_back_or_into_the_future(database: Database) -> None:
    shop = webshop(database)
    assert shop.database.look(asked_of, SHOP).since is None

    answer(shop, order(1), until=NOON - HOUR)
    assert shop.database.look(asked_of, SHOP).since == NOON - HOUR - OVERLAP
    answer(shop, until=NOON - 2 * HOUR)
    assert shop.database.look(asked_of, SHOP).since == NOON - HOUR - OVERLAP
    answer(shop, until=NOON + timedelta(days=9999))
    assert shop.database.look(asked_of, SHOP).since == NOON - OVERLAP


def test_only_what_made_no_sense_is_kept_and_once(database: Database) -> None:
    shop = webshop(database)
    good = {"id": 7, "status": "processing", "currency": "EUR", "total": "90.00", "line_items": []}
    bodies = [json.dumps(good | changes).encode() for changes in ({}, {"id": 8, "total": "a lot"})]
    items = [read_asked(shop.programme.config.shops[0], body, asked_at=NOON) for body in bodies]

    for _ in range(2):
        counts = shop.database.run(apply_page, items, shop=SHOP, changed_until=None, programme=shop.programme, now=NOON)

    assert counts == {"unchanged": 1, "quarantined": 1}
    (kept,) = shop.rows(Inbox)
    assert (kept["kind"], kept["subject"], kept["reason"]) == ("reconcile", "order:8", "total is not an amount")


def test_a_shop_that_was_read_to_the_end_makes_the_history_known(database: Database) -> None:
    """Rule 13: what waited for that alone is decided."""
    shop = webshop(database, programme__no_history=False)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=code))

    answer(shop, order(0, friend(1), at=NOON - timedelta(days=300)))
    assert shop.database.run(finish, shop.programme.config.shops[0], whole=True, programme=shop.programme, now=NOON)

    assert shop.reasons("1") == ["friend_is_existing_customer"]
    assert shop.reasons("2") == ["on_hold_until"]
    assert shop.balance(anna).held_minor == 1500


@pytest.mark.parametrize("whole,shops", [(False, [WOO]), (True, [WOO, OTHER])], ids=["in part", "another shop"])
def test_the_history_is_not_known_before_every_shop_was_read_whole(
    database: Database, whole: bool, shops: list[dict[str, Any]]
) -> None:
    shop = Shop(database, shops=shops, programme__no_history=False)

    said = shop.database.run(finish, shop.programme.config.shops[0], whole=whole, programme=shop.programme, now=NOON)

    assert not said
    assert "history_known_since" not in [row["key"] for row in shop.rows(Setting)]


@pytest.mark.parametrize("failures,minutes", [(0, 15), (1, 30), (3, 120), (40, 360)])
def test_a_shop_is_asked_every_quarter_of_an_hour_and_less_often_after_failures(
    database: Database, failures: int, minutes: int
) -> None:
    shop = Shop(database, shops=[WOO, OTHER])
    assert _due(shop, NOON) == [SHOP]
    shop.database.run(insert_rows, ShopWatermark, [{"shop": SHOP, "ran_at": NOON, "failures": failures}])
    assert _due(shop, NOON + timedelta(minutes=minutes - 1)) == []
    assert _due(shop, NOON + timedelta(minutes=minutes)) == [SHOP]


def test_a_failure_is_counted_and_ends_with_the_next_success(database: Database) -> None:
    shop = webshop(database)
    for _ in range(2):
        shop.database.run(note_failure, SHOP, error="it refuses our key (401)", now=NOON)
    (row,) = shop.rows(ShopWatermark)
    assert (row["failures"], row["error"]) == (2, "it refuses our key (401)")

    shop.database.run(finish, shop.programme.config.shops[0], whole=False, programme=shop.programme, now=NOON)

    (row,) = shop.rows(ShopWatermark)
    assert (row["failures"], row["error"], row["whole_since"]) == (0, None, None)


def _due(shop: Shop, now: datetime) -> list[str]:
    def look(session: Session) -> list[str]:
        return due_shops(session, programme=shop.programme, now=now)

    return shop.database.look(look)
