"""Orders that carry the code of a voucher or a gift: who brought them, what they use, what they give back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from referrals.recruiting.orders import OrderOutcome, dry_run
from referrals.recruiting.shops import Buyer, CustomerState, OrderState
from referrals.recruiting.shops.reading import discounts
from referrals.recruiting.sign_ups import apply_customers
from referrals.rewarding.pool import PoolLine, load_codes
from referrals.rewarding.redemptions import OrderKey, redeem_voucher
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.orders import Order
from storage.referrals import Referral
from storage.vouchers import Redemption, Voucher
from tests.builders import NOON, SHOP, Shop, friend, later, order
from tests.referrals.rewarding.purse import Purse

GIFT = {"bonus__friend__personal": True, "bonus__friend__amount": "10.00"}
BRAM, CHRIS = Buyer("1", "bram@example.nl"), Buyer("2", "chris@example.nl")


def gift_for_bram(database: Database, **keys: Any) -> tuple[Shop, int, str]:
    """Anna's friend Bram signs up at noon; the shop, Anna, and the code of Bram's gift."""
    shop = Shop(database, **GIFT | keys)
    anna, code = shop.ambassador("Anna")
    state = CustomerState(SHOP, "1", email="bram@example.nl", ref=code)
    database.run(apply_customers, [state], programme=shop.programme, now=shop.now)
    return shop, anna, next(row["code"] for row in shop.rows(Voucher))


def bought(number: int, buyer: Buyer, code: str, hours: int = 1, **changes: Any) -> OrderState:
    return order(number, buyer, code=code, at=NOON.replace(hour=NOON.hour + hours), **changes)


def evidence(shop: Shop) -> list[tuple[str, int]]:
    return [(each["kind"], each["ambassador_id"]) for each in shop.rows(Order)[-1]["evidence"]]


def statuses(shop: Shop) -> list[str]:
    return [row["status"] for row in shop.rows(Redemption)]


def codes(outcome: OrderOutcome) -> list[str]:
    return [why["code"] for why in outcome.reasons]


def test_a_friends_order_with_the_gift_is_the_ambassadors_and_uses_it(database: Database) -> None:
    """Rules 10 and 12: evidence of the kind voucher; used in the same transaction, once however often it is said."""
    shop, anna, code = gift_for_bram(database)
    paid = bought(1001, BRAM, code.lower())

    shop.deliver(paid)
    shop.deliver(paid, later(paid, status="completed"))

    assert evidence(shop) == [("voucher", anna)]
    assert shop.balance(anna).held_minor == 1500
    assert [(row["amount_minor"], row["order_ref"]) for row in shop.rows(Redemption)] == [(1000, "1001")]
    assert (shop.rows(Order)[0]["misses"], shop.faults()) == ([], [])


def test_a_gift_in_other_hands_is_a_code_of_the_ambassadors(database: Database) -> None:
    """Rules 12 and 16: it attributes like a code, it joins nobody, and it is spent."""
    shop, anna, code = gift_for_bram(database)

    outcome = shop.deliver(bought(1001, CHRIS, code))[0]

    pairs = {row["friend_id"]: row["evidence"] for row in shop.rows(Referral)}
    assert pairs[outcome.customer_id] == "voucher"
    assert sorted(pairs.values()) == ["sign_up", "voucher"]
    assert (shop.rows(Voucher)[0]["status"], shop.balance(anna).held_minor) == ("redeemed", 1500)


def test_neither_old_customers_nor_the_ambassador_become_friends_by_a_gift(database: Database) -> None:
    """Rules 13 and 16."""
    shop, anna, code = gift_for_bram(database)
    shop.deliver(order(900, CHRIS, at=NOON))

    known, own = (shop.deliver(bought(number, buyer, code))[0] for number, buyer in ((1, CHRIS), (2, Buyer("Anna"))))

    assert codes(known)[0] == "friend_is_existing_customer"
    assert codes(own)[0] == "own_order"
    assert shop.balance(anna).held_minor == 0


def test_of_two_orders_with_one_code_the_first_uses_it_and_the_owner_hears_of_the_other(database: Database) -> None:
    """Rule 9: first come; the second says so, is in the audit log, and keeps its ambassador."""
    shop, _, code = gift_for_bram(database)

    second, first = shop.deliver(bought(1002, CHRIS, code, hours=2), bought(1001, BRAM, code))

    assert [row["order_ref"] for row in shop.rows(Redemption)] == ["1001"]
    assert ("voucher_twice" in codes(second), "voucher_twice" in codes(first)) == (True, False)
    events = [(row["actor"], row["action"]) for row in shop.rows(AuditEvent)]
    assert ("shop:webshop", "voucher:unusable") in events


@pytest.mark.parametrize("by_call", [True, False])
def test_an_order_that_is_called_off_before_payment_gives_the_gift_back(database: Database, *, by_call: bool) -> None:
    """Rule 10: unpaid orders use nothing by themselves; what the shop used for them comes back."""
    shop, _, code = gift_for_bram(database)
    waiting = bought(1001, BRAM, code, status="pending")
    shop.deliver(waiting)
    assert statuses(shop) == []
    if by_call:
        redeem(shop, code, "1001")
    shop.deliver(later(waiting, status="cancelled"))

    assert (statuses(shop), shop.rows(Voucher)[0]["status"]) == (["rolled_back"] if by_call else [], "standing")
    shop.deliver(later(waiting, 120, status="paid", paid_at=NOON))  # paid after all
    assert (statuses(shop), shop.faults()) == (["redeemed"], [])


def test_a_used_gift_stays_used_when_its_paid_order_is_refunded(database: Database) -> None:
    """Rule 10: a friend's redeemed gift apart."""
    shop, anna, code = gift_for_bram(database)
    paid = bought(1001, BRAM, code)
    shop.deliver(paid)
    shop.deliver(later(paid, status="refunded", refunded_minor=9000))

    assert (statuses(shop), shop.balance(anna).held_minor, shop.faults()) == (["redeemed"], 0, [])


