from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from referrals.recruiting.shops import (
    Buyer,
    CustomerState,
    DeliveryState,
    Event,
    Ignored,
    Nonsense,
    OrderState,
    PrivacyWish,
    Refund,
    RefundState,
)
from referrals.recruiting.shops.shopify import ADAPTER
from referrals.recruiting.shops.signing import sign_hmac
from tests.payloads import payload

SECRET = "0f3c9a71d2e84b56a1c7"
ORDER = json.loads(payload("shopify/order_paid"))
REFUND = json.loads(payload("shopify/refund_created"))
CUSTOMER = json.loads(payload("shopify/customer_created"))
PARCEL = {
    "id": 61,
    "order_id": 5871120047,
    "status": "success",
    "tracking_numbers": ["3S"],
    "shipment_status": "delivered",
    "updated_at": "2026-11-26T14:00:00+01:00",
}


def read(data: dict[str, Any], headers: dict[str, str] | None = None) -> Event:
    kept = {name: value for name, value in data.items() if value is not ...}
    return ADAPTER.read("winkel", headers or {}, json.dumps(kept).encode())


def order(**changes: Any) -> OrderState:
    state = read(ORDER | changes)
    assert isinstance(state, OrderState)
    return state


def refunded(*transactions: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    return [REFUND | {"transactions": list(transactions)} | changes]


def sent(amount: str, **changes: Any) -> dict[str, Any]:
    return {"kind": "refund", "status": "success", "amount": amount, "currency": "EUR"} | changes


def noted(**values: Any) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in values.items()]


@pytest.mark.parametrize("header", ["x-shopify-hmac-sha256", "shopify-hmac-sha256"])
@pytest.mark.parametrize("name", ["order_paid", "refund_created", "customer_created", "customers_redact"])
def test_a_delivery_is_verified_over_its_raw_bytes_under_both_spellings(name: str, header: str) -> None:
    body = payload(f"shopify/{name}")
    headers = {header: sign_hmac(body, secret=SECRET)}
    assert ADAPTER.verify(headers, body, secrets=["another", SECRET], now=[])
    assert not ADAPTER.verify(headers, body + b"\n", secrets=[SECRET], now=[])
    assert not ADAPTER.verify(headers, json.dumps(json.loads(body)).encode(), secrets=[SECRET], now=[])
    assert not ADAPTER.verify({}, body, secrets=[SECRET], now=[])
    assert not ADAPTER.is_ping({}, body)


def test_a_paid_order_says_all_that_counts() -> None:
    """Rule 2: the subtotal as ordered, never what is left of it."""
    assert ADAPTER.read("winkel", {}, payload("shopify/order_paid")) == OrderState(
        shop="winkel",
        id="5871120047",
        status="paid",
        currency="EUR",
        total_minor=9195,
        base_minor=8500,
        refunded_minor=0,
        created_at=datetime(2026, 11, 24, 8, 58, tzinfo=UTC),
        paid_at=datetime(2026, 11, 24, 8, 59, tzinfo=UTC),
        updated_at=datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
        buyer=Buyer(
            "6940095564", "bram@example.com", "06-12345678", "Bram", address="NL|9711AA|1", marketing_consent=True
        ),
        codes=("ANNA7K3Q",),
        ref="ANNA7K3Q",
        click="rT0k3n-of_Bram",
        refunds=(),
        number="1001",
    )


@pytest.mark.parametrize(
    "changes, number",
    [
        pytest.param({"name": "#1001"}, "1001", id="with a sign in front"),
        pytest.param({"name": "en1001-nl"}, "EN1001-NL", id="with words around it"),
        pytest.param({"name": None, "order_number": 1001}, "1001", id="without a name"),
        pytest.param({"name": "#5871120047"}, None, id="the id"),
        pytest.param({"name": "# "}, None, id="nothing but a sign"),
    ],
)
def test_the_number_is_what_the_buyer_reads(changes: dict[str, Any], number: str | None) -> None:
    assert order(**changes).number == number


@pytest.mark.parametrize(
    "changes, base",
    [
        pytest.param({"current_subtotal_price": "0.00"}, 8500, id="what is left does not count"),
        pytest.param({"taxes_included": False}, 8500 + 1596 - 121, id="VAT in, that of the shipping out"),
        pytest.param({"taxes_included": False, "shipping_lines": []}, 8500 + 1596, id="nothing to ship"),
        pytest.param({"taxes_included": False, "total_tax": "0.00"}, 8500, id="no VAT at all"),
        pytest.param({"subtotal_price": "0.00"}, 0, id="all of it free"),
        pytest.param({"currency": "JPY", "subtotal_price": "85", "total_price": "92"}, 85, id="no decimals"),
    ],
)
def test_an_order_counts_on_its_goods_as_ordered(changes: dict[str, Any], base: int) -> None:
    """Rule 2: plus tax where it is not included, without shipping."""
    assert order(**changes).base_minor == base


