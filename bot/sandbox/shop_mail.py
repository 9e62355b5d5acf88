"""The mail after an order: its one-time link into the chat, asked of the programme's API as a real shop would."""

from __future__ import annotations

from typing import Any

import aiohttp

from bot.sandbox.shop_orders import ShopOrder

FIRST_ACCOUNT = 501
SECONDS = 10


class ShopMail:
    """The shop as a client of the API; without a key it writes no mails."""

    def __init__(self, *, programme_base_url: str, shop: str) -> None:
        """``shop`` is what the programme calls this shop."""
        self.key = ""
        self._base = f"{programme_base_url.rstrip('/')}/api/v1"
        self._shop = shop
        self._accounts: dict[str, int] = {}  # by mail address

    async def connect_link(self, order: ShopOrder) -> str | None:
        """What the mail to the buyer of this order leads to; None where the programme gives nothing."""
        address = order.buyer.email.strip().lower()
        account = self._accounts.setdefault(address, FIRST_ACCOUNT + len(self._accounts))
        known = await self._post(
            "/customers",
            {"shop": self._shop, "id": str(account), "email": address, "first_name": order.buyer.first_name},
        )
        if known is None or known.get("customer") is None:
            return None
        link = await self._post(f"/customers/{known['customer']}/connect-link", {})
        return None if link is None else str(link["url"])

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
                session.post(f"{self._base}{path}", json=body, headers=headers) as response,
            ):
                answer: dict[str, Any] = await response.json(content_type=None)
                return answer if response.ok else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
