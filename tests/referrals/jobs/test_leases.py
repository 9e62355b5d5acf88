from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlmodel import Session, select

from referrals.jobs.leases import Held, LeaseLost, acquire_lease, release_lease, renew_lease
from storage.bulk import update_rows
from storage.database import Database
from storage.installation import Setting
from storage.leases import Lease

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def other(database_url: str) -> Iterator[Database]:
    """Another worker's connection to the same database."""
    other = Database.open(database_url)
    yield other
    other.close()


def acquire(database: Database, owner: str) -> Held | None:
    return database.run(acquire_lease, "release-bonuses", owner=owner)


def run_out(database: Database) -> None:
    """The holder stood still for longer than its lease."""
    database.run(update_rows, Lease, [{"name": "release-bonuses", "until": LONG_AGO}], key=("name",))


def work(session: Session, held: Held, *, value: str) -> None:
    renew_lease(session, held)
    session.add(Setting(key=f"done by {held.owner}", value=value))


def done(session: Session) -> list[str]:
    return [row.key for row in session.exec(select(Setting)).all()]


def test_a_lease_that_is_held_is_not_given_to_another(database: Database, other: Database) -> None:
    """Rule 36."""
    assert acquire(database, "one") is not None
    assert acquire(other, "two") is None


def test_a_lease_given_back_can_be_taken_at_once_with_a_higher_fence(database: Database, other: Database) -> None:
    first = acquire(database, "one")
    assert first is not None
    database.run(release_lease, first)
    second = acquire(other, "two")
    assert second is not None
    assert second.fence > first.fence


def test_of_many_workers_at_once_one_gets_the_lease(database: Database, other: Database) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        calls = [partial(acquire, (database, other)[n % 2], f"worker {n}") for n in range(16)]
        held = list(pool.map(lambda call: call(), calls))
    assert len([one for one in held if one is not None]) == 1


def test_a_stopped_holder_that_comes_back_late_commits_nothing(database: Database, other: Database) -> None:
    """Rule 36: its fence is compared in the item's own transaction."""
    stopped = acquire(database, "stopped")
    assert stopped is not None
    run_out(database)
    successor = acquire(other, "successor")
    assert successor is not None
    other.run(work, successor, value="1")
    with pytest.raises(LeaseLost):
        database.run(work, stopped, value="2")
    assert database.look(done) == ["done by successor"]


def test_a_lease_that_ran_out_is_lost_though_nobody_took_it(database: Database) -> None:
    held = acquire(database, "one")
    assert held is not None
    run_out(database)
    with pytest.raises(LeaseLost):
        database.run(work, held, value="1")


def test_giving_back_late_does_not_take_it_from_the_next(database: Database, other: Database) -> None:
    stopped = acquire(database, "stopped")
    assert stopped is not None
    run_out(database)
    assert acquire(other, "successor") is not None
    database.run(release_lease, stopped)
    assert acquire(database, "third") is None


def test_renewing_prolongs_the_lease_in_the_databases_own_time(database: Database) -> None:
    """Rule 36: no lease is without an end."""
    held = acquire(database, "one")
    assert held is not None
    database.run(renew_lease, held, seconds=3600)
    until = database.look(lambda session: session.exec(select(Lease.until)).one())
    assert until is not None
    now = datetime.now(UTC)  # noqa: TID251 - compared with the database's clock, which is this machine's
    assert timedelta(minutes=59) < until - now < timedelta(minutes=61)
