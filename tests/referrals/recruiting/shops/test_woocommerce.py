from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from referrals.recruiting.shops import Buyer, CustomerState, Ignored, Nonsense, OrderState
from referrals.recruiting.shops.signing import sign_hmac
from referrals.recruiting.shops.woocommerce import ADAPTER
from tests.payloads import payload

SECRET = "Sk3uTh7noordWest"
FORM = {"content-type": "application/x-www-form-urlencoded"}
ORDER = json.loads(payload("woocommerce/order_processing"))


def read(name: str) -> OrderState:
    state = ADAPTER.read("winkel", {}, payload(f"woocommerce/{name}"))
    assert isinstance(state, OrderState)
    return state


def order(**changes: Any) -> OrderState:
    data = {name: value for name, value in (ORDER | changes).items() if value is not ...}
    state = ADAPTER.read("winkel", {}, json.dumps(data).encode())
    assert isinstance(state, OrderState)
    return state


def meta(**values: Any) -> list[dict[str, Any]]:
    return [{"id": number, "key": key, "value": value} for number, (key, value) in enumerate(values.items())]


@pytest.mark.parametrize("name", ["order_pending", "order_processing", "order_deleted", "customer_created"])
def test_a_delivery_is_verified_over_its_raw_bytes(name: str) -> None:
    body = payload(f"woocommerce/{name}")
    headers = {"x-wc-webhook-signature": sign_hmac(body, secret=SECRET)}
    assert ADAPTER.verify(headers, body, secrets=["another", SECRET], now=[])
    assert not ADAPTER.verify(headers, body + b"\n", secrets=[SECRET], now=[])
    assert not ADAPTER.verify(headers, json.dumps(json.loads(body), indent=1).encode(), secrets=[SECRET], now=[])
    assert not ADAPTER.verify({}, body, secrets=[SECRET], now=[])


def test_an_order_counts_on_its_goods_with_vat_and_without_shipping() -> None:
    """Rule 2: base = Σ line total + line tax, before refunds."""
    state = read("order_processing")
    assert (state.total_minor, state.base_minor, state.refunded_minor) == (9195, 8500, 0)


def test_times_without_a_zone_are_utc() -> None:
    state = read("order_processing")
    assert state.created_at == datetime(2026, 11, 24, 8, 58, tzinfo=UTC)
    assert state.paid_at == state.updated_at == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_the_buyer_the_coupon_and_the_landing_url_are_read() -> None:
    state = read("order_processing")
    assert state.buyer == Buyer(id="77", email="bram@example.com", phone="06-12345678", first_name="Bram \U0001f6b2")
    assert (state.codes, state.ref, state.click) == (("anna-7k3q",), "ANNA7K3Q", "rT0k3n-of_Bram")


def test_a_guest_has_no_id_and_a_plugin_s_own_fields_go_before_the_landing_url() -> None:
    """Rule 5: customer id 0 has no identity."""
    state = read("order_of_a_guest")
    assert state.buyer.id is None
    assert (state.ref, state.click, state.codes) == ("BRAM5X2P", "own-token", ())


@pytest.mark.parametrize(
    "name, status, refunded",
    [
        ("order_pending", "pending", 0),
        ("order_processing", "paid", 0),
        ("order_part_refunded", "paid", 2500),
        ("order_refunded", "refunded", 9195),
        ("order_trashed", "deleted", 0),
        ("order_of_a_guest", "completed", 0),
    ],
)
def test_refunds_grow_while_the_total_stays(name: str, status: str, refunded: int) -> None:
    state = read(name)
    assert (state.status, state.total_minor, state.refunded_minor) == (status, 9195, refunded)


@pytest.mark.parametrize(
    "status, paid, expected",
    [
        ("pending", False, "pending"),
        ("on-hold", False, "pending"),
        ("on-hold", True, "pending"),
        ("processing", True, "paid"),
        ("processing", False, "pending"),
        ("completed", True, "completed"),
        ("completed", False, "pending"),
        ("packing", True, "paid"),
        ("packing", False, "pending"),
        ("failed", False, "pending"),
        ("failed", True, "pending"),
        ("cancelled", True, "cancelled"),
        ("refunded", True, "refunded"),
        ("trash", True, "deleted"),
        ("trash", False, "deleted"),
        ("checkout-draft", False, "pending"),
    ],
)
def test_a_status_is_read_together_with_the_day_of_payment(status: str, paid: bool, expected: str) -> None:
    """Rule 5: failed and unpaid orders earn nothing; custom statuses follow the payment."""
    state = order(status=status, date_paid_gmt="2026-11-24T09:00:00" if paid else None)
    assert state.status == expected
    assert (state.paid_at is not None) is (paid and expected != "pending")


@pytest.mark.parametrize("topic", ["", "order.deleted", "order.created", "action.woocommerce_delete_order"])
def test_a_deleted_order_is_only_an_id(topic: str) -> None:
    """Rule 1: a tombstone."""
    state = ADAPTER.read("winkel", {"x-wc-webhook-topic": topic}, payload("woocommerce/order_deleted"))
    assert isinstance(state, OrderState)
    assert (state.id, state.status, state.tombstone) == ("2041", "deleted", True)


@pytest.mark.parametrize("topic", ["customer.deleted", "product.deleted", "coupon.deleted"])
def test_something_else_that_was_deleted_is_no_order(topic: str) -> None:
    assert isinstance(ADAPTER.read("winkel", {"x-wc-webhook-topic": topic}, b'{"id":2041}'), Ignored)


