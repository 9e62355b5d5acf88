"""``python -m benchmarks.imports``: how long a million orders of the past take to come in, and in how much memory.

The file is made beforehand. The import runs in a process of its own, once into a database without orders and once
more, where nothing is left to do. One order in a hundred names an ambassador's code and goes the long way.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks.requests import SHOP
from benchmarks.world import make_world, read_config, sqlite_url
from referrals.clock import Clock
from referrals.commands.imports import Wish, import_file
from referrals.commands.opening import Opened
from referrals.programme import load_programme
from storage.database import Database

GOAL_SECONDS_A_MILLION, GOAL_MB = 120.0, 300.0
HEAD = "id;status;currency;total;base;refunded;created_at;paid_at;updated_at;customer_id;email;codes\n"
BEGIN, STEP = datetime(2018, 1, 1, tzinfo=UTC), timedelta(seconds=97)
ORDERS_A_CUSTOMER, CODES_ONE_IN = 3, 100
SPREAD = 7919  # a prime: neighbours in the file are no neighbours among the customers


def main() -> int:
    """Make the file, measure, print; 1 where a row was refused."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="ambassade-import-", dir=options.folder) as folder:
        url = _url(options.engine, Path(folder))
        codes = make_world(url, ambassadors=100)
        path = Path(folder) / "orders.csv"
        write_orders(path, options.orders, codes)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found = pool.submit(measure, url, str(path)).result()
    result = {"engine": options.engine, "orders": options.orders, **found}
    print(json.dumps(result, indent=1) if options.json else page(result))
    return 0 if found["clean"] else 1


def write_orders(path: Path, orders: int, codes: list[str]) -> None:
    """So many orders of a third as many customers, in the order in which they were made."""
    customers = orders // ORDERS_A_CUSTOMER + 1
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for number in range(orders):
            made = BEGIN + number * STEP
            paid = (made + timedelta(minutes=1)).isoformat()
            buyer = number * SPREAD % customers
            code = codes[number % len(codes)] if number % CODES_ONE_IN == 0 else ""
            money = f"EUR;{10 + number % 190}.{number % 100:02};9.00;0"
            times = f"{made.isoformat()};{paid};{paid}"
            file.write(f"{number};completed;{money};{times};{buyer};buyer{buyer}@example.com;{code}\n")


def measure(url: str, path: str) -> dict[str, Any]:
    """The figures of the import, and of the same file again, in this process."""
    database = Database.open(url)
    try:
        config, clock = read_config(url), Clock()
        programme = database.look(load_programme, config)
        opened = Opened(config, database, programme, clock, clock.programme())
        wish = Wish("orders", Path(path), shop=SHOP)
        first, clean = _timed(opened, wish)
        again, still = _timed(opened, wish)
    finally:
        database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"first": first, "again": again, "peak_mb": round(peak), "clean": clean and still}


def page(result: dict[str, Any]) -> str:
    """The same for a reader."""
    orders, first, again = result["orders"], result["first"], result["again"]
    million = first["seconds"] * 1e6 / orders
    reached = million <= GOAL_SECONDS_A_MILLION and result["peak_mb"] <= GOAL_MB
    return "\n".join(
        [
            f"{orders:,} orders, {result['engine']}; at most {result['peak_mb']} MB",
            "| import | s | CPU s | µs CPU an order | a million, s |",
            "|---|---|---|---|---|",
            *(
                f"| {name} | {part['seconds']:.1f} | {part['cpu_seconds']:.1f} | "
                f"{part['cpu_seconds'] * 1e6 / orders:.0f} | {part['seconds'] * 1e6 / orders:.0f} |"
                for name, part in (("first", first), ("the same again", again))
            ),
            f"goal {GOAL_SECONDS_A_MILLION:.0f} s a million and {GOAL_MB:.0f} MB: {'' if reached else 'not '}reached",
        ]
    )


def _timed(opened: Opened, wish: Wish) -> tuple[dict[str, float], bool]:
    began, used = perf_counter(), process_time()
    clean = import_file(opened, wish, as_json=False)
    return {"seconds": perf_counter() - began, "cpu_seconds": process_time() - used}, clean


def _url(engine: str, folder: Path) -> str:
    if engine == "sqlite":
        return sqlite_url(folder)
    from benchmarks.postgresql import postgresql_url  # noqa: PLC0415 - only where it is asked for

    return postgresql_url(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the database lies")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
