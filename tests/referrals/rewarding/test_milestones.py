"""Milestones: an extra for so many approved friends, booked as the difference to what is owed (rules 6d)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.conversation import Look
from bot.screens.home import gather_home, render_home
from bot.texts import Texts
from bot.voice import Voice
from referrals.figures.board import board
from referrals.notices import BONUS_REVERSED, MILESTONE_REACHED
from referrals.recruiting.joining import join
from referrals.recruiting.shops import OrderState
from referrals.rewarding.lots import milestone_of
from referrals.rewarding.milestones import next_milestone, reached
from referrals.rewarding.terms import Milestone, Terms, terms_book
from storage import orders as stored_orders
from storage.database import Database
from storage.ledger import AVAILABLE, Bonus
from storage.mailbox import Outbox
from tests.builders import Shop, friend, later, order
from tests.referrals.rewarding.purse import Purse

TWO = {"bonus__milestones": [{"friends": 2, "amount": "10.00"}]}


def with_milestones(*milestones: Milestone) -> Terms:
    return Terms("first_order", "fixed", "EUR", 1500, 0, None, 0, None, None, 21, 30, milestones=milestones)


MIXED = with_milestones(Milestone(3, 1000), Milestone(5, 500, repeats=True), Milestone(10, 2500))


@pytest.mark.parametrize(
    "before, after, won",
    [
        (0, 2, {}),
        (2, 3, {3: 1000}),
        (2, 6, {3: 1000, 5: 500}),
        (3, 3, {}),
        (6, 4, {}),
        (9, 16, {10: 2500, 15: 500}),
    ],
)
def test_each_number_of_friends_on_the_way_counts_once(before: int, after: int, won: dict[int, int]) -> None:
    """Rule 6d: a number named for itself stands above one that repeats."""
    assert reached(MIXED, before=before, after=after) == won


@pytest.mark.parametrize("friends, ahead", [(0, (3, 1000)), (3, (5, 500)), (9, (10, 2500)), (10, (15, 500))])
def test_the_next_milestone_is_named(friends: int, ahead: tuple[int, int]) -> None:
    assert next_milestone(MIXED, friends) == ahead


def test_after_the_last_milestone_there_is_none() -> None:
    assert next_milestone(with_milestones(Milestone(3, 1000)), 3) is None


@pytest.mark.parametrize(
    "origin, friends", [("milestone:12", 12), ("milestone:3#88", None), ("order:3", None), ("12", None)]
)
def test_an_origin_names_its_number(origin: str, friends: int | None) -> None:
    assert milestone_of(origin) == friends


def extras(shop: Shop, customer_id: int) -> dict[str, int]:
    rows = shop.rows(Bonus)
    return {
        row["origin"]: row["amount_minor"]
        for row in rows
        if row["customer_id"] == customer_id and row["friend_id"] is None
    }


def told(shop: Shop) -> list[str]:
    kinds = (MILESTONE_REACHED, BONUS_REVERSED)
    return [row["kind"] for row in shop.rows(Outbox) if row["kind"] in kinds]


def test_an_extra_comes_with_the_friend_who_makes_it_so_many(database: Database) -> None:
    """Rule 6d: not when friends order, but when they are approved."""
    shop = Shop(database, **TWO)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=code))
    assert extras(shop, anna) == {}

    shop.pass_days(22)

    assert extras(shop, anna) == {"milestone:2": 1000}
    assert shop.balance(anna).available_minor == 2 * 1500 + 1000
    assert told(shop) == [MILESTONE_REACHED]
    assert shop.faults() == []


def test_an_extra_goes_when_a_friend_falls_away_and_comes_back_with_the_next(database: Database) -> None:
    """Rules 6d, 9: the difference is booked each time, and never twice."""
    shop = Shop(database, **TWO)
    anna, code = shop.ambassador("Anna")
    first = order(1, friend(1), code=code)
    shop.deliver(first, order(2, friend(2), code=code))
    shop.pass_days(22)

    shop.deliver(later(first, status="refunded", refunded_minor=9000))
    assert extras(shop, anna) == {"milestone:2": 0}
    assert shop.balance(anna).available_minor == 1500
    assert [why["code"] for row in shop.rows(Bonus) if row["friend_id"] is None for why in row["reasons"]] == [
        "milestone_lost"
    ]

    shop.deliver(order(3, friend(3), code=code, at=shop.now))
    shop.pass_days(22)
    assert extras(shop, anna) == {"milestone:2": 1000}
    assert told(shop) == [MILESTONE_REACHED, BONUS_REVERSED, BONUS_REVERSED, MILESTONE_REACHED]
    assert shop.faults() == []


def test_an_extra_that_lies_in_a_voucher_takes_it_along_and_one_that_was_spent_is_owed(database: Database) -> None:
    """Rules 6d, 9: what is taken back is taken where it lies."""
    shop = Shop(database, **TWO)
    purse = Purse(shop, bonuses=2)
    assert shop.balance(purse.anna).available_minor == 4000
    purse.redeem(purse.issue(2000).code, None)
    purse.issue(2000)

    for state in purse.orders:
        shop.deliver(later(state, status="refunded", refunded_minor=9000))

    balance = shop.balance(purse.anna)
    assert (balance.available_minor, balance.reserved_minor, balance.debt_minor) == (0, 0, 2000)
    assert extras(shop, purse.anna) == {"milestone:2": 0}
    assert shop.faults() == []


def test_the_board_counts_an_extras_money_and_no_friend_for_it(database: Database) -> None:
    """Rule 33: friends and revenue are those of the orders."""
    shop = Shop(database, **TWO)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=code))
    shop.pass_days(22)
    found = database.look(board, period="all", programme=shop.programme, now=shop.now)
    (row,) = found.rows
    assert (row.friends, row.revenue_minor, row.bonus_minor) == (2, 18000, 4000)


def test_home_says_how_many_friends_are_missing(database: Database) -> None:
    """Nothing of it is said before the first friend, and nothing after the last milestone."""
    shop = Shop(database, **TWO)
    anna, code = shop.ambassador("Anna")
    look = Look(customer_id=anna, chat_id=1, is_owner=False, sees_history=True, now=shop.now)
    ahead = []
    for number in range(3):
        data = database.look(gather_home, look, programme=shop.programme)
        ahead.append(data.get("milestone"))
        words = render_home(Voice(Texts(), "nl", shop.programme), data).text
        assert ("Nog 1 vriend " in words.replace("\N{NO-BREAK SPACE}", " ")) == (number == 1)
        shop.deliver(order(number, friend(number), code=code, at=shop.now))
        shop.pass_days(22)
    assert ahead == [None, {"count": 1, "amount_minor": 1000, "currency": "EUR"}, None]


def test_what_was_given_stays_as_it_was_when_the_amount_changes(database: Database) -> None:
    """Rules 3, 6d: the milestones in force when it is reached hold; an earlier number is not given afterwards."""
    shop = Shop(database, **TWO)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=code))
    shop.pass_days(22)
    changed = [{"friends": each, "amount": "20.00"} for each in (1, 2, 3)]
    richer = Shop(database, bonus__milestones=changed)
    richer.now = shop.now

    richer.deliver(order(3, friend(3), code=code, at=richer.now))
    richer.pass_days(22)

    assert extras(richer, anna) == {"milestone:2": 1000, "milestone:3": 2000}
    assert richer.faults() == []


def test_two_ambassadors_who_are_one_have_each_milestone_once(database: Database) -> None:
    """Rules 6d, 15: what both had is taken back once, and their friends together reach the next."""
    shop = Shop(database, bonus__milestones=[{"friends": 1, "amount": "5.00"}, {"friends": 2, "amount": "10.00"}])
    anna, code = shop.ambassador("Anna")
    twin, other = shop.ambassador("Anna-2")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=other))
    shop.pass_days(22)

    kept = database.run(join, anna, twin, programme=shop.programme, now=shop.now)

    standing = {origin: minor for origin, minor in extras(shop, kept).items() if minor}
    assert standing == {"milestone:1": 500, "milestone:2": 1000}
    assert shop.balance(kept).available_minor == 2 * 1500 + 1500
    assert shop.faults() == []


def test_two_friends_who_are_one_are_one_friend_less(database: Database) -> None:
    """Rules 6d, 15: the number of friends falls, and the extra with it."""
    shop = Shop(database, **TWO)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=code))
    shop.pass_days(22)
    one, two = sorted({row["friend_id"] for row in shop.rows(Bonus) if row["friend_id"]})

    database.run(join, one, two, programme=shop.programme, now=shop.now)

    assert extras(shop, anna) == {"milestone:2": 0}
    assert shop.faults() == []


def test_terms_without_milestones_are_stored_as_they_always_were(database: Database) -> None:
    """Rule 3: older terms keep their hash, and can be read."""
    for day, keys in enumerate(({}, TWO, TWO)):
        shop = Shop(database, **keys)
        database.run(terms_book, programme=shop.programme, now=shop.now + timedelta(days=day))
    bodies: list[dict[str, Any]] = [row["body"] for row in shop.rows(stored_orders.Terms)]
    assert sorted("milestones" in body for body in bodies) == [False, True]


@pytest.mark.parametrize(
    "story",
    [
        "0 1 wait 2 3 wait -0 -1 wait 4 wait -2",  # up to four, down to two, up to three, down again
        "0 wait 0 -0 wait 1 wait -0 -1 wait 2 3 wait",  # the only friend goes, and others come
        "0 1 2 3 4 5 wait -5 -4 -3 -2 -1 -0 wait 6 wait",  # six at once, all away, one anew
    ],
)
def test_what_is_booked_is_what_is_owed_whatever_happens(database: Database, story: str) -> None:
    """Rule 6d: after every step an extra stands exactly if its number of friends does."""
    steps = [{"friends": 1, "amount": "5.00"}, {"friends": 2, "amount": "7.00", "repeat": True}]
    shop = Shop(database, hold__days=3, bonus__milestones=steps)
    anna, code = shop.ambassador("Anna")
    bought: dict[str, OrderState] = {}
    for number, step in enumerate(story.split()):
        if step == "wait":
            shop.pass_days(4)
        elif step.startswith("-"):
            shop.deliver(later(bought[step[1:]], minutes=9, status="refunded", refunded_minor=9000))
        else:
            bought[step] = order(number, friend(int(step)), code=code, at=shop.now)
            shop.deliver(bought[step])
        friends = {row["friend_id"] for row in shop.rows(Bonus) if row["friend_id"] and _stands(row)}
        owed = {f"milestone:{each}": 500 if each == 1 else 700 for each in (1, 2, 4, 6) if each <= len(friends)}
        assert {origin: minor for origin, minor in extras(shop, anna).items() if minor} == owed
    assert shop.faults() == []


def _stands(row: dict[str, Any]) -> bool:
    return bool(row["status"] == AVAILABLE and row["amount_minor"])
