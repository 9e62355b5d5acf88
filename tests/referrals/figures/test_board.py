from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from referrals.figures.board import Board, Place, board, own_place
from referrals.figures.moves import FREEZE
from referrals.figures.periods import UnknownPeriod
from referrals.figures.snapshots import keep_places, places_on
from referrals.figures.standings import move_watermark
from referrals.jobs.runs import begin_run, finish_run
from storage.bulk import update_rows
from storage.customers import Customer
from storage.database import Database
from storage.ledger import Bonus
from tests.referrals.figures.bookkeeper import TUESDAY, Bookkeeper, make_programme

PROGRAMME = make_programme()
FRIENDS = ("Bram", "Chris", "Dirk", "Els", "Fien", "Gijs")
Story = Callable[[Bookkeeper], Any]


def tell(database: Database, *stories: Story, project: bool = True) -> dict[str, int]:
    """What happened, and the ids of the people; the projection has followed, or everything is tail."""

    def whole(session: Session) -> dict[str, int]:
        books = Bookkeeper(session)
        for story in stories:
            story(books)
        if project:
            move_watermark(session, programme=PROGRAMME, now=TUESDAY)
        return books.people

    return database.run(whole)


def brings(ambassador: str, friends: int, *, at: datetime = TUESDAY, revenue: int = 8500) -> Story:
    def story(books: Bookkeeper) -> None:
        for n in range(friends):
            books.earn(ambassador, f"{ambassador}'s friend {n} {at:%d}", at=at, revenue=revenue)

    return story


def freeze(database: Database, night: datetime) -> None:
    def story(session: Session) -> None:
        begin_run(session, FREEZE, night.date().isoformat(), now=night)
        for key in ("2026-11", "all"):
            keep_places(session, places_on(session, key, programme=PROGRAMME), night=night.date(), after=0)
        finish_run(session, FREEZE, night.date().isoformat(), now=night)

    database.run(story)


def month(database: Database, *, now: datetime = TUESDAY, **more: Any) -> Board:
    return database.look(board, period="month", programme=PROGRAMME, now=now, **more)


def mine(database: Database, customer_id: int, *, now: datetime = TUESDAY) -> Place:
    return database.look(own_place, customer_id, period="month", programme=PROGRAMME, now=now)