@pytest.mark.parametrize(
    "financial, changes, status, paid",
    [
        ("pending", {}, "pending", False),
        ("authorized", {}, "pending", False),
        ("partially_paid", {}, "pending", False),
        ("expired", {}, "pending", False),
        (None, {}, "pending", False),
        ("paid", {}, "paid", True),
        ("paid", {"closed_at": "2026-11-30T10:00:00+01:00"}, "completed", True),
        ("pending", {"closed_at": "2026-11-30T10:00:00+01:00"}, "pending", False),
        ("partially_refunded", {}, "paid", True),
        ("refunded", {}, "refunded", True),
        ("voided", {}, "cancelled", False),
        ("voided", {"cancelled_at": "2026-11-25T10:00:00+01:00"}, "cancelled", False),
        ("refunded", {"cancelled_at": "2026-11-25T10:00:00+01:00"}, "cancelled", True),
        ("paid", {"cancelled_at": "2026-11-25T10:00:00+01:00"}, "cancelled", True),
    ],
)
def test_a_status_is_what_became_of_the_money_and_of_the_order(
    financial: str | None, changes: dict[str, Any], status: str, paid: bool
) -> None:
    """Rule 5: unpaid and cancelled orders earn nothing."""
    state = order(financial_status=financial, **changes)
    assert (state.status, state.paid_at is not None) == (status, paid)


def test_a_state_without_the_day_of_payment_was_paid_when_it_was_made() -> None:
    assert order(processed_at=None).paid_at == datetime(2026, 11, 24, 8, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    "refunds, minor",
    [
        pytest.param([], 0, id="none"),
        pytest.param(refunded(sent("25.00")), 2500, id="one"),
        pytest.param(refunded(sent("25.00"), sent("6.95")), 3195, id="in two parts"),
        pytest.param(refunded(sent("25.00"))[:1] + refunded(sent("10.00"), id=2), 3500, id="two"),
        pytest.param(refunded(sent("25.00", status="pending")), 0, id="on its way"),
        pytest.param(refunded(sent("25.00", status="failure")), 0, id="failed"),
        pytest.param(refunded(sent("25.00", kind="void")), 0, id="never taken"),
        pytest.param(refunded(), 0, id="goods back on the shelf, no money"),
        pytest.param([REFUND | {"transactions": None}], 2500, id="says nothing of money: its lines"),
        pytest.param(refunded(sent("25.00", currency=None)), 2500, id="in the order's currency"),
    ],
)
def test_refunded_is_the_money_that_came_back(refunds: list[dict[str, Any]], minor: int) -> None:
    """Rule 2."""
    state = order(refunds=refunds, financial_status="partially_refunded")
    assert state.refunded_minor == minor
    assert sum(refund.amount_minor for refund in state.refunds or ()) == minor


def test_lines_of_a_shop_without_vat_in_its_prices_come_back_with_it() -> None:
    assert order(refunds=[REFUND | {"transactions": None}], taxes_included=True).refunded_minor == 2500
    assert order(refunds=[REFUND | {"transactions": None}], taxes_included=False).refunded_minor == 2934


def test_a_refund_in_the_buyers_currency_is_the_same_share_in_the_shops() -> None:
    """Rule 4: never converted at a rate of ours."""
    paid = {"shop_money": {"amount": "91.95"}, "presentment_money": {"amount": "183.90", "currency_code": "PLN"}}
    state = order(refunds=refunded(sent("50.00", currency="PLN")), total_price_set=paid)
    assert state.refunds == (Refund("88120041", 2500, "EUR"),)