@pytest.mark.parametrize("topic", ["customer.created", "order.deleted", "product.updated", "nonsense", "\udcff"])
def test_a_swapped_topic_changes_nothing(topic: str) -> None:
    body = payload("woocommerce/order_processing")
    assert ADAPTER.read("winkel", {"x-wc-webhook-topic": topic}, body) == read("order_processing")


def test_a_new_account_is_a_sign_up() -> None:
    assert ADAPTER.read("winkel", {}, payload("woocommerce/customer_created")) == CustomerState(
        shop="winkel",
        id="77",
        email="bram@example.com",
        first_name="Bram",
        ref="ANNA7K3Q",
        click="rT0k3n-of_Bram",
        created_at=datetime(2026, 11, 24, 8, 57, tzinfo=UTC),
    )


@pytest.mark.parametrize("fields", [{"_ambassade_test": "1"}, {"ambassade_test": "yes"}, {"_wcpay_mode": "test"}])
def test_a_test_order_says_so_in_its_meta(fields: dict[str, str]) -> None:
    assert order(meta_data=meta(**fields)).test
    assert not order(meta_data=meta(_wcpay_mode="prod", _ambassade_test="")).test


@pytest.mark.parametrize("value", [None, 7, ["ANNA7K3Q"], {"ref": "ANNA7K3Q"}, "", " "])
def test_meta_of_any_kind_is_no_ref_unless_it_is_text(value: object) -> None:
    assert order(meta_data=meta(ambassade_ref=value)).ref is None


def test_lines_finer_than_a_cent_are_rounded_once() -> None:
    lines = [{"total": "0.1234", "total_tax": "0.0259"}] * 3
    assert order(line_items=lines).base_minor == 45


def test_lines_of_more_digits_than_any_money_are_nonsense() -> None:
    with pytest.raises(Nonsense, match="more than is ever booked"):
        order(line_items=[{"total": 10**30, "total_tax": "0.00"}])


def test_a_number_of_its_own_is_read_where_a_plugin_gives_one() -> None:
    assert order().number is None  # the id, as without a plugin
    assert order(number="NL-2026-7").number == "NL-2026-7"


def test_an_empty_map_may_come_as_a_list() -> None:
    assert order(billing=[]).buyer.email is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"currency": ...}, id="no currency"),
        pytest.param({"currency": "XXQ"}, id="no such currency"),
        pytest.param({"total": ...}, id="no total"),
        pytest.param({"total": "-5.00"}, id="negative total"),
        pytest.param({"total": "5.001"}, id="a tenth of a cent"),
        pytest.param({"status": None}, id="no status"),
        pytest.param({"date_paid_gmt": "yesterday"}, id="no time"),
        pytest.param({"line_items": "two chairs"}, id="lines that are a text"),
        pytest.param({"line_items": [{"total": "-90.00"}]}, id="goods below nothing"),
        pytest.param({"refunds": ["-90.00"]}, id="refunds that are texts"),
        pytest.param({"coupon_lines": [{"code": 5}]}, id="a coupon without a code"),
        pytest.param({"billing": "Bram"}, id="an address that is a text"),
        pytest.param({"meta_data": {"ref": "x"}}, id="meta that is a map"),
    ],
)
def test_a_senseless_order_names_its_reason_and_its_order(changes: dict[str, Any]) -> None:
    with pytest.raises(Nonsense) as caught:
        order(**changes)
    assert caught.value.subject == "order:2041"


def test_an_order_without_an_id_is_nonsense() -> None:
    with pytest.raises(Nonsense, match="no usable id"):
        order(id=...)


@pytest.mark.parametrize("body", [b'{"id":5,"sku":"AN-9"}', b'{"id":5,"amount":"10.00","code":"anna"}'])
def test_products_and_coupons_are_ignored(body: bytes) -> None:
    """Rule 37: ignored = authentic, of a kind we do not use."""
    assert isinstance(ADAPTER.read("winkel", {}, body), Ignored)


def test_anything_else_is_nonsense() -> None:
    with pytest.raises(Nonsense, match="neither an order nor a customer"):
        ADAPTER.read("winkel", {}, b'{"hello":"world"}')


def test_the_ping_of_a_new_webhook_is_known() -> None:
    """Rule 38: an unsigned form whose only field is webhook_id."""
    assert ADAPTER.is_ping(FORM, b"webhook_id=1")
    assert ADAPTER.is_ping({"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}, b"webhook_id=12")


@pytest.mark.parametrize(
    "headers, body",
    [
        (FORM, b"webhook_id=1&x=1"),
        (FORM, b"webhook_id="),
        (FORM, b"webhook_id=one"),
        (FORM, b"id=1"),
        (FORM, b""),
        ({"content-type": "application/json"}, b"webhook_id=1"),
        (FORM | {"x-wc-webhook-signature": "AAAA"}, b"webhook_id=1"),
    ],
)
def test_what_only_looks_like_a_ping_is_none(headers: dict[str, str], body: bytes) -> None:
    """Rule 38: nothing else passes unsigned."""
    assert not ADAPTER.is_ping(headers, body)


def test_the_address_of_the_delivery_comes_before_that_of_the_bill() -> None:
    bill = {"postcode": "1012AB", "address_1": "Damrak 12", "country": "NL"}
    gift = {"postcode": "9711AA", "address_1": "Herestraat 1a", "country": "NL"}
    sent = order(billing=bill, shipping=gift, customer_ip_address="145.53.1.9").buyer
    assert (sent.address, sent.ip) == ("NL|9711AA|1A", "145.53.1.9")
    assert order(billing=bill, shipping={"postcode": ""}).buyer.address == "NL|1012AB|12"
