"""Coupons in the shop: made for a voucher, found again when an answer was lost, and taken away.

A coupon is never bound to an address: who has the code may use it, once. It may be used beside other codes
(WooCommerce's ``individual_use`` is off), for credit is earned money and no offer. To make one twice is to make it
once: where the shop has the code already and the coupon bears our reference, it is ours and adopted.

Source: WooCommerce REST API v3, coupons; shopify.dev, Admin API 2026-07: discountCodeBasicCreate,
DiscountCodeBasicInput, codeDiscountNodeByCode, discountCodeDelete.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from referrals.money import exponent
from referrals.outside.client import ShopClient
from referrals.outside.errors import ShopNonsense, ShopRefused
from referrals.outside.graphql import GraphQL
from referrals.rewarding.shop_coupons import CouponWish

THERE_ALREADY = "woocommerce_rest_coupon_code_already_exists"
TAKEN = "TAKEN"
GONE = 404
CREATE = """mutation make($coupon: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $coupon) { codeDiscountNode { id } userErrors { code } }
}"""
FIND = """query find($code: String!) {
  codeDiscountNodeByCode(code: $code) {
    id codeDiscount { ... on DiscountCodeBasic { title asyncUsageCount } }
  }
}"""
DELETE = """mutation end($id: ID!) { discountCodeDelete(id: $id) { deletedCodeDiscountId userErrors { code } } }"""
PIECES = """query pieces($query: String!) { productVariants(first: 10, query: $query) { nodes { id sku } } }"""


async def make_coupon(client: ShopClient, wish: CouponWish) -> str:
    """The shop knows the code; its own id of the coupon. Raises: ShopError."""
    return await (_make_woocommerce if client.shop.kind == "woocommerce" else _make_shopify)(client, wish)


async def end_coupon(client: ShopClient, wish: CouponWish) -> bool:
    """The shop does not know the code any more; whether it had been used. Raises: ShopError."""
    return await (_end_woocommerce if client.shop.kind == "woocommerce" else _end_shopify)(client, wish)


def woocommerce_coupon(wish: CouponWish, *, product_ids: list[int] | None = None) -> dict[str, Any]:
    """The body of ``POST coupons``."""
    percent = wish.kind == "percent"
    amount = _share(wish, 100) if percent else _amount(wish.amount_minor, wish.currency)
    body = {
        "code": wish.code,
        "discount_type": "percent" if percent else "fixed_product" if product_ids else "fixed_cart",
        "amount": amount,
        "description": wish.reference,
        "individual_use": False,
        "usage_limit": 1,
        "usage_limit_per_user": 1,
        "date_expires_gmt": wish.expires_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
        "minimum_amount": _amount(wish.min_order_minor, wish.currency),
    }
    return body | ({"product_ids": product_ids, "limit_usage_to_x_items": 1} if product_ids else {})


def shopify_coupon(wish: CouponWish, *, variant_ids: list[str] | None = None) -> dict[str, Any]:
    """The ``DiscountCodeBasicInput``."""
    fixed = {"discountAmount": {"amount": _amount(wish.amount_minor, wish.currency), "appliesOnEachItem": False}}
    items: dict[str, Any] = {"products": {"productVariantsToAdd": variant_ids}} if variant_ids else {"all": True}
    least = {"subtotal": {"greaterThanOrEqualToSubtotal": _amount(wish.min_order_minor, wish.currency)}}
    return {
        "title": wish.reference,
        "code": wish.code,
        "startsAt": _moment(wish.starts_at),
        "endsAt": _moment(wish.expires_at),
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"all": "ALL"},
        "combinesWith": {"orderDiscounts": True, "productDiscounts": True, "shippingDiscounts": True},
        "customerGets": {
            "value": {"percentage": float(_share(wish, 1))} if wish.kind == "percent" else fixed,
            "items": items,
        },
        **({"minimumRequirement": least} if wish.min_order_minor else {}),
    }


async def _make_woocommerce(client: ShopClient, wish: CouponWish) -> str:
    pieces = await _woocommerce_pieces(client, wish)
    try:
        # A second create is refused by its code, so repeating it does no harm.
        body = woocommerce_coupon(wish, product_ids=pieces)
        made = (await client.call("POST", "coupons", json=body, repeatable=True)).json
    except ShopRefused as error:
        if error.code != THERE_ALREADY:
            raise
        made = await _find_woocommerce(client, wish)
        if made is None or made.get("description") != wish.reference:
            raise
    return _id(client, made.get("id") if isinstance(made, dict) else None)


async def _end_woocommerce(client: ShopClient, wish: CouponWish) -> bool:
    found = await _find_woocommerce(client, wish)
    if found is None or found.get("description") != wish.reference:
        return False
    try:
        last = (await client.call("DELETE", f"coupons/{int(found['id'])}", params={"force": "true"})).json
    except ShopRefused as error:
        if error.status != GONE:
            raise
        last = found
    return _used(last, "usage_count") or _used(found, "usage_count")


async def _find_woocommerce(client: ShopClient, wish: CouponWish) -> dict[str, Any] | None:
    found = (await client.call("GET", "coupons", params={"code": wish.code.lower()})).json
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return next((row for row in rows if str(row.get("code", "")).lower() == wish.code.lower()), None)


async def _woocommerce_pieces(client: ShopClient, wish: CouponWish) -> list[int] | None:
    if wish.sku is None:
        return None
    found = (await client.call("GET", "products", params={"sku": wish.sku})).json
    ids = [row["id"] for row in found if isinstance(row, dict) and isinstance(row.get("id"), int)]
    return ids or _no_piece(client)


async def _make_shopify(client: ShopClient, wish: CouponWish) -> str:
    api = GraphQL(client)
    coupon = shopify_coupon(wish, variant_ids=await _shopify_pieces(api, client, wish))
    said = (await api.ask(CREATE, {"coupon": coupon})).get("discountCodeBasicCreate") or {}
    wrong = _user_error(said)
    if wrong is None:
        return _id(client, (said.get("codeDiscountNode") or {}).get("id"))
    found = await _find_shopify(api, wish) if wrong == TAKEN else None
    if found is None:
        raise ShopRefused(client.shop.name, f"it says no ({wrong})", code=wrong)
    return _id(client, found.get("id"))


async def _end_shopify(client: ShopClient, wish: CouponWish) -> bool:
    api = GraphQL(client)
    found = await _find_shopify(api, wish)
    if found is None:
        return False
    said = (await api.ask(DELETE, {"id": found["id"]})).get("discountCodeDelete") or {}
    wrong = _user_error(said)
    if wrong is not None:
        raise ShopRefused(client.shop.name, f"it says no ({wrong})", code=wrong)
    return _used(found["codeDiscount"], "asyncUsageCount")


async def _find_shopify(api: GraphQL, wish: CouponWish) -> dict[str, Any] | None:
    """Our coupon of this code; somebody else's is none."""
    found = (await api.ask(FIND, {"code": wish.code})).get("codeDiscountNodeByCode")
    ours = isinstance(found, dict) and (found.get("codeDiscount") or {}).get("title") == wish.reference
    return found if ours else None


