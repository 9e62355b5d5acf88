"""The programme clock's offset: one row in the database, shared by all roles (rules 35)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from storage.bulk import insert_rows, update_rows
from storage.installation import Setting

if TYPE_CHECKING:
    from sqlmodel import Session

KEY = "clock_offset_microseconds"
MICROSECOND = timedelta(microseconds=1)


def read_offset(session: Session) -> timedelta:
    """How far the programme's clock is ahead of the machine's; nothing where nobody has set it."""
    row = session.get(Setting, KEY)
    return timedelta() if row is None else int(row.value) * MICROSECOND


def set_offset(session: Session, offset: timedelta) -> None:
    """All roles' programme clocks are so far ahead of the machine's from their next look on."""
    row = {"key": KEY, "value": str(offset // MICROSECOND)}
    insert_rows(session, Setting, [row], ignore_conflicts=True)
    update_rows(session, Setting, [row], key=("key",))
