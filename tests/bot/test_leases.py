from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, event
from sqlmodel import Session

from bot.leases import chats_of
from bot.outbox import drop_stranded
from bot.worker import _lease
from storage.bulk import insert_rows
from storage.customers import Customer, CustomerAlias
from storage.database import Database
from storage.mailbox import Chat, Outbox


def test_a_look_asks_no_more_for_many_notices_than_for_few(database: Database, now: datetime) -> None:
    """Rule 24: looking for work holds the writer as long for two customers as for a hundred."""
    database.run(people_with_notices, range(1, 3), now=now)
    with statements() as few:
        database.run(_lease, worker="one", now=now, most=1)
    database.run(people_with_notices, range(3, 103), now=now)
    with statements() as many:
        database.run(_lease, worker="two", now=now, most=1)

    assert 0 < len(many) <= len(few)


def test_notices_for_somebody_without_a_chat_are_dropped_and_no_others(database: Database, now: datetime) -> None:
    """Rule 28: a customer who was merged into one with a chat is written to there."""
    database.run(people_with_notices, range(1, 4), now=now)
    database.run(leave, 2, now=now)
    database.run(merge, 3, into=1, now=now)

    assert database.run(drop_stranded, now=now) == 1
    assert database.look(chats_of, [1, 2, 3]) == {1: 101, 3: 101}


def people_with_notices(session: Session, numbers: range, *, now: datetime) -> None:
    insert_rows(session, Customer, [{"id": number, "created_at": now} for number in numbers])
    chats = [{"chat_id": 100 + n, "customer_id": n, "last_seen_at": now, "created_at": now} for n in numbers]
    insert_rows(session, Chat, chats)
    common: dict[str, Any] = {"kind": "not_counted", "data": {}, "message_class": "at_least_once"}
    times = {"as_of": now, "due_at": now, "created_at": now}
    insert_rows(session, Outbox, [{"unique_key": f"n:{n}", "customer_id": n, **common, **times} for n in numbers])


def leave(session: Session, number: int, *, now: datetime) -> None:
    """They have blocked the bot."""
    session.get_one(Chat, 100 + number).reachable = False


def merge(session: Session, number: int, *, into: int, now: datetime) -> None:
    """Two customers turned out to be one; the chat of the first is gone."""
    session.delete(session.get_one(Chat, 100 + number))
    session.flush()
    insert_rows(session, CustomerAlias, [{"merged_id": number, "customer_id": into, "at": now}])


@contextmanager
def statements() -> Iterator[list[str]]:
    """What every engine is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)
