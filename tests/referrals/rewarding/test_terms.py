"""Terms: which rules an order was made under (rules 3)."""

from __future__ import annotations

from datetime import timedelta

from referrals.rewarding.terms import terms_book
from storage.database import Database
from storage.orders import Terms
from tests.builders import NOON, Shop


def test_terms_that_come_back_leave_their_first_time_alone(database: Database) -> None:
    """Rule 3: the first terms hold for all earlier orders, each later ones from their day on."""
    amounts = ("15.00", "20.00", "15.00")
    shops = [Shop(database, bonus__ambassador__amount=amount) for amount in amounts]
    for day, shop in enumerate(shops):
        database.run(terms_book, programme=shop.programme, now=NOON + timedelta(days=day))

    book = database.look(terms_book, programme=shops[-1].programme, now=NOON + timedelta(days=9))

    days = [NOON + timedelta(days=day) for day in (-100, 0.5, 1.5, 2.5)]
    assert [book.in_force(day).amount_minor for day in days] == [1500, 1500, 2000, 1500]


def test_the_same_configuration_is_stored_once(database: Database) -> None:
    """Rule 3: a restart, or a second process, makes no new terms."""
    shop = Shop(database)

    for day in range(3):
        database.run(terms_book, programme=shop.programme, now=NOON + timedelta(days=day))

    assert len(shop.rows(Terms)) == 1
