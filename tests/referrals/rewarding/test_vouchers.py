"""Credit as vouchers: made, redeemed, given back, taken back, over (rules 4, 9)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from referrals import errors
from referrals.people.customers import set_state
from referrals.recruiting.joining import join
from referrals.rewarding.redemptions import OrderKey, redeem_voucher
from referrals.rewarding.voucher_books import shown
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.ledger import Bonus, Posting
from storage.mailbox import Outbox
from storage.vouchers import Voucher, VoucherPosting
from tests.builders import SHOP, Shop, friend, later, order
from tests.referrals.rewarding.purse import ORDER, Purse

HELD, AVAILABLE, RESERVED, REDEEMED, DEBT = range(5)


@pytest.fixture
def purse(database: Database) -> Purse:
    """Anna has € 45: three bonuses of € 15, each a day younger than the one before."""
    return Purse(Shop(database), bonuses=3)


def test_a_voucher_takes_what_expires_first(purse: Purse) -> None:
    """Rule 9: credit is spent in the order in which it expires, entries name their lot."""
    voucher = purse.issue(2000)

    assert purse.accounts() == (0, 2500, 2000, 0, 0)
    assert purse.lots("reserved") == [1500, 500, 0]
    assert voucher.expires_at
    assert voucher.expires_at.date().isoformat() == "2027-06-17"  # 180 local days
    assert purse.faults() == []


def test_without_an_amount_it_is_all_there_is(purse: Purse) -> None:
    assert purse.issue(None).amount_minor == 4500
    with pytest.raises(errors.NotEnoughCredit):
        purse.issue(None)


@pytest.mark.parametrize("amount_minor", [0, -1, 4501])
def test_nobody_makes_a_voucher_of_what_they_do_not_have(purse: Purse, amount_minor: int) -> None:
    with pytest.raises(errors.NotEnoughCredit):
        purse.issue(amount_minor)
    assert purse.shop.rows(Voucher) == []


def test_waiting_bonuses_are_no_credit_and_excluded_people_have_none(purse: Purse) -> None:
    """Rule 8: what waits cannot be spent."""
    purse.shop.deliver(order(9, friend(9), code=purse.code, at=purse.shop.now), now=purse.shop.now)
    assert purse.issue(None).amount_minor == 4500
    purse.shop.database.run(set_state, purse.anna, state="excluded", why="test", actor="command", now=purse.shop.now)
    with pytest.raises(errors.CustomerExcluded):
        purse.issue(None)


def test_an_order_takes_part_and_the_rest_is_credit_of_the_same_lots(purse: Purse) -> None:
    """Requirement R3: partial spending; the voucher is used up."""
    code = purse.issue(4000).code

    used = purse.redeem(code, 1700)

    assert (used.amount_minor, used.returned_minor, used.voucher.status) == (1700, 2300, "redeemed")
    assert (purse.lots("redeemed"), purse.lots("available")) == ([1500, 200, 0], [0, 1300, 1500])
    with pytest.raises(errors.VoucherAlreadyRedeemed):
        purse.redeem(code, 100, order="2")
    assert purse.faults() == []


def test_a_shop_may_keep_the_rest_in_the_voucher(purse: Purse) -> None:
    code = purse.issue(4000).code

    purse.redeem(code, 1700, keep_rest=True)
    used = purse.redeem(code, None, order="2")

    assert (used.amount_minor, used.voucher.status) == (2300, "redeemed")
    assert purse.accounts() == (0, 500, 0, 4000, 0)
    purse.rollback(code, order="1")
    assert purse.accounts() == (0, 500, 1700, 2300, 0)
    assert purse.faults() == []


def test_redeeming_twice_for_one_order_is_once(purse: Purse) -> None:
    code = purse.issue(1500).code

    assert purse.redeem(code, 1500) == purse.redeem(code, 1500) == purse.redeem(code, None)
    assert purse.accounts() == (0, 3000, 0, 1500, 0)
    with pytest.raises(errors.VoucherAlreadyRedeemed):
        purse.redeem(code, 1400)


@pytest.mark.parametrize("amount_minor", [0, -5, 1501])
def test_no_more_is_taken_than_it_is_worth(purse: Purse, amount_minor: int) -> None:
    code = purse.issue(1500).code
    with pytest.raises(errors.VoucherWorthLess):
        purse.redeem(code, amount_minor)
    assert purse.accounts() == (0, 3000, 1500, 0, 0)


def test_another_currency_takes_nothing(purse: Purse) -> None:
    """Rule 4: nothing is converted."""
    code = purse.issue(1500).code
    with pytest.raises(errors.OtherCurrency):
        purse.redeem(code, 1500, currency="USD")


def test_a_rollback_puts_everything_back_where_it_lay(purse: Purse) -> None:
    code = purse.issue(4000).code
    before = [purse.lots(account) for account in ("available", "reserved", "redeemed")]

    for _ in range(2):
        purse.redeem(code, 1700)
        purse.rollback(code)
        purse.rollback(code)
        assert [purse.lots(account) for account in ("available", "reserved", "redeemed")] == before

    assert purse.validate(code) == []
    assert purse.faults() == []


def test_a_rest_that_was_spent_meanwhile_is_not_taken_from_anybody(purse: Purse) -> None:
    code = purse.issue(4000).code
    purse.redeem(code, 1700)
    other = purse.issue(2600).code

    voucher = purse.rollback(code).voucher

    assert (voucher.left_minor, purse.accounts()) == (1700 + 200, (0, 0, 4500, 0, 0))
    assert purse.validate(other) == []
    assert purse.faults() == []


def test_what_an_order_did_not_use_it_cannot_give_back(purse: Purse) -> None:
    code = purse.issue(1500).code
    with pytest.raises(errors.VoucherNotRedeemed):
        purse.rollback(code)
    with pytest.raises(errors.UnknownVoucher):
        purse.rollback("AAAA-AAAA-AAAA")


def test_a_bonus_taken_back_voids_the_voucher_that_holds_it(purse: Purse) -> None:
    """Rule 9: reserved → the voucher is voided; the rest of it is credit again."""
    code = purse.issue(4000).code

    purse.refund(2)

    assert purse.accounts() == (0, 3000, 0, 0, 0)
    assert [why["code"] for why in purse.validate(code)] == ["voucher_void"]
    with pytest.raises(errors.VoucherVoided):
        purse.redeem(code, 100)
    told = [row["kind"] for row in purse.shop.rows(Outbox)]
    assert told.count("voucher_voided") == told.count("bonus_reversed") == 1
    assert purse.faults() == []


def test_only_vouchers_that_hold_what_is_taken_fall(purse: Purse) -> None:
    """Rule 9: the newest of them first, and none while the lot's credit is enough."""
    first, second, third = (purse.issue(amount).code for amount in (1000, 1000, 2000))

    purse.refund(1)

    assert [purse.validate(code) == [] for code in (first, second, third)] == [False, False, True]
    assert purse.accounts() == (0, 500 + 500, 2000, 0, 0)
    assert purse.faults() == []