async def _shopify_pieces(api: GraphQL, client: ShopClient, wish: CouponWish) -> list[str] | None:
    if wish.sku is None:
        return None
    quoted = wish.sku.replace("\\", "\\\\").replace('"', '\\"')
    found = ((await api.ask(PIECES, {"query": f'sku:"{quoted}"'})).get("productVariants") or {}).get("nodes") or []
    return [row["id"] for row in found if row.get("sku") == wish.sku] or _no_piece(client)


def _no_piece(client: ShopClient) -> Any:
    raise ShopRefused(client.shop.name, "it has no product with the gift's sku", code="unknown_sku")


def _user_error(said: dict[str, Any]) -> str | None:
    """The code of the first thing that Shopify minds; messages are left alone, for they may repeat the code."""
    errors = said.get("userErrors") or []
    return (str(errors[0].get("code") or "INVALID") if isinstance(errors[0], dict) else "INVALID") if errors else None


def _used(coupon: Any, name: str) -> bool:
    count = coupon.get(name) if isinstance(coupon, dict) else None
    return isinstance(count, int) and count > 0


def _id(client: ShopClient, found: Any) -> str:
    if not found:
        raise ShopNonsense(client.shop.name, "it made a coupon without an id")
    return str(found)


def _amount(minor: int, currency: str) -> str:
    places = exponent(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


def _share(wish: CouponWish, whole: int) -> str:
    """The share of ``whole``: 12.5 of a hundred, 0.125 of one."""
    return str((Decimal(wish.share_basis_points or 0) * whole / 10_000).normalize())


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
