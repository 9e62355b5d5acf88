"""The owners hear that something waits: once a day at most, with the number as it is when they read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlmodel import col, func, select

from referrals.notices import CODE_LEAKED, REVIEW_WAITING, tell_owners
from storage.bulk import fetch_in
from storage.codes import Code
from storage.ledger import HELD, WAITING, Bonus
from storage.mailbox import DUE, Outbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

Row = dict[str, Any]


def waiting_count(session: Session) -> int:
    """How many bonuses wait for an owner's decision."""
    query = select(func.count()).select_from(Bonus).where(Bonus.review == WAITING, Bonus.status == HELD)
    return session.exec(query.where(Bonus.amount_minor > 0)).one()


def tell_waiting(session: Session, *, programme: Programme, now: datetime) -> None:
    """Every owner hears it once this local day; a message that has not gone yet has the newest number."""
    count = waiting_count(session)
    day = now.astimezone(programme.zone).date()
    _tell(session, REVIEW_WAITING, f"{REVIEW_WAITING}:{day}", {"count": count}, programme=programme, now=now)


def tell_leaked(session: Session, leaked: Mapping[int, int], *, programme: Programme, now: datetime) -> None:
    """Every owner hears which code is leaked, and whose it is; once a code."""
    for row in fetch_in(session, Code, "id", leaked, columns=("id", "display")):
        data = {"code": row["display"], "customer": leaked[row["id"]]}
        _tell(session, CODE_LEAKED, f"{CODE_LEAKED}:{row['id']}", data, programme=programme, now=now)


def _tell(session: Session, kind: str, key: str, data: Row, *, programme: Programme, now: datetime) -> None:
    """In the owners' own chats; what waits there already says what is so now."""
    keys = tell_owners(session, kind, key, data, owners=programme.config.telegram.owner_ids, now=now)
    if keys:
        query = select(Outbox).where(col(Outbox.unique_key).in_(keys))
        for waiting in session.exec(query.where(Outbox.status == DUE)):
            waiting.data = data
        session.flush()
