"""What the shop says: its buyers, its orders, and signatures made by the reference library and by the standard one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

SHOP, BIN_SHOP = "webshop", "noord"  # the second one is a WooCommerce, for its bin
SECRET = "whsec_T2xnYSBzY2hyaWpmdCBoYWFyIGdlaGVpbSBvcA=="
NEWER = "whsec_SGV0IG5pZXV3ZSBnZWhlaW0gdmFuIE9sZ2E="  # to which the shop is changing over
STRANGER = "whsec_RGl0IGdlaGVpbSBrZW50IG5pZW1hbmQgaGllci4="
WOO_SECRET = "Sk3uTh7noordWest"
WOO_ORDER_ID = 2041
_WOO_ORDER = Path(__file__).parents[1] / "payloads" / "woocommerce" / "order_processing.json"


def machine_now() -> datetime:
    """What a clock on the wall says."""
    return datetime.now(UTC)  # noqa: TID251 - the drill is another program: it has no clock of the house


@dataclass(frozen=True)
class Buyer:
    """Somebody with an account in the shop."""

    id: str
    email: str
    first_name: str
    orders: int | None = 1

    def body(self) -> dict[str, Any]:
        """As the shop tells it with an order."""
        counted = {} if self.orders is None else {"orders": self.orders}
        return {"id": self.id, "email": self.email, "first_name": self.first_name} | counted


def friend(name: object) -> Buyer:
    """Somebody who buys for the first time."""
    return Buyer(f"friend-{name}", f"friend{name}@example.nl", f"Vriend{name}")


def order(number: str, buyer: Buyer, *, at: datetime, code: str = "", **changes: Any) -> dict[str, Any]:
    """The state of an order as the contract writes it: paid and for € 90, where nothing else is said."""
    moment = at.isoformat()
    return {
        "id": number,
        "status": "paid",
        "currency": "EUR",
        "total": "90.00",
        "refunded": "0.00",
        "created_at": moment,
        "paid_at": moment,
        "updated_at": moment,
        "customer": buyer.body(),
        "codes": [code] if code else [],
        "test": False,
    } | changes


def signed(message: Mapping[str, Any], *, number: int, secret: str, at: datetime) -> tuple[bytes, dict[str, str]]:
    """The bytes and the headers of Standard Webhooks."""
    body, message_id = json.dumps(message), f"msg_{number}"
    return body.encode(), {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
        "Content-Type": "application/json",
    }


def woo_order(buyer: Buyer, *, code: str, status: str, modified: str) -> dict[str, Any]:
    """A recorded order of a WooCommerce shop, with another buyer and another coupon."""
    state: dict[str, Any] = json.loads(_WOO_ORDER.read_text(encoding="utf-8"))
    state["billing"] |= {"first_name": buyer.first_name, "email": buyer.email, "phone": ""}
    state["coupon_lines"][0]["code"] = code.lower()
    return state | {
        "id": WOO_ORDER_ID, "number": str(WOO_ORDER_ID), "customer_id": 0, "status": status, "meta_data": [],
        "date_modified_gmt": modified,
    }  # fmt: skip


def woo_gone() -> dict[str, Any]:
    """What WooCommerce says of an order that is deleted for good."""
    return {"id": WOO_ORDER_ID}


def woo_signed(body: Mapping[str, Any], *, topic: str, delivery: int) -> tuple[bytes, dict[str, str]]:
    """The bytes and the headers of a WooCommerce webhook."""
    data = json.dumps(body).encode()
    signature = base64.b64encode(hmac.new(WOO_SECRET.encode(), data, hashlib.sha256).digest()).decode()
    return data, {
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": topic.partition(".")[0],
        "X-WC-Webhook-Event": topic.partition(".")[2],
        "X-WC-Webhook-Signature": signature,
        "X-WC-Webhook-ID": "1",
        "X-WC-Webhook-Delivery-ID": f"{delivery:032x}",
        "Content-Type": "application/json",
    }
