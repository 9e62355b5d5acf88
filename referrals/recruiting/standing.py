"""The referral rows of a friend, brought in line with the attribution; one pair stands (rules 14, 16)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from referrals.reasons import BY_HAND, reason
from referrals.recruiting.attribution import BY_HAND_KIND, SETTLED, Attribution, Evidence
from storage.referrals import INVITED, ORDERED, REFUSED, SIGNED_UP

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from referrals.reasons import Reason
    from referrals.recruiting.facts import Facts
    from referrals.recruiting.ids import Ids

Row = dict[str, Any]
CHANGES = ("id", "code_id", "stage", "standing", "evidence", "evidence_at", "reasons")


@dataclass(slots=True)
class PairPlan:
    """Referral rows to insert, and the known ones as they were."""

    new: list[Row] = field(default_factory=list)
    before: dict[int, Row] = field(default_factory=dict)  # as the known ones were


def plan_pairs(
    plan: PairPlan,
    facts: Facts,
    friend_id: int,
    decision: Attribution,
    *,
    ids: Ids,
    now: datetime,
) -> Row | None:
    """The standing pair of the friend, or None; every pair is as it should be, in ``facts`` or as a new row."""
    rows = facts.pairs.setdefault(friend_id, [])
    known = {row["ambassador_id"]: row for row in rows}
    standing = None
    plan.before |= {row["id"]: dict(row) for row in rows}
    wanted: dict[int, Row] = {}
    for ambassador_id, (evidence, why) in decision.refused.items():
        wanted[ambassador_id] = _refused(known.get(ambassador_id), evidence, why)
    if decision.bond is not None:
        wanted[decision.bond.ambassador_id] = _standing(known.get(decision.bond.ambassador_id), decision)
    for ambassador_id, row in known.items():
        wanted.setdefault(ambassador_id, _idle(row))
    for ambassador_id, values in wanted.items():
        row = known.get(ambassador_id) or _new(friend_id, ambassador_id, values, ids=ids, now=now)
        row.update(values)
        if ambassador_id not in known:
            rows.append(row)
            plan.new.append(row)
        if row["standing"]:
            standing = row
    return standing


def changed_pairs(plan: PairPlan, rows: Iterable[Row], *, now: datetime) -> list[Row]:
    """What is to be stored of the known rows that are not as they were."""
    return [
        {**{name: row[name] for name in CHANGES}, "updated_at": now}
        for row in rows
        if row["id"] in plan.before and row != plan.before[row["id"]]
    ]


def note_refusal(pair: Row, reasons: list[Reason]) -> None:
    """The standing pair earns nothing yet; it says why, as its orders do."""
    notes = [why for why in pair["reasons"] if why["code"] == BY_HAND]
    pair["reasons"] = [*notes, *(why for why in reasons if why["code"] != BY_HAND)]


def _standing(row: Row | None, decision: Attribution) -> Row:
    bond = decision.bond
    if bond is None:
        raise AssertionError
    ordered = any(verdict.ambassador_id is not None for verdict in decision.verdicts.values())
    notes = [reason(BY_HAND, date=bond.at.isoformat())] if bond.kind == BY_HAND_KIND else []
    values: Row = {"standing": True, "stage": ORDERED if ordered else SIGNED_UP, "reasons": notes}
    if bond.kind != SETTLED or row is None:
        values |= {"evidence": bond.kind, "evidence_at": bond.at, "code_id": bond.code_id}
    return values


def _refused(row: Row | None, evidence: Evidence, why: Reason) -> Row:
    values: Row = {"standing": False, "stage": REFUSED, "reasons": [why]}
    if row is None:
        values |= {"evidence": evidence.kind, "evidence_at": evidence.at, "code_id": evidence.code_id}
    return values


def _idle(row: Row) -> Row:
    """A pair that the decision does not speak of: invited, signed up, or refused when it was made."""
    stage = row["stage"]
    if stage == ORDERED:
        stage = SIGNED_UP if row["signed_up_at"] else INVITED if row["invited_at"] else REFUSED
    return {"standing": False, "stage": stage}


def _new(friend_id: int, ambassador_id: int, values: Row, *, ids: Ids, now: datetime) -> Row:
    return {
        "id": next(ids.of("referral")),
        "ambassador_id": ambassador_id,
        "friend_id": friend_id,
        "invited_at": None,
        "signed_up_at": None,
        "by_hand_at": None,
        "by_hand_by": None,
        "created_at": now,
        "updated_at": now,
        **values,
    }
