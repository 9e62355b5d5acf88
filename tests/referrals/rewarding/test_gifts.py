"""The friend's welcome gift: who has one, what it costs, and when it falls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from referrals import errors
from referrals.privacy.erasure import erase
from referrals.recruiting.by_hand import refer_by_hand
from referrals.recruiting.joining import join
from referrals.recruiting.orders import Arrival, apply_orders
from referrals.recruiting.shops import Buyer, OrderState
from referrals.rewarding.gift_stock import is_promised, pieces_left
from referrals.rewarding.redemptions import OrderKey, redeem_voucher, rollback_voucher
from referrals.rewarding.vouchers import due_vouchers, expire_vouchers, validate_voucher, void_voucher, vouchers_of
from storage.database import Database
from storage.ledger import Bonus, Entry
from storage.mailbox import Outbox
from storage.vouchers import Voucher
from tests.referrals.recruiting.cast import BRAM_CHAT, DAY, HOUR, SHOP, TUESDAY, Cast, codes_of, make_programme
from tests.rows import rows_of

TILL = "key:till"


def cast_of(database: Database, **friend: Any) -> Cast:
    offer = {"kind": "fixed", "amount": "10.00", "min_order": "25.00", "personal": True} | friend
    return Cast(database, make_programme(bonus={"friend": {key: one for key, one in offer.items() if one is not None}}))


def signed_up(cast: Cast, id: str = "1", code: str | None = None, **said: Any) -> int:
    """A friend of Anna's with an account of their own."""
    code = code or cast.ambassador()[1].code
    return cast.customer(id, ref=code, **said)


def gifts(cast: Cast) -> list[dict[str, Any]]:
    return [row for row in rows_of(cast.database, Voucher) if row["purpose"] == "gift"]


def redeem(cast: Cast, code: str, amount_minor: int | None = None, *, order: str = "1001") -> Any:
    return cast.database.run(
        redeem_voucher, code, order=OrderKey(SHOP, order), amount_minor=amount_minor, currency="EUR", actor=TILL,
        now=cast.now,
    )  # fmt: skip


def roll_back(cast: Cast, code: str, *, order: str = "1001") -> Any:
    return cast.database.run(rollback_voucher, code, order=OrderKey(SHOP, order), actor=TILL, now=cast.now)


def cost(cast: Cast) -> int:
    """What the programme has paid."""
    paid: int = -sum(row["amount_minor"] for row in rows_of(cast.database, Entry) if row["account"] == "cost")
    return paid


def test_a_friend_gets_one_code_at_sign_up(database: Database) -> None:
    """Rule 10, second form: single use, its own time, nothing booked; the same sign-up again makes no other."""
    cast = cast_of(database)
    bram = signed_up(cast)
    signed_up(cast)

    (gift,) = gifts(cast)

    assert (gift["customer_id"], gift["kind"], gift["amount_minor"]) == (bram, "fixed", 1000)
    assert (gift["min_order_minor"], gift["expires_at"]) == (2500, TUESDAY + 30 * DAY)
    assert rows_of(database, Entry) == []
    assert cast.audit() == []


def test_by_default_the_ambassadors_code_is_the_coupon(database: Database) -> None:
    """Rule 10, first form."""
    cast = cast_of(database, personal=None)
    signed_up(cast)

    assert gifts(cast) == []


def test_a_start_alone_gives_nothing_until_the_chat_is_a_customers(database: Database) -> None:
    """Rule 14."""
    cast = cast_of(database)
    _, code = cast.ambassador()
    cast.start(BRAM_CHAT, code.code)
    assert gifts(cast) == []

    account = cast.customer("1")
    cast.connect(BRAM_CHAT, cast.token(account))

    assert [gift["status"] for gift in gifts(cast)] == ["standing"]


def test_neither_old_customers_nor_ambassadors_themselves_get_one(database: Database) -> None:
    """Rules 13 and 16: an order before the sign-up, one's own code, and who bought through the link already."""
    cast = cast_of(database)
    _, code = cast.ambassador()
    cast.order("900", buyer="1", at=TUESDAY - DAY)
    cast.order("901", buyer="2", at=TUESDAY - HOUR, codes=(code.code,))

    signed_up(cast, "1", code.code)
    signed_up(cast, "2", code.code)
    signed_up(cast, "77", code.code)

    assert gifts(cast) == []


