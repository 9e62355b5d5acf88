"""Which adapter speaks for which ``[[shops]].kind``."""

from __future__ import annotations

from typing import Final

from referrals.recruiting.shops import Adapter, shopify, standard, woocommerce

ADAPTERS: Final[dict[str, Adapter]] = {
    "shopify": shopify.ADAPTER,
    "standard": standard.ADAPTER,
    "woocommerce": woocommerce.ADAPTER,
}