def test_a_bonus_taken_back_after_it_was_used_is_a_debt_that_the_next_voucher_pays(purse: Purse) -> None:
    """Rule 9: redeemed → debt; nobody is asked to pay in."""
    purse.redeem(purse.issue(2000).code, None)

    purse.refund(1)

    assert purse.accounts() == (0, 2500, 0, 2000, 1500)
    with pytest.raises(errors.NotEnoughCredit):
        purse.issue(1001)
    purse.issue(None)
    assert purse.accounts() == (0, 0, 1000, 2000, 0)
    assert purse.faults() == []


def test_a_called_off_order_pays_the_debt_that_it_left(purse: Purse) -> None:
    """Rule 9: what was taken back meanwhile is not in the voucher any more."""
    code = purse.issue(2000).code
    purse.redeem(code, None)
    purse.refund(1)

    voucher = purse.rollback(code).voucher

    assert (voucher.status, voucher.left_minor) == ("standing", 500)
    assert purse.accounts() == (0, 2500, 500, 0, 0)
    assert purse.faults() == []


def test_a_called_off_order_gives_back_what_later_credit_had_paid(purse: Purse) -> None:
    code = purse.issue(2000).code
    purse.redeem(code, None)
    purse.refund(1)
    purse.issue(None)  # pays the debt of € 15

    voucher = purse.rollback(code).voucher

    assert voucher.left_minor == 2000
    assert purse.accounts() == (0, 0, 3000, 0, 0)
    assert purse.faults() == []


def test_a_called_off_order_of_a_voided_voucher_is_credit(purse: Purse) -> None:
    code = purse.issue(3000).code
    purse.redeem(code, 500, keep_rest=True)
    purse.refund(2)

    voucher = purse.rollback(code).voucher

    assert voucher.status == "void"
    assert purse.accounts() == (0, 3000, 0, 0, 0)
    assert purse.faults() == []


def test_a_voucher_whose_time_is_over_is_credit_again(purse: Purse) -> None:
    code = purse.issue(4000).code
    purse.shop.pass_days(180)

    assert [why["code"] for why in purse.validate(code)] == ["voucher_expired"]
    with pytest.raises(errors.VoucherOutOfDate):
        purse.redeem(code, 100)
    assert (purse.expire(), purse.expire()) == (1, 0)

    assert (purse.accounts(), purse.lots("available")) == ((0, 4500, 0, 0, 0), [1500, 1500, 1500])
    assert purse.faults() == []


def test_a_customer_puts_their_voucher_back_and_nobody_elses(purse: Purse) -> None:
    mats, _ = purse.shop.ambassador("Mats")
    voucher = purse.issue(4000)

    with pytest.raises(errors.UnknownVoucher):
        purse.void(voucher.id, by=mats)
    assert purse.void(voucher.id).status == purse.void(voucher.id).status == "void"
    assert purse.accounts() == (0, 4500, 0, 0, 0)
    assert purse.faults() == []


