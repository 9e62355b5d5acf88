"""Bonuses that are about to be made are looked at, together: each gets its score, and waits where that is high.

``Screen`` is handed to ``rewarding.plan_bonuses``, which knows nothing of signals. It only reads; its ``write``
stores what became known of codes, and has the owners told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from referrals.screening import history
from referrals.screening.facts import Facts, Gathered, Looked
from referrals.screening.score import LEAKED_CODE, Scale, is_leaked
from referrals.screening.telling import tell_leaked, tell_waiting
from storage.bulk import fetch_in, update_rows
from storage.codes import Code
from storage.customers import Customer
from storage.ledger import UNREVIEWED, WAITING
from storage.orders import Order
from storage.referrals import Referral

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

Row = dict[str, Any]
CODE, CLICK = "code", "click"


@dataclass(slots=True)
class Screen:
    """Looks at the bonuses of one transaction."""

    session: Session
    gathered: Gathered
    programme: Programme
    now: datetime
    leaked: dict[int, int] = field(default_factory=dict)  # code that is leaked since now -> its ambassador
    waiting: list[Row] = field(default_factory=list)  # bonuses that wait since now

    def __call__(self, rows: Sequence[Row], stored: Collection[int], hours: Sequence[history.Hour]) -> None:
        """Each row has its score and signals, and ``review`` says whether it waits for an owner.

        Args:
            rows: Bonuses that are credited now; those that an owner decided stay as they are.
            stored: The ids of those among them that ``hours`` count already.
            hours: What is stored of their customers' months.
        """
        undecided = [row for row in rows if row["review"] in (UNREVIEWED, WAITING)]
        looked = [one for one in self._with_facts(undecided) if not (one.pair and one.pair["by_hand_at"])]
        if not looked:
            return
        looked.sort(key=lambda one: one.row["sort_key"])
        facts = Facts(self.session, self.gathered, looked, history.pace_of(hours, zone=self.programme.zone))
        rules = self.programme.config.fraud
        scale = Scale(rules)
        for one in looked:
            one.row["typed"] = _only_typed(one)
            known = facts.known(one, is_stored=one.row["id"] in stored)
            result = scale.weigh(known)
            one.row.update(score=result.total, signals=[part.as_dict() for part in result.parts], review=UNREVIEWED)
            if is_leaked(known, rules) and one.pair and one.pair["code_id"] is not None and not known.code_is_leaked:
                self.leaked[one.pair["code_id"]] = one.row["customer_id"]
        self._hold([one for one in looked if one.row["score"] >= rules.review_score])

    def write(self) -> None:
        """Codes that are leaked are marked, and the owners hear of both; nothing is asked where nothing is new."""
        if self.leaked:
            rows = [{"id": code_id, "leaked_at": self.now} for code_id in self.leaked]
            update_rows(self.session, Code, rows, key=("id",))
            whose = [{"id": customer_id, "code_leaked_at": self.now} for customer_id in set(self.leaked.values())]
            update_rows(self.session, Customer, whose, key=("id",))
            tell_leaked(self.session, self.leaked, programme=self.programme, now=self.now)
        if self.waiting:
            tell_waiting(self.session, programme=self.programme, now=self.now)

    def _hold(self, high: Sequence[Looked]) -> None:
        """Trusted ambassadors skip the queue; a leaked code waits whosever it is, for it is not about them."""
        people = self.gathered.people
        marked = {one for one in (looked.row["customer_id"] for looked in high) if _trusted_by_owner(people.get(one))}
        unmarked = {looked.row["customer_id"] for looked in high} - marked
        earned = history.earned_trust(self.session, unmarked, friends=self.programme.config.fraud.trusted_after)
        for one in high:
            is_leak = any(part["code"] == LEAKED_CODE for part in one.row["signals"])
            if is_leak or one.row["customer_id"] not in marked | earned:
                one.row["review"] = WAITING
                self.waiting.append(one.row)

    def _with_facts(self, rows: Sequence[Row]) -> list[Looked]:
        """The orders and pairs are in hand, but for bonuses that only got a place in their month."""
        orders = {row["id"]: row for known in self.gathered.orders.values() for row in known}
        pairs = {row["id"]: row for known in self.gathered.pairs.values() for row in known}
        missing = [row for row in rows if row["friend_id"] not in self.gathered.orders]
        for row in fetch_in(self.session, Order, "id", [row["order_id"] for row in missing if row["order_id"]]):
            orders[row["id"]] = row
        for row in fetch_in(
            self.session, Referral, "id", [row["referral_id"] for row in missing if row["referral_id"]]
        ):
            pairs.setdefault(row["id"], row)
        return [Looked(row, orders.get(row["order_id"]), pairs.get(row["referral_id"])) for row in rows]


def _only_typed(one: Looked) -> bool:
    """A code at the checkout, and neither a visit through a link nor a sign-up."""
    if one.order is None or one.pair is None or one.pair["signed_up_at"] or one.pair["invited_at"]:
        return False
    kinds = {each["kind"] for each in one.order["evidence"]}
    return one.pair["evidence"] == CODE and CLICK not in kinds


def _trusted_by_owner(person: Row | None) -> bool:
    return bool(person and person.get("trusted_at"))
