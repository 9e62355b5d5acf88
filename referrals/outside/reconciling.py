"""A shop is asked what changed, and what it says is applied: the network here, the transactions in ``recruiting``.

Nothing is asked while a transaction is open. Asking twice, at once or after a kill changes nothing twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from referrals.outside.client import ShopClient
from referrals.outside.errors import ShopError, ShopNonsense, ShopRefused, ShopUnauthorised
from referrals.outside.pages import Page
from referrals.outside.shopify_api import ShopifyOrders
from referrals.outside.woocommerce_api import WooCommerceOrders
from referrals.programme import Programme
from referrals.recruiting.events import Delivery, store_quarantined
from referrals.recruiting.reconciling import (
    Asked,
    Guessed,
    apply_page,
    asked_of,
    begin,
    finish,
    guessed_orders,
    note_failure,
    read_asked,
    set_watermark,
)
from referrals.shop_settings import Shop
from storage.database import OutcomeUnknown, Overloaded

log = structlog.get_logger()

ORDERS: dict[str, type[ShopifyOrders | WooCommerceOrders]] = {
    "shopify": ShopifyOrders,
    "woocommerce": WooCommerceOrders,
}
MOST_GUESSES = 50  # orders asked one by one between two transactions

Across = Callable[..., Awaitable[Any]]  # Database.read or write, or a job's


@dataclass(frozen=True)
class Reconciled:
    """What asking a shop came to."""

    shop: str
    counts: Counter[str] = field(default_factory=Counter)  # by status: applied, unchanged, ignored, quarantined
    ended: bool = False  # everything was asked; otherwise the next run goes on from there
    whole: bool = False  # every order that the shop has is applied
    history_known: bool = False  # this run has made the history known


class Reconciling:
    """One run for one shop. ``read`` and ``write`` cross over to the database; ``now`` is the programme's time."""

    def __init__(
        self,
        client: ShopClient,
        *,
        read: Across,
        write: Across,
        programme: Programme,
        now: datetime,
        stopping: Callable[[], bool] = lambda: False,
        advanced: Callable[[int], None] = lambda _orders: None,
    ) -> None:
        self._shop: Shop = client.shop
        self._orders = ORDERS[client.shop.kind](client)
        self._read, self._write, self._programme = read, write, programme
        self._now, self._began = now, time.monotonic()
        self._stopping, self._advanced = stopping, advanced
        self._counts: Counter[str] = Counter()

    async def run(self, *, since: datetime | None = None, everything: bool = False) -> Reconciled:
        """The shop's orders are as the shop says they are.

        Args:
            since: Ask for what changed after this moment, whatever the watermark says, and leave that alone.
            everything: Ask for every order, as if for the first time.

        Raises:
            ShopError: The shop could not be asked; what was applied before stays, and the failure is noted.
        """
        try:
            return await self._run(since, everything=everything)
        except ShopError as error:
            await self._write(note_failure, self._shop.name, error=error.sentence, now=self._clock())
            raise

    async def _run(self, since: datetime | None, *, everything: bool) -> Reconciled:
        name, chosen = self._shop.name, since is not None
        shows_all = await self._orders.tells_all()
        start = since if chosen or everything else await self._beginning(shows_all=shows_all)
        if start is None:
            await self._write(begin, name, shows_all=shows_all, now=self._clock())
        ended = await self._changed(start, keep=not chosen) and await self._guesses()
        if not ended:
            return Reconciled(name, self._counts)
        whole = shows_all and not chosen
        known = await self._write(finish, self._shop, whole=whole, programme=self._programme, now=self._clock())
        return Reconciled(name, self._counts, ended=True, whole=whole, history_known=known)

    async def _beginning(self, *, shows_all: bool) -> datetime | None:
        """The watermark; none where the shop shows its old orders now, and did not as the asking began."""
        asked: Asked = await self._read(asked_of, self._shop.name)
        return None if shows_all and not asked.shows_all else asked.since

    async def _changed(self, since: datetime | None, *, keep: bool) -> bool:
        """Every page is applied; False where there was no time left for all of them."""
        pages: AsyncIterator[Page] = self._orders.changed(since=since)
        asked_at = self._clock()
        async for page in pages:
            await self._apply(page.bodies, asked_at=asked_at, changed_until=page.changed_until if keep else None)
            if self._stopping():
                return False
            asked_at = self._clock()
        return True

    async def _guesses(self) -> bool:
        """Orders of which a guess still stands are asked one by one, each once."""
        after = 0
        while not self._stopping():
            guesses: list[Guessed] = await self._read(guessed_orders, self._shop.name, after=after, limit=MOST_GUESSES)
            if not guesses:
                return True
            asked_at = self._clock()
            answers = [await self._one(each, asked_at=asked_at) for each in guesses]
            await self._apply([body for body in answers if body is not None], asked_at=asked_at, changed_until=None)
            after = guesses[-1].row_id
        return False

    async def _one(self, guess: Guessed, *, asked_at: datetime) -> bytes | None:
        """The order as the shop has it; one that it will not show holds up no other, and is asked again next time."""
        try:
            return await self._orders.one(guess.external_id, created_at=guess.created_at, asked_at=asked_at)
        except ShopUnauthorised:
            raise
        except (ShopRefused, ShopNonsense) as error:
            log.warning("reconcile.not_shown", shop=self._shop.name, order=guess.row_id, status=error.status)
            return None

    async def _apply(self, bodies: Sequence[bytes], *, asked_at: datetime, changed_until: datetime | None) -> None:
        """The page is applied together; if that fails, each order alone, so that a fault stays alone."""
        if not bodies:
            return
        items = [read_asked(self._shop, body, asked_at=asked_at) for body in bodies]
        try:
            await self._page(items, changed_until)
        except (Overloaded, OutcomeUnknown):
            raise
        except Exception:
            log.exception("reconcile.page_failed", shop=self._shop.name, orders=len(items))
            for item in items:
                await self._alone(item)
            if changed_until is not None:
                await self._write(set_watermark, self._shop.name, changed_until=changed_until, now=self._clock())
        self._advanced(len(items))

    async def _alone(self, item: Delivery) -> None:
        try:
            await self._page([item], None)
        except (Overloaded, OutcomeUnknown):
            raise
        except Exception as error:
            log.exception("reconcile.order_failed", shop=self._shop.name)
            answer = await self._write(store_quarantined, item, error, programme=self._programme)
            self._counts[answer.status] += 1

    async def _page(self, items: Sequence[Delivery], changed_until: datetime | None) -> None:
        self._counts += await self._write(
            apply_page, items, shop=self._shop.name, changed_until=changed_until, programme=self._programme,
            now=self._clock(),
        )  # fmt: skip

    def _clock(self) -> datetime:
        """The programme's time, which goes on while the shop is asked."""
        return self._now + timedelta(seconds=time.monotonic() - self._began)