def test_a_refund_on_its_own_names_its_order() -> None:
    refund = RefundState("winkel", "5871120047", Refund("88120041", 2500, "EUR"))
    assert ADAPTER.read("winkel", {}, payload("shopify/refund_created")) == refund
    assert isinstance(read(REFUND | {"transactions": []}), Ignored)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"transactions": [sent("1.00"), sent("2.00", currency="USD")]}, id="two currencies"),
        pytest.param({"transactions": [sent("1.00", currency=None)]}, id="no currency"),
        pytest.param({"transactions": [sent("a lot")]}, id="no amount"),
        pytest.param({"transactions": [sent("-5.00")]}, id="below nothing"),
        pytest.param({"id": None}, id="no number"),
    ],
)
def test_a_senseless_refund_names_its_order(changes: dict[str, Any]) -> None:
    with pytest.raises(Nonsense) as caught:
        read(REFUND | changes)
    assert caught.value.subject == "order:5871120047"


@pytest.mark.parametrize(
    "attributes, landing, expected",
    [
        pytest.param({}, "/?ref=ANNA7K3Q&click=c1", ("ANNA7K3Q", "c1"), id="a path"),
        pytest.param({}, "https://winkel.example/a?x=1&ref=ANNA7K3Q", ("ANNA7K3Q", None), id="an address"),
        pytest.param({}, None, (None, None), id="nowhere"),
        pytest.param({"ambassade_ref": "MATS2", "ambassade_click": "m"}, "/?ref=A&click=c", ("MATS2", "m"), id="cart"),
        pytest.param({"ambassade_ref": "MATS2"}, "/?ref=A&click=c", ("MATS2", None), id="one visit, not two"),
        pytest.param({"ref": "MATS2", "click": "m"}, None, ("MATS2", "m"), id="names of a theme's own"),
        pytest.param({"ambassade_ref": ["x"], "ambassade_click": 5}, None, (None, None), id="no texts"),
        pytest.param({"ambassade_ref": " "}, "/?ref=A", ("A", None), id="an empty one"),
    ],
)
def test_a_visit_is_what_the_cart_was_given_else_where_it_began(
    attributes: dict[str, Any], landing: str | None, expected: tuple[str | None, str | None]
) -> None:
    state = order(note_attributes=noted(**attributes), landing_site=landing)
    assert (state.ref, state.click) == expected


@pytest.mark.parametrize("customer", [None, ..., {}])
def test_an_order_without_a_customer_is_a_guests(customer: object) -> None:
    """Rule 5: without id and address there is no identity."""
    guest = order(customer=customer, email="", contact_email=None, billing_address=None)
    assert guest.buyer == Buyer(marketing_consent=True)
    assert order(customer=customer).buyer.email == "bram@example.com"


def test_the_phone_is_the_buyers_and_not_that_of_the_delivery() -> None:
    """Rule 16: a gift goes to somebody else."""
    assert order(billing_address=None).buyer.phone is None
    assert order(phone="+31612345678").buyer.phone == "+31612345678"


def test_the_shops_own_count_is_read_where_it_is_sent() -> None:
    """Rule 13: older versions of the interface say how many orders there were."""
    assert order(customer=ORDER["customer"] | {"orders_count": 3}).buyer.orders == 3
    assert order().buyer.orders is None


@pytest.mark.parametrize(
    "customer, order_says, consent",
    [
        ({"email_marketing_consent": {"state": "subscribed"}}, False, True),
        ({"email_marketing_consent": {"state": "not_subscribed"}}, True, False),
        ({"email_marketing_consent": {"state": "unsubscribed"}}, True, False),
        ({"email_marketing_consent": None, "accepts_marketing": True}, False, True),
        ({}, True, True),
        ({}, False, False),
        ({}, None, None),
    ],
)
def test_consent_is_the_customers_word_else_that_of_the_checkout(
    customer: dict[str, Any], order_says: bool | None, consent: bool | None
) -> None:
    """Rule 28: whoever did not say yes, did not."""
    state = order(customer=ORDER["customer"] | customer, buyer_accepts_marketing=order_says)
    assert state.buyer.marketing_consent is consent


def test_a_test_order_says_so() -> None:
    """Rule 5."""
    assert order(test=True).test


def test_a_customer_is_an_account_and_no_sign_up() -> None:
    """Rule 14: Shopify sends no evidence with its customers."""
    assert ADAPTER.read("winkel", {}, payload("shopify/customer_created")) == CustomerState(
        shop="winkel",
        id="6940095564",
        email="bram@example.com",
        first_name="Bram",
        marketing_consent=True,
        created_at=datetime(2026, 11, 24, 8, 57, tzinfo=UTC),
    )


def test_a_change_of_consent_is_told_apart() -> None:
    said = {"customer_id": 77, "email_address": "b@example.com", "email_marketing_consent": {"state": "unsubscribed"}}
    assert read(said) == CustomerState("winkel", "77", marketing_consent=False)


