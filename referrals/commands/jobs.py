"""``run-job``: one job once, as the clock would have it run."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from referrals.commands.opening import Misuse
from referrals.commands.output import print_json, print_line
from referrals.jobs.registry import JOBS, run_job

if TYPE_CHECKING:
    from datetime import datetime

    from referrals.commands.opening import Opened

AHEAD = timedelta(minutes=5)
PATIENCE_SECONDS = 30.0  # while the service has the turn
PAUSE_SECONDS = 0.2


def run_one(opened: Opened, name: str, *, at: str | None, as_json: bool) -> bool:
    """The job has run; False where something in it failed. Raises: Misuse."""
    if name not in JOBS:
        raise Misuse(f"there is no job {name!r}; there are {', '.join(JOBS)}.")
    now = opened.moment(at, option="--now") if at else opened.now
    if opened.config.telegram.is_real and now > opened.now + AHEAD:
        raise Misuse("--now is more than five minutes ahead, and telegram.api_server is Telegram's own (rules 35).")
    result = asyncio.run(_run(opened, name, now=now))
    if as_json:
        print_json(result)
    else:
        print_line(f"{name}: {result['done']} done, {result['skipped']} skipped, {result['failed']} failed")
    return not result["failed"]


async def _run(opened: Opened, name: str, *, now: datetime) -> dict[str, Any]:
    """Waits for its turn: the service holds the lease for moments only."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        result = await run_job(opened.database, name, programme=opened.programme, now=now)
        if not result["skipped"] or time.monotonic() > until:
            return result
        await asyncio.sleep(PAUSE_SECONDS)
