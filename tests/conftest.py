"""What every test can ask for: a database on both engines, and the moment at which the tests play."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest

from storage.database import Database
from tests.engines import ENGINES, give_back, lent_url

# Begun first: at the end of the suite one of these would keep everybody waiting.
LONG = frozenset(
    {
        "test_asking_years.py",
        "test_benchmarks.py",
        "test_chaos.py",
        "test_clocks.py",
        "test_demo.py",
        "test_outside.py",
        "test_planted.py",
        "test_schemathesis.py",
        "test_two_workers.py",
        "test_wall_property.py",
        "test_year.py",
    }
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are processors: half of the time a test waits for a database or for a moment."""
    return 2 * (os.cpu_count() or 1)


SCREENS = Path(__file__).parent / "bot" / "screens"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``make test ARGS=--both`` takes a few minutes more."""
    parser.addoption("--both", action="store_true", help="every test of a screen on both engines")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files come first; a screen's test runs on one engine, unless it was asked for by its name.

    Screens have hardly a query of their own: what they call is tested on both engines, and every file of theirs runs
    on both, one half of its tests on each.
    """
    if not config.getoption("--both") and not any("::" in argument for argument in config.args):
        left_out = [item for item in items if SCREENS in item.path.parents and not _is_on_its_engine(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    items.sort(key=lambda item: item.path.name not in LONG)


def _is_on_its_engine(item: pytest.Item) -> bool:
    engine = item.callspec.params.get("engine") if hasattr(item, "callspec") else None
    name = item.name.replace(f"{engine}-", "").replace(f"[{engine}]", "")
    return engine is None or engine == ENGINES[crc32(name.encode()) % len(ENGINES)]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The engine's name; whoever asks for it, or for a database, runs once on each."""
    name: str = request.param
    return name


@pytest.fixture
def database_url(engine: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database of the test's own: the whole schema, no row."""
    url = lent_url(engine, tmp_path)
    yield url
    give_back(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """That database, open; it is closed after the test, which also finds threads that do not end."""
    database = Database.open(database_url)
    yield database
    database.close()


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two processes on one database."""
    workers = Database.open(database_url), Database.open(database_url)
    yield workers
    for worker in workers:
        await worker.stop()


@pytest.fixture
def now() -> datetime:
    """A Tuesday morning in November, on the programme's clock."""
    return datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))