def test_a_parcel_that_came_is_a_delivery() -> None:
    """Rule 32."""
    arrived = datetime(2026, 11, 26, 13, 0, tzinfo=UTC)
    assert read(PARCEL) == DeliveryState("winkel", "5871120047", "delivered", arrived)
    assert isinstance(read(PARCEL | {"shipment_status": "in_transit"}), Ignored)


@pytest.mark.parametrize(
    "changes, wish",
    [
        ({}, PrivacyWish("winkel", "redact", "6940095564")),
        ({"orders_requested": [1], "orders_to_redact": ...}, PrivacyWish("winkel", "data_request", "6940095564")),
        ({"customer": ..., "orders_to_redact": ...}, PrivacyWish("winkel", "shop_redact")),
        ({"customer": {"email": "bram@example.com"}}, Ignored("redact of a guest")),
    ],
)
def test_messages_about_personal_data_are_known_by_their_bodies(
    changes: dict[str, Any], wish: PrivacyWish | Ignored
) -> None:
    headers = {"x-shopify-topic": "orders/paid"}
    assert read(json.loads(payload("shopify/customers_redact")) | changes, headers) == wish


@pytest.mark.parametrize("topic", ["refunds/create", "customers/redact", "orders/delete", "nonsense", "\udcff"])
def test_a_swapped_topic_changes_nothing(topic: str) -> None:
    body = payload("shopify/order_paid")
    headers = {"x-shopify-topic": topic, "x-shopify-shop-domain": "mats.example"}
    assert ADAPTER.read("winkel", headers, body) == ADAPTER.read("winkel", {}, body)


@pytest.mark.parametrize(
    "body, topic, gone",
    [
        ({"id": 2041}, "orders/delete", True),
        ({"id": 2041}, "", True),
        ({"id": 2041}, "products/delete", False),
        ({"id": 2041, "admin_graphql_api_id": "gid://shopify/Order/2041"}, "products/delete", True),
        ({"id": 2041, "admin_graphql_api_id": "gid://shopify/Product/2041"}, "orders/delete", False),
    ],
)
def test_a_deleted_order_is_only_an_id(body: dict[str, Any], topic: str, gone: bool) -> None:
    """Rule 1: a tombstone."""
    event = read(body, {"x-shopify-topic": topic})
    assert isinstance(event, OrderState) is gone
    assert event == Ignored("deleted") or (isinstance(event, OrderState) and event.tombstone)


@pytest.mark.parametrize(
    "body",
    [
        {"id": 1, "title": "Krukje", "variants": []},
        {"id": 1, "token": "c1", "line_items": []},
        {"id": 1, "email": "b@example.com", "line_items": [], "total_price": "1.00", "invoice_url": "x"},
        {"id": 1, "order_id": 2, "kind": "sale", "gateway": "mollie", "amount": "1.00"},
    ],
)
def test_products_carts_drafts_and_payments_are_ignored(body: dict[str, Any]) -> None:
    """Rule 37: ignored = authentic, of a kind we do not use."""
    assert isinstance(read(body), Ignored)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"currency": ...}, id="no currency"),
        pytest.param({"currency": "XXQ"}, id="no such currency"),
        pytest.param({"total_price": None}, id="no total"),
        pytest.param({"total_price": "-5.00"}, id="negative total"),
        pytest.param({"subtotal_price": ...}, id="no goods"),
        pytest.param({"financial_status": "settled"}, id="no such status"),
        pytest.param({"updated_at": "yesterday"}, id="no time"),
        pytest.param({"created_at": "2026-11-24T09:58:00"}, id="no zone"),
        pytest.param({"customer": "Bram"}, id="a customer that is a text"),
        pytest.param({"note_attributes": "ref"}, id="attributes that are a text"),
        pytest.param({"discount_codes": [{"code": 5}]}, id="a code that is a number"),
        pytest.param({"refunds": refunded(sent("5.00", currency="USD"))}, id="money that its order does not have"),
        pytest.param({"test": "no"}, id="neither true nor false"),
    ],
)
def test_a_senseless_order_names_its_reason_and_its_order(changes: dict[str, Any]) -> None:
    with pytest.raises(Nonsense) as caught:
        order(**changes)
    assert caught.value.subject == "order:5871120047"


def test_anything_else_is_nonsense() -> None:
    with pytest.raises(Nonsense, match="neither an order nor a refund nor a customer"):
        read({"hello": "world"})
