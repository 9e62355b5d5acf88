"""No order of events makes the programme pay twice or wrongly: random stories of a shop, on both databases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.planted import WITHIN, phases
from tests.referrals.rewarding.machine import Books

# With a bug in it that is planted, far more stories may be told: the first that fails is enough.
MANY = os.environ.get("AMBASSADE_STORIES")  # make machine: so many, and others each time
STORIES = {"sqlite": 150 if WITHIN in os.environ else 7, "postgresql": 3}


@pytest.mark.timeout(7200 if MANY else 240)
def test_whatever_happens_to_orders_the_books_say_what_was_earned(engine: str, tmp_path: Path) -> None:
    """Rules 1 to 9, 15, 34 and 41: refunds, swaps, vouchers, merges, erasures, other rules, time, crashes, restarts."""
    machine = type("BooksHere", (Books,), {"engine": engine, "folder": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(MANY or STORIES[engine]),
            stateful_step_count=30,
            deadline=None,
            derandomize=not MANY,
            database=None,
            phases=phases(),
            suppress_health_check=list(HealthCheck),
        ),
    )