def test_vouchers_follow_their_customer_through_a_merge(purse: Purse) -> None:
    """Rules 9 and 15: a merge posts transfers; the code stays good, and falls with its bonus."""
    code, used = purse.issue(2000).code, purse.issue(1000).code
    purse.redeem(used, None)

    purse.shop.database.run(join, purse.older, purse.anna, programme=purse.shop.programme, now=purse.shop.now)
    purse.anna = purse.older

    assert purse.accounts() == (0, 1500, 2000, 1000, 0)
    assert purse.faults() == []
    purse.rollback(used)
    purse.refund(1)
    assert purse.accounts() == (0, 2000, 1000, 0, 0)
    assert [why["code"] for why in purse.validate(code)] == ["voucher_void"]
    assert purse.faults() == []


def test_a_code_is_read_in_any_spelling_and_a_slip_is_told_from_a_guess(purse: Purse) -> None:
    """Rule 17, for vouchers."""
    code = purse.issue(1500).code
    assert len(code) == len("ABCD-EFGH-JKMN")
    assert purse.validate(f" {code.lower().replace('-', ' ')} ") == []
    swapped = code[:-1] + ("A" if code[-1] != "A" else "B")
    assert [why["code"] for typed in (swapped, "HELLO") for why in purse.validate(typed)] == [
        "code_typing_error",
        "unknown_code",
    ]


def test_what_a_key_does_is_in_the_audit_log(purse: Purse) -> None:
    code = purse.issue(1500).code
    purse.redeem(code, 700)
    purse.rollback(code)

    events = purse.shop.rows(AuditEvent)
    assert [event["action"] for event in events] == ["voucher:redeem", "voucher:rollback"]
    assert events[1]["before"] | {"status": "rolled_back"} == events[1]["after"]
    assert events[0]["after"] | {"order": ORDER} == events[0]["after"]
    assert code not in str(events)


async def test_two_shops_at_once_spend_it_once(purse: Purse, two: tuple[Database, Database]) -> None:
    """Drill 15: two processes, two orders, one voucher."""
    code = purse.issue(1500).code
    said: dict[str, Any] = {"amount_minor": None, "currency": "EUR", "actor": "key:till", "now": purse.shop.now}

    found = await asyncio.gather(
        *(two[n % 2].write(redeem_voucher, code, order=OrderKey(SHOP, str(n % 4)), **said) for n in range(12)),
        return_exceptions=True,
    )

    won = {each.order for each in found if not isinstance(each, BaseException)}
    assert len(won) == 1
    assert sum(isinstance(each, errors.VoucherAlreadyRedeemed) for each in found) == 9
    assert purse.accounts() == (0, 3000, 0, 1500, 0)
    assert purse.faults() == []


@pytest.mark.parametrize(
    "damage, check",
    [
        ("UPDATE voucher SET left_minor = 1", "a voucher is worth what its postings put into it"),
        ("UPDATE voucher SET status = 'void'", "a voucher is worth something while it stands"),
        ("UPDATE voucher SET customer_id = 1 WHERE left_minor > 0", "what is reserved lies in standing vouchers"),
        ("UPDATE redemption SET amount_minor = 1", "a redemption is the sum of its postings"),
        ("UPDATE redemption SET status = 'rolled_back'", "what is redeemed was taken by an order"),
    ],
)
def test_the_audit_names_what_is_off_with_vouchers(purse: Purse, damage: str, check: str) -> None:
    """Contract 1: the audit re-adds vouchers too."""
    purse.issue(1500)
    purse.redeem(purse.issue(1000).code, 400)
    assert purse.faults() == []

    purse.damage(damage)

    assert check in purse.faults()


def test_which_postings_are_a_vouchers_is_never_edited(purse: Purse) -> None:
    """Rule 9: append-only."""
    purse.issue(1500)
    with pytest.raises(Exception, match="append-only"):
        purse.damage("DELETE FROM voucher_posting WHERE posting_id > 0")
    assert len(purse.shop.rows(VoucherPosting)) == 1


def test_a_bonus_that_shrinks_leaves_the_voucher_alone_while_its_credit_is_enough(database: Database) -> None:
    """Rules 2 and 9: a percent bonus follows what is kept, out of the lot's own credit first."""
    purse = Purse(Shop(database, bonus__ambassador__kind="percent", bonus__ambassador__percent="10"), bonuses=1)
    code = purse.issue(400).code
    paid = purse.orders[0]

    purse.shop.deliver(later(paid, 99_999, refunded_minor=4500), now=purse.shop.now)
    assert (purse.validate(code), purse.accounts()) == ([], (0, 50, 400, 0, 0))

    purse.shop.deliver(later(paid, 199_999, refunded_minor=6000), now=purse.shop.now)
    assert purse.accounts() == (0, 300, 0, 0, 0)
    assert [row["n"] for row in purse.shop.rows(Posting)] == list(range(6))
    assert [row["amount_minor"] for row in purse.shop.rows(Bonus)] == [300]
    assert shown("ABCDEFGH") == "ABCD-EFGH"
    assert purse.faults() == []
