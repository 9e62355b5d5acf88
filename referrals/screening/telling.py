"""The owners hear that something waits: once a day at most, with the number as it is when it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import func, select, text

from referrals.notices import CODE_LEAKED, REVIEW_WAITING, tell_owners
from storage.bulk import fetch_in
from storage.codes import Code
from storage.ledger import HELD, WAITING, Bonus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme
    from storage.mailbox import Outbox

IN_QUEUE = text(f"bonus.review = '{WAITING}'")  # a constant, as SQLite wants it before it uses the partial index


def waiting_count(session: Session) -> int:
    """How many bonuses wait for an owner's decision."""
    query = select(func.count()).select_from(Bonus).where(IN_QUEUE, Bonus.status == HELD, Bonus.amount_minor > 0)
    return session.exec(query).one()


def tell_waiting(session: Session, *, programme: Programme, now: datetime) -> None:
    """Every owner hears it once this local day; how many there are is counted when it is sent."""
    key = f"{REVIEW_WAITING}:{now.astimezone(programme.zone).date()}"
    tell_owners(session, REVIEW_WAITING, key, {}, owners=programme.config.telegram.owner_ids, now=now)


def still_waiting(session: Session, notice: Outbox) -> bool:
    """Whether anything waits at the moment of sending; the notice then says how much.

    Where owners were faster, nothing is said, and what is held later that day is told after all.
    """
    count = waiting_count(session)
    if count:
        notice.data = {"count": count}
    else:
        notice.unique_key = f"{notice.unique_key}:{notice.id}"
    return count > 0


def tell_leaked(session: Session, leaked: Mapping[int, int], *, programme: Programme, now: datetime) -> None:
    """Every owner hears which code is leaked, and whose it is; once a code."""
    for row in fetch_in(session, Code, "id", leaked, columns=("id", "display")):
        data = {"code": row["display"], "customer": leaked[row["id"]]}
        key = f"{CODE_LEAKED}:{row['id']}"
        tell_owners(session, CODE_LEAKED, key, data, owners=programme.config.telegram.owner_ids, now=now)
