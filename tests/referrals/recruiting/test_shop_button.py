"""Orders that carry a shop button's token: chat and shop are one person (rules 15, 20)."""

from __future__ import annotations

from referrals.people.customers import access_of
from referrals.recruiting.clicks import shop_button_token
from referrals.recruiting.events import Delivery, apply_deliveries
from referrals.recruiting.shops import PAID, PENDING, Buyer, OrderState
from tests.referrals.recruiting.cast import BRAM_CHAT, DAY, MATS_CHAT, MINUTE, SHOP, TUESDAY, Cast

EMAIL = "bram@example.com"


def button(cast: Cast, customer_id: int, code_id: int) -> str:
    return cast.database.run(
        shop_button_token,
        code_id=code_id,
        customer_id=customer_id,
        shop=SHOP,
        now=cast.now,
        programme=cast.programme,
    )


def deliver(cast: Cast, number: str, token: str, *, buyer: Buyer, paid: bool = True) -> None:
    state = OrderState(
        shop=SHOP,
        id=number,
        status=PAID if paid else PENDING,
        currency="EUR",
        total_minor=9000,
        base_minor=8500,
        refunded_minor=0,
        created_at=cast.now,
        paid_at=cast.now + MINUTE if paid else None,
        updated_at=cast.now + MINUTE,
        buyer=buyer,
        click=token,
    )
    delivery = Delivery("hook", SHOP, b"{}", state, cast.now + MINUTE)
    cast.database.run(apply_deliveries, [delivery], programme=cast.programme)


def level(cast: Cast, telegram_id: int) -> str:
    access = cast.database.look(access_of, telegram_id=telegram_id)
    assert access is not None
    return access.level


def test_an_order_from_the_shop_button_joins_chat_and_shop(cast: Cast) -> None:
    """Rules 14 and 15: the invited friend has signed up, and the ambassador's bonus is held."""
    anna, code = cast.ambassador()
    cast.start(BRAM_CHAT, code.code, at=TUESDAY - DAY)
    token = button(cast, cast.chat(BRAM_CHAT), code.code_id)
    deliver(cast, "1001", token, buyer=Buyer(id="78"))
    assert cast.customer("78") == cast.chat(BRAM_CHAT)
    assert level(cast, BRAM_CHAT) == "verified"
    assert cast.held(anna) == 1500
    assert cast.audit() == []


def test_an_order_that_nobody_paid_joins_nobody(cast: Cast) -> None:
    """Rules 15 and 19: anybody can type an address, so a typed one opens no account."""
    _, code = cast.ambassador()
    bram = cast.customer("78", email=EMAIL)
    mats = cast.chat(MATS_CHAT)
    deliver(cast, "1001", button(cast, mats, code.code_id), buyer=Buyer(email=EMAIL), paid=False)
    assert cast.chat(MATS_CHAT) == mats != bram


def test_an_account_that_has_a_chat_is_joined_with_no_other(cast: Cast) -> None:
    """Rule 19: a bound account is never moved silently, not by an order either."""
    _, code = cast.ambassador()
    bram = cast.customer("78")
    cast.connect(BRAM_CHAT, cast.token(bram))
    token = button(cast, cast.chat(MATS_CHAT), code.code_id)
    deliver(cast, "1001", token, buyer=Buyer(id="78"))
    assert cast.chat(MATS_CHAT) != bram


def test_a_fresh_order_from_the_chat_verifies_what_was_claimed(cast: Cast) -> None:
    """Rule 20: also with a button that is older than the claim."""
    _, code = cast.ambassador()
    old = button(cast, cast.chat(BRAM_CHAT), code.code_id)
    cast.order("1001", email=EMAIL)
    cast.claim(BRAM_CHAT, "1001", EMAIL)
    assert level(cast, BRAM_CHAT) == "claimed"
    deliver(cast, "1002", old, buyer=Buyer(email=EMAIL))
    assert level(cast, BRAM_CHAT) == "verified"


def test_a_claim_does_not_grow_by_an_order_of_ones_own(cast: Cast) -> None:
    """Rule 20: who claimed Chris' account and orders as himself has not become Chris."""
    _, code = cast.ambassador()
    cast.order("1001", email="chris@example.com")
    chris = cast.claim(MATS_CHAT, "1001", "chris@example.com").customer_id or 0
    for number in ("1002", "1003"):
        deliver(cast, number, button(cast, chris, code.code_id), buyer=Buyer(id="70", email="mats@example.com"))
    assert level(cast, MATS_CHAT) == "claimed"
    assert cast.customer("70") != chris
