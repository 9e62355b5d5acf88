"""The whole try-out from its parts, for the wiring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.sandbox.page import Page, TimeMachine
from bot.sandbox.sandbox import TOKEN, Sandbox
from bot.sandbox.shop import Shop, ShopSettings
from bot.sandbox.words import Say

ANNA = 5_000_001
BRAM = 5_000_002
OLGA = 5_000_003
CAST = ((ANNA, "Anna", "ambassador"), (BRAM, "Bram", "friend"), (OLGA, "Olga", "owner"))


@dataclass(frozen=True)
class TryOut:
    """A Telegram, a shop, and the page on which people meet them."""

    telegram: Sandbox
    shop: Shop
    page: Page

    async def start(self, *, api_port: int = 0, page_port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen on two addresses; a port in use moves to the next, 0 is any."""
        await self.telegram.start(api_port, host=host)
        await self.page.start(page_port, host=host)

    async def stop(self) -> None:
        """Close both."""
        await self.page.stop()
        await self.telegram.stop()


def build_sandbox(
    *,
    say: Say,
    shop: ShopSettings,
    time_machine: TimeMachine,
    now: Callable[[], datetime],
    programme_now: Callable[[], datetime],
    token: str = TOKEN,
    username: str = "atelier_noord_bot",
    desk_url: str = "",
    wall_url: str = "",
    locale: str = "nl",
) -> TryOut:
    """Anna, Bram and Olga with a phone each, a shop, and nobody who has pressed START yet.

    ``say(key, locale, **data)`` gives the words, ``now`` is the machine's clock, ``programme_now`` the
    programme's, by which messages and orders are dated.
    """
    telegram = Sandbox(now=now, dates=programme_now, token=token, username=username, bot_name=shop.name)
    for id, name, _ in CAST:
        telegram.person(name, id=id, language_code=locale)
    demo_shop = Shop(
        shop,
        programme_now=programme_now,
        product_name=lambda product: say(f"sandbox.product.{product.key}", locale),
    )
    page = Page(
        telegram,
        demo_shop,
        say=say,
        roles={id: role for id, _, role in CAST},
        time_machine=time_machine,
        programme_now=programme_now,
        desk_url=desk_url,
        wall_url=wall_url,
        timezone=shop.timezone,
    )
    return TryOut(telegram, demo_shop, page)
