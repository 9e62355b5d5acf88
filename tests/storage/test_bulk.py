"""Sets of rows in and out, the same on both engines."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from storage.bulk import MOST_IN_A_LIST, fetch_all, fetch_grouped, fetch_in, insert_rows, next_id, take_ids, update_rows
from storage.columns import NaiveTimeError
from storage.customers import Customer, Identity
from storage.database import Database, books
from storage.installation import Setting
from storage.mailbox import Inbox
from storage.plans import select_plan
from storage.standings import Snapshot, Standing

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAMES = ("customer", "order", "referral", "bonus", "posting", "commit")


def customers(session: Session, count: int) -> list[int]:
    ids = list(take_ids(session, "customer", count))
    insert_rows(session, Customer, [{"id": id, "created_at": NOON} for id in ids])
    return ids


def inbox_row(**values: Any) -> dict[str, Any]:
    return {"kind": "hook", "source": "fietsen", "digest": "d", "received_at": NOON, **values}


@pytest.mark.parametrize("name", NAMES)
def test_blocks_of_ids_follow_each_other(database: Database, name: str) -> None:
    assert database.run(take_ids, name, 3) == range(1, 4)
    assert database.run(next_id, name) == 4
    assert database.run(take_ids, name, 500) == range(5, 505)


def test_blocks_of_ids_that_are_taken_at_once_never_overlap(postgresql: Database) -> None:
    # SQLite has one writer at a time. Here the loop runs in the server, where two callers really run at once.
    taken: list[int] = []
    houses = [Database.open(postgresql.url) for _ in range(3)]
    loop = "SELECT take_ids('order', 3) FROM generate_series(1, 3000)"

    def take(house: Database) -> None:
        taken.extend(house.run(lambda session: [row[0] for row in session.connection().exec_driver_sql(loop)]))

    threads = [threading.Thread(target=take, args=(house,)) for house in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for house in houses:
        house.close()

    taken.sort()
    assert all(later - earlier >= 3 for earlier, later in pairwise(taken))
    assert len(taken) == 9000


def test_numbers_of_commits_are_in_the_order_of_the_commits(database: Database) -> None:
    """Rule 34: a number that is taken under the books lock is never seen before a smaller one."""
    houses = [Database.open(database.url) for _ in range(3)]
    number_and_commit = books(lambda session: insert_rows(session, Setting, [{"key": key(session), "value": "x"}]))

    def key(session: Session) -> str:
        return f"{next_id(session, 'commit'):06}"

    def watch(session: Session) -> list[str]:
        return sorted(session.exec(select(Setting.key)))

    threads = [threading.Thread(target=lambda h=h: [h.run(number_and_commit) for _ in range(20)]) for h in houses]
    for thread in threads:
        thread.start()
    looks = [database.look(watch) for _ in range(50)]
    for thread in threads:
        thread.join()
    for house in houses:
        house.close()

    assert all(seen == [f"{n:06}" for n in range(1, len(seen) + 1)] for seen in looks)


def test_every_type_comes_back_as_it_went_in(database: Database) -> None:
    amsterdam = NOON.astimezone(timezone(timedelta(hours=1)))
    row = inbox_row(
        external_key="7", chat_id=2**40, headers={"topic": "ü€😀", "n": [1, None, True]}, body=b"\x00\xff",
        received_at=amsterdam + timedelta(microseconds=5), done_at=None,
    )  # fmt: skip
    snapshot = {"period": "2026", "taken_on": date(2026, 11, 24), "customer_id": 1, "place": 1, "friends": 3}

    def store(session: Session) -> tuple[Any, ...]:
        insert_rows(session, Inbox, [row, {**row, "external_key": "8", "body": None}])
        insert_rows(session, Snapshot, [snapshot])
        customers(session, 1)
        update_rows(session, Customer, [{"id": 1, "marketing_consent": False, "link_consent": True}], key=("id",))
        found = sorted(fetch_in(session, Inbox, "external_key", ["7", "8"]), key=lambda each: each["id"])
        return (*found, fetch_in(session, Snapshot, "period", ["2026"]), fetch_in(session, Customer, "id", [1])[0])

    first, second, snapshots, customer = database.run(store)
    assert {name: first[name] for name in row} == row
    assert first["received_at"].tzinfo is UTC
    assert (second["body"], second["external_key"]) == (None, "8")
    assert snapshots == [snapshot]
    assert (customer["marketing_consent"], customer["link_consent"]) == (False, True)
    assert type(customer["link_consent"]) is bool


def test_the_mapper_and_the_sets_read_each_others_rows(database: Database) -> None:
    def both(session: Session) -> tuple[Any, ...]:
        session.add(Inbox(**inbox_row(external_key="mapper", headers={"a": 1})))
        insert_rows(session, Inbox, [inbox_row(external_key="bulk", headers={"a": 1})])
        found = fetch_in(session, Inbox, "external_key", ["mapper"])[0]
        row = session.exec(select(Inbox).where(Inbox.external_key == "bulk")).one()
        return found["headers"], found["received_at"], found["status"], row.headers, row.received_at, row.status

    values = database.run(both)
    assert values[:3] == values[3:] == ({"a": 1}, NOON, "new")


def test_rows_may_leave_out_what_has_a_default_each_its_own(database: Database) -> None:
    rows = [inbox_row(external_key="1", headers={"a": 1}), inbox_row(external_key="2", attempts=2)]

    def store(session: Session) -> list[dict[str, Any]]:
        insert_rows(session, Inbox, rows)
        return fetch_in(session, Inbox, "external_key", ["1", "2"], columns=("headers", "attempts", "status"))

    found = sorted(database.run(store), key=lambda row: row["attempts"])
    assert found == [
        {"headers": {"a": 1}, "attempts": 0, "status": "new"},
        {"headers": {}, "attempts": 2, "status": "new"},
    ]


def test_a_row_without_what_it_needs_is_refused_by_name(database: Database) -> None:
    with pytest.raises(ValueError, match=r"customer\.created_at has no default"):
        database.run(insert_rows, Customer, [{"id": 1}])
    with pytest.raises(ValueError, match="no column colour"):
        database.run(insert_rows, Customer, [{"id": 1, "created_at": NOON, "colour": "red"}])
    with pytest.raises(NaiveTimeError):
        database.run(insert_rows, Customer, [{"id": 1, "created_at": datetime(2026, 1, 1)}])  # noqa: DTZ001 - the fault


@pytest.mark.parametrize("count", [1, 2, 40])
def test_a_taken_key_is_an_error_unless_conflicts_are_ignored(database: Database, count: int) -> None:
    rows = [{"key": f"key {n}", "value": "first"} for n in range(count)]
    database.run(insert_rows, Setting, rows[:1])

    with pytest.raises(IntegrityError):
        database.run(insert_rows, Setting, rows)
    database.run(insert_rows, Setting, [*rows, *rows], ignore_conflicts=True)

    assert len(database.look(fetch_in, Setting, "value", ["first"])) == count


def test_updates_change_the_rows_that_the_key_names(database: Database) -> None:
    def play(session: Session) -> list[tuple[Any, ...]]:
        rows = [{"period": p, "customer_id": c, "friends": 1} for p in ("2026", "all") for c in (1, 2)]
        insert_rows(session, Standing, rows)
        changes = [{"period": "2026", "customer_id": c, "friends": 10 + c, "revenue_minor": c} for c in (2, 1)]
        update_rows(session, Standing, changes, key=("period", "customer_id"))
        found = fetch_in(session, Standing, "customer_id", [1, 2])
        return sorted((row["period"], row["customer_id"], row["friends"], row["revenue_minor"]) for row in found)

    assert database.run(play) == [("2026", 1, 11, 1), ("2026", 2, 12, 2), ("all", 1, 1, 0), ("all", 2, 1, 0)]


def test_rows_of_one_update_change_the_same_columns(database: Database) -> None:
    with pytest.raises(ValueError, match="same columns"):
        database.run(update_rows, Setting, [{"key": "a", "value": "b"}, {"key": "c"}], key=("key",))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 64, 65, MOST_IN_A_LIST + 1])
def test_any_number_of_keys_is_found_once_each(database: Database, count: int) -> None:
    rows = [{"key": f"key {n}", "value": "x"} for n in range(count + 1)]
    database.run(insert_rows, Setting, rows)
    wanted = [f"key {n}" for n in range(count)]

    found = database.look(fetch_in, Setting, "key", [*wanted, *wanted, "nowhere", None])

    assert sorted(row["key"] for row in found) == sorted(wanted)


def test_pairs_of_columns_and_a_condition_find_only_what_matches(database: Database) -> None:
    def play(session: Session) -> list[tuple[str, int]]:
        anna, bram = customers(session, 2)
        kinds = [("email", "", "x", anna, "verified"), ("shop", "fietsen", "77", bram, "verified")]
        kinds += [("shop", "bakkers", "77", anna, "claimed"), ("shop", "fietsen", "78", anna, "verified")]
        names = ("kind", "shop", "value", "customer_id", "level")
        insert_rows(session, Identity, [dict(zip(names, k, strict=True), created_at=NOON) for k in kinds])
        keys = [("shop", "fietsen", "77"), ("shop", "bakkers", "77"), ("email", "", "nobody"), ("email", "", "x")]
        columns = ("kind", "shop", "value")
        found = fetch_in(session, Identity, columns, keys, columns=("customer_id", "shop"), extra="level = 'verified'")
        return sorted((row["shop"], row["customer_id"]) for row in found)

    assert database.run(play) == [("", 1), ("fietsen", 2)]


def test_keys_that_are_times_are_found(database: Database) -> None:
    database.run(customers, 3)
    found = database.look(fetch_in, Customer, "created_at", [NOON.astimezone(timezone(timedelta(hours=-5)))])
    assert [row["id"] for row in sorted(found, key=lambda row: row["id"])] == [1, 2, 3]


def test_keys_that_nobody_has_find_nothing(database: Database) -> None:
    assert database.look(fetch_in, Customer, "id", [1, 2, 3]) == []
    assert database.look(fetch_in, Inbox, ("kind", "external_key"), [("hook", "1"), ("hook", "2")]) == []


def test_an_hour_that_comes_twice_is_two_hours(database: Database) -> None:
    """In one zone they compare as equal, so what is remembered of the one may not be given for the other."""
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam"))
    database.run(
        insert_rows, Customer, [{"id": 1 + at.fold, "created_at": at} for at in (first, first.replace(fold=1))]
    )
    found = {row["id"]: row["created_at"].hour for row in database.look(fetch_in, Customer, "id", [1, 2])}
    assert found == {1: 0, 2: 1}


def test_a_small_table_is_read_whole(database: Database) -> None:
    assert database.look(fetch_all, Customer) == []
    database.run(customers, 2)
    assert [(row["id"], row["created_at"]) for row in database.look(fetch_all, Customer)] == [(1, NOON), (2, NOON)]


def test_nothing_is_asked_for_nothing(database: Database) -> None:
    assert database.look(fetch_in, Setting, "key", []) == []
    database.run(insert_rows, Setting, [])
    database.run(update_rows, Setting, [], key=("key",))


def test_transactions_that_write_the_same_rows_in_opposite_order_do_not_deadlock(postgresql: Database) -> None:
    keys = [f"key {n:03}" for n in range(100)]
    postgresql.run(insert_rows, Setting, [{"key": key, "value": "x"} for key in keys])
    tries: list[int] = []

    def change(session: Session, order: list[str]) -> None:
        tries.append(1)
        update_rows(session, Setting, [{"key": key, "value": "y"} for key in order], key=("key",))

    houses = [Database.open(postgresql.url) for _ in range(2)]
    orders = (keys, keys[::-1])
    work = [
        threading.Thread(target=lambda h=h, o=o: [h.run(change, o) for _ in range(40)])
        for h, o in zip(houses, orders, strict=True)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    for house in houses:
        house.close()

    assert len(tries) == 80  # a deadlock would have been repeated


@pytest.mark.parametrize("column,values", [("key", ["a", "b"]), (("key",), [("a",), ("b",)])])
def test_one_column_may_be_given_either_way(database: Database, column: Any, values: list[Any]) -> None:
    database.run(insert_rows, Setting, [{"key": "a", "value": "x"}])
    assert [row["key"] for row in database.look(fetch_in, Setting, column, values)] == ["a"]


@pytest.mark.parametrize("count", [1, 3, MOST_IN_A_LIST + 5])
def test_figures_are_made_of_the_rows_of_these_keys_alone(database: Database, count: int) -> None:
    values = [f"a{place}" for place in range(count)]
    rows = [{"key": value, "value": "x" if place % 2 else "y"} for place, value in enumerate(values)]
    database.run(insert_rows, Setting, [*rows, {"key": "other", "value": "x"}, {"key": "more", "value": "z"}])
    found = database.look(fetch_grouped, Setting, "key", values, figures="value, count(*)", by="value")
    sums: dict[str, int] = {}
    for value, part in found:  # a very long list comes in several parts
        sums[value] = sums.get(value, 0) + part
    assert sums == {name: number for name, number in (("x", count // 2), ("y", count - count // 2)) if number}


def test_figures_by_two_columns_with_one_more_condition(database: Database) -> None:
    rows = [{"key": f"k{place}", "value": str(place % 2)} for place in range(6)]
    database.run(insert_rows, Setting, rows)
    wanted = [("k0", "0"), ("k1", "0"), ("k2", "0"), ("k4", "0")]
    find = {"figures": "count(*), min(key)", "by": "value", "extra": "key <> 'k0'"}
    assert database.look(fetch_grouped, Setting, ("key", "value"), wanted, **find) == [(2, "k2")]
    assert database.look(fetch_grouped, Setting, ("key", "value"), [], **find) == []


def explain(session: Session, sql: str, places: int) -> list[Any]:
    return list(session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ("",) * places))


def test_a_lookup_by_several_columns_uses_their_index(sqlite: Database) -> None:
    sql = select_plan(Identity, ("kind", "shop", "value"), 4, columns=("customer_id",), extra=None).sql
    plan = sqlite.look(lambda session: str(explain(session, sql, 12)))
    assert "SEARCH identity USING INDEX" in plan