def test_a_used_gift_is_the_programmes_cost_and_a_rollback_its_return(database: Database) -> None:
    """Rules 9 and 10: booked when redeemed, on the friend's side, by postings that balance."""
    cast = cast_of(database)
    bram = signed_up(cast)
    code = gifts(cast)[0]["code"]

    redeem(cast, code.lower())
    redeem(cast, code)

    (lot,) = rows_of(database, Bonus)
    assert (lot["side"], lot["customer_id"], lot["amount_minor"], lot["status"]) == ("friend", bram, 1000, "redeemed")
    assert (cost(cast), cast.audit()) == (1000, [])
    with pytest.raises(errors.VoucherAlreadyRedeemed):
        redeem(cast, code, order="1002")

    roll_back(cast, code)
    roll_back(cast, code)
    assert (cost(cast), cast.audit(), gifts(cast)[0]["status"]) == (0, [], "standing")
    redeem(cast, code, 400, order="1002")
    assert (cost(cast), cast.audit()) == (400, [])


def test_a_percentage_costs_what_the_shop_says_and_no_more_than_its_most(database: Database) -> None:
    """Rule 10: it is bounded."""
    cast = cast_of(database, kind="percent", percent="10", amount=None, max="20.00")
    signed_up(cast)
    code = gifts(cast)[0]["code"]

    with pytest.raises(errors.AmountNeeded):
        redeem(cast, code)
    with pytest.raises(errors.VoucherWorthLess):
        redeem(cast, code, 2001)

    assert redeem(cast, code, 850).amount_minor == 850
    assert (cost(cast), cast.audit()) == (850, [])


@pytest.mark.parametrize("amount", ["4.00", None])
def test_pieces_run_out_and_the_owner_hears_it_once(database: Database, amount: str | None) -> None:
    """Rule 10: what there is no more of is promised to nobody; a piece that costs us nothing books nothing."""
    cast = cast_of(database, kind="gift", gift="a bag of coffee", sku="COFFEE", stock=2, amount=amount)
    _, code = cast.ambassador()
    for number in range(4):
        signed_up(cast, str(number), code.code)

    assert len(gifts(cast)) == 2
    assert database.look(pieces_left, programme=cast.programme, now=cast.now) == 0
    assert not database.look(is_promised, programme=cast.programme, now=cast.now)
    redeem(cast, gifts(cast)[0]["code"])
    assert (cost(cast), cast.audit()) == (400 if amount else 0, [])

    cast.now += 31 * DAY  # the one that nobody used is there again
    assert database.look(pieces_left, programme=cast.programme, now=cast.now) == 1


def test_a_gift_falls_with_its_referral_and_stands_again_with_it(database: Database) -> None:
    """Rule 13: an older order that arrives late makes the friend an old customer; deleted, it never was one."""
    cast = cast_of(database)
    signed_up(cast)
    cast.order("900", buyer="1", at=TUESDAY - DAY)
    (gift,) = gifts(cast)
    assert gift["status"] == "void"
    assert codes_of(database.look(validate_voucher, gift["code"], now=cast.now)[1]) == ["voucher_void"]

    newer(cast, "900", "1", paid_at=TUESDAY - DAY, test=True)

    assert gifts(cast)[0]["status"] == "standing"
    assert cast.audit() == []


def test_a_gift_that_nobody_used_falls_when_all_that_it_brought_was_taken_back(database: Database) -> None:
    """Rule 10: the referral is reversed; a gift that was used stays used."""
    cast = cast_of(database)
    _, code = cast.ambassador()
    signed_up(cast, "1", code.code)
    signed_up(cast, "2", code.code)
    first, second = (gift["code"] for gift in gifts(cast))
    redeem(cast, second, order="1002")
    for id, buyer in (("1001", "1"), ("1002", "2")):
        cast.order(id, buyer=buyer)

    cast.now += HOUR
    for id, buyer in (("1001", "1"), ("1002", "2")):
        newer(cast, id, buyer, status="refunded", refunded_minor=9000)

    assert {gift["code"]: gift["status"] for gift in gifts(cast)} == {first: "void", second: "redeemed"}
    assert cast.audit() == []


def test_people_who_are_one_have_one_gift(database: Database) -> None:
    """Rule 16: after a merge the older one stands, and nobody gets another."""
    cast = cast_of(database)
    _, code = cast.ambassador()
    one, other = (signed_up(cast, id, code.code) for id in ("1", "2"))

    kept = database.run(join, one, other, programme=cast.programme, now=cast.now)
    signed_up(cast, "2", code.code)

    assert [(gift["gift_for"] == kept, gift["status"]) for gift in gifts(cast)] == [(True, "standing"), (False, "void")]
    assert cast.audit() == []


