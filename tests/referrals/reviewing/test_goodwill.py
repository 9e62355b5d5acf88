"""Goodwill: credit that no rule owes, within a year's cap, on an account of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from referrals.errors import GoodwillGiven, GoodwillSpent, NothingToGive
from referrals.recruiting.joining import join
from referrals.reviewing.goodwill import give_goodwill, left_this_year
from referrals.reviewing.refusals import refusals_of
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.ledger import Bonus, Entry
from storage.mailbox import Outbox
from storage.orders import Order
from tests.builders import NOON, Shop, friend, later, order

ACTOR = "owner:1"


def full_month(database: Database, **keys: Any) -> tuple[Shop, int, str]:
    """One bonus a month, and Anna brought two friends."""
    shop = Shop(database, bonus__ambassador__per_month=1, **keys)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=code))
    return shop, anna, code


def number_of(shop: Shop, external_id: str) -> int:
    return int(next(row["id"] for row in shop.rows(Order) if row["external_id"] == external_id))


def give(shop: Shop, customer_id: int, external_id: str, **more: Any) -> int:
    how: dict[str, Any] = {"why": "she asked", "actor": ACTOR, "programme": shop.programme, "now": shop.now}
    return shop.database.run(give_goodwill, customer_id, order_id=number_of(shop, external_id), **how, **more)


def goodwill(shop: Shop) -> int:
    return sum(row["amount_minor"] for row in shop.rows(Entry) if row["account"] == "goodwill")


def test_it_is_credit_at_once_from_an_account_of_its_own(database: Database) -> None:
    """Rule 9: the programme's cost and its goodwill are two accounts."""
    shop, anna, _ = full_month(database)
    give(shop, anna, "2")
    assert (shop.balance(anna).available_minor, shop.balance(anna).held_minor) == (1500, 1500)
    assert (goodwill(shop), shop.faults()) == (-1500, [])
    (log,) = shop.rows(AuditEvent)
    assert (log["actor"], log["action"], log["after"]["amount_minor"]) == (ACTOR, "bonus:goodwill", 1500)
    assert [row["kind"] for row in shop.rows(Outbox)].count("goodwill_given") == 1


def test_a_refund_of_the_order_leaves_it(database: Database) -> None:
    shop, anna, code = full_month(database)
    give(shop, anna, "2")
    shop.deliver(later(order(2, friend(2), code=code), status="refunded", refunded_minor=9000))
    assert (shop.balance(anna).available_minor, shop.faults()) == (1500, [])


def test_a_place_that_becomes_free_pays_the_order_no_second_time(database: Database) -> None:
    """Rule 6b fills a freed place with the next in line, and that is no order that goodwill was given for."""
    shop, anna, code = full_month(database)
    give(shop, anna, "2")
    shop.deliver(later(order(1, friend(1), code=code), status="cancelled"))
    assert (shop.balance(anna).available_minor, shop.balance(anna).held_minor) == (1500, 0)
    assert shop.reasons("2") == ["goodwill"]
    assert shop.faults() == []


def test_once_an_order_and_never_beside_a_bonus(database: Database) -> None:
    shop, anna, _ = full_month(database)
    give(shop, anna, "2")
    for external_id in ("1", "2"):
        with pytest.raises(GoodwillGiven):
            give(shop, anna, external_id)
    assert goodwill(shop) == -1500


def test_a_year_has_its_cap_and_the_next_year_its_own(database: Database) -> None:
    shop, anna, code = full_month(database, fraud__goodwill_per_year="20.00")
    shop.deliver(order(3, friend(3), code=code))
    give(shop, anna, "2")
    with pytest.raises(GoodwillSpent):
        give(shop, anna, "3")
    how: dict[str, Any] = {"programme": shop.programme}
    assert shop.database.look(left_this_year, **how, now=shop.now) == 500
    shop.now = NOON + timedelta(days=60)
    give(shop, anna, "3", amount_minor=2000)
    assert (goodwill(shop), shop.faults()) == (-3500, [])


def test_an_order_that_never_counted_gives_what_the_rules_would_have(database: Database) -> None:
    """Rule 12 keeps the loser: an order of somebody who bought before has no bonus row, and none comes later."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), at=NOON - timedelta(days=9)))
    shop.deliver(order(2, friend(1, orders=2), code=code))
    assert shop.reasons("2") == ["friend_is_existing_customer"]
    give(shop, anna, "2")
    assert (shop.balance(anna).available_minor, len(shop.rows(Bonus)), shop.faults()) == (1500, 2, [])


def test_without_an_amount_of_its_own_the_owner_must_say_one(database: Database) -> None:
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code, total=1000))
    with pytest.raises(NothingToGive):
        give(shop, anna, "1")
    give(shop, anna, "1", amount_minor=500)
    assert shop.balance(anna).available_minor == 500


def test_an_owner_sees_what_earned_nothing_and_what_is_left_to_give(database: Database) -> None:
    shop, anna, _ = full_month(database)
    how: dict[str, Any] = {"programme": shop.programme, "now": shop.now, "limit": 5}
    (refused,) = shop.database.look(refusals_of, anna, **how)
    assert (refused.external_id, refused.amount_minor, refused.left_minor) == ("2", 1500, 25_000)
    assert [why["code"] for why in refused.reasons] == ["month_cap"]
    give(shop, anna, "2")
    assert shop.database.look(refusals_of, anna, **how) == []


def test_who_turns_out_to_be_one_person_is_not_paid_twice_for_one_order(database: Database) -> None:
    """Anna brought the friend, her other account was given goodwill for the order: rules 6 and 15."""
    shop = Shop(database)
    other, _ = shop.ambassador("Annie")
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code))
    give(shop, other, "1", amount_minor=1000)
    one = shop.database.run(join, anna, other, programme=shop.programme, now=shop.now)
    assert (shop.balance(one).available_minor, shop.balance(one).held_minor) == (1000, 0)
    held = next(row for row in shop.rows(Bonus) if row["origin"] == f"order:{number_of(shop, '1')}")
    assert ([why["code"] for why in held["reasons"]], shop.faults()) == (["goodwill"], [])
