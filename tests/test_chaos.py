"""The drill, line 7, as short as a test may be: workers die under load and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.chaos import Plan, play
from tests.engines import ENGINES, fresh_url

KILLS = 2
PATIENCE_SECONDS = 15.0  # until a worker answers again, beside other tests; `make chaos` holds it to five


@pytest.mark.timeout(170)
async def test_workers_that_are_killed_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    """Drill 7, rules 23, 24 and 27, on both engines: the client's log against the database and Telegram's.

    Both engines play at once: most of the time is waiting for the leases of the dead.
    """
    plans = []
    for engine in ENGINES:
        folder = tmp_path / engine
        folder.mkdir()
        plans.append(Plan(fresh_url(engine, folder), folder, KILLS, ambassadors=3, clients=2))

    reports = await asyncio.gather(*(play(plan) for plan in plans))

    for report in reports:
        assert report.verdict.wrong == []
        assert report.kills == KILLS
        assert report.in_flight >= KILLS
        assert report.calls["acked"] > report.started > 0
        assert max(report.ready_seconds) < PATIENCE_SECONDS
