from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from referrals.figures.periods import KINDS, keys_of, period_of
from referrals.figures.ranking import load_ranking, totals_now
from referrals.figures.standings import POSTINGS, Totals, is_behind, mark_of, move_watermark, rebuild
from storage.bulk import insert_rows
from storage.customers import CustomerAlias
from storage.database import Database
from storage.standings import Standing, StandingCount
from tests.referrals.figures.bookkeeper import TUESDAY, Bookkeeper, make_programme

PROGRAMME = make_programme()
LATER = TUESDAY + timedelta(days=40)  # January: another month, quarter and year
Figures = dict[tuple[str, int], Totals]


class Undo(Exception):
    """Takes a story back, so that the next example begins with an empty database."""


def stored(session: Session) -> Figures:
    rows = session.exec(select(Standing)).all()
    return {(row.period, row.customer_id): Totals(row.friends, row.revenue_minor, row.bonus_minor) for row in rows}


def counted(session: Session) -> dict[tuple[str, int], int]:
    rows = session.exec(select(StandingCount)).all()
    return {(row.period, row.friends): row.customers for row in rows if row.customers}


def project(session: Session, /, **more: Any) -> int:
    return move_watermark(session, programme=PROGRAMME, now=TUESDAY, **more)


def test_a_friend_counts_in_every_period_that_holds_the_release(database: Database) -> None:
    """Rule 33: what counts is when the bonus became available."""

    def story(session: Session) -> tuple[int, Figures]:
        books = Bookkeeper(session)
        books.earn("Anna", "Bram", at=TUESDAY, amount=1500, revenue=8500)
        project(session)
        return books.people["Anna"], stored(session)

    anna, figures = database.run(story)
    assert figures == {(key, anna): Totals(1, 8500, 1500) for key in keys_of(TUESDAY, zone=PROGRAMME.zone)}


def test_a_reversal_takes_the_friend_back_in_its_own_period(database: Database) -> None:
    """Rule 33: −1 in the period of the reversal; the earlier one stands."""

    def story(session: Session) -> dict[str, Totals]:
        books = Bookkeeper(session)
        books.reverse(books.earn("Anna", "Bram", at=TUESDAY), at=LATER)
        project(session)
        return {period: totals for (period, _), totals in stored(session).items()}

    figures = database.run(story)
    assert figures["2026-11"] == Totals(1, 8500, 1500)
    assert figures["2027-01"] == Totals(-1, -8500, -1500)
    assert figures["all"] == Totals()


def test_a_bonus_on_hold_or_in_another_currency_moves_no_standing(database: Database) -> None:
    """Rule 4: boards count the programme's currency."""

    def story(session: Session) -> Figures:
        Bookkeeper(session).hold("Anna", "Bram", at=TUESDAY)
        Bookkeeper(session, currency="USD").earn("Mats", "Chris", at=TUESDAY)
        project(session)
        return stored(session)

    assert database.run(story) == {}


def test_the_watermark_follows_commits_and_never_takes_a_posting_twice(database: Database) -> None:
    """Rule 34."""

    def story(session: Session) -> list[int]:
        books = Bookkeeper(session)
        for friend in ("Bram", "Chris", "Dirk", "Els"):
            books.earn("Anna", friend, at=TUESDAY)
        done = [project(session, limit=3) for _ in range(4)]
        assert stored(session)["all", books.people["Anna"]].friends == 4
        return done

    assert database.run(story) == [3, 3, 2, 0]


def test_the_watermark_can_stop_at_a_midnight(database: Database) -> None:
    def story(session: Session) -> None:
        books = Bookkeeper(session)
        books.earn("Anna", "Bram", at=TUESDAY)
        books.earn("Anna", "Chris", at=TUESDAY + timedelta(days=1))
        midnight = TUESDAY + timedelta(hours=14)
        assert [project(session, before=midnight) for _ in range(2)] == [3, 0]
        assert stored(session)["all", books.people["Anna"]].friends == 1
        assert project(session) == 1

    database.run(story)


def test_a_merge_brings_all_standings_to_the_customer_who_stays(database: Database) -> None:
    """Rule 15: readers resolve the alias; before the projection follows and after it."""

    def story(session: Session) -> tuple[list[dict[int, Totals]], int]:
        books = Bookkeeper(session)
        books.earn("Anna", "Bram", at=TUESDAY)
        books.earn("Anneke", "Chris", at=TUESDAY)
        project(session)
        ids = [books.people[name] for name in ("Anna", "Anneke")]
        insert_rows(session, CustomerAlias, [{"merged_id": ids[1], "customer_id": ids[0], "at": TUESDAY}])
        read = []
        for _ in range(2):
            ranking = load_ranking(session, period_of("month", TUESDAY, zone=PROGRAMME.zone), programme=PROGRAMME)
            found = totals_now(session, ranking, ids)
            read.append({one: totals for one, totals in found.items() if totals != Totals()})
            project(session)
        assert counted(session)["2026-11", 2] == 1
        return read, ids[0]

    read, anna = database.run(story)
    assert read == [{anna: Totals(2, 17000, 3000)}] * 2


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "earn", "release", "reverse", "project", "merge"]),
        st.integers(0, 3), st.integers(0, 400), st.integers(0, 30),
    ),
    max_size=25,
)  # fmt: skip


