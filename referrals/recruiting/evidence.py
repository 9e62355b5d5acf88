"""What an order carries that points to an ambassador: codes, a ref, a click's token (rules 11, 12, 17, 21)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referrals.codes import CodeHit, CodeMiss, find_codes
from referrals.programme import token_hash
from referrals.reasons import CODE_RETIRED, reason
from referrals.recruiting.attribution import CLICK, CODE, VOUCHER, Evidence
from referrals.recruiting.states import CLOCK_TOLERANCE
from referrals.rewarding.voucher_books import could_be_voucher, find_vouchers
from storage import codes
from storage.bulk import fetch_in
from storage.referrals import Referral

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.recruiting.shops import OrderState

Row = dict[str, Any]


class Pointers:
    """The codes and clicks that a list of orders names, looked up in two sets."""

    def __init__(self, session: Session, states: Sequence[OrderState], *, pooled: bool = False) -> None:
        """``pooled`` where vouchers have the shop's own codes: then any code may be one."""
        typed = {code for state in states for code in (*state.codes, *((state.ref,) if state.ref else ()))}
        self._codes = find_codes(session, typed) if typed else {}
        missed = [each for each, hit in self._codes.items() if isinstance(hit, CodeMiss)]
        missed = [each for each in missed if pooled or could_be_voucher(each)]
        self.vouchers = find_vouchers(session, missed) if missed else {}
        self._pairs = self._pairs_of_gifts(session) if self.vouchers else {}
        hashes = {token_hash(state.click): state.click for state in states if state.click}
        rows = fetch_in(session, codes.Click, "token_hash", list(hashes))
        self._clicks = {hashes[row["token_hash"]]: row for row in rows}
        owners = fetch_in(session, codes.Code, "id", [row["code_id"] for row in rows], columns=("id", "customer_id"))
        self._owners = {row["id"]: row["customer_id"] for row in owners}

    def person_of_click(self, state: OrderState) -> int | None:
        """The chat's person for whom the shop button was made (rules 15)."""
        click = self._clicks.get(state.click or "")
        return click["customer_id"] if click else None

    def evidence(self, row: Row, state: OrderState) -> tuple[list[Row], list[Row]]:
        """The evidence of one order as it is stored, and the codes that were not found with their reasons."""
        found: list[Evidence] = []
        misses: list[Row] = []
        for typed in dict.fromkeys(state.codes):
            hit = self._codes[typed]
            if typed in self.vouchers:
                found += self._gift(row, self.vouchers[typed])
            elif isinstance(hit, CodeMiss):
                misses.append(reason(hit.reason, typed=hit.typed))
            elif hit.is_retired(row["created_at"]):
                misses.append(reason(CODE_RETIRED, typed=hit.display))
            else:
                found.append(Evidence(CODE, hit.customer_id, hit.code_id, row["created_at"]))
        found += self._visit(row, state, misses)
        return [store_evidence(evidence) for evidence in dict.fromkeys(found)], misses

    def _gift(self, row: Row, voucher: Row) -> list[Evidence]:
        """A friend's gift points to who brought the friend; in somebody else's hands it says no more than a code."""
        pair = self._pairs.get(voucher["referral_id"])
        if pair is None:
            return []
        made_at = _before_the_order(voucher["created_at"], row["created_at"])
        at = made_at if row["customer_id"] == voucher["customer_id"] else row["created_at"]
        return [Evidence(VOUCHER, pair["ambassador_id"], pair["code_id"], at)]

    def _pairs_of_gifts(self, session: Session) -> dict[int, Row]:
        wanted = sorted({row["referral_id"] for row in self.vouchers.values() if row["referral_id"] is not None})
        rows = fetch_in(session, Referral, "id", wanted, columns=("id", "ambassador_id", "code_id"))
        return {row["id"]: row for row in rows}

    def _visit(self, row: Row, state: OrderState, misses: list[Row]) -> list[Evidence]:
        """The click's own date; a ref without a valid token is dated at the order (rules 12)."""
        click = self._clicks.get(state.click or "")
        if click is not None:
            at = _before_the_order(click["at"], row["created_at"])
            return [Evidence(CLICK, self._owners[click["code_id"]], click["code_id"], at)]
        hit = self._codes.get(state.ref or "")
        if isinstance(hit, CodeHit):
            return [Evidence(CLICK, hit.customer_id, hit.code_id, row["created_at"])]
        if hit is not None:
            misses.append(reason(hit.reason, typed=hit.typed))
        return []


def _before_the_order(clicked_at: datetime, created_at: datetime) -> datetime:
    """When the click was, on the shop's clock: an order that carries a token was made after its click.

    Shops count whole seconds and their clocks may run behind ours, so a click that seems a little
    younger than its order is as old as the order. More than that is another visit.
    """
    is_same_visit = clicked_at - created_at <= CLOCK_TOLERANCE
    return min(clicked_at, created_at) if is_same_visit else clicked_at


def store_evidence(evidence: Evidence) -> Row:
    """Evidence as it is pinned on an order."""
    return {
        "kind": evidence.kind,
        "ambassador_id": evidence.ambassador_id,
        "code_id": evidence.code_id,
        "at": evidence.at.isoformat(),
    }
