"""What a new shop account carries that points to an ambassador, and its date (rules 11, 12, 14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from referrals.codes import CodeMiss, find_codes
from referrals.programme import Programme
from referrals.reasons import ALREADY_REFERRED, CODE_RETIRED, OUTSIDE_WINDOW, OWN_ACCOUNT, Reason, reason
from referrals.recruiting.clicks import find_clicks
from referrals.recruiting.pair_facts import Pairs
from referrals.recruiting.shops import CustomerState
from storage.bulk import fetch_in
from storage.codes import Code

VOUCHER, CODE, CLICK = "voucher", "code", "click"
SLACK = timedelta(days=1)  # how far a shop's clock and ours may differ, before an account counts as older than its link


@dataclass(frozen=True, slots=True)
class Evidence:
    """One ambassador to whom an account points."""

    kind: str  # code or click
    ambassador_id: int
    code_id: int
    signed_up_at: datetime
    dated: datetime


class Signposts:
    """The codes and clicks that a list of accounts names, looked up in sets."""

    def __init__(self, session: Session, states: Sequence[CustomerState], *, programme: Programme) -> None:
        typed = {code for state in states for code in (*state.codes, *((state.ref,) if state.ref else ()))}
        self._codes = find_codes(session, typed)
        self._clicks = find_clicks(session, {state.click for state in states if state.click})
        code_ids = {hit.code_id for hit in self._codes.values() if not isinstance(hit, CodeMiss)}
        code_ids |= {click.code_id for click in self._clicks.values()}
        self._made = {
            row["id"]: row["created_at"]
            for row in fetch_in(session, Code, "id", code_ids, columns=("id", "created_at"))
        }
        self._window = timedelta(days=programme.config.attribution.window_days)
        self._ranks: dict[str, int] = {kind: rank for rank, kind in enumerate(programme.config.attribution.evidence)}

    def read(self, state: CustomerState, *, now: datetime) -> tuple[list[Evidence], list[Reason]]:
        """The ambassadors to whom this account points, the strongest first, and the codes that were nobody's."""
        created = min(state.created_at or now, now)
        found: list[Evidence] = []
        misses: list[Reason] = []
        for typed in state.codes:
            self._add_code(CODE, typed, created, found, misses)
        click = self._clicks.get(state.click or "")
        if click is not None and created - click.at > self._window:
            misses.append(reason(OUTSIDE_WINDOW, days=self._window.days))
        elif click is not None:
            dated = created if click.at <= created + SLACK else click.at
            found.append(Evidence(CLICK, click.ambassador_id, click.code_id, created, dated))
        elif state.ref:
            self._add_code(CLICK, state.ref, created, found, misses)
        usable = [evidence for evidence in found if self._rank(evidence.kind) is not None]
        return sorted(usable, key=lambda evidence: self._rank(evidence.kind) or 0), misses

    def _add_code(self, kind: str, typed: str, created: datetime, found: list[Evidence], misses: list[Reason]) -> None:
        code = self._codes[typed]
        if isinstance(code, CodeMiss):
            misses.append(reason(code.reason, typed=code.typed))
            return
        if kind == CODE and code.is_retired(created):
            misses.append(reason(CODE_RETIRED, typed=code.display))
            return
        # An account that is older than the link did not come through it when it was made.
        made = self._made[code.code_id]
        dated = created if made <= created + SLACK else made
        found.append(Evidence(kind, code.customer_id, code.code_id, created, dated))

    def _rank(self, kind: str) -> int | None:
        if kind == CODE and CODE not in self._ranks:
            return self._ranks.get(VOUCHER)
        return self._ranks.get(kind)


def take_evidence(pairs: Pairs, friend_id: int, evidence: Sequence[Evidence], *, same: frozenset[int]) -> None:
    """The strongest is a sign-up, unless the friend is somebody's already; the rest are losing candidates.

    ``same`` are other accounts of the same person, who cannot have brought them (rules 16).
    """
    for each in evidence:
        ambassador_id = each.ambassador_id
        why = OWN_ACCOUNT if ambassador_id in same else pairs.refusal(ambassador_id, friend_id)
        if why is None and pairs.taken(friend_id, but=ambassador_id):
            why = ALREADY_REFERRED
        if why:
            pairs.refuse(ambassador_id, friend_id, why, code_id=each.code_id, at=each.dated)
        else:
            pairs.sign_up(ambassador_id, friend_id, code_id=each.code_id, at=each.signed_up_at, dated=each.dated)
