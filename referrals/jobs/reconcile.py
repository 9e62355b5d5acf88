"""Every shop with an API is asked for what changed, so that a hook that was lost is made good (rules 1, 13).

A shop is due a quarter of an hour after it was asked. One that fails is asked less and less often, and holds up no
other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from referrals.jobs.leases import LeaseLost
from referrals.outside.client import Http, ShopClient, open_http
from referrals.outside.errors import ShopError
from referrals.outside.reconciling import Reconciling
from referrals.recruiting.reconciling import due_shops, note_failure
from storage.database import OutcomeUnknown, Overloaded

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.jobs.turn import Turn
    from referrals.programme import Programme

NAME = "reconcile"

log = structlog.get_logger()


def is_due(session: Session, *, programme: Programme, now: datetime) -> bool:
    """Whether any shop with an API was not asked for a while."""
    return bool(due_shops(session, programme=programme, now=now))


async def work(turn: Turn) -> None:
    """Every shop that is due was asked: ``done`` counts orders that changed, ``failed`` shops that did not answer."""
    await turn.outside(_ask_all(turn))


async def _ask_all(turn: Turn) -> None:
    names = await turn.read(due_shops, programme=turn.programme, now=turn.now)
    async with open_http() as http:
        for name in names:
            if turn.stopping():
                return
            await _ask(turn, name, http)


async def _ask(turn: Turn, name: str, http: Http) -> None:
    shop = turn.programme.config.shop(name)
    if shop is None or shop.api is None:
        return
    try:
        client = ShopClient(shop, http, maker=turn.programme.maker)
        run = Reconciling(
            client, read=turn.read, write=turn.write, programme=turn.programme, now=turn.now, stopping=turn.stopping
        )
        said = await run.run()
    except ShopError as error:
        log.warning("reconcile.failed", shop=name, error=error.sentence, status=error.status)
        turn.failed += 1
    except (LeaseLost, Overloaded, OutcomeUnknown):
        raise
    except Exception as error:
        log.exception("reconcile.failed", shop=name)
        await turn.write(note_failure, name, error=f"our own fault ({type(error).__name__})", now=turn.now)
        turn.failed += 1
    else:
        turn.done += said.counts["applied"]
        if said.counts["applied"] or said.counts["quarantined"]:
            log.info("reconcile.done", shop=name, **said.counts)
