"""What happened is written with its cause, once, for whoever subscribed, and for nobody otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from sqlmodel import Session

from referrals.asking import approval, references
from referrals.privacy.erasure import erase
from referrals.recruiting.shops import CustomerState
from referrals.recruiting.sign_ups import apply_customers
from referrals.reviewing.goodwill import give_goodwill
from referrals.rewarding.redemptions import OrderKey, redeem_voucher, rollback_voucher
from referrals.rewarding.vouchers import expire_vouchers, issue_voucher, void_voucher
from referrals.subscribers.events import tell_subscribers
from storage.database import Database
from storage.orders import Order
from storage.subscribers import WebhookDelivery, WebhookEvent
from tests.builders import NOON, SHOP, Shop, friend, later, order
from tests.referrals.asking.telling import WORDS, buy, published, step
from tests.referrals.subscribers.subscriber import claim, deliveries, events, subscribe


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


def types(shop: Shop) -> list[str]:
    return [kind for kind, _ in events(shop)]


def test_a_batch_in_which_nothing_of_the_kind_happens_asks_nothing() -> None:
    no_session = cast("Session", None)
    tell_subscribers(no_session, [], now=NOON)


def test_nothing_is_written_where_nobody_subscribed(shop: Shop) -> None:
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    assert (shop.rows(WebhookEvent), shop.rows(WebhookDelivery)) == ([], [])

    subscribe(shop)
    assert shop.rows(WebhookEvent) == []  # it counts from here on


def test_the_life_of_a_bonus_is_told_step_by_step_and_a_replay_tells_nothing(shop: Shop) -> None:
    anna, code = shop.ambassador("Anna")
    subscribe(shop)
    paid = order(1, code=code)
    for _ in range(3):
        shop.deliver(paid)
    shop.pass_days(22)
    half = later(paid, 30 * 24 * 60, status="refunded", refunded_minor=9000)
    for _ in range(2):
        shop.deliver(half)

    assert types(shop) == ["bonus.held", "bonus.available", "bonus.reversed"]
    sent = claim(shop)
    assert [each.type for each in sent] == types(shop)
    held, available, reversed_ = (each.data for each in sent)
    assert held == {
        "bonus": shop.programme.number("bonus", 1),
        "customer": shop.programme.number("customer", anna),
        "side": "ambassador",
        "status": "held",
        "amount_minor": 1500,
        "before_minor": 0,
        "currency": "EUR",
        "order": {"shop": SHOP, "id": "1"},
        "referral": shop.programme.number("referral", 1),
        "earned_at": "2026-11-24T12:00:00+01:00",
        "available_at": "2026-12-15T12:00:00+01:00",
        "reasons": [{"code": "on_hold_until", "date": "2026-12-15T11:00:00+00:00"}],
    }
    assert (available["status"], available["amount_minor"]) == ("available", 1500)
    assert (reversed_["status"], reversed_["amount_minor"], reversed_["before_minor"]) == ("reversed", 0, 1500)
    assert reversed_["reasons"][0]["code"] == "order_refunded"
    assert len({each.message_id for each in sent}) == 3
    assert all(each.message_id.startswith("msg_") and "." not in each.message_id for each in sent)


def test_an_endpoint_hears_what_it_subscribed_to(shop: Shop) -> None:
    _, code = shop.ambassador("Anna")
    everything, reversals = subscribe(shop), subscribe(shop, "bonus.reversed", "bonus.reversed")
    shop.deliver(order(1, code=code))
    shop.deliver(later(order(1), status="cancelled"))
    told = [(row["endpoint_id"], row["event_id"]) for row in deliveries(shop)]
    assert sorted(told) == [(everything, 1), (everything, 2), (reversals, 2)]


def test_what_is_refused_says_why_without_what_was_typed(shop: Shop) -> None:
    _, code = shop.ambassador("Anna")
    subscribe(shop)
    shop.deliver(order(1, code=code, total=1000))
    shop.deliver(order(2, friend(79, orders=4), code=code))
    refused = [(kind, [why["code"] for why in data["reasons"]]) for kind, data in events(shop)]
    assert refused == [
        ("bonus.refused", ["below_minimum"]),
        ("bonus.refused", ["friend_is_existing_customer"]),
        ("referral.refused", ["friend_is_existing_customer"]),
    ]
    sent = claim(shop)[0].data
    assert (sent["bonus"], sent["available_at"], sent["order"]) == (None, None, {"shop": SHOP, "id": "1"})


def test_a_sign_up_is_told_once(shop: Shop) -> None:
    anna, code = shop.ambassador("Anna")
    subscribe(shop)
    state = CustomerState(shop=SHOP, id="77", email="bram@example.nl", ref=code, created_at=shop.now)
    for _ in range(2):
        shop.database.run(apply_customers, [state], programme=shop.programme, now=shop.now)
        shop.now += timedelta(days=1)
    (sent,) = claim(shop)
    assert (sent.type, sent.data["ambassador"]) == ("referral.signed_up", shop.programme.number("customer", anna))
    assert sent.data["evidence"] == "sign_up"
    assert sent.data["signed_up_at"] == "2026-11-24T12:00:00+01:00"


def test_the_life_of_a_voucher_is_told_without_its_code(shop: Shop) -> None:
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    shop.pass_days(22)
    subscribe(shop)
    use: dict[str, Any] = {"programme": shop.programme, "now": shop.now}
    voucher = shop.database.run(issue_voucher, anna, amount_minor=1000, currency="EUR", **use)
    place = OrderKey(SHOP, "55")
    for _ in range(2):
        shop.database.run(
            redeem_voucher, voucher.code, order=place, amount_minor=400, currency="EUR", actor="key:kassa", now=shop.now
        )
    for _ in range(2):
        shop.database.run(rollback_voucher, voucher.code, order=place, actor="key:kassa", now=shop.now)
    shop.database.run(void_voucher, voucher.id, customer_id=anna, now=shop.now)
    other = shop.database.run(issue_voucher, anna, amount_minor=200, currency="EUR", **use)
    shop.database.run(expire_vouchers, [other.id], now=shop.now + timedelta(days=200))

    told = events(shop)
    assert [kind for kind, _ in told] == [
        "voucher.made", "voucher.redeemed", "voucher.rolled_back", "voucher.voided", "voucher.made", "voucher.expired",
    ]  # fmt: skip
    assert not any(str(each.code).replace("-", "") in str(told).replace("-", "") for each in (voucher, other))
    redeemed = told[1][1]
    assert (redeemed["taken_minor"], redeemed["returned_minor"], redeemed["left_minor"]) == (400, 600, 0)
    assert redeemed["order"] == {"shop": SHOP, "id": "55"}


def test_who_is_erased_is_in_no_event_any_more_and_the_last_one_says_so(shop: Shop) -> None:
    """Rule 41: bodies go at once; what was not sent yet is not sent."""
    anna, code = shop.ambassador("Anna")
    _, other = shop.ambassador("Olga")
    subscribe(shop)
    shop.deliver(order(1, code=code), order(2, friend(80), code=other))
    shop.database.run(erase, anna, actor="key:kassa", programme=shop.programme, now=shop.now)

    kept = [(kind, data and data.get("customer")) for kind, data in events(shop)]
    assert [kind for kind, customer in kept if customer == anna] == ["customer.erased"]
    assert sum(data is None for _, data in events(shop)) == 3  # held, and what the erasure itself took back and refused
    assert [each.type for each in claim(shop)] == ["bonus.held", "customer.erased"]
    assert sorted(row["status"] for row in deliveries(shop)) == ["gone", "gone", "gone", "pending", "pending"]


def test_a_reference_is_told_when_it_is_public_and_whenever_it_must_be_taken_down(shop: Shop) -> None:
    anna, _ = shop.ambassador("Anna")
    subscribe(shop)
    buy(shop, anna)
    use: dict[str, Any] = {"programme": shop.programme}
    number = published(shop, anna, uses=("website", "social"))
    step(shop, number, references.withdraw, use="social", **use)
    step(shop, number, approval.shorten, words="Een tafel voor zes.", owner=1)
    assert [(kind, data["uses"], data.get("because")) for kind, data in events(shop)] == [
        ("reference.published", ["website", "social"], None),
        ("reference.withdrawn", ["website"], "customer"),
        ("reference.withdrawn", [], "changed"),
    ]
    assert not any(word in str(events(shop)) for word in WORDS)


@pytest.mark.parametrize("how", ["customer", "owner", "erased"])
def test_a_reference_that_is_gone_is_told_with_its_reason(shop: Shop, how: str) -> None:
    anna, _ = shop.ambassador("Anna")
    buy(shop, anna)
    number = published(shop, anna)
    subscribe(shop)
    if how == "erased":
        shop.database.run(erase, anna, actor="key:kassa", programme=shop.programme, now=shop.now)
    elif how == "owner":
        step(shop, number, approval.refuse, owner=1, programme=shop.programme)
    else:
        step(shop, number, references.withdraw, use=None, programme=shop.programme)
    told = [(each.type, each.data.get("because")) for each in claim(shop)]
    assert told == [("reference.withdrawn", how), *([("customer.erased", None)] if how == "erased" else [])]


def test_extras_and_goodwill_are_told_like_any_credit(database: Database) -> None:
    shop = Shop(database, bonus__milestones=[{"friends": 1, "amount": "5.00"}])
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), status="cancelled", code=code))
    subscribe(shop, "bonus.available", "bonus.reversed")
    shop.pass_days(22)
    number = next(row["id"] for row in shop.rows(Order) if row["external_id"] == "2")
    how: dict[str, Any] = {"why": "kind", "actor": "owner:1", "programme": shop.programme, "now": shop.now}
    shop.database.run(give_goodwill, anna, order_id=number, amount_minor=700, **how)
    back = later(order(1, friend(1), code=code), 30 * 24 * 60, status="refunded", refunded_minor=9000)
    shop.deliver(back)

    told = [(kind, data["side"], data["amount_minor"], data["before_minor"]) for kind, data in events(shop)]
    assert sorted(told) == [
        ("bonus.available", "ambassador", 500, 0),
        ("bonus.available", "ambassador", 1500, 1500),
        ("bonus.available", "goodwill", 700, 0),
        ("bonus.reversed", "ambassador", 0, 500),
        ("bonus.reversed", "ambassador", 0, 1500),
    ]
