"""``doctor``'s lines about the shops' APIs: does it answer, does it know our key, and is its clock right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import Session

from referrals.chance import Maker
from referrals.clock import Clock
from referrals.commands.lines import FAIL, OK, WARN, Line
from referrals.outside.client import ShopClient, open_http
from referrals.outside.errors import ShopError
from referrals.outside.reconciling import ORDERS
from storage.orders import ShopWatermark

if TYPE_CHECKING:
    from referrals.config import Config
    from referrals.shop_settings import Shop

MOST_SKEW = timedelta(minutes=5)  # what a shop's clock may be off before times of payment are corrected (rules 1)


def api_lines(config: Config) -> Iterator[Line]:
    """A line for each shop that is called; those without an API have none."""
    for shop in config.shops:
        if shop.api is not None:
            yield asyncio.run(_asked(shop))


def last_run(session: Session, shop: Shop) -> Line:
    """How asking the shop went."""
    name, row = f"reconcile {shop.name}", session.get(ShopWatermark, shop.name)
    if row is None:
        return Line(name, WARN, f"it was never asked: run `ambassade reconcile {shop.name}`, or the job")
    if row.failures:
        return Line(
            name, WARN, f"{row.failures} failures in a row, the last {row.ran_at:%Y-%m-%d %H:%M} UTC: {row.error}"
        )
    said = f"asked {row.ran_at:%Y-%m-%d %H:%M} UTC"
    if row.whole_since is None:
        return Line(name, WARN, f"{said}; not every order that the shop has was read yet")
    return Line(name, OK, f"{said}; every order since the first is read")


async def _asked(shop: Shop) -> Line:
    name = f"api {shop.name}"
    try:
        async with open_http() as http:
            client = ShopClient(shop, http, maker=Maker())
            complaint = await ORDERS[shop.kind](client).check()
    except ShopError as error:
        return Line(name, FAIL, error.sentence)
    ahead = _ahead(client.heard_at)
    if abs(ahead) > MOST_SKEW:
        seconds = round(abs(ahead).total_seconds())
        return Line(name, WARN, f"its clock is {seconds} s {'ahead' if ahead > timedelta() else 'behind'}")
    return Line(name, OK if complaint is None else WARN, complaint or "answers, and knows our key")


def _ahead(heard_at: datetime | None) -> timedelta:
    return timedelta() if heard_at is None else heard_at - Clock().machine()