@pytest.mark.parametrize("end", [{"status": "cancelled"}, {"status": "deleted"}, {"refunded_minor": 9000}])
def test_credit_comes_back_when_its_order_comes_to_nothing(database: Database, end: dict[str, Any]) -> None:
    """Rule 9: called off, deleted or wholly refunded; a part refunded changes nothing."""
    purse = Purse(Shop(database), bonuses=1)
    voucher = purse.issue(1000)
    paid = order(1001, friend(50), code=voucher.code, at=purse.shop.now)
    purse.shop.deliver(paid, now=purse.shop.now)
    assert purse.accounts() == (0, 500, 0, 1000, 0)
    purse.shop.deliver(later(paid, refunded_minor=100), now=purse.shop.now)
    assert purse.accounts() == (0, 500, 0, 1000, 0)

    purse.shop.deliver(later(paid, 120, **end), now=purse.shop.now)

    assert (purse.accounts(), purse.faults()) == ((0, 500, 1000, 0, 0), [])
    assert evidence(purse.shop) == []


def test_the_shops_own_word_stands_above_what_the_state_implies(database: Database) -> None:
    """Rule 9: used by call for the same order is one redemption; rolled back by call, no state uses it again."""
    purse = Purse(Shop(database), bonuses=1)
    voucher = purse.issue(None)
    purse.redeem(voucher.code, 900, order="1001")
    paid = order(1001, friend(50), code=voucher.code, at=purse.shop.now)
    purse.shop.deliver(paid, now=purse.shop.now)
    assert (len(purse.shop.rows(Redemption)), purse.accounts()) == (1, (0, 600, 0, 900, 0))

    purse.rollback(voucher.code, order="1001")
    purse.shop.deliver(later(paid, status="completed"), now=purse.shop.now)

    assert (statuses(purse.shop), purse.faults()) == (["rolled_back"], [])


