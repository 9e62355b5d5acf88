"""Anna's credit in a test: bonuses that have become available, and what she and the shop do with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from referrals.reasons import Reason
from referrals.recruiting.shops import OrderState
from referrals.rewarding.credit_expiry import due_credit, tend_credit
from referrals.rewarding.credit_terms import date_credit
from referrals.rewarding.redemptions import RedemptionView
from referrals.rewarding.vouchers import VoucherView
from storage.ledger import Bonus, Entry
from tests.builders import Shop, friend, later, order
from tests.referrals.rewarding.till import Till

ORDER = "1"


class Purse:
    """Anna, her code, her bonuses, and Olga's till."""

    def __init__(self, shop: Shop, *, bonuses: int, name: str = "Anna", first_friend: int = 0) -> None:
        """The friends' orders are a day apart; the wait of all of them is over."""
        self.shop, self.name, self.first_friend = shop, name, first_friend
        self.till = Till(shop)
        # Somebody who was there before Anna, and may turn out to be her.
        self.older = shop.ambassador(f"{name}-once", email=f"{name}-once@example.nl")[0]
        shop.pass_days(1)
        self.anna, self.code = shop.ambassador(name)
        self.orders: list[OrderState] = []
        for _ in range(bonuses):
            self.buy()
            shop.pass_days(1)
        shop.pass_days(21)

    def buy(self) -> None:
        """One more friend orders with her code."""
        number = len(self.orders)
        buyer = friend(self.first_friend + number)
        self.orders.append(order(f"{self.name}{number}", buyer, code=self.code, at=self.shop.now))
        self.shop.deliver(self.orders[-1], now=self.shop.now)

    def issue(self, amount_minor: int | None) -> VoucherView:
        return self.till.issue(self.anna, amount_minor)

    def redeem(
        self, code: str, amount_minor: int | None, *, order: str = ORDER, currency: str = "EUR", keep_rest: bool = False
    ) -> RedemptionView:
        return self.till.redeem(code, amount_minor, order=order, currency=currency, keep_rest=keep_rest)

    def rollback(self, code: str, *, order: str = ORDER) -> RedemptionView:
        return self.till.rollback(code, order=order)

    def validate(self, code: str) -> list[Reason]:
        return self.till.validate(code)[1]

    def void(self, voucher_id: int, *, by: int | None = None) -> VoucherView:
        return self.till.void(voucher_id, customer_id=by or self.anna)

    def expire(self) -> int:
        return self.till.expire()

    def tend(self) -> int:
        """Credit is dated, warned of and ended, as far as that is due."""
        at: dict[str, Any] = {"programme": self.shop.programme, "now": self.shop.now}
        while self.shop.database.run(date_credit, **at):
            pass
        due = self.shop.database.look(due_credit, now=self.shop.now, limit=100)
        return self.shop.database.run(tend_credit, due, **at)

    def refund(self, number: int) -> None:
        """Everything of the friend's order, counted from one, comes back."""
        paid = self.orders[number - 1]
        state = later(paid, 99_999, status="refunded", refunded_minor=paid.total_minor)
        self.shop.deliver(state, now=self.shop.now)

    def accounts(self) -> tuple[int, int, int, int, int]:
        """Held, available, reserved, redeemed and debt."""
        found = self.shop.balance(self.anna)
        return (found.held_minor, found.available_minor, found.reserved_minor, found.redeemed_minor, found.debt_minor)

    def lots(self, account: str) -> list[int]:
        """What lies in the account, by bonus, the oldest first."""
        return self.shop.database.look(_lots, account)

    def damage(self, statement: str) -> None:
        self.shop.database.run(lambda session: session.connection().execute(text(statement)) and None)

    def faults(self) -> list[str]:
        return [fault.check for fault in self.shop.faults()]


def _lots(session: Session, account: str) -> list[int]:
    found = dict.fromkeys(session.exec(select(Bonus.id).order_by(col(Bonus.id))), 0)
    for entry in session.exec(select(Entry).where(Entry.account == account)):
        if entry.customer_id is not None:
            found[entry.bonus_id] += entry.amount_minor
    return list(found.values())
