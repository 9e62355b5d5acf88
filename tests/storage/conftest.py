"""A database on one engine, for what only that engine does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.engines import fresh_url


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """An open SQLite database with the whole schema."""
    database = Database.open(fresh_url("sqlite", tmp_path))
    yield database
    database.close()


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[Database]:
    """An open PostgreSQL database with the whole schema."""
    database = Database.open(fresh_url("postgresql", tmp_path))
    yield database
    database.close()
