"""Refunds that come on their own, before, after and within the states of their orders (rules 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from referrals.recruiting.events import Answer, Delivery, apply_deliveries
from referrals.recruiting.orders import dry_run
from referrals.recruiting.shops import OrderState, Refund, RefundState
from storage.database import Database
from storage.orders import Order, OrderRefund
from tests.builders import NOON, SHOP, Shop, friend, later, order

TENTH = {"bonus__ambassador__kind": "percent", "bonus__ambassador__percent": "10"}
FIRST, SECOND = Refund("r1", 3000, "EUR"), Refund("r2", 2000, "EUR")


def with_refunds(state: OrderState, *refunds: Refund, minutes: int = 0) -> OrderState:
    """The order as its state tells it, with the refunds that it knows."""
    return later(state, minutes, refunds=refunds, refunded_minor=sum(refund.amount_minor for refund in refunds))


def refund(one: Refund, number: int = 1001) -> RefundState:
    return RefundState(SHOP, str(number), one)


def arrive(shop: Shop, *events: OrderState | RefundState, at: datetime = NOON) -> list[Answer]:
    """These events come together, through the one way in."""
    items = [Delivery(kind="hook", shop=SHOP, body=b"{}", event=event, received_at=at) for event in events]
    return shop.database.run(apply_deliveries, items, programme=shop.programme)


def test_a_refund_before_its_order_waits_for_it(database: Database) -> None:
    """Rule 2: whatever comes first, the bonus follows what is kept."""
    shop = Shop(database, **TENTH)
    anna, code = shop.ambassador("Anna")

    (early,) = arrive(shop, refund(FIRST))
    (answer,) = arrive(shop, with_refunds(order(1001, code=code)))

    assert (early.status, early.order, early.reasons) == ("applied", "1001", ())
    assert answer.status == "applied"
    assert shop.balance(anna).held_minor == 600
    assert shop.faults() == []


def test_a_refund_takes_its_share_back_and_twice_is_once(database: Database) -> None:
    """Rule 2: the map knows its number."""
    shop = Shop(database, **TENTH)
    anna, code = shop.ambassador("Anna")
    arrive(shop, with_refunds(order(1001, code=code)))

    first, again = arrive(shop, refund(FIRST), refund(FIRST))
    (later_on,) = arrive(shop, refund(FIRST))

    assert [first.status, again.status, later_on.status] == ["applied", "unchanged", "unchanged"]
    assert shop.balance(anna).held_minor == 600
    assert shop.rows(Order)[0]["refunded_minor"] == 3000
    assert shop.faults() == []


def test_the_orders_state_and_the_refund_are_one_refund(database: Database) -> None:
    """Rule 2: the state names it by the same number."""
    shop = Shop(database, **TENTH)
    anna, code = shop.ambassador("Anna")
    paid = order(1001, code=code)

    answers = arrive(shop, with_refunds(paid), with_refunds(paid, FIRST, minutes=5), refund(FIRST))
    again = arrive(shop, with_refunds(paid, FIRST, minutes=5))

    assert [answer.status for answer in answers + again] == ["applied", "applied", "unchanged", "unchanged"]
    assert shop.balance(anna).held_minor == 600


def test_every_order_of_arrival_comes_to_the_same(database: Database) -> None:
    """Rules 2 and 7: a state that knows one refund, the other on its own, both in any order."""
    shop = Shop(database, **TENTH)
    held = set()

    for number, places in enumerate(list(permutations(range(4)))[::3]):
        anna, code = shop.ambassador(f"Anna{number}")
        paid = order(number, friend(number), code=code)
        events: list[OrderState | RefundState] = [with_refunds(paid), with_refunds(paid, FIRST, minutes=5)]
        events += [refund(FIRST, number), refund(SECOND, number)]
        for place in places:
            arrive(shop, events[place])
        held.add(shop.balance(anna).held_minor)

    assert held == {400}
    assert {row["refunded_minor"] for row in shop.rows(Order)} == {5000}
    assert shop.faults() == []


def test_an_older_state_still_tells_of_a_refund(database: Database) -> None:
    """Rule 1 and 2: the state is out of date, the refund is not."""
    shop = Shop(database, **TENTH)
    anna, code = shop.ambassador("Anna")
    paid = order(1001, code=code)
    arrive(shop, with_refunds(paid, minutes=9))

    (answer,) = arrive(shop, replace(with_refunds(paid, FIRST, minutes=5), status="pending"))

    assert answer.status == "applied"
    assert shop.rows(Order)[0]["status"] == "paid"
    assert shop.balance(anna).held_minor == 600


def test_what_goes_beyond_the_order_counts_as_the_order(database: Database) -> None:
    """Rule 2: flagged, and nothing is owed."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    arrive(shop, with_refunds(order(1001, code=code)))

    (answer,) = arrive(shop, refund(replace(FIRST, amount_minor=9500)))

    row = shop.rows(Order)[0]
    assert (row["refunded_minor"], row["over_refunded"]) == (9000, True)
    assert [why["code"] for why in answer.reasons] == ["order_refunded"]
    assert shop.balance(anna).held_minor == 0


