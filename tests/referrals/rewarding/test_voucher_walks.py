"""Whatever a customer, a shop and time do with credit, in any order: the books balance (rules 6, 9, 15)."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from referrals.errors import ProgrammeError
from referrals.recruiting.joining import join
from storage.database import Database
from storage.ledger import Bonus
from storage.vouchers import REDEEMED, Redemption, Voucher
from tests.builders import Shop
from tests.planted import WITHIN
from tests.referrals.rewarding.purse import Purse

PERCENT = {"bonus__ambassador__kind": "percent", "bonus__ambassador__percent": "10"}
ACCOUNTS = ("available", "reserved", "redeemed")
_worlds = count(1)

DEEDS: tuple[tuple[str, Any], ...] = (
    *(("issue", amount) for amount in (None, 300, 700, 700, 1100)),
    *(("redeem", (part, keep)) for part in (30, 60, 100) for keep in (False, True)),
    *(("there_and_back", part) for part in (30, 100)),
    *(("roll_back", which) for which in range(4)),
    *(("refund", (which, percent)) for which in range(3) for percent in (0, 40, 100)),
    *(("void", which) for which in range(2)),
    *(("pass", days) for days in (1, 22, 40, 181, 340)),
    *(("buy", None),) * 2,
    ("merge", None),
)
MOST_REFUSED = 12  # of the deeds of a walk; on one where all of them are nothing would be proved


class Walk:
    """One customer with three bonuses of € 9."""

    def __init__(self, database: Database) -> None:
        world = next(_worlds)
        self.purse = Purse(Shop(database, **PERCENT), bonuses=3, name=f"Anna{world}-", first_friend=world * 100)
        self.orders = count(world * 1000)
        self.taken: list[tuple[str, str]] = []
        self.refused: list[tuple[str, Any]] = []

    def do(self, deed: str, what: Any) -> None:
        """It happened, or was refused and changed nothing."""
        try:
            getattr(self, f"do_{deed}")(what)
        except (ProgrammeError, IndexError):
            self.refused.append((deed, what))

    def do_issue(self, amount: int | None) -> None:
        self.purse.issue(amount)

    def do_redeem(self, how: tuple[int, bool]) -> None:
        part, keep_rest = how
        code, amount = self.usable(part)
        number = str(next(self.orders))
        first = self.purse.redeem(code, amount, order=number, keep_rest=keep_rest)
        assert self.purse.redeem(code, amount, order=number, keep_rest=keep_rest) == first
        self.taken.append((code, number))

    def do_there_and_back(self, part: int) -> None:
        code, amount = self.usable(part)
        number, before = str(next(self.orders)), [self.purse.lots(account) for account in ACCOUNTS]
        self.purse.redeem(code, amount, order=number)
        self.purse.rollback(code, order=number)
        assert [self.purse.lots(account) for account in ACCOUNTS] == before

    def do_roll_back(self, which: int) -> None:
        code, number = self.taken[which % len(self.taken) if self.taken else 0]
        first = self.purse.rollback(code, order=number)
        assert self.purse.rollback(code, order=number) == first

    def do_refund(self, how: tuple[int, int]) -> None:
        """So many percent of a friend's order have come back, as of now."""
        which, percent = how
        state, shop = self.purse.orders[which], self.purse.shop
        shop.now += timedelta(minutes=1)
        refunded = state.total_minor * percent // 100
        self.purse.orders[which] = replace(state, refunded_minor=refunded, updated_at=shop.now)
        shop.deliver(self.purse.orders[which], now=shop.now)

    def do_void(self, which: int) -> None:
        for voucher_id in self.purse.shop.database.look(_standing, self.purse.anna)[which : which + 1]:
            self.purse.void(voucher_id)

    def do_pass(self, days: int) -> None:
        self.purse.shop.pass_days(days)
        self.purse.expire()
        self.purse.tend()

    def do_buy(self, _: None) -> None:
        self.purse.buy()

    def do_merge(self, _: None) -> None:
        shop = self.purse.shop
        self.purse.anna = shop.database.run(
            join, self.purse.older, self.purse.anna, programme=shop.programme, now=shop.now
        )

    def usable(self, part: int) -> tuple[str, int]:
        """A voucher that stands, and so much of it; where there is none she makes one of all that she has."""
        database, anna = self.purse.shop.database, self.purse.anna
        if database.look(_usable, anna) is None:
            self.do_issue(None)
        code, left = database.look(_usable, anna) or ("", 0)
        return code, max(1, left * part // 100)

    def check(self) -> None:
        """Books, balances, lots and vouchers agree."""
        purse = self.purse
        held, available, reserved, redeemed, debt = purse.accounts()
        assert min(held, available, reserved, redeemed, debt) >= 0
        expired = sum(purse.lots("expired"))
        assert held + available + reserved + redeemed + expired - debt == purse.shop.database.look(_earned, purse.anna)
        assert reserved == purse.shop.database.look(_in_vouchers, purse.anna)
        assert min(min(purse.lots(account)) for account in ("held", "expired", *ACCOUNTS)) >= 0
        assert purse.shop.database.look(_used_too_often) == []


@settings(
    max_examples=12 if WITHIN in os.environ else 2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(walk=st.permutations(DEEDS))
def test_the_books_balance_after_every_step(database: Database, walk: list[tuple[str, Any]]) -> None:
    """Drill 6: refunds at every moment of a bonus's life, before and after redemption."""
    world = Walk(database)
    for place, (deed, what) in enumerate(walk):
        world.do(deed, what)
        world.check()
        assert place % 5 or world.purse.faults() == [], (deed, what)
    assert world.purse.faults() == []
    assert len(world.refused) <= MOST_REFUSED
    assert world.taken


def _standing(session: Session, customer_id: int) -> list[int]:
    query = select(Voucher.id).where(Voucher.customer_id == customer_id, Voucher.left_minor > 0)
    return list(session.exec(query.order_by(col(Voucher.id))))


def _usable(session: Session, customer_id: int) -> tuple[str, int] | None:
    """The newest voucher that stands, and what it is worth; those whose time is over were put back at once."""
    query = select(Voucher.code, Voucher.left_minor).where(Voucher.customer_id == customer_id, Voucher.left_minor > 0)
    found = session.exec(query.order_by(col(Voucher.id).desc()).limit(1)).first()
    return None if found is None else (found[0], found[1])


def _earned(session: Session, customer_id: int) -> int:
    return session.exec(
        select(func.coalesce(func.sum(Bonus.amount_minor), 0)).where(Bonus.customer_id == customer_id)
    ).one()


def _in_vouchers(session: Session, customer_id: int) -> int:
    query = select(func.coalesce(func.sum(Voucher.left_minor), 0)).where(Voucher.customer_id == customer_id)
    return session.exec(query).one()


def _used_too_often(session: Session) -> list[int]:
    """Vouchers of which more was taken than they were made for."""
    used = (
        select(Redemption.voucher_id, func.sum(Redemption.amount_minor).label("minor"))
        .where(Redemption.status == REDEEMED)
        .group_by(col(Redemption.voucher_id))
        .subquery()
    )
    query = select(Voucher.id).join(used, used.c.voucher_id == Voucher.id)
    return list(session.exec(query.where(used.c.minor + Voucher.left_minor > Voucher.amount_minor)))
