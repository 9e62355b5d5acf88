"""Coupons as shops take them: the wish in their words, made once, found again, taken away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from referrals.outside.coupons import end_coupon, make_coupon, shopify_coupon, woocommerce_coupon
from referrals.outside.errors import ShopRefused
from referrals.rewarding.shop_coupons import CouponWish
from tests.referrals.outside.conftest import Asking, Scripted

WISH = CouponWish(
    reference="Ambassade K7QX3", code="7QKM-2HXT-9ABC", kind="fixed", amount_minor=1250, share_basis_points=None,
    currency="EUR", min_order_minor=0, starts_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
    expires_at=datetime(2027, 6, 1, 10, tzinfo=UTC),
)  # fmt: skip
SHARE = replace(WISH, kind="percent", share_basis_points=1250, min_order_minor=2500)
OURS = {"id": 12, "code": "7qkm-2hxt-9abc", "description": "Ambassade K7QX3", "usage_count": 0}
NODE = {"id": "gid://shopify/DiscountCodeNode/1", "codeDiscount": {"title": "Ambassade K7QX3", "asyncUsageCount": 0}}
TWICE = {"code": "woocommerce_rest_coupon_code_already_exists", "message": "…", "data": {"status": 400}}


def said(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(data).encode(), content_type="application/json")


def graph(name: str, data: Any) -> web.Response:
    return said({"data": {name: data}})


def test_a_wish_in_woocommerces_words() -> None:
    assert woocommerce_coupon(WISH) == {
        "code": "7QKM-2HXT-9ABC", "discount_type": "fixed_cart", "amount": "12.50", "description": "Ambassade K7QX3",
        "individual_use": False, "usage_limit": 1, "usage_limit_per_user": 1, "minimum_amount": "0.00",
        "date_expires_gmt": "2027-06-01T10:00:00",
    }  # fmt: skip
    share = woocommerce_coupon(SHARE, product_ids=[7])
    assert (share["discount_type"], share["amount"], share["minimum_amount"]) == ("percent", "12.5", "25.00")
    assert share["product_ids"] == [7]


def test_a_wish_in_shopifys_words() -> None:
    body = shopify_coupon(WISH)
    assert body["customerGets"] == {
        "value": {"discountAmount": {"amount": "12.50", "appliesOnEachItem": False}}, "items": {"all": True},
    }  # fmt: skip
    assert (body["usageLimit"], body["appliesOncePerCustomer"], body["context"]) == (1, True, {"all": "ALL"})
    assert (body["startsAt"], body["endsAt"]) == ("2026-12-01T09:00:00Z", "2027-06-01T10:00:00Z")
    assert "minimumRequirement" not in body
    share = shopify_coupon(SHARE, variant_ids=["gid://1"])
    assert share["customerGets"] == {"value": {"percentage": 0.125}, "items": {"products": {"productVariantsToAdd": ["gid://1"]}}}  # fmt: skip # noqa: E501 - one shape
    assert share["minimumRequirement"] == {"subtotal": {"greaterThanOrEqualToSubtotal": "25.00"}}


async def test_an_answer_that_was_lost_makes_no_second_coupon(server: Scripted, asking: Asking) -> None:
    server.answers = [said(TWICE, 400), said([OURS])]
    assert await make_coupon(asking(), WISH) == "12"
    assert server.asked[1].query["code"] == "7qkm-2hxt-9abc"
    server.answers = [
        graph("discountCodeBasicCreate", {"codeDiscountNode": None, "userErrors": [{"code": "TAKEN"}]}),
        graph("codeDiscountNodeByCode", NODE),
    ]
    assert await make_coupon(asking("shopify"), WISH) == NODE["id"]


async def test_a_coupon_of_somebody_else_is_not_adopted(server: Scripted, asking: Asking) -> None:
    server.answers = [said(TWICE, 400), said([OURS | {"description": "Zomeractie"}])]
    with pytest.raises(ShopRefused):
        await make_coupon(asking(), WISH)


@pytest.mark.parametrize("used", [False, True])
async def test_a_coupon_is_taken_away_and_says_whether_it_was_used(
    server: Scripted, asking: Asking, *, used: bool
) -> None:
    server.answers = [said([OURS | {"usage_count": int(used)}]), said(OURS | {"usage_count": int(used)})]
    assert await end_coupon(asking(), WISH) is used
    assert [(one.method, one.path) for one in server.asked][1] == ("DELETE", "/wp-json/wc/v3/coupons/12")
    node = NODE | {"codeDiscount": {"title": "Ambassade K7QX3", "asyncUsageCount": int(used)}}
    server.answers = [graph("codeDiscountNodeByCode", node), graph("discountCodeDelete", {"userErrors": []})]
    assert await end_coupon(asking("shopify"), WISH) is used


async def test_what_is_gone_already_is_gone(server: Scripted, asking: Asking) -> None:
    server.answers = [said([])]
    assert await end_coupon(asking(), WISH) is False
    server.answers = [graph("codeDiscountNodeByCode", None)]
    assert await end_coupon(asking("shopify"), WISH) is False


async def test_a_gift_is_off_its_own_piece(server: Scripted, asking: Asking) -> None:
    server.answers = [said([{"id": 7}]), said({"id": 12})]
    await make_coupon(asking(), replace(WISH, sku="MOK-1"))
    assert server.bodies[1]["product_ids"] == [7]
    server.answers = [graph("productVariants", {"nodes": []})]
    with pytest.raises(ShopRefused):
        await make_coupon(asking("shopify"), replace(WISH, sku="MOK-1"))