def act(books: Bookkeeper, step: str, who: int, days: int, which: int, *, bonuses: list[int]) -> None:
    """One step of a random story."""
    at = TUESDAY + timedelta(days=days)
    ambassador, friend = f"ambassador {who}", f"friend {which}"
    chosen = bonuses[which % len(bonuses)] if bonuses else None
    if step in ("hold", "earn"):
        bonuses.append(getattr(books, step)(ambassador, friend, at=at, amount=100 * which, revenue=1000 * which))
    elif step == "project":
        project(books.session, limit=1 + which)
    elif step == "merge":
        ids = sorted(books.person(f"ambassador {n}") for n in (who, (who + 1) % 4))
        insert_rows(
            books.session,
            CustomerAlias,
            [{"merged_id": ids[1], "customer_id": ids[0], "at": at}],
            ignore_conflicts=True,
        )
    elif chosen is not None and (step, books.status(chosen)) in {
        ("release", "held"),
        ("reverse", "held"),
        ("reverse", "available"),
    }:
        getattr(books, step)(chosen, at=at)


def as_read(session: Session, customers: list[int]) -> dict[str, tuple[dict[int, Totals], dict[int, int]]]:
    """What readers see of every period: totals, and people by number of friends."""
    moments = [TUESDAY, TUESDAY + timedelta(days=200)]
    periods = {period_of(kind, at, zone=PROGRAMME.zone) for kind in KINDS for at in moments}
    seen = {}
    for period in periods:
        ranking = load_ranking(session, period, programme=PROGRAMME)
        totals = {one: it for one, it in totals_now(session, ranking, customers).items() if it != Totals()}
        people = {friends: count for friends, count in ranking.people.items() if count and friends}
        assert people == dict(Counter(it.friends for it in totals.values() if it.friends))
        seen[period.key] = (totals, people)
    return seen


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_projection_tail_and_rebuild_agree_after_any_story(database: Database, steps: list[Any]) -> None:
    """Rule 34: whatever the watermark has reached, readers see the same; a rebuild makes the same projection."""

    def story(session: Session) -> None:
        books, bonuses = Bookkeeper(session), list[int]()
        for step in steps:
            act(books, *step, bonuses=bonuses)
        people = list(books.people.values())
        before = as_read(session, people)
        exhaust(session)
        projected = (stored(session), counted(session))
        assert as_read(session, people) == before
        rebuild(session, now=TUESDAY)
        assert mark_of(session, POSTINGS) == 0
        assert as_read(session, people) == before
        exhaust(session)
        assert (stored(session), counted(session)) == projected
        raise Undo

    with pytest.raises(Undo):
        database.run(story)


def exhaust(session: Session) -> None:
    while project(session, limit=7):
        pass
    assert not is_behind(session)


def test_two_movers_at_once_do_not_take_a_posting_twice(database: Database, database_url: str) -> None:
    """Rule 34: the watermark's row is held until the transaction ends."""
    names = database.run(_many_friends)
    other = Database.open(database_url)
    try:
        _race([partial(db.run, project, limit=2) for db in (database, other)] * 15)
    finally:
        other.close()
    assert database.look(lambda session: stored(session)["all", names["Anna"]].friends) == 20


def _many_friends(session: Session) -> dict[str, int]:
    books = Bookkeeper(session)
    for n in range(20):
        books.earn("Anna", f"friend {n}", at=TUESDAY)
    return books.people


def _race(calls: Sequence[Callable[[], Any]]) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        for future in [pool.submit(call) for call in calls]:
            future.result()


def test_the_moment_of_the_posting_decides_not_the_moment_of_the_move(database: Database) -> None:
    def story(session: Session) -> set[str]:
        Bookkeeper(session).earn("Anna", "Bram", at=datetime.fromisoformat("2026-12-31T23:30:00+01:00"))
        move_watermark(session, programme=PROGRAMME, now=LATER)
        return {period for period, _ in stored(session)}

    assert database.run(story) == {"2026-W53", "2026-12", "2026-Q4", "2026", "all"}
