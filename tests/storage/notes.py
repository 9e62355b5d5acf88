"""Small use cases for the tests of the database: they keep notes in the table of settings."""

from __future__ import annotations

from sqlmodel import Session, select

from storage.bulk import insert_rows
from storage.database import Database, books
from storage.installation import Counter, Setting


class Nonsense(Exception):
    """What a use case finds wrong with an item."""


def note(session: Session, key: str) -> str:
    """The key is noted, once."""
    insert_rows(session, Setting, [{"key": key, "value": "noted"}])
    return f"{key} noted"


def note_all(session: Session, keys: list[str]) -> list[str]:
    """The keys are noted; a bad one fails after it was written."""
    insert_rows(session, Setting, [{"key": key, "value": "noted"} for key in keys])
    for key in keys:
        if key.startswith("bad"):
            raise Nonsense(key)
    return [f"{key} noted" for key in keys]


def notes(session: Session) -> list[str]:
    """All keys, sorted."""
    return sorted(session.exec(select(Setting.key)))


def noted(database: Database) -> list[str]:
    """All keys, as another connection sees them."""
    return database.look(notes)


@books
def count_up(session: Session) -> int:
    """Read, then write: the counter is one higher."""
    counter = session.get(Counter, "visits") or Counter(name="visits", next=0)
    counter.next += 1
    session.add(counter)
    return counter.next
