"""A shop is asked, and what it says is in the books: whatever stops it, at whatever moment, once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from referrals.outside.client import ShopClient, open_http
from referrals.outside.errors import ShopUnauthorised, ShopUnreachable
from referrals.outside.reconciling import Reconciled, Reconciling
from referrals.recruiting.shops.standard import tombstone
from storage.database import Database
from storage.mailbox import Inbox
from storage.orders import Order, ShopWatermark
from tests.builders import NOON, SHOP, Shop
from tests.referrals.outside.conftest import Halfway
from tests.referrals.outside.woo import WooShop, minutes, order

Run = Callable[..., Awaitable[Reconciled]]


@pytest.fixture
async def woo() -> AsyncIterator[WooShop]:
    shop = WooShop()
    async with TestServer(shop.app()) as running:
        shop.url = str(running.make_url("")).rstrip("/")
        yield shop


@pytest.fixture
def shop(database: Database, woo: WooShop) -> Shop:
    api = {"url": woo.url, "key": "ck", "secret": "cs"}
    settings = {
        "kind": "woocommerce",
        "name": SHOP,
        "secrets": ["s"],
        "landing_url": "https://shop.example",
        "api": api,
    }
    return Shop(database, shops=[settings], programme__no_history=False)


async def _at_once(_seconds: float) -> None:
    pass


async def run(shop: Shop, *, stop_after: int | None = None, write: Any = None, **asked: Any) -> Reconciled:
    """One run; ``stop_after`` so many transactions somebody wants the process to end."""
    done: list[Any] = []

    async def counting(*args: Any, **kwargs: Any) -> Any:
        done.append(args)
        return await (write or shop.database.write)(*args, **kwargs)

    async with open_http() as http:
        client = ShopClient(shop.programme.config.shops[0], http, maker=Halfway(), pause=_at_once)
        reconciling = Reconciling(
            client, read=shop.database.read, write=counting, programme=shop.programme, now=shop.now,
            stopping=lambda: stop_after is not None and len(done) >= stop_after,
        )  # fmt: skip
        return await reconciling.run(**asked)


def fill(woo: WooShop, *orders: dict[str, Any]) -> None:
    woo.orders |= {each["id"]: each for each in orders}


def known(shop: Shop) -> dict[str, str]:
    return {row["external_id"]: row["status"] for row in shop.rows(Order)}


async def test_a_hook_that_never_came_is_made_good(shop: Shop, woo: WooShop) -> None:
    """Rules 1 and 13: the first run reads everything, and then the history is known."""
    anna, code = shop.ambassador("Anna")
    fill(woo, order(1, coupon_lines=[{"code": code}]), order(2, status="trash"))

    first = await run(shop)

    assert (first.counts, first.whole, first.history_known) == ({"applied": 2}, True, True)
    assert shop.balance(anna).held_minor == 1500
    fill(woo, order(1, changed=minutes(30), status="refunded", refunds=[{"id": 9, "total": "-90.00"}]))
    shop.now += timedelta(hours=1)
    second = await run(shop)
    assert (second.counts["applied"], second.history_known) == (1, False)
    assert shop.balance(anna).held_minor == 0
    assert shop.rows(Inbox) == []
    assert shop.faults() == []


async def test_a_run_that_is_stopped_goes_on_where_it_was(shop: Shop, woo: WooShop) -> None:
    fill(woo, *[order(n, changed=minutes(n - 300)) for n in range(1, 251)])

    stopped = await run(shop, stop_after=2)
    assert (stopped.ended, stopped.whole, len(known(shop))) == (False, False, 100)
    woo.asked.clear()
    ended = await run(shop)

    assert (ended.ended, ended.whole, len(known(shop))) == (True, True, 250)
    assert woo.asked[1]["modified_after"] == "2026-11-24T07:35:00"  # the last one's, and five minutes before


async def test_what_was_applied_before_a_failure_stays_and_the_failure_is_noted(shop: Shop, woo: WooShop) -> None:
    fill(woo, *[order(n, changed=minutes(n - 300)) for n in range(1, 151)])
    woo.faults = [None, None, *[(500, "oops")] * 4]

    with pytest.raises(ShopUnreachable):
        await run(shop)

    (row,) = shop.rows(ShopWatermark)
    assert (row["failures"], row["error"], row["whole_since"]) == (1, "its server has a fault (500)", None)
    assert row["changed_until"] == minutes(-200)
    assert len(known(shop)) == 100


async def test_a_refused_key_is_noted_in_words(shop: Shop, woo: WooShop) -> None:
    woo.faults = [(401, "woocommerce_rest_cannot_view")]

    with pytest.raises(ShopUnauthorised, match=r"webshop: it refuses our key \(401, woocommerce_rest_cannot_view\)"):
        await run(shop)


async def test_a_death_between_two_pages_costs_nothing(shop: Shop, woo: WooShop) -> None:
    """The watermark and its page are one transaction: whatever dies, the next run has both or neither."""
    fill(woo, *[order(n, changed=minutes(n - 300)) for n in range(1, 251)])
    for survived in (0, 1, 2, 1, 1):
        left = [survived]

        async def dies(use_case: Any, *args: Any, left: list[int] = left, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return await shop.database.write(use_case, *args, **kwargs)

        with pytest.raises(KeyboardInterrupt):
            await run(shop, write=dies)

    assert (await run(shop)).whole
    assert len(known(shop)) == 250


async def test_one_order_on_which_our_code_fails_holds_up_nobody(shop: Shop, woo: WooShop) -> None:
    """Rule 37: it is put aside, and the watermark goes on."""
    fill(woo, order(1), order(2), order(3))

    async def fails(use_case: Any, items: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(items, list) and any(b'"id":2,' in item.body for item in items):
            raise RuntimeError("our own")
        return await shop.database.write(use_case, items, *args, **kwargs)

    with capture_logs():
        said = await run(shop, write=fails)

    assert (said.counts["applied"], said.counts["quarantined"], said.ended) == (2, 1, True)
    (kept,) = shop.rows(Inbox)
    assert (kept["subject"], kept["reason"]) == ("order:2", "internal_error: RuntimeError")
    (row,) = shop.rows(ShopWatermark)
    assert row["changed_until"] == NOON


async def test_guesses_are_asked_one_by_one_and_gone_orders_are_deleted(shop: Shop, woo: WooShop) -> None:
    """Rule 1: a bare deletion is checked with the shop."""
    fill(woo, order(1), order(2))
    await run(shop)
    shop.now += timedelta(days=2)
    del woo.orders[1]
    shop.deliver(*[tombstone(SHOP, number) for number in "12"])
    assert known(shop) == {"1": "deleted", "2": "deleted"}
    woo.asked.clear()

    await run(shop, since=shop.now)

    assert [each["one"] for each in woo.asked if "one" in each] == ["1", "2"]
    assert known(shop) == {"1": "deleted", "2": "paid"}
    assert [row["needs_fetch"] for row in shop.rows(Order)] == [False, False]


async def test_a_chosen_beginning_leaves_the_watermark_alone(shop: Shop, woo: WooShop) -> None:
    fill(woo, order(1, changed=minutes(-60)), order(2))

    said = await run(shop, since=minutes(-30))

    assert (said.counts["applied"], said.whole, said.ended) == (1, False, True)
    (row,) = shop.rows(ShopWatermark)
    assert (row["changed_until"], row["whole_since"]) == (None, None)
