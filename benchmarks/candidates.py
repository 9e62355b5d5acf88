"""``python -m benchmarks.candidates``: how long it takes to find whom to speak to among a million customers.

Each play in a process of its own: its first hundred candidates, again and again, and one pass over all who are due,
page after page as the job does it. What the pass holds in memory beyond what the process held before is told too.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from sqlmodel import Session

from benchmarks.crowd import NOW, make_crowd
from benchmarks.world import read_config, sqlite_url
from referrals.asking.play import Play
from referrals.asking.plays import PLAYS
from referrals.chance import Maker
from referrals.programme import Programme, load_programme, make_keys
from storage.database import Database
from storage.schema import upgrade

FIRST = 100
PAGE = 1000
GOAL_FIRST_MS, GOAL_PASS_S, GOAL_MB = 10.0, 1.0, 30.0
ALL = 10_000_000


def main() -> int:
    """Make the crowd, measure, print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="ambassade-crowd-", dir=options.folder) as folder:
        url = _url(options.engine, Path(folder))
        began = perf_counter()
        prepare(url, options.customers)
        made = perf_counter() - began
        found = {name: _apart(url, name, options.repetitions) for name in options.only or PLAYS}
    result = {"engine": options.engine, "customers": options.customers, "made_s": round(made, 1), "plays": found}
    print(json.dumps(result, indent=1) if options.json else page(result))
    return 0


def prepare(url: str, customers: int) -> None:
    """The database exists, with so many customers."""
    upgrade(url)
    database = Database.open(url)
    try:
        database.run(make_keys, Maker())
        make_crowd(database, customers)
        database.run(_analyse)
    finally:
        database.close()


def measure(url: str, name: str, repetitions: int) -> dict[str, Any]:
    """The figures of one play."""
    database = Database.open(url)
    try:
        programme = database.look(load_programme, read_config(url))
        return database.look(_measure, PLAYS[name], programme=programme, repetitions=repetitions)
    finally:
        database.close()


def page(result: dict[str, Any]) -> str:
    """The same for a reader."""
    lines = [
        f"{result['customers']:,} customers, {result['engine']}; made in {result['made_s']} s",
        "| play | due | first 100: p50 ms | p99 ms | all: s | more MB | next: ms | goals |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in result["plays"].items():
        reached = (
            found["first_p50_ms"] <= GOAL_FIRST_MS and found["pass_s"] <= GOAL_PASS_S and found["more_mb"] <= GOAL_MB
        )
        lines.append(
            f"| {name} | {found['due']} | {found['first_p50_ms']:.1f} | {found['first_p99_ms']:.1f} | "
            f"{found['pass_s']:.2f} | {found['more_mb']:.0f} | {found['next_ms']:.1f} | "
            f"{'reached' if reached else 'not reached'} |"
        )
    return "\n".join(lines)


def _apart(url: str, name: str, repetitions: int) -> dict[str, Any]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, url, name, repetitions).result()


def _measure(session: Session, play: Play, *, programme: Programme, repetitions: int) -> dict[str, Any]:
    known: dict[str, Any] = {"programme": programme, "now": NOW}
    first = [_timed(lambda: play.candidates(session, limit=FIRST, **known)) for _ in range(repetitions + 3)][3:]
    later = [_timed(lambda: play.next_at(session, **known)) for _ in range(5)]
    before = _peak_mb()
    began = perf_counter()
    due = _pass(session, play, known)
    took = perf_counter() - began
    return {
        "due": due,
        "first_p50_ms": 1000 * median(first),
        "first_p99_ms": 1000 * sorted(first)[len(first) * 99 // 100],
        "pass_s": took,
        "more_mb": _peak_mb() - before,
        "next_ms": 1000 * median(later),
    }


def _pass(session: Session, play: Play, known: dict[str, Any]) -> int:
    """Everybody who is due, page after page; a play that cannot go on where it was is asked for all at once."""
    if not play.resumes:
        return len(play.candidates(session, limit=ALL, **known))
    count, after, last = 0, None, set[str]()
    while found := play.candidates(session, limit=PAGE, after=after, **known):
        fresh = [one for one in found if one.subject not in last]
        if not fresh:
            break
        count, after = count + len(fresh), found[-1].cause_at
        last = {one.subject for one in found if one.cause_at == after}
    return count


def _timed(call: Any) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _analyse(session: Session) -> None:
    """What PostgreSQL does by itself in time; SQLite is left without."""
    if session.connection().dialect.name == "postgresql":
        session.connection().exec_driver_sql("ANALYZE")


def _url(engine: str, folder: Path) -> str:
    if engine == "sqlite":
        return sqlite_url(folder)
    from benchmarks.postgresql import postgresql_url  # noqa: PLC0415 - only where it is asked for

    return postgresql_url(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.candidates", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--only", choices=tuple(PLAYS), action="append", help="one play; may be repeated")
    parser.add_argument("--folder", type=Path, help="where the database lies")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