def test_an_ambassador_who_turns_out_to_be_the_friend_has_no_gift(database: Database) -> None:
    """Rule 15 and 16."""
    cast = cast_of(database)
    anna, code = cast.ambassador()
    bram = signed_up(cast, "1", code.code)

    database.run(join, anna, bram, programme=cast.programme, now=cast.now)

    assert [gift["status"] for gift in gifts(cast)] == ["void"]


def test_another_ambassador_by_hand_keeps_the_friends_gift(database: Database) -> None:
    """Rule 12: the gift is the friend's; it is of the pair that stands."""
    cast = cast_of(database)
    bram = signed_up(cast)
    chris, _ = cast.ambassador("88", "chris@example.com")

    database.run(
        refer_by_hand, ambassador_id=chris, friend_id=bram, order_id=None, why="she said so", actor="olga",
        programme=cast.programme, now=cast.now,
    )  # fmt: skip

    (gift,) = gifts(cast)
    assert (gift["status"], gift["referral_id"]) == ("standing", cast.pairs(bram)[chris]["id"])


def test_its_time_ends_and_it_is_nobodys_credit(database: Database) -> None:
    """Rule 10: after its days it is over; until then it can neither be put back nor be seen among the credit."""
    cast = cast_of(database)
    bram = signed_up(cast)
    (gift,) = gifts(cast)
    with pytest.raises(errors.UnknownVoucher):
        database.run(void_voucher, gift["id"], customer_id=bram, now=cast.now)
    assert database.look(vouchers_of, bram, now=cast.now, limit=9) == []

    cast.now += timedelta(days=30)
    with pytest.raises(errors.VoucherOutOfDate):
        redeem(cast, gift["code"])
    due = database.look(due_vouchers, now=cast.now, limit=10)
    assert database.run(expire_vouchers, due, now=cast.now) == 1
    assert (gifts(cast)[0]["status"], cast.audit()) == ("expired", [])


def newer(cast: Cast, id: str, buyer: str, **said: Any) -> None:
    """The order as the shop has it now."""
    facts: dict[str, Any] = {"status": "paid", "total_minor": 9000, "base_minor": 8500, "refunded_minor": 0} | said
    paid_at = facts.pop("paid_at", TUESDAY + timedelta(minutes=1))
    state = OrderState(
        shop=SHOP, id=id, currency="EUR", created_at=paid_at, paid_at=paid_at, updated_at=cast.now,
        buyer=Buyer(id=buyer), **facts,
    )  # fmt: skip
    cast.database.run(apply_orders, [Arrival(state, cast.now)], programme=cast.programme, now=cast.now)


def test_the_owner_hears_once_that_the_last_piece_is_given(database: Database) -> None:
    """Rule 10: in a chat that they have with the bot, and not of each friend who comes after."""
    offer = {"kind": "gift", "gift": "coffee", "sku": "COFFEE", "stock": 1, "personal": True}
    telegram = {"username": "theehuis_bot", "owner_ids": [7]}
    cast = Cast(database, make_programme(bonus={"friend": offer}, telegram=telegram))
    cast.chat(7, "Olga")
    _, code = cast.ambassador()
    for number in range(3):
        signed_up(cast, str(number), code.code)

    told = [row for row in rows_of(database, Outbox) if row["kind"] == "gifts_gone"]
    assert [(row["chat_id"], row["data"]) for row in told] == [(7, {"gift": "coffee", "count": 1})]


def test_who_is_forgotten_has_no_gift(database: Database) -> None:
    """Rule 41: the row stays under a number, and is good for nothing."""
    cast = cast_of(database)
    bram = signed_up(cast)
    database.run(erase, bram, actor="olga", programme=cast.programme, now=cast.now)

    assert [gift["status"] for gift in gifts(cast)] == ["void"]
    assert cast.audit() == []


def test_of_two_gifts_that_one_person_used_one_comes_back_at_most(database: Database) -> None:
    """Rules 10 and 15: one friend has one gift, also when the shop takes the other one's use back."""
    cast = cast_of(database)
    code = cast.ambassador()[1].code
    one, other = signed_up(cast, "1", code), signed_up(cast, "2", code)
    first, second = (gift["code"] for gift in gifts(cast))
    redeem(cast, first, order="1001")
    redeem(cast, second, order="1002")
    cast.database.run(join, one, other, programme=cast.programme, now=cast.now)
    roll_back(cast, second, order="1002")
    assert ([gift["status"] for gift in gifts(cast)], cost(cast), cast.audit()) == (["redeemed", "void"], 1000, [])
