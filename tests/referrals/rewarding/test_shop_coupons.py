"""Vouchers that are created in the shop: told once they work there, credit once they do not (rules 9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from referrals.rewarding.shop_coupons import MOST_TRIES, begin_task, due_coupons, note_failed, note_gone, note_made
from storage.database import Database
from storage.mailbox import Chat, Outbox
from storage.vouchers import ShopCoupon, Voucher
from tests.builders import NOON, Shop
from tests.referrals.rewarding.purse import Purse

OLGA = 9_000_001
API = {"url": "http://127.0.0.1:9", "key": "ck_sesame", "secret": "cs_sesame"}
SHOPS = [
    {"name": "webshop", "kind": "woocommerce", "secrets": ["s"], "landing_url": "https://shop.example/", "api": API}
]


class Till(Purse):
    """Anna's purse, and the shop's answers."""

    def coupon(self) -> dict[str, Any]:
        return self.shop.rows(ShopCoupon)[0]

    def due(self) -> list[int]:
        return self.shop.database.look(due_coupons, now=self.shop.now, limit=9)

    def begin(self) -> Any:
        programme, now = self.shop.programme, self.shop.now
        return [self.shop.database.run(begin_task, each, programme=programme, now=now) for each in self.due()]

    def made(self) -> None:
        self.shop.database.run(note_made, 1, external_id="12", now=self.shop.now)

    def gone(self, *, used: bool = False) -> None:
        self.shop.database.run(note_gone, 1, used=used, now=self.shop.now)

    def failed(self, *, permanent: bool = False) -> None:
        why: dict[str, Any] = {"error": "no answer in time", "permanent": permanent, "programme": self.shop.programme}
        self.shop.database.run(note_failed, 1, **why, now=self.shop.now)

    def heard(self, start: str = "voucher") -> list[str]:
        return [row["kind"] for row in self.shop.rows(Outbox) if row["kind"].startswith(start)]


@pytest.fixture
def till(database: Database) -> Till:
    """Anna has € 15 and wants a voucher of it, which the shop is to know."""
    till = Till(Shop(database, shops=SHOPS, vouchers__source="shop", telegram__owner_ids=[OLGA]), bonuses=1)
    database.run(lambda session: session.add(Chat(chat_id=OLGA, created_at=NOON)))
    till.issue(1500)
    return till


def test_a_voucher_is_told_once_the_shop_knows_it(till: Till) -> None:
    task = till.begin()[0]
    assert (task.shop, task.ends, task.wish.amount_minor) == ("webshop", False, 1500)
    assert task.wish.code.replace("-", "") == till.shop.rows(Voucher)[0]["code"]
    till.made()
    assert (till.heard(), till.due(), till.coupon()["status"]) == (["voucher_ready"], [], "made")


def test_a_failure_is_tried_again_ever_later_and_then_it_is_credit_again(till: Till) -> None:
    waits = []
    for _ in range(MOST_TRIES):
        assert till.accounts() == (0, 0, 1500, 0, 0)
        till.failed()
        waits.append((till.coupon()["next_at"] - till.shop.now) // timedelta(minutes=1))
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert till.accounts() == (0, 1500, 0, 0, 0)
    assert (till.heard(), till.heard("coupon")) == (["voucher_unmade"], ["coupon_failed"])
    assert till.coupon()["status"] == "ending"  # an answer may have been lost
    till.gone()
    assert (till.coupon()["status"], till.faults()) == ("withdrawn", [])


def test_a_refusal_is_credit_again_at_once(till: Till) -> None:
    till.failed(permanent=True)
    assert (till.accounts(), till.due(), till.coupon()["status"]) == ((0, 1500, 0, 0, 0), [], "failed")
    assert (till.heard(), till.heard("coupon")) == (["voucher_unmade"], ["coupon_failed"])


def test_what_is_put_back_is_credit_once_the_shop_has_forgotten_it(till: Till) -> None:
    till.made()
    till.void(1)
    assert till.accounts() == (0, 0, 1500, 0, 0)
    assert till.begin()[0].ends
    till.gone()
    assert till.accounts() == (0, 1500, 0, 0, 0)
    assert till.heard() == ["voucher_ready", "voucher_returned"]
    assert till.faults() == []


def test_what_was_used_before_it_was_put_back_is_not_credit(till: Till) -> None:
    till.made()
    code = till.shop.rows(Voucher)[0]["code"]
    till.void(1)
    till.gone(used=True)
    assert (till.accounts(), till.due()) == ((0, 0, 1500, 0, 0), [])
    assert till.redeem(code, None).amount_minor == 1500
    assert till.heard()[1:] == ["voucher_taken", "voucher_used"]


def test_a_voucher_whose_time_is_over_is_taken_out_of_the_shop_first(till: Till) -> None:
    till.made()
    till.shop.pass_days(181)
    assert till.expire() == 0
    assert till.begin()[0].ends
    till.gone()
    assert till.accounts() == (0, 1500, 0, 0, 0)
    assert till.shop.rows(Voucher)[0]["status"] == "expired"


def test_an_order_that_was_called_off_gives_credit_back_for_its_code_is_spent_there(till: Till) -> None:
    till.made()
    code = till.shop.rows(Voucher)[0]["code"]
    till.redeem(code, 1000)
    assert till.due() == []
    till.rollback(code)
    assert till.begin()[0].ends
    till.gone(used=True)
    assert (till.accounts(), till.faults()) == ((0, 1500, 0, 0, 0), [])


def test_a_bonus_taken_back_leaves_the_shops_code_and_a_debt(till: Till) -> None:
    till.made()
    till.refund(1)
    assert (till.accounts(), till.faults()) == ((0, 0, 1500, 0, 1500), [])
