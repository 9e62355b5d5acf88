"""After the load: everything that was answered is in the database, and the books balance."""

from __future__ import annotations

import hashlib

from sqlalchemy import text
from sqlmodel import Session

from benchmarks.requests import CLICK, ORDER, UPDATE
from referrals.rewarding.books import audit
from storage.database import Database

STORED = {
    CLICK: "SELECT token_hash FROM click",
    ORDER: "SELECT external_id FROM shop_order JOIN bonus ON bonus.order_id = shop_order.id AND bonus.amount_minor > 0",
    UPDATE: "SELECT external_key FROM inbox WHERE kind = 'telegram'",
}


def faults(url: str, answered: dict[str, list[str]]) -> list[str]:
    """What is wrong, a sentence each; empty when nothing is.

    An order counts as stored only with the bonus that it earned.
    """
    database = Database.open(url)
    try:
        found = [sentence for kind, names in answered.items() for sentence in _missing(database, kind, names)]
        return found + [f"audit: {fault.check}: {fault.row}, {fault.found}" for fault in database.look(audit)]
    finally:
        database.close()


def _missing(database: Database, kind: str, names: list[str]) -> list[str]:
    wanted = {hashlib.sha256(name.encode()).hexdigest() for name in names} if kind == CLICK else set(names)
    missing = wanted - database.look(_stored, STORED[kind])
    lost = [f"{kind}: {len(missing)} of {len(wanted)} answered are not in the database"] if missing else []
    return lost + ([f"{kind}: two answers are the same"] if len(wanted) != len(names) else [])


def _stored(session: Session, query: str) -> set[str]:
    return {name for (name,) in session.connection().execute(text(query))}
