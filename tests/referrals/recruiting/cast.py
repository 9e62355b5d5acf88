"""Anna, Bram, Chris and Mats at Olga's shop: what they do, through the programme's own use cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from referrals.config import parse_config
from referrals.people.customers import CodeView, enrol_ambassador, meet
from referrals.people.tokens import make_connect_token
from referrals.programme import Programme
from referrals.recruiting.clicks import ClickItem, record_clicks
from referrals.recruiting.connect import ConnectOutcome, connect_by_order, connect_by_token
from referrals.recruiting.invitations import StartOutcome, record_start
from referrals.recruiting.orders import Arrival, OrderOutcome, apply_orders
from referrals.recruiting.shops import PAID, PENDING, Buyer, CustomerState, OrderState
from referrals.recruiting.sign_ups import CustomerOutcome, apply_customers
from referrals.rewarding.books import audit
from storage.database import Database
from storage.ledger import Entry
from storage.referrals import Referral

TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SHOP = "webshop"
ANNA_CHAT, BRAM_CHAT, CHRIS_CHAT, MATS_CHAT = 101, 102, 103, 109
CONFIG = {
    "programme": {"name": "Theehuis", "base_url": "https://thee.example", "no_history": True},
    "telegram": {"username": "theehuis_bot"},
    "shops": [
        {"name": SHOP, "kind": "standard", "secrets": ["secret"], "landing_url": "https://shop.example/?ref={code}"}
    ],
}


def make_programme(**sections: dict[str, Any]) -> Programme:
    """Olga's programme."""
    return Programme(config=parse_config(CONFIG | sections), fingerprint_key=b"k" * 32, number_salt="salt")


@dataclass
class Cast:
    """What people do; every deed is a transaction of its own."""

    database: Database
    programme: Programme
    now: datetime = TUESDAY

    def account(self, id: str, **said: Any) -> CustomerOutcome:
        return self.accounts(CustomerState(SHOP, id, **said))[0]

    def accounts(self, *states: CustomerState) -> list[CustomerOutcome]:
        return self.database.run(apply_customers, states, programme=self.programme, now=self.now)

    def customer(self, id: str, **said: Any) -> int:
        customer_id = self.account(id, **said).customer_id
        assert customer_id is not None
        return customer_id

    def ambassador(self, id: str = "77", email: str = "anna@example.com") -> tuple[int, CodeView]:
        anna = self.customer(id, email=email)
        return anna, self.enrol(anna)

    def enrol(self, customer_id: int) -> CodeView:
        return self.database.run(enrol_ambassador, customer_id, programme=self.programme, now=self.now)

    def chat(self, telegram_id: int, first_name: str = "Bram") -> int:
        return self.database.run(
            meet,
            telegram_id=telegram_id,
            chat_id=telegram_id,
            first_name=first_name,
            language_code="nl",
            at=self.now,
            now=self.now,
        )

    def start(self, telegram_id: int, code: str, at: datetime | None = None) -> StartOutcome:
        friend_id = self.chat(telegram_id)
        return self.database.run(
            record_start,
            friend_id=friend_id,
            typed_code=code,
            at=at or self.now,
            programme=self.programme,
            now=self.now,
        )

    def click(self, code: str, at: datetime | None = None) -> str:
        items = [ClickItem(code, SHOP, at or self.now)]
        landing = self.database.run(record_clicks, items, programme=self.programme)[0]
        assert landing.token is not None
        return landing.token

    def token(self, customer_id: int) -> str:
        token, _ = self.database.run(make_connect_token, customer_id, programme=self.programme, machine_now=self.now)
        return token

    def connect(self, telegram_id: int, token: str, machine_now: datetime | None = None) -> ConnectOutcome:
        self.chat(telegram_id)
        return self.database.run(
            connect_by_token,
            token,
            chat_id=telegram_id,
            telegram_id=telegram_id,
            programme=self.programme,
            now=self.now,
            machine_now=machine_now or self.now,
        )

    def claim(self, telegram_id: int, number: str, email: str, machine_now: datetime | None = None) -> ConnectOutcome:
        self.chat(telegram_id)
        return self.database.run(
            connect_by_order,
            chat_id=telegram_id,
            order_number=number,
            email=email,
            programme=self.programme,
            now=self.now,
            machine_now=machine_now or self.now,
        )

    def order(
        self,
        id: str,
        *,
        buyer: str | None = None,
        email: str | None = None,
        at: datetime | None = None,
        paid: bool = True,
        **said: Any,
    ) -> OrderOutcome:
        """An order of 85 euros, paid a minute after it was made."""
        at = at or self.now
        state = OrderState(
            shop=SHOP,
            id=id,
            status=PAID if paid else PENDING,
            currency="EUR",
            total_minor=9000,
            base_minor=8500,
            refunded_minor=0,
            created_at=at,
            paid_at=at + MINUTE if paid else None,
            updated_at=at + MINUTE,
            buyer=Buyer(id=buyer, email=email),
            **said,
        )
        return self.database.run(apply_orders, [Arrival(state, self.now)], programme=self.programme, now=self.now)[0]

    def pairs(self, friend_id: int) -> dict[int, dict[str, Any]]:
        """The friend's referrals by ambassador."""
        return self.database.look(_pairs, friend_id)

    def held(self, customer_id: int) -> int:
        return self.database.look(_held, customer_id)

    def audit(self) -> list[Any]:
        return list(self.database.look(audit))


def codes_of(reasons: Any) -> list[str]:
    """The reason codes alone."""
    return [why["code"] for why in reasons]


def _pairs(session: Session, friend_id: int) -> dict[int, dict[str, Any]]:
    rows = session.exec(select(Referral).where(Referral.friend_id == friend_id))
    return {row.ambassador_id: row.model_dump() for row in rows}


def _held(session: Session, customer_id: int) -> int:
    query = select(Entry.amount_minor).where(Entry.customer_id == customer_id, Entry.account == "held")
    return sum(session.exec(query))
