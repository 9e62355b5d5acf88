"""An accountant beside the programme, who only adds: what the tables say, each read in its own way."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy import func
from sqlmodel import Session, col, select

from referrals.figures.exports import pages_of
from referrals.figures.standings import move_watermark, rebuild
from referrals.programme import Programme
from storage.customers import ERASED, Customer
from storage.ledger import AVAILABLE, CUSTOMER_ACCOUNTS, HELD, Bonus, Entry, Posting
from storage.orders import Order
from storage.standings import Standing

Row = dict[str, Any]
Standings = dict[tuple[str, int], tuple[int, int, int]]  # by period and customer: friends, revenue, bonus
BOOKED: tuple[Any, ...] = (Order, Bonus, Posting, Entry)


@dataclass(frozen=True)
class Seen:
    """The books at one moment, in minor units."""

    bonuses: list[Row]
    accounts: dict[tuple[int, str], int]  # by customer and account
    erased: set[int]

    def by_order(self) -> Counter[str]:
        """What each order has earned, by the shop's number."""
        booked: Counter[str] = Counter()
        for row in self.bonuses:
            booked[row["order"]] += row["amount_minor"]
        return booked

    def available(self) -> Counter[int]:
        """What every bonus that was released is worth, by its id."""
        return Counter({row["id"]: row["amount_minor"] for row in self.bonuses if row["status"] == AVAILABLE})

    def total(self, *accounts: str) -> int:
        """What lies in these accounts of everybody."""
        return sum(minor for (_, account), minor in self.accounts.items() if account in accounts)

    def sums_by_customer(self) -> None:
        """What each has in all is what their bonuses are worth; no account but debt is below zero."""
        earned, held = Counter[int](), Counter[int]()
        for row in self.bonuses:
            earned[row["customer_id"]] += row["amount_minor"]
        for (customer_id, account), minor in self.accounts.items():
            held[customer_id] += minor
            assert minor <= 0 if account == "debt" else minor >= 0, (customer_id, account)
        assert +held == +earned
        assert not any(self.accounts.get((gone, HELD)) for gone in self.erased)

    def one_ambassador_each(self) -> None:
        """An order earns one person something, and nobody by their own."""
        earners = defaultdict(set)
        for row in self.bonuses:
            if row["amount_minor"] > 0:
                assert row["friend_id"] != row["customer_id"]
                earners[row["order"]].add(row["customer_id"])
        assert all(len(each) == 1 for each in earners.values())


NOTHING = Seen([], {}, set())


def see(session: Session) -> Seen:
    """The books as they are."""
    columns = ("id", "customer_id", "friend_id", "amount_minor", "status", "month")
    asked: list[Any] = [getattr(Bonus, name) for name in columns]
    query = sql.select(*asked, col(Order.external_id)).join(Order, col(Order.id) == col(Bonus.order_id))
    bonuses = [dict(zip((*columns, "order"), row, strict=True)) for row in session.execute(query)]
    sums = select(Entry.customer_id, Entry.account, func.sum(Entry.amount_minor))
    mine = sums.where(col(Entry.customer_id).is_not(None)).group_by(col(Entry.customer_id), col(Entry.account))
    accounts = {(who or 0, account): int(minor) for who, account, minor in session.exec(mine)}
    return Seen(bonuses, accounts, set(session.exec(select(Customer.id).where(Customer.state == ERASED))))


def everything(session: Session) -> list[Any]:
    """Every row of orders, bonuses and the ledger, to be compared."""
    tables = [table.__table__ for table in BOOKED]
    return [session.execute(table.select().order_by(*table.primary_key)).all() for table in tables]


def follow(session: Session, *, programme: Programme, now: datetime) -> None:
    """The standings have followed the ledger."""
    while move_watermark(session, programme=programme, now=now):
        pass


class Undo(Exception):
    """Carries what was seen out of a transaction that is not kept."""


def standings_twice(session: Session, *, programme: Programme, now: datetime) -> None:
    """The projection as it is once it has followed, and as it is built anew; neither is kept."""
    follow(session, programme=programme, now=now)
    kept = _stored(session)
    rebuild(session, now=now)
    follow(session, programme=programme, now=now)
    raise Undo(kept, _stored(session))


def counted(bonuses: list[Row]) -> dict[int, tuple[int, int]]:
    """Friends and money of all time, by customer, counted from the bonuses."""
    friends, money = defaultdict(set), Counter[int]()
    for row in bonuses:
        if row["status"] == AVAILABLE and row["amount_minor"] > 0:
            friends[row["customer_id"]].add(row["friend_id"])
            money[row["customer_id"]] += row["amount_minor"]
    return {who: (len(each), money[who]) for who, each in friends.items()}


def exported(session: Session, *, programme: Programme, now: datetime) -> int:
    """What customers have in all by the ledger that an owner exports, in minor units of one currency."""
    pages = pages_of(session, "ledger", period="all", programme=programme, now=now)
    return sum(row["amount_minor"] for page in pages for row in page if row["account"] in CUSTOMER_ACCOUNTS)


def _stored(session: Session) -> Standings:
    rows = session.exec(select(Standing).execution_options(populate_existing=True)).all()
    return {
        (row.period, row.customer_id): (row.friends, row.revenue_minor, row.bonus_minor)
        for row in rows
        if row.friends or row.revenue_minor or row.bonus_minor
    }
