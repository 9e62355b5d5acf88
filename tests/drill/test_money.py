"""The drill, lines 5, 6 and 14: currencies, refunds and orders that are none."""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.shop import Shop, ShopSettings
from bot.sandbox.shop_orders import PRODUCTS
from bot.sandbox.shop_orders import Buyer as ShopBuyer
from tests.drill.conftest import Start
from tests.installation import SHOP_KEYS
from tests.world import BRAM, World, friend

WOO = {
    "name": "noord",
    "kind": "woocommerce",
    "secrets": ["Sk3uTh7noordWest"],
    "landing_url": "https://noord.example/",
}
PERCENT = {"bonus__ambassador__kind": "percent", "bonus__ambassador__percent": "10"}


async def test_another_currency_stays_what_it_is_and_earns_nothing(world: World) -> None:
    """Drill 5, rule 4: stored and attributed, never converted; boards count the programme's currency."""
    anna = await world.ambassador()

    for currency, total in (("USD", "90.00"), ("JPY", "9000"), ("KWD", "90.000")):
        answer = await world.order(currency, friend(currency), code=anna.code, currency=currency, total=total)
        assert answer.body["reasons"] == [{"code": "other_currency", "currency": currency}]

    listed = await world.referrals(anna)
    board = await world.get("/leaderboard?period=all")
    assert [row["status"] for row in listed] == ["refused"] * 3
    assert await world.balance(anna) == {}
    assert sum(row["revenue_minor"] + row["pending"] for row in board["rows"]) == 0


async def test_a_fixed_bonus_stands_while_enough_is_kept(world: World) -> None:
    """Drill 6, rule 2: € 30 of 90 come back, then € 70: below the minimum nothing is owed."""
    anna = await world.ambassador()
    await world.order("1", code=anna.code)

    await world.order("1", code=anna.code, refunded="30.00")
    kept = await world.balance(anna)
    last = await world.order("1", code=anna.code, refunded="70.00")

    assert (kept, await world.balance(anna)) == ({"held_minor": 1500}, {})
    assert "below_minimum" in last.codes


async def test_a_percent_bonus_follows_what_is_kept(start: Start) -> None:
    """Drill 6, rule 2: ten percent of 90, of 60, of nothing."""
    world = await start(**PERCENT)
    anna = await world.ambassador()
    seen = []

    for refunded in ("0.00", "30.00", "90.00"):
        status = "refunded" if refunded == "90.00" else "paid"
        await world.order("1", code=anna.code, refunded=refunded, status=status)
        seen.append(await world.balance(anna))

    assert seen == [{"held_minor": 900}, {"held_minor": 600}, {}]


async def test_a_refund_after_the_hold_takes_the_bonus_out_of_the_credit(start: Start) -> None:
    """Drill 6, rule 9: a bonus that is available, and not spent, is taken where it lies."""
    world = await start(**PERCENT)
    anna = await world.ambassador(chat=True)
    paid = world.now
    await world.order("1", code=anna.code)
    await world.pass_days(22)
    available = await world.balance(anna)

    await world.order("1", code=anna.code, created_at=paid.isoformat(), paid_at=paid.isoformat(), refunded="45.00")
    half = await world.balance(anna)
    await world.order("1", code=anna.code, created_at=paid.isoformat(), paid_at=paid.isoformat(), refunded="90.00",
                      status="refunded")  # fmt: skip

    assert (available, half) == ({"available_minor": 900}, {"available_minor": 450})
    assert await world.balance(anna) == {}
    assert [row["status"] for row in await world.referrals(anna)] == ["reversed"]


async def test_a_refund_before_redemption_voids_the_voucher_and_one_after_it_leaves_a_debt(start: Start) -> None:
    """Drill 6 and rule 9: reserved, the voucher falls; redeemed, a debt that the next bonus pays."""
    world = await start()
    anna = await world.ambassador(chat=True)
    paid = {number: world.state(number, friend(number), code=anna.code) for number in ("1", "2")}
    for state in paid.values():
        await world.hook("order.state", state)
    await world.pass_days(22)
    first = await make_voucher(world, anna.number, 1500)
    second = await make_voucher(world, anna.number, 1000)
    seen = [await world.balance(anna)]

    used = await world.api("POST", "/vouchers/redeem", {"code": first, "order": "77", "amount_minor": 1200,
                                                        "currency": "EUR"}, Idempotency_Key="redeem")  # fmt: skip
    assert used.body["returned_minor"] == 300
    for state in paid.values():
        seen.append(await world.balance(anna))
        back = state | {"status": "refunded", "refunded": "90.00", "updated_at": world.now.isoformat()}
        await world.hook("order.state", back)
    asked = await world.api("POST", "/vouchers/validate", {"code": second}, Idempotency_Key="validate")
    await world.order("3", friend("3"), code=anna.code)
    await world.pass_days(22)

    assert seen == [
        {"available_minor": 500, "reserved_minor": 2500},
        {"available_minor": 800, "reserved_minor": 1000, "redeemed_minor": 1200},
        {"available_minor": 500, "reserved_minor": 1000, "redeemed_minor": 1200, "debt_minor": 1200},
    ]
    assert asked.codes == ["voucher_void"]
    assert await world.balance(anna) == {"available_minor": 300, "redeemed_minor": 1200}