@pytest.mark.parametrize("project", [True, False])
def test_the_board_has_the_contracts_shape_projected_or_not(database: Database, project: bool) -> None:
    """Rule 34: what is not projected yet is added in memory, so nothing is late."""
    people = tell(
        database, brings("Anna", 3), lambda books: books.code("Anna", "ANNA7K3Q"),
        lambda books: books.hold("Anna", "Bram", at=TUESDAY), project=project,
    )  # fmt: skip
    found = json.loads(json.dumps(month(database).as_dict()))
    assert (found["period"], found["key"], found["closed"]) == ("month", "2026-11", False)
    assert (found["from"], found["until"]) == ("2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00")
    assert found["rows"] == [
        {
            "place": 1, "move": None, "customer": PROGRAMME.number("customer", people["Anna"]), "name": "Anna",
            "code": "ANNA7K3Q", "friends": 3, "pending": 1, "revenue_minor": 25500, "bonus_minor": 4500,
            "currency": "EUR",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("project", [True, False])
def test_equal_friends_share_a_place_and_the_next_place_is_left_out(database: Database, project: bool) -> None:
    """Rule 33."""
    tell(
        database,
        *[brings(name, friends) for name, friends in zip("ABCDE", (3, 2, 2, 2, 1), strict=True)],
        project=project,
    )
    assert [(row.name, row.place) for row in month(database).rows] == [("A", 1), ("B", 2), ("C", 2), ("D", 2), ("E", 5)]
    assert [row.name for row in month(database, top=2).rows] == ["A", "B"]


def test_last_months_friends_are_on_last_months_board(database: Database) -> None:
    """Rule 33: a friend counts in the period in which the bonus became available."""
    tell(database, brings("Anna", 2, at=TUESDAY - timedelta(days=31)), brings("Mats", 1))
    assert [row.name for row in month(database).rows] == ["Mats"]
    october = month(database, at=TUESDAY - timedelta(days=31))
    assert (october.key, october.closed, [row.name for row in october.rows]) == ("2026-10", True, ["Anna"])


def test_a_reversal_counts_less_one_in_its_own_month_only(database: Database) -> None:
    """Rule 33."""
    october = TUESDAY - timedelta(days=31)
    tell(database, lambda books: books.reverse(books.earn("Anna", "Bram", at=october), at=TUESDAY))
    assert [(row.friends, row.revenue_minor, row.bonus_minor) for row in month(database).rows] == [(-1, -8500, -1500)]
    assert [row.friends for row in month(database, at=october).rows] == [1]


def test_pending_are_the_friends_on_hold_at_the_end_of_the_window(database: Database) -> None:
    """Rule 33: of a closed period as it was then, though the bonus is available now."""
    october = TUESDAY - timedelta(days=31)

    def story(books: Bookkeeper) -> None:
        books.earn("Anna", "Chris", at=october)
        books.release(books.hold("Anna", "Bram", at=october), at=TUESDAY)
        books.hold("Mats", "Dirk", at=october)

    tell(database, story)
    assert [(row.name, row.friends, row.pending) for row in month(database).rows] == [("Anna", 1, 0), ("Mats", 0, 1)]
    closed = month(database, at=october).rows
    assert [(row.name, row.friends, row.pending) for row in closed] == [("Anna", 1, 1), ("Mats", 0, 1)]


def test_a_friend_who_counts_already_is_not_pending_with_a_second_order(database: Database) -> None:
    def story(books: Bookkeeper) -> None:
        books.earn("Anna", "Bram", at=TUESDAY)
        books.hold("Anna", "Bram", at=TUESDAY)

    tell(database, story)
    assert [(row.friends, row.pending) for row in month(database).rows] == [(1, 0)]


@pytest.mark.parametrize("project", [True, False])
@pytest.mark.parametrize("state", ["staff", "excluded", "erased"])
def test_who_is_out_is_on_no_board_but_the_owner_sees_how_many(database: Database, state: str, project: bool) -> None:
    """Rule 33."""
    tell(
        database,
        lambda books: books.person("Joris", state=state),
        brings("Joris", 5),
        brings("Anna", 1),
        project=project,
    )
    found = month(database)
    assert [(row.name, row.place) for row in found.rows] == [("Anna", 1)]
    assert found.excluded == 1


def test_who_is_excluded_later_leaves_the_board_at_once(database: Database) -> None:
    people = tell(database, brings("Mats", 2), brings("Anna", 1))
    database.run(update_rows, Customer, [{"id": people["Mats"], "state": "excluded"}], key=("id",))
    assert [(row.name, row.place) for row in month(database).rows] == [("Anna", 1)]
    assert mine(database, people["Anna"]).place == 1


def test_a_bonus_under_review_is_not_pending_and_its_friend_is_told_to_the_owner(database: Database) -> None:
    """Rule 33."""
    people = tell(database, brings("Anna", 1), lambda books: books.hold("Anna", "Mats", at=TUESDAY))
    database.run(update_rows, Bonus, [{"friend_id": people["Mats"], "under_review": True}], key=("friend_id",))
    found = month(database)
    assert ([row.pending for row in found.rows], found.under_review) == ([0], 1)


def test_in_a_running_period_the_move_is_against_last_nights_places(database: Database) -> None:
    """Rule 33."""
    tell(database, brings("Anna", 1, at=TUESDAY - timedelta(days=2)), brings("Mats", 2, at=TUESDAY - timedelta(days=2)))
    freeze(database, TUESDAY - timedelta(days=1))

    def overtake(session: Session) -> None:
        books = Bookkeeper(session, people={"Anna": 1})
        for friend in ("Fien", "Gijs", "Hans"):
            books.earn("Anna", friend, at=TUESDAY)
        books.earn("Olga", "Ilse", at=TUESDAY)

    database.run(overtake)
    assert [(row.name, row.place, row.move) for row in month(database).rows] == [
        ("Anna", 1, 1), ("Mats", 2, -1), ("Olga", 3, None),
    ]  # fmt: skip


def test_in_a_closed_period_the_move_is_against_the_period_before(database: Database) -> None:
    """Rule 33: even where nights were frozen."""
    september, october = TUESDAY - timedelta(days=62), TUESDAY - timedelta(days=31)
    tell(
        database, brings("Anna", 1, at=september), brings("Mats", 2, at=september), brings("Anna", 3, at=october),
        brings("Mats", 2, at=october), brings("Olga", 1, at=october),
    )  # fmt: skip
    assert [(row.name, row.move) for row in month(database, at=october).rows] == [
        ("Anna", 1),
        ("Mats", -1),
        ("Olga", None),
    ]


def test_an_unfinished_or_future_freeze_moves_nobody(database: Database) -> None:
    tell(database, brings("Anna", 1, at=TUESDAY - timedelta(days=2)))
    freeze(database, TUESDAY)  # today's night is not over
    assert [row.move for row in month(database).rows] == [None]


def test_all_time_has_no_bounds(database: Database) -> None:
    tell(database, brings("Anna", 1, at=TUESDAY - timedelta(days=400)))
    found = database.look(board, period="all", programme=PROGRAMME, now=TUESDAY).as_dict()
    assert (found["from"], found["until"], [row["name"] for row in found["rows"]]) == (None, None, ["Anna"])


def test_a_period_that_is_none_is_refused(database: Database) -> None:
    with pytest.raises(UnknownPeriod):
        database.look(board, period="fortnight", programme=PROGRAMME, now=TUESDAY)


@pytest.mark.parametrize("project", [True, False])
def test_a_customer_sees_own_place_neighbours_and_the_distance_without_names_or_money(
    database: Database, project: bool
) -> None:
    friends = {"Olga": 9, "Mats": 6, "Piet": 5, "Anna": 3, "Ria": 3, "Siem": 1}
    stories = [brings(name, count) for name, count in friends.items()]
    people = tell(database, lambda books: books.person("Mats", nickname="theeleut"), *stories, project=project)
    place = mine(database, people["Anna"])
    assert (place.place, place.friends, place.move) == (4, 3, None)
    assert (place.distance_to_next, place.next_place) == (2, 3)
    assert [(line.place, line.nickname, line.friends, line.own) for line in place.neighbours] == [
        (2, "theeleut", 6, False), (3, None, 5, False), (4, None, 3, True), (4, None, 3, False), (6, None, 1, False),
    ]  # fmt: skip
    assert [line.place for line in place.top] == [1, 2, 3, 4, 4, 6]
    assert "minor" not in str(place.as_dict())
    assert "Piet" not in str(place.as_dict())


def test_before_the_first_friend_there_is_no_place_but_a_distance(database: Database) -> None:
    people = tell(database, brings("Olga", 2), lambda books: books.person("Anna"))
    place = mine(database, people["Anna"])
    assert (place.place, place.friends, place.distance_to_next) == (None, 0, 2)
    assert [line.friends for line in place.neighbours] == [2]


def test_the_first_has_nothing_above(database: Database) -> None:
    people = tell(database, brings("Anna", 2))
    place = mine(database, people["Anna"])
    assert (place.place, place.distance_to_next, len(place.neighbours)) == (1, None, 1)