def test_a_refund_after_the_hold_takes_available_credit_back(database: Database) -> None:
    """Rule 9: a late reversal takes the lot where it lies."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    arrive(shop, with_refunds(order(1001, code=code)))
    shop.pass_days(22)
    assert shop.balance(anna).available_minor == 1500

    arrive(shop, refund(replace(FIRST, amount_minor=9000)), at=shop.now)

    assert shop.balance(anna).available_minor == 0
    assert shop.faults() == []


def test_an_amount_only_grows(database: Database) -> None:
    """Rule 2: grow-only; the map takes the most that it heard."""
    shop = Shop(database)
    arrive(shop, refund(FIRST))

    answers = arrive(shop, refund(replace(FIRST, amount_minor=1000)), refund(replace(FIRST, amount_minor=4000)))

    assert [answer.status for answer in answers] == ["unchanged", "applied"]
    assert [row["amount_minor"] for row in shop.rows(OrderRefund)] == [4000]


def test_in_the_buyers_currency_only_the_orders_state_counts(database: Database) -> None:
    """Rule 4: never converted; the state says the same refund in the shop's money."""
    shop = Shop(database, **TENTH)
    anna, code = shop.ambassador("Anna")
    paid = order(1001, code=code)
    abroad = refund(Refund("r1", 12_900, "PLN"))

    arrive(shop, with_refunds(paid), abroad)
    assert shop.balance(anna).held_minor == 900
    arrive(shop, with_refunds(paid, FIRST, minutes=5), abroad)

    assert shop.balance(anna).held_minor == 600
    assert [(row["amount_minor"], row["currency"]) for row in shop.rows(OrderRefund)] == [(3000, "EUR")]


def test_refunds_of_one_number_in_two_shops_are_two(database: Database) -> None:
    shop = Shop(database)
    arrive(shop, refund(FIRST), RefundState("elders", "1001", FIRST), refund(FIRST, 1002))

    assert len(shop.rows(OrderRefund)) == 3


def test_orders_of_other_shops_ask_for_no_refunds(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only shops that report refunds on their own pay for the look-up."""
    monkeypatch.delattr("referrals.recruiting.refunds.fetch_in")
    shop = Shop(database)

    (outcome,) = shop.deliver(order(1001))

    assert outcome.status == "applied"


def test_a_dry_run_counts_known_refunds_and_stores_none(database: Database) -> None:
    shop = Shop(database, **TENTH)
    _, code = shop.ambassador("Anna")
    arrive(shop, refund(FIRST))

    state = with_refunds(order(1001, code=code), SECOND)
    found = database.look(dry_run, state, programme=shop.programme, now=NOON + timedelta(hours=1))

    assert found.bonus_minor == 400
    assert len(shop.rows(OrderRefund)) == 1