async def test_an_order_that_is_called_off_gives_the_voucher_back(world: World) -> None:
    """Drill 6: redeemed, rolled back, and only then the friend's order comes back."""
    anna = await world.ambassador(chat=True)
    paid = world.state("1", code=anna.code)
    await world.hook("order.state", paid)
    await world.pass_days(22)
    order = {"code": await make_voucher(world, anna.number, 1000), "order": "77"}
    for path in ("redeem", "rollback"):
        await world.api("POST", f"/vouchers/{path}", order, Idempotency_Key=path)
    given_back = await world.balance(anna)

    await world.hook("order.state", paid | {"status": "refunded", "refunded": "90.00",
                                            "updated_at": world.now.isoformat()})  # fmt: skip

    assert given_back == {"available_minor": 500, "reserved_minor": 1000}
    assert await world.balance(anna) == {}


async def make_voucher(world: World, number: str, amount_minor: int) -> str:
    """Its code."""
    said = {"customer": number, "amount_minor": amount_minor, "currency": "EUR"}
    made = await world.api("POST", "/vouchers", said, Idempotency_Key=f"voucher-{amount_minor}")
    assert made.status == 201, made
    code: str = made.body["code"]
    return code


async def test_a_refund_that_comes_before_its_order_leaves_nothing_to_earn(world: World) -> None:
    """Drill 6, rule 1: the newest state wins, whatever arrives first."""
    anna = await world.ambassador()
    paid = world.state("1", code=anna.code)
    await world.order("1", code=anna.code, status="refunded", refunded="90.00", paid_at=paid["paid_at"],
                      created_at=paid["created_at"])  # fmt: skip

    late = await world.hook("order.state", paid)

    assert (late.body["status"], late.codes) == ("unchanged", ["order_refunded"])
    assert await world.balance(anna) == {}


async def test_more_than_the_total_cannot_come_back(start: Start) -> None:
    """Rule 2: it counts as the total."""
    world = await start(**PERCENT)
    anna = await world.ambassador()
    await world.order("1", code=anna.code)

    await world.order("1", code=anna.code, refunded="900.00")

    assert await world.balance(anna) == {}


async def test_test_and_deleted_orders_earn_nothing(world: World) -> None:
    """Drill 14, rules 1 and 5: each with its reason; a bare "deleted" is the last word, even before the order."""
    anna = await world.ambassador()

    test = await world.order("1", friend(1), code=anna.code, test=True)
    await world.order("2", friend(2), code=anna.code)
    held = await world.balance(anna)
    deleted = await world.hook("order.state", {"id": "2", "status": "deleted"})
    await world.hook("order.state", {"id": "3", "status": "deleted"})
    late = await world.order("3", friend(3), code=anna.code, at=world.now - timedelta(hours=1))

    assert (test.codes, deleted.codes, late.codes) == (["test_order"], ["order_deleted"], ["order_deleted"])
    assert (held, await world.balance(anna)) == ({"held_minor": 1500}, {})


async def test_a_trashed_order_earns_nothing_and_a_deleted_one_stays_gone(start: Start) -> None:
    """Drill 14, rule 5: WooCommerce's bin, told by its own webhooks."""
    world = await start(shops=[SHOP_KEYS, WOO])
    anna = await world.ambassador()
    shop = Shop(
        ShopSettings(f"{world.service.address}/hooks/noord", WOO["secrets"][0]),
        programme_now=lambda: world.now,
        product_name=lambda product: product.key,
    )
    order = await shop.checkout(ShopBuyer("Bram", BRAM.email), {PRODUCTS[0].id: 1}, code=anna.code)
    await shop.pay(order.id)
    held = await world.balance(anna)

    await shop.trash(order.id)
    trashed = await world.balance(anna)
    await shop.delete(order.id)

    assert (held, trashed, await world.balance(anna)) == ({"held_minor": 1500}, {}, {})
