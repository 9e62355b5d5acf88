"""What waits for an owner: bonuses of one ambassador with one main cause are one thing to decide, the oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from referrals.screening.telling import IN_QUEUE
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in
from storage.ledger import HELD, TURNED_DOWN, WAITING, Bonus

Row = dict[str, Any]
DECIDED = "bonus:review"  # the action in the log
MOST = 2000  # bonuses that are looked through; more show once these are decided
NO_CAUSE = "review"  # of a bonus whose signals are not known any more


@dataclass(frozen=True, slots=True)
class Group:
    """One thing to decide. ``last_id``: later bonuses of the same cause were not seen, and are not decided with it."""

    customer_id: int
    cause: str  # the heaviest signal
    last_id: int
    bonus_ids: tuple[int, ...]
    sums: dict[str, int]  # by currency, minor units
    since: datetime
    score: int  # the highest
    signals: tuple[Row, ...]  # each signal once, with the data of the bonus where it weighs most, and in how many

    @property
    def count(self) -> int:
        """How many bonuses."""
        return len(self.bonus_ids)


def waiting_groups(session: Session, *, limit: int) -> tuple[list[Group], int]:
    """The groups whose oldest bonus waits longest, and how many more there are."""
    groups = open_groups(session)
    return groups[:limit], len(groups[limit:])


def open_groups(session: Session, *, customer_id: int | None = None) -> list[Group]:
    """All groups, or those of one ambassador, the one whose oldest bonus waits longest first."""
    query = select(Bonus.id).where(IN_QUEUE, Bonus.status == HELD, Bonus.amount_minor > 0)
    if customer_id is not None:
        query = query.where(Bonus.customer_id == customer_id)
    ids = session.exec(query.order_by(col(Bonus.earned_at), col(Bonus.id)).limit(MOST)).all()
    return _groups(fetch_in(session, Bonus, "id", ids))


def waiting_group(session: Session, customer_id: int, *, cause: str, last_id: int) -> Group | None:
    """What of this group waits still."""
    return _only(_of(session, customer_id, WAITING, last_id=last_id), cause)


def turned_down_group(session: Session, customer_id: int, *, cause: str, last_id: int) -> Group | None:
    """What of this group was turned down together with its last bonus; what a no before that said, stays said."""
    rows = _of(session, customer_id, TURNED_DOWN, last_id=last_id)
    together = _decided_with(session, customer_id, last_id)
    return _only([row for row in rows if together is None or row["id"] in together], cause)


def cause_of(row: Row) -> str:
    """The signal that weighs most."""
    return str(row["signals"][0]["code"]) if row["signals"] else NO_CAUSE


def _of(session: Session, customer_id: int, review: str, *, last_id: int) -> list[Row]:
    rows = fetch_in(session, Bonus, "customer_id", [customer_id], extra=f"review = '{review}'")
    held = [row for row in rows if review != WAITING or (row["status"] == HELD and row["amount_minor"] > 0)]
    return [row for row in held if row["id"] <= last_id]


def _decided_with(session: Session, customer_id: int, bonus_id: int) -> frozenset[int] | None:
    """The bonuses of the last decision on this one, as the log has it; None where it does not say (after a merge)."""
    query = select(AuditEvent).where(AuditEvent.action == DECIDED, AuditEvent.subject == f"customer:{customer_id}")
    decisions = session.exec(query.order_by(col(AuditEvent.id).desc())).all()
    found = (event.after["bonuses"] for event in decisions if bonus_id in (event.after or {}).get("bonuses", ()))
    return next(map(frozenset, found), None)


def _only(rows: Sequence[Row], cause: str) -> Group | None:
    return next((group for group in _groups(rows) if group.cause == cause), None)


def _groups(rows: Iterable[Row]) -> list[Group]:
    found: dict[tuple[int, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["earned_at"], row["id"])):
        found.setdefault((row["customer_id"], cause_of(row)), []).append(row)
    return [_group(customer_id, cause, members) for (customer_id, cause), members in found.items()]


def _group(customer_id: int, cause: str, rows: Sequence[Row]) -> Group:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["amount_minor"]
    return Group(
        customer_id=customer_id,
        cause=cause,
        last_id=max(row["id"] for row in rows),
        bonus_ids=tuple(row["id"] for row in rows),
        sums=sums,
        since=rows[0]["earned_at"],
        score=max(row["score"] or 0 for row in rows),
        signals=_signals(rows),
    )


def _signals(rows: Sequence[Row]) -> tuple[Row, ...]:
    found: dict[str, Row] = {}
    for row in rows:
        for part in row["signals"]:
            known = found.setdefault(part["code"], {**part, "bonuses": 0})
            known["bonuses"] += 1
            if part.get("count", 0) > known.get("count", 0):
                known["count"] = part["count"]
    return tuple(sorted(found.values(), key=lambda part: -part["points"]))
