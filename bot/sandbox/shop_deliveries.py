"""WooCommerce's webhooks: signed bodies built at the moment of delivery, never repeated.

Source: WooCommerce 9.2.5 ``class-wc-webhook.php``: the headers, the delivery id that is no identity,
success up to 302, and the end after the seventh failure in a row.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp

from bot.sandbox.refusals import Json

USER_AGENT = "WooCommerce/9.2.5 Hookshot (WordPress/7.0)"
WEBHOOK_IDS = {"order.created": 1, "order.updated": 2, "order.deleted": 3, "order.restored": 4}
SECONDS = 60
LAST_SUCCESS = 302
MOST_FAILURES = 5  # the next but one in a row switches the webhook off


@dataclass(frozen=True)
class ShopDelivery:
    """One delivery and its answer, as the shop's log shows it."""

    topic: str
    order_id: int
    status: int  # 0 = no answer
    body: bytes
    headers: dict[str, str]
    reply: Json = field(default_factory=dict)


class ShopDeliveries:
    """The shop's webhooks; one delivery at a time."""

    def __init__(self, *, hook_url: str, secret: str, shop_url: Callable[[], str], now: Callable[[], datetime]) -> None:
        self.hook_url = hook_url
        self.secret = secret
        self._shop_url = shop_url
        self._now = now
        self._one = asyncio.Lock()
        self.failures = 0
        self.disabled = False
        self.log: list[ShopDelivery] = []

    async def ping(self) -> int:
        """Tell that a webhook was made: an unsigned form; returns the status that came back."""
        status, _ = await self._post(b"webhook_id=1", {"Content-Type": "application/x-www-form-urlencoded"})
        return status

    async def send(self, topic: str, order_id: int, build: Callable[[], Json]) -> ShopDelivery | None:
        """Deliver what ``build`` makes of the order at that moment; None while the webhook is switched off."""
        async with self._one:
            if self.disabled:
                return None
            body = json.dumps(build(), separators=(",", ":")).replace("/", "\\/").encode()
            headers = self._headers(topic, body)
            status, reply = await self._post(body, headers)
            good = 200 <= status <= LAST_SUCCESS  # noqa: PLR2004 - WooCommerce's own range
            self.failures = 0 if good else self.failures + 1
            self.disabled = self.failures > MOST_FAILURES + 1
            delivery = ShopDelivery(topic, order_id, status, body, headers, reply)
            self.log.append(delivery)
            return delivery

    def enable(self) -> None:
        """Switch the webhook on again, as the shop's owner would."""
        self.failures, self.disabled = 0, False

    def _headers(self, topic: str, body: bytes) -> dict[str, str]:
        number = WEBHOOK_IDS[topic]
        second = int(self._now().timestamp())
        return {
            "User-Agent": USER_AGENT,
            "Content-Type": "application/json",
            "Connection": "close",
            "X-WC-Webhook-Source": f"{self._shop_url()}/",
            "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Resource": topic.partition(".")[0],
            "X-WC-Webhook-Event": topic.partition(".")[2],
            "X-WC-Webhook-Signature": sign(body, self.secret),
            "X-WC-Webhook-ID": str(number),
            # Not unique: two states of one order in one second carry the same one.
            "X-WC-Webhook-Delivery-ID": hashlib.md5(f"{number}{second}".encode(), usedforsecurity=False).hexdigest(),
        }

    async def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, Json]:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
                session.post(self.hook_url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                raw = await response.read()
                return response.status, _parsed(raw)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, {}


def sign(body: bytes, secret: str) -> str:
    """The signature header: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _parsed(raw: bytes) -> Json:
    try:
        reply = json.loads(raw)
    except ValueError:
        return {}
    return reply if isinstance(reply, dict) else {}
