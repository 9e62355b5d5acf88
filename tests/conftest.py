"""What every test can ask for: a database on both engines, and the moment at which the tests play."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first."""
    items.sort(key=lambda item: item.path.name not in LONG)


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
