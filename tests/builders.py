"""The cast and the shop they buy in: the smallest words in which a test can tell a story.

**Anna** is the ambassador, **Bram** her friend, **Chris** came alone, **Mats** cheats, **Olga**
owns the shop. Everything has fixed dates; money is in euros' cents.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, SQLModel, select

from referrals.chance import Maker
from referrals.config import parse_config
from referrals.people.customers import enrol_ambassador
from referrals.people.identities import PersonKeys, email_fingerprint, resolve_people
from referrals.people.marks import email_fingerprints
from referrals.programme import Programme, load_programme, make_keys
from referrals.recruiting.orders import Arrival, OrderOutcome, apply_orders
from referrals.recruiting.shops import Buyer, OrderState
from referrals.rewarding.balances import Balance, balances
from referrals.rewarding.books import Fault, audit
from referrals.rewarding.release import due_bonuses, release_bonuses
from storage.database import Database
from storage.ledger import Bonus
from storage.orders import Order
from tests.referrals.configs import with_keys
from tests.rows import rows_of

UNREVIEWED: dict[str, Any] = {"fraud__review_score": 101}  # nothing is suspicious: for tests of many bonuses at once
NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday, noon in Amsterdam
SHOP = "webshop"
BRAM = Buyer("77", "bram@example.nl", orders=1)
CHRIS = Buyer("78", "chris@example.nl", orders=1)


class Shop:
    """Olga's shop on one database: people, orders and the passing of time."""

    def __init__(self, database: Database, **keys: Any) -> None:
        """``keys`` are configuration keys such as ``bonus__ambassador__per_month=2``."""
        self.database = database
        self.now = NOON
        database.run(make_keys, Maker())
        settings = {"programme__no_history": True, **keys}
        config = parse_config(with_keys(**settings), {})
        self.programme: Programme = database.look(load_programme, config)

    def ambassador(self, name: str, *, shop_id: str | None = None, email: str | None = None) -> tuple[int, str]:
        """A customer with a link: their id and their code."""
        address = email or f"{name.lower()}@example.nl"
        mailbox = email_fingerprints(self.programme, address)[1]
        email = email_fingerprint(self.programme, address)
        keys = PersonKeys(SHOP, shop_id or name, email, first_name=name, mailbox=mailbox)
        return self.database.run(_enrol, keys, self.programme, self.now)

    def deliver(self, *states: OrderState, now: datetime | None = None) -> list[OrderOutcome]:
        """These states arrive together."""
        moment = now or self.now
        arrivals = [Arrival(state, moment) for state in states]
        return self.database.run(apply_orders, arrivals, programme=self.programme, now=moment)

    def pass_days(self, days: float) -> None:
        """The programme's clock goes on, and what has waited long enough is released."""
        self.now += timedelta(days=days)
        ids = self.database.look(due_bonuses, programme=self.programme, now=self.now, limit=1000)
        self.database.run(release_bonuses, ids, programme=self.programme, now=self.now)

    def balance(self, customer_id: int, currency: str = "EUR") -> Balance:
        """A customer's accounts."""
        return self.database.look(balances, customer_id).get(currency, Balance())

    def reasons(self, external_id: str) -> list[str]:
        """The reason codes of an order as it stands."""
        return self.database.look(_order_reasons, external_id)

    def faults(self) -> list[Fault]:
        """What the audit finds."""
        return self.database.look(audit)

    def rows(self, table: type[SQLModel]) -> list[dict[str, Any]]:
        """Every row of a table, as plain data."""
        return rows_of(self.database, table)


def order(
    number: int | str,
    buyer: Buyer = BRAM,
    *,
    code: str | None = None,
    status: str = "paid",
    total: int = 9000,
    at: datetime = NOON,
    **changes: Any,
) -> OrderState:
    """An order as the shop reports it: paid as soon as it is made, € 90 without shipping."""
    paid = None if status in {"pending", "cancelled"} else at
    state = OrderState(
        shop=SHOP,
        id=str(number),
        status=status,
        currency="EUR",
        total_minor=total,
        base_minor=total,
        refunded_minor=0,
        created_at=at,
        paid_at=paid,
        updated_at=at,
        buyer=buyer,
        codes=(code,) if code else (),
    )
    return replace(state, **changes)


def later(state: OrderState, minutes: int = 60, **changes: Any) -> OrderState:
    """The same order in a newer state."""
    return replace(state, updated_at=(state.updated_at or NOON) + timedelta(minutes=minutes), **changes)


def friend(number: int, **changes: Any) -> Buyer:
    """Somebody who buys for the first time."""
    return replace(Buyer(f"friend-{number}", f"friend{number}@example.nl", orders=1), **changes)


def _enrol(session: Session, keys: PersonKeys, programme: Programme, now: datetime) -> tuple[int, str]:
    customer_id = resolve_people(session, [keys], now=now)[0].customer_id
    assert customer_id is not None
    return customer_id, enrol_ambassador(session, customer_id, programme=programme, now=now).code


def _order_reasons(session: Session, external_id: str) -> list[str]:
    row = session.exec(select(Order).where(Order.external_id == external_id)).one()
    bonus = session.exec(
        select(Bonus).where(Bonus.order_id == row.id, Bonus.customer_id == (row.ambassador_id or 0))
    ).one_or_none()
    codes = [why["code"] for why in row.reasons]
    return codes + [why["code"] for why in (bonus.reasons if bonus else []) if why["code"] not in codes]
