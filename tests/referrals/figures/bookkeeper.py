"""Books with a handful of bonuses, written row by row: what the figures read, without the rules that decide it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session

from referrals.config import parse_config
from referrals.programme import Programme
from storage.bulk import fetch_in, insert_rows, next_id, update_rows
from storage.codes import Code
from storage.customers import Customer
from storage.ledger import AVAILABLE, COST, HELD, Bonus, Entry, Posting
from storage.orders import Terms

TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOLD = timedelta(days=21)
CONFIG = {
    "programme": {"name": "Theehuis", "base_url": "https://thee.example", "no_history": True},
    "shops": [
        {
            "name": "webshop",
            "kind": "standard",
            "secrets": ["secret"],
            "landing_url": "https://thee.example/?ref={code}",
        }
    ],
}
TERMS = "0" * 32


def make_programme(**sections: dict[str, Any]) -> Programme:
    """Olga's programme."""
    config = parse_config(CONFIG | sections)
    return Programme(config=config, fingerprint_key=b"k" * 32, number_salt="salt")


@dataclass
class Bookkeeper:
    """Writes customers and the life of bonuses; every step is a commit of its own."""

    session: Session
    currency: str = "EUR"
    people: dict[str, int] = field(default_factory=dict)

    def person(self, name: str, **columns: Any) -> int:
        if name not in self.people:
            self.people[name] = next_id(self.session, "customer")
            row = {"id": self.people[name], "first_name": name, "created_at": TUESDAY}
            insert_rows(self.session, Customer, [row | columns])
        return self.people[name]

    def code(self, name: str, display: str) -> None:
        row = {"normalised": display, "display": display, "customer_id": self.person(name), "created_at": TUESDAY}
        insert_rows(self.session, Code, [row])

    def hold(
        self, ambassador: str, friend: str, *, at: datetime, amount: int = 1500, revenue: int = 8500, **more: Any
    ) -> int:
        """The friend ordered; the ambassador's bonus waits."""
        insert_rows(self.session, Terms, [{"id": TERMS, "body": {}, "in_force_from": TUESDAY}], ignore_conflicts=True)
        bonus_id = next_id(self.session, "bonus")
        row = {
            "id": bonus_id, "customer_id": self.person(ambassador), "side": "ambassador", "currency": self.currency,
            "origin": f"order:{bonus_id}", "friend_id": self.person(friend), "amount_minor": amount,
            "revenue_minor": revenue, "status": HELD, "earned_at": at, "available_at": at + HOLD, "month": "",
            "sort_key": "", "terms_id": TERMS, "created_at": at, "updated_at": at,
        }  # fmt: skip
        insert_rows(self.session, Bonus, [row | more])
        self._post(bonus_id, at, {HELD: amount, COST: -amount})
        return bonus_id

    def release(self, bonus_id: int, *, at: datetime) -> None:
        """The wait is over: a friend more."""
        bonus = self._bonus(bonus_id)
        amount = bonus["amount_minor"]
        self._post(bonus_id, at, {HELD: -amount, AVAILABLE: amount}, friends=1, revenue=bonus["revenue_minor"])
        self._change(bonus_id, status=AVAILABLE, released_at=at, updated_at=at)

    def reverse(self, bonus_id: int, *, at: datetime) -> None:
        """The order came back, before or after the release."""
        bonus = self._bonus(bonus_id)
        account, amount, counted = bonus["status"], bonus["amount_minor"], bonus["status"] == AVAILABLE
        revenue = -bonus["revenue_minor"] if counted else 0
        self._post(bonus_id, at, {account: -amount, COST: amount}, friends=-1 if counted else 0, revenue=revenue)
        self._change(bonus_id, status="reversed", amount_minor=0, updated_at=at)

    def earn(self, ambassador: str, friend: str, *, at: datetime, **more: Any) -> int:
        """A friend who counts from ``at`` on."""
        bonus_id = self.hold(ambassador, friend, at=at - HOLD, **more)
        self.release(bonus_id, at=at)
        return bonus_id

    def status(self, bonus_id: int) -> str:
        return str(self._bonus(bonus_id)["status"])

    def _bonus(self, bonus_id: int) -> dict[str, Any]:
        return fetch_in(self.session, Bonus, "id", [bonus_id])[0]

    def _change(self, bonus_id: int, **columns: Any) -> None:
        postings = self._bonus(bonus_id)["postings"]
        update_rows(self.session, Bonus, [{"id": bonus_id, "postings": postings, **columns}], key=("id",))

    def _post(self, bonus_id: int, at: datetime, moves: dict[str, int], *, friends: int = 0, revenue: int = 0) -> None:
        bonus = self._bonus(bonus_id)
        posting_id = next_id(self.session, "posting")
        row = {
            "id": posting_id, "bonus_id": bonus_id, "n": bonus["postings"], "kind": "step", "reason": "approved",
            "friends": friends, "revenue_minor": revenue, "commit_no": next_id(self.session, "commit"), "at": at,
        }  # fmt: skip
        insert_rows(self.session, Posting, [row])
        update_rows(self.session, Bonus, [{"id": bonus_id, "postings": row["n"] + 1}], key=("id",))
        entries = [
            {
                "posting_id": posting_id, "bonus_id": bonus_id, "account": account, "currency": bonus["currency"],
                "amount_minor": amount, "customer_id": None if account == COST else bonus["customer_id"],
            }
            for account, amount in moves.items()
        ]  # fmt: skip
        insert_rows(self.session, Entry, entries)
