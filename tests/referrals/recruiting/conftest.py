"""The cast on each engine."""

from __future__ import annotations

import pytest

from storage.database import Database
from tests.referrals.recruiting.cast import Cast, make_programme


@pytest.fixture
def cast(database: Database) -> Cast:
    """Everybody, on a database of the test's own."""
    return Cast(database, make_programme())
