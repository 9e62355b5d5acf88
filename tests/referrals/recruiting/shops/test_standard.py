from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from referrals.recruiting.shops import Buyer, CustomerState, DeliveryState, Ignored, Nonsense, OrderState
from referrals.recruiting.shops.standard import ADAPTER
from tests.payloads import payload

SENT = {"webhook-timestamp": "1795510800"}
SENT_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ORDER = json.loads(payload("standard/order_paid"))["data"]


def order(**changes: Any) -> OrderState:
    data = {name: value for name, value in (ORDER | changes).items() if value is not ...}
    state = ADAPTER.read("webshop", SENT, json.dumps({"type": "order.state", "data": data}).encode())
    assert isinstance(state, OrderState)
    return state


def test_an_order_says_all_that_the_contract_promises() -> None:
    assert ADAPTER.read("webshop", SENT, payload("standard/order_paid")) == OrderState(
        shop="webshop",
        id="1001",
        status="paid",
        currency="EUR",
        total_minor=9000,
        base_minor=8500,
        refunded_minor=0,
        created_at=datetime(2026, 11, 24, 8, 58, tzinfo=UTC),
        paid_at=SENT_AT,
        updated_at=SENT_AT,
        buyer=Buyer(id="77", email="bram@example.com", first_name="Bram", orders=1, marketing_consent=True),
        codes=("ANNA-7K3Q",),
        ref="ANNA-7K3Q",
        click="rT0k3n-of_Bram",
    )


def test_without_a_base_bonuses_count_on_the_total() -> None:
    """Rule 2: standard: base, else total."""
    assert order(base=...).base_minor == 9000


def test_without_its_own_time_the_state_is_dated_by_the_webhook() -> None:
    """Rule 1: without updated_at the webhook timestamp serves."""
    assert order(updated_at=...).updated_at == SENT_AT


def test_a_bare_deleted_is_a_tombstone() -> None:
    """Rule 1: a bare "deleted" is a tombstone with its time of receipt."""
    state = ADAPTER.read("webshop", SENT, b'{"type":"order.state","data":{"id":1001,"status":"deleted"}}')
    assert isinstance(state, OrderState)
    assert (state.id, state.status, state.tombstone, state.updated_at) == ("1001", "deleted", True, None)


def test_a_deleted_order_with_its_state_is_no_tombstone() -> None:
    assert not order(status="deleted").tombstone


def test_ids_are_text_even_when_the_shop_changes_its_mind() -> None:
    assert order(id=100001).id == order(id="100001").id == "100001"


@pytest.mark.parametrize("identity", [None, "", 0, "0"])
def test_a_guest_has_no_id(identity: object) -> None:
    """Rule 5: guests are not one friend."""
    assert order(customer={"id": identity, "email": ""}).buyer == Buyer()


def test_a_paid_order_that_does_not_say_when_was_paid_when_it_was_made() -> None:
    assert order(paid_at=...).paid_at == datetime(2026, 11, 24, 8, 58, tzinfo=UTC)
    assert order(paid_at=..., created_at=...).paid_at == SENT_AT


def test_a_pending_order_was_not_paid_whatever_it_says() -> None:
    """Rule 5: unpaid orders earn nothing."""
    assert order(status="pending").paid_at is None


def test_where_it_goes_and_from_which_network_is_read_and_not_shown() -> None:
    address = {"postcode": "1012 ab", "number": 12, "country": "nl"}
    buyer = order(address=address, ip="145.53.1.9").buyer
    assert (buyer.address, buyer.ip) == ("NL|1012AB|12", "145.53.1.9")
    assert "1012" not in repr(buyer)
    assert "145" not in repr(buyer)


def test_a_fully_discounted_order_is_an_order() -> None:
    assert order(total="0.00", base=0).total_minor == 0


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"id": ...}, id="no id"),
        pytest.param({"status": "shipped"}, id="unknown status"),
        pytest.param({"status": ["paid"]}, id="a list for a status"),
        pytest.param({"currency": ...}, id="no currency"),
        pytest.param({"currency": "EURO"}, id="four letters"),
        pytest.param({"currency": "€€€"}, id="no letters"),
        pytest.param({"currency": "XXQ"}, id="no such currency"),
        pytest.param({"total": ...}, id="no total"),
        pytest.param({"total": "-1.00"}, id="negative total"),
        pytest.param({"refunded": "-1.00"}, id="negative refund"),
        pytest.param({"total": "90.001"}, id="a tenth of a cent"),
        pytest.param({"currency": "JPY", "total": "90.50"}, id="half a yen"),
        pytest.param({"created_at": "2026-11-24T09:58:00"}, id="a time without a zone"),
        pytest.param({"customer": "77"}, id="a customer that is a text"),
        pytest.param({"customer": {"orders": -1}}, id="less than no orders"),
        pytest.param({"codes": "ANNA-7K3Q"}, id="codes that are a text"),
        pytest.param({"codes": [7]}, id="a code that is a number"),
        pytest.param({"test": "yes"}, id="a truth that is a text"),
    ],
)
def test_a_senseless_order_names_its_reason(changes: dict[str, Any]) -> None:
    with pytest.raises(Nonsense) as caught:
        order(**changes)
    assert caught.value.reason
    assert caught.value.subject == (None if "id" in changes else "order:1001")


def test_a_sign_up_carries_what_led_to_it() -> None:
    assert ADAPTER.read("webshop", SENT, payload("standard/customer_signed_up")) == CustomerState(
        shop="webshop",
        id="77",
        email="bram@example.com",
        first_name="Bram",
        locale="nl",
        marketing_consent=False,
        ref="ANNA-7K3Q",
        click="rT0k3n-of_Bram",
        created_at=datetime(2026, 11, 24, 8, 57, tzinfo=UTC),
    )


def test_a_shop_cannot_make_an_ambassador_by_a_hook() -> None:
    """Rule 18: a code is made by the customer, the owner or the API."""
    state = ADAPTER.read("webshop", SENT, b'{"type":"customer.state","data":{"id":"7","ambassador":true}}')
    assert isinstance(state, CustomerState)
    assert state.ambassador is False


def test_a_parcel_that_arrived_names_its_order() -> None:
    arrived = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
    state = ADAPTER.read("webshop", SENT, payload("standard/delivery_delivered"))
    assert state == DeliveryState(shop="webshop", order="1001", status="delivered", at=arrived)


def test_a_kind_that_is_not_used_is_ignored() -> None:
    """Rule 37: ignored = authentic, of a kind we do not use."""
    assert ADAPTER.read("webshop", SENT, b'{"type":"cart.state","data":{}}') == Ignored("cart.state")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"type":7}',
        b'{"type":"order.state"}',
        b'{"type":"order.state","data":[1]}',
        b'{"type":"delivery.state"}',
    ],
)
def test_a_message_without_a_kind_or_content_is_nonsense(body: bytes) -> None:
    with pytest.raises(Nonsense):
        ADAPTER.read("webshop", SENT, body)


def test_an_unsigned_form_is_no_ping_here() -> None:
    """Rule 38: only a woocommerce shop has pings."""
    assert not ADAPTER.is_ping({"content-type": "application/x-www-form-urlencoded"}, b"webhook_id=1")