def test_an_order_says_what_was_taken_off(database: Database) -> None:
    """Rule 10: the rest of credit is credit again; a percentage that is not said is worked out, up to its most."""
    purse = Purse(Shop(database), bonuses=1)
    voucher = purse.issue(None)
    state = replace(order(1001, friend(50), code=voucher.code, at=purse.shop.now), discounts=((voucher.code, 400),))
    purse.shop.deliver(state, now=purse.shop.now)

    assert (purse.accounts(), purse.faults()) == ((0, 1100, 0, 400, 0), [])


@pytest.mark.parametrize(
    "said, taken", [((), 1000), ((300,), 300), ((99_999,), 5000)], ids=["worked out", "said", "at most"]
)
def test_a_percentage_takes_what_the_order_says(database: Database, said: tuple[int, ...], taken: int) -> None:
    """Rule 10: ten per cent off goods of which € 90 are left were € 10."""
    percent = {"bonus__friend__kind": "percent", "bonus__friend__percent": "10", "bonus__friend__personal": True}
    shop = Shop(database, **percent)
    _, code = shop.ambassador("Anna")
    state = CustomerState(SHOP, "1", ref=code)
    database.run(apply_customers, [state], programme=shop.programme, now=shop.now)
    gift = shop.rows(Voucher)[0]["code"]

    shop.deliver(bought(1001, BRAM, gift, discounts=tuple((gift, minor) for minor in said)))

    assert [row["amount_minor"] for row in shop.rows(Redemption)] == [taken]
    assert shop.faults() == []


def test_test_orders_use_nothing(database: Database) -> None:
    """Rule 5."""
    shop, _, code = gift_for_bram(database)
    shop.deliver(bought(1001, BRAM, code, test=True))
    assert statuses(shop) == []


def test_a_discount_that_makes_no_sense_sets_no_order_aside(database: Database) -> None:
    """Rule 37: it is as if nothing had been said of it; other codes' discounts are not looked at."""
    _, _, code = gift_for_bram(database)
    said = [(code, ("1.00", "0.21")), (code, ("x",)), (code, (None,)), (None, ("1",)), ("SUMMER10", ("x",))]
    assert discounts(said, "EUR") == ((code, 121), (code, 0))


def redeem(shop: Shop, code: str, number: str) -> None:
    key = OrderKey(SHOP, number)
    shop.database.run(redeem_voucher, code, order=key, amount_minor=None, currency=None, actor="key", now=shop.now)


def test_a_dry_run_says_what_an_order_would_use_and_writes_nothing(database: Database) -> None:
    """Rule 10: the gift's effect beside the bonus."""
    shop, anna, code = gift_for_bram(database)

    would = database.look(dry_run, bought(1001, BRAM, code), programme=shop.programme, now=shop.now)

    assert (would.evidence, would.ambassador_id, would.bonus_minor) == ("voucher", anna, 1500)
    assert [(use.purpose, use.amount_minor, use.reasons) for use in would.vouchers] == [("gift", 1000, ())]
    assert statuses(shop) == []


def test_an_order_uses_a_code_of_the_owners_pool_however_it_looks(database: Database) -> None:
    """Rule 9: the shop took it off, so it is spent; a code that is in nobody's hands says nothing."""
    purse = Purse(Shop(database, vouchers__source="pool"), bonuses=2)
    lines = [PoolLine(code, 1000, "EUR") for code in ("Zomer-10-x", "Zomer-10-y")]
    database.run(load_codes, lines, now=purse.shop.now)
    purse.issue(1000)

    codes = ("zomer10X", "ZOMER-10-Y")
    purse.shop.deliver(order(1001, friend(50), codes=codes, at=purse.shop.now), now=purse.shop.now)

    assert (purse.accounts(), statuses(purse.shop), purse.faults()) == ((0, 2000, 0, 1000, 0), ["redeemed"], [])
    assert [why["typed"] for why in purse.shop.rows(Order)[-1]["misses"]] == ["ZOMER-10-Y"]
