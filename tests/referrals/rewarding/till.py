"""What a customer and Olga's till do with credit."""

from __future__ import annotations

from dataclasses import dataclass

from referrals.reasons import Reason
from referrals.rewarding.redemptions import OrderKey, RedemptionView, redeem_voucher, rollback_voucher
from referrals.rewarding.vouchers import (
    VoucherView,
    due_vouchers,
    expire_vouchers,
    issue_voucher,
    validate_voucher,
    void_voucher,
)
from tests.builders import SHOP, Shop

TILL = "key:till"


@dataclass
class Till:
    """Vouchers are made, used, given back and taken back; orders are named by their number in the shop."""

    shop: Shop

    def issue(self, customer_id: int, amount_minor: int | None) -> VoucherView:
        return self.shop.database.run(
            issue_voucher, customer_id, amount_minor=amount_minor, currency="EUR", programme=self.shop.programme,
            now=self.shop.now,
        )  # fmt: skip

    def redeem(
        self, code: str, amount_minor: int | None, *, order: str, currency: str = "EUR", keep_rest: bool = False
    ) -> RedemptionView:
        return self.shop.database.run(
            redeem_voucher, code, order=OrderKey(SHOP, order), amount_minor=amount_minor, currency=currency,
            keep_rest=keep_rest, actor=TILL, now=self.shop.now,
        )  # fmt: skip

    def rollback(self, code: str, *, order: str) -> RedemptionView:
        key = OrderKey(SHOP, order)
        return self.shop.database.run(rollback_voucher, code, order=key, actor=TILL, now=self.shop.now)

    def validate(self, code: str) -> tuple[VoucherView | None, list[Reason]]:
        return self.shop.database.look(validate_voucher, code, now=self.shop.now)

    def void(self, voucher_id: int, *, customer_id: int) -> VoucherView:
        return self.shop.database.run(void_voucher, voucher_id, customer_id=customer_id, now=self.shop.now)

    def expire(self) -> int:
        due = self.shop.database.look(due_vouchers, now=self.shop.now, limit=100)
        return self.shop.database.run(expire_vouchers, due, now=self.shop.now)
