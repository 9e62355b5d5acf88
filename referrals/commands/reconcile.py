"""``reconcile``: a shop is asked for the orders that changed, now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from referrals.commands.opening import Failure, Misuse
from referrals.commands.output import print_json, print_line, progress
from referrals.outside.client import ShopClient, open_http
from referrals.outside.errors import ApiMissing, ShopError
from referrals.outside.reconciling import Reconciled, Reconciling

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from referrals.commands.opening import Opened
    from referrals.shop_settings import Shop

STATUSES = ("applied", "unchanged", "ignored", "quarantined")


def reconcile(opened: Opened, name: str, *, since: str | None, everything: bool, as_json: bool) -> None:
    """The shop's orders are as the shop says they are, and what that came to is printed. Raises: Misuse, Failure."""
    if since is not None and everything:
        raise Misuse("--since and --all ask for different things: choose one.")
    moment = opened.moment(since, option="--since") if since is not None else None
    shop = _shop(opened, name)
    try:
        with progress(f"reconcile {name}") as advanced:
            said = asyncio.run(_run(opened, shop, advanced, since=moment, everything=everything))
    except ApiMissing as error:
        raise Misuse(f"{error}.") from None
    except ShopError as error:
        raise Failure(f"{error}.") from None
    _show(said, as_json=as_json)


async def _run(
    opened: Opened, shop: Shop, advanced: Callable[[int], None], *, since: datetime | None, everything: bool
) -> Reconciled:
    async with open_http() as http:
        run = Reconciling(
            ShopClient(shop, http, maker=opened.programme.maker),
            read=opened.database.read,
            write=opened.database.write,
            programme=opened.programme,
            now=opened.now,
            advanced=advanced,
        )
        return await run.run(since=since, everything=everything)


def _shop(opened: Opened, name: str) -> Shop:
    shop = opened.config.shop(name)
    if shop is None:
        names = ", ".join(each.name for each in opened.config.shops)
        raise Misuse(f"there is no shop {name!r} in the configuration; there are {names}.")
    if shop.kind == "standard":
        raise Misuse(
            f"{name} is a standard shop, which has no API that we could ask: let it send its orders again, by hook or "
            "to POST /api/v1/orders/batch; what is known already changes nothing."
        )
    return shop


def _show(said: Reconciled, *, as_json: bool) -> None:
    counts = {status: said.counts[status] for status in STATUSES}
    if as_json:
        print_json({"shop": said.shop, **counts, "whole": said.whole, "history_known": said.history_known})
        return
    print_line(f"{said.shop}: " + ", ".join(f"{count} {status}" for status, count in counts.items()))
    if counts["quarantined"]:
        print_line("what makes no sense is put aside: `ambassade replay --quarantined` reads it again")
    if said.history_known:
        print_line("every order of every shop was read: the history is known, and nothing is under review for it")
