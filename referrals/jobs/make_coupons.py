"""Vouchers are created in the shop and taken out of it: asked in no transaction; what fails is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from referrals.jobs.leases import LeaseLost
from referrals.outside.client import ShopClient, open_http
from referrals.outside.coupons import end_coupon, make_coupon
from referrals.outside.errors import ApiMissing, ShopError, ShopRefused
from referrals.rewarding.shop_coupons import (
    begin_task,
    due_coupons,
    next_coupon,
    note_failed,
    note_gone,
    note_made,
)
from storage.database import OutcomeUnknown, Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme
    from referrals.rewarding.shop_coupons import CouponTask
    from referrals.shop_settings import Shop

NAME = "make-coupons"
MOST = 50  # a turn

log = structlog.get_logger()


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:  # noqa: ARG001 - the form of all jobs
    """Whether a shop is to be asked for anything."""
    return bool(due_coupons(session, now=now, limit=1))


def next_at(session: Session, *, programme: Programme, now: datetime) -> datetime | None:  # noqa: ARG001 - as above
    """When a shop is to be asked next."""
    return next_coupon(session, now=now)


async def work(turn: Turn) -> None:
    """Every coupon that is due was asked for once: ``done`` counts those that the shop made or took away."""
    async with turn.kept(), open_http() as http:

        def client(shop: Shop) -> ShopClient:
            return ShopClient(shop, http, maker=turn.programme.maker)

        for voucher_id in await turn.read(due_coupons, now=turn.now, limit=MOST):
            if turn.stopping():
                return
            task = await turn.write(begin_task, voucher_id, programme=turn.programme, now=turn.now)
            if task is not None:
                await _ask(turn, task, client)


async def _ask(turn: Turn, task: CouponTask, client: Callable[[Shop], ShopClient]) -> None:
    shop = turn.programme.config.shop(task.shop)
    try:
        if shop is None:
            await _failed(turn, task, "the configuration has no such shop", permanent=True)
            return
        if task.ends:
            used = await end_coupon(client(shop), task.wish)
            await turn.write(note_gone, task.voucher_id, used=used, now=turn.now)
        else:
            external_id = await make_coupon(client(shop), task.wish)
            await turn.write(note_made, task.voucher_id, external_id=external_id, now=turn.now)
        turn.done += 1
    except ShopError as error:
        # What is no answer may be a page of its maintenance, and is worth another try.
        no = isinstance(error, (ShopRefused, ApiMissing))
        await _failed(turn, task, error.sentence, permanent=no)
    except (LeaseLost, Overloaded, OutcomeUnknown):
        raise
    except Exception as error:
        log.exception("coupon.failed", shop=task.shop)
        await _failed(turn, task, f"our own fault ({type(error).__name__})", permanent=False)


async def _failed(turn: Turn, task: CouponTask, why: str, *, permanent: bool) -> None:
    turn.failed += 1
    log.warning("coupon.failed", shop=task.shop, error=why, ends=task.ends)
    await turn.write(
        note_failed, task.voucher_id, error=why, permanent=permanent, programme=turn.programme, now=turn.now
    )
