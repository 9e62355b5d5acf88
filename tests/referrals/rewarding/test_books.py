"""The ledger, the end of the wait and the audit (rules 8, 9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from referrals.rewarding.books import audit
from referrals.rewarding.lots import release_step
from referrals.rewarding.redemptions import OrderKey, redeem_voucher
from referrals.rewarding.vouchers import issue_voucher
from storage.database import Database
from storage.ledger import Bonus, Posting
from tests.builders import SHOP, Shop, friend, later, order


def test_a_bonus_becomes_credit_when_its_hold_has_passed(database: Database) -> None:
    """Rule 8."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))

    shop.pass_days(20.99)
    assert (shop.balance(anna).held_minor, shop.balance(anna).available_minor) == (1500, 0)

    shop.pass_days(0.02)
    assert (shop.balance(anna).held_minor, shop.balance(anna).available_minor) == (0, 1500)
    assert shop.faults() == []


def test_a_late_refund_takes_the_credit_back(database: Database) -> None:
    """Rule 9: the lot is taken where it lies."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    paid = order(1, code=code)
    shop.deliver(paid)
    shop.pass_days(22)

    shop.deliver(later(paid, 99_999, status="refunded", refunded_minor=9000), now=shop.now)

    assert shop.balance(anna).available_minor == 0
    assert [row["status"] for row in shop.rows(Bonus)] == ["reversed"]
    assert [(row["friends"], row["revenue_minor"]) for row in shop.rows(Posting)] == [(0, 0), (1, 9000), (-1, -9000)]
    assert shop.faults() == []


def test_what_was_spent_becomes_a_debt_that_later_credit_pays(database: Database) -> None:
    """Rule 9: redeemed credit turns into debt; nobody is asked to pay in."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    paid = order(1, code=code)
    shop.deliver(paid)
    shop.pass_days(22)
    spent: dict[str, Any] = {"currency": "EUR", "now": shop.now, "amount_minor": 1000}
    voucher = database.run(issue_voucher, anna, **spent, programme=shop.programme)
    database.run(redeem_voucher, voucher.code, order=OrderKey(SHOP, "9"), **spent, actor="key:till")

    shop.deliver(later(paid, 99_999, status="refunded", refunded_minor=9000), now=shop.now)
    assert (shop.balance(anna).available_minor, shop.balance(anna).debt_minor) == (0, 1000)

    shop.deliver(order(2, friend(2), code=code, at=shop.now), now=shop.now)
    shop.pass_days(22)
    assert (shop.balance(anna).available_minor, shop.balance(anna).debt_minor) == (500, 0)
    assert shop.faults() == []


def test_a_friend_counts_once_however_many_orders_are_rewarded(database: Database) -> None:
    """Rule 33: a friend counts in the period in which the bonus became available."""
    shop = Shop(database, bonus__ambassador__when="every_order")
    _, code = shop.ambassador("Anna")
    first = order(1, code=code)
    shop.deliver(first, replace(order(2, code=code), buyer=replace(first.buyer, orders=2)))
    shop.pass_days(22)

    shop.deliver(later(first, 99_999, status="cancelled"), now=shop.now)

    assert [row["friends"] for row in shop.rows(Posting)] == [0, 0, 1, 0, 0]


@pytest.mark.parametrize("statement", ["UPDATE entry SET amount_minor = 1", "DELETE FROM posting WHERE id > 0"])
def test_nothing_in_the_books_is_ever_edited(database: Database, statement: str) -> None:
    """Rule 9: corrections are new lines; the database refuses the rest."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))

    with pytest.raises(Exception, match="append-only"):
        database.run(lambda session: session.connection().execute(text(statement)) and None)


@pytest.mark.parametrize(
    "damage, check",
    [
        ("UPDATE bonus SET amount_minor = 1600", "a bonus is the sum of its postings"),
        ("UPDATE bonus SET status = 'available'", "a bonus lies where its status says"),
        ("UPDATE bonus SET postings = 2", "the numbers of a bonus' postings have no gap"),
        ("UPDATE bonus SET friend_id = customer_id", "nobody earns by an order of their own"),
        ("UPDATE shop_order SET ambassador_id = NULL", "a bonus is of its order"),
        ("UPDATE budget SET spent_minor = 1", "no more was given than the budget counts"),
    ],
)
def test_the_audit_names_what_is_off(database: Database, damage: str, check: str) -> None:
    """Contract 1: audit re-adds the books and names the first wrong row."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    assert shop.faults() == []

    database.run(lambda session: session.connection().execute(text(damage)) and None)

    assert check in [fault.check for fault in database.look(audit)]


def test_a_release_pays_the_debt_first() -> None:
    """Rule 9."""
    step = release_step(1500, debt_minor=2000, first_of_friend=True, revenue_minor=9000)

    assert dict(step.moves) == {"held": -1500, "debt": 1500}
