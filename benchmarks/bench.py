"""``make bench``: our hot paths against bare aiohttp handlers of the same shape, in one run.

Ours and bare take turns within every repetition, under the same load, one server process each, so that only their
ratio counts and not how fast or how busy the machine is. Afterwards everything that was answered must be in the
database, and the books must balance.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.checks import faults
from benchmarks.figures import Figures, Sample, summary, table
from benchmarks.processes import Server, measure
from benchmarks.requests import KINDS
from benchmarks.world import make_world, sqlite_url

BARE, OURS = "bare", "ours"
QUICK = {"seconds": 0.3, "repetitions": 2, "ambassadors": 20}
GOALS = {"click": 0.45, "order": 0.30}  # of the bare handler's throughput, on SQLite
MOST_P99 = 3.0  # times the bare handler's


@dataclass(frozen=True)
class Plan:
    """What is measured, and for how long."""

    engine: str
    seconds: float  # of one load
    repetitions: int
    connections: int
    ambassadors: int
    kinds: tuple[str, ...]
    folder: Path


def main() -> int:
    """Measure, print, check; 1 where an answer was lost or the books are off."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="ambassade-bench-", dir=options.folder) as folder:
        plan = Plan(
            engine=options.engine,
            seconds=options.seconds,
            repetitions=options.repetitions,
            connections=options.connections,
            ambassadors=options.ambassadors,
            kinds=tuple(options.only or KINDS),
            folder=Path(folder),
        )
        figures, wrong = run(plan)
    result = {"plan": _plain(plan), "results": summary(figures), "faults": wrong}
    print(json.dumps(result, indent=1) if options.json else _page(figures, wrong))
    return 1 if wrong else 0


def run(plan: Plan) -> tuple[Figures, list[str]]:
    """Every sample, and what was wrong with the database afterwards."""
    url = _url(plan)
    codes = make_world(url, ambassadors=plan.ambassadors)
    figures: Figures = {kind: {BARE: [], OURS: []} for kind in plan.kinds}
    answered: dict[str, list[str]] = defaultdict(list)
    with Server(BARE) as bare, Server(OURS, url) as ours:
        for repetition in range(-1, plan.repetitions):  # the first one warms up
            for kind in plan.kinds:
                sides = [(BARE, bare), (OURS, ours)]
                for side, server in sides if repetition % 2 else reversed(sides):
                    seconds = plan.seconds if repetition >= 0 else min(plan.seconds, 1.0)
                    sample, names = _once(
                        plan, kind, server, codes, seconds=seconds, prefix=f"r{repetition + 1}-{side}-"
                    )
                    if side == OURS:
                        answered[kind] += names
                    if repetition >= 0:
                        figures[kind][side].append(sample)
    return figures, faults(url, answered)


def _once(
    plan: Plan, kind: str, server: Server, codes: list[str], *, seconds: float, prefix: str
) -> tuple[Sample, list[str]]:
    work = {"kind": kind, "codes": codes, "prefix": prefix, "seconds": seconds, "connections": plan.connections}
    return measure(server, work)


def _url(plan: Plan) -> str:
    if plan.engine == "sqlite":
        return sqlite_url(plan.folder)
    from benchmarks.postgresql import postgresql_url  # noqa: PLC0415 - only where it is asked for

    return postgresql_url(plan.folder)


def _page(figures: Figures, wrong: list[str]) -> str:
    lines = [table(figures), "", *_goals(figures)]
    lines += [f"WRONG: {sentence}" for sentence in wrong]
    if not wrong:
        lines.append("Everything answered is in the database, every order with its bonus, and the books balance.")
    return "\n".join(lines)


def _goals(figures: Figures) -> list[str]:
    lines = []
    for kind, found in summary(figures).items():
        rate, p99 = found["ratios"]["per_second"]["median"], found["ratios"]["p99_ms"]["median"]
        reached = rate >= GOALS.get(kind, 0) and p99 <= MOST_P99
        goal = f"at least {GOALS[kind]:.0%} of bare, " if kind in GOALS else ""
        lines.append(f"{kind}: goal {goal}p99 at most {MOST_P99:.0f}×: {'reached' if reached else 'not reached'}")
    return lines


def _plain(plan: Plan) -> dict[str, Any]:
    return {name: value for name, value in vars(plan).items() if name != "folder"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", choices=KINDS, action="append", help="one request; may be repeated")
    parser.add_argument("--seconds", type=float, default=3.0, help="of one load")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--ambassadors", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="where the database lies: a disk that is measured")
    parser.add_argument("--quick", action="store_true", help="only shows that it runs; its figures mean nothing")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    return options


if __name__ == "__main__":
    sys.exit(main())
