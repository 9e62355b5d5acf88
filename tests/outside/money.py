"""Lines 5 and 6: currencies, and what comes back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.outside.shop import SHOP, friend, order
from tests.outside.stage import Ambassador, Stage

FOREIGN = (("USD", "90.00"), ("JPY", "9000"), ("KWD", "90.000"))


async def line_5(stage: Stage) -> str:
    """Another currency is kept as it is, never converted."""
    anna = await stage.ambassador("Vijf")
    for currency, total in FOREIGN:
        said = await stage.order(f"v-{currency}", friend(currency), code=anna.code, currency=currency, total=total)
        assert said.body["reasons"] == [{"code": "other_currency", "currency": currency}], said

    listed = await stage.referrals(anna)
    whole = [await stage.get(f"/referrals/{row['referral']}") for row in listed]
    board = json.loads((await stage.command("leaderboard", "--period", "all", "--json")).output)
    mine = [row for row in board["rows"] if row["customer"] == anna.number]
    assert [row["status"] for row in listed] == ["refused"] * len(FOREIGN), listed
    assert {one["orders"][0]["order"] for one in whole} == {f"v-{currency}" for currency, _ in FOREIGN}
    assert (await stage.balance(anna), sum(row["revenue_minor"] for row in mine)) == ({}, 0)
    assert (await stage.get(f"/customers/{anna.number}"))["balances"].keys() <= {"EUR"}
    return f"{', '.join(name for name, _ in FOREIGN)}: other_currency, kept with their friend, nothing owed or ranked"


async def line_6(stage: Stage) -> str:
    """Partial and full refunds, before and after redemption, before the order itself."""
    await _before_its_order(stage)
    await _within_the_hold(stage)
    await _after_the_hold(stage)
    await stage.command("audit")
    return "within the hold 9.00, 6.00, 0; before the order 0; voucher voided; once spent a debt that the next pays"


async def _within_the_hold(stage: Stage) -> None:
    """Ten percent of 90, of 60, of nothing."""
    anna, seen = await stage.ambassador("Zes"), []
    for refunded in ("0.00", "30.00", "90.00"):
        status = "refunded" if refunded == "90.00" else "paid"
        await stage.order("zes-1", friend("6-1"), code=anna.code, refunded=refunded, status=status)
        seen.append(await stage.balance(anna))
    assert seen == [{"held_minor": 900}, {"held_minor": 600}, {}], seen


async def _before_its_order(stage: Stage) -> None:
    """The newest state wins, whatever arrives first."""
    anna = await stage.ambassador("Zesde")
    paid = order("zes-0", friend("6-0"), at=stage.now, code=anna.code)
    later = (stage.now + timedelta(seconds=30)).isoformat()
    await stage.hook("order.state", paid | {"status": "refunded", "refunded": "90.00", "updated_at": later})
    late = await stage.hook("order.state", paid)
    assert (late.body["status"], late.codes) == ("unchanged", ["order_refunded"]), late
    assert await stage.balance(anna) == {}


async def _after_the_hold(stage: Stage) -> None:
    """€ 9 and € 5 are released; one lies in a voucher that is spent, one in a voucher that is not."""
    anna = await stage.ambassador("Zestien", chat=True)
    paid = {
        number: order(f"zes-{number}", friend(f"6-{number}"), at=stage.now, code=anna.code, total=total)
        for number, total in (("2", "90.00"), ("3", "50.00"))
    }
    for state in paid.values():
        await stage.hook("order.state", state)
    released = await _release(stage, days=22)
    assert released == 2, released
    seen = [await stage.balance(anna)]
    spent, kept = await _voucher(stage, anna, 900), await _voucher(stage, anna, 500)
    till = {"code": spent, "shop": SHOP, "order": "kassa-1", "amount_minor": 900, "currency": "EUR"}
    redeemed = [await stage.api("POST", "/vouchers/redeem", till, Idempotency_Key=f"redeem-{n}") for n in range(2)]
    assert [answer.status for answer in redeemed] == [200, 200], redeemed
    for state in paid.values():
        seen.append(await stage.balance(anna))
        back = {"status": "refunded", "refunded": state["total"], "updated_at": _later(stage)}
        await stage.hook("order.state", state | back)
    seen.append(await stage.balance(anna))
    asked = await stage.api("POST", "/vouchers/validate", {"code": kept}, Idempotency_Key="validate")
    await stage.hook("order.state", order("zes-4", friend("6-4"), at=stage.now, code=anna.code, total="100.00"))
    await _release(stage, days=24)

    assert seen == [
        {"available_minor": 1400},
        {"reserved_minor": 500, "redeemed_minor": 900},
        {"reserved_minor": 500, "redeemed_minor": 900, "debt_minor": 900},
        {"redeemed_minor": 900, "debt_minor": 900},
    ], seen
    assert asked.codes == ["voucher_void"], asked
    assert await stage.balance(anna) == {"available_minor": 100, "redeemed_minor": 900}


async def _release(stage: Stage, *, days: int) -> int:
    """The job ran as if it were so many days later; how many bonuses became available."""
    at = (stage.now + timedelta(days=days)).isoformat()
    ran: dict[str, Any] = json.loads((await stage.command("run-job", "release-bonuses", "--now", at, "--json")).output)
    assert (ran["job"], ran["failed"]) == ("release-bonuses", 0), ran
    return int(ran["done"])


async def _voucher(stage: Stage, anna: Ambassador, amount_minor: int) -> str:
    """Its code."""
    said = {"customer": anna.number, "amount_minor": amount_minor, "currency": "EUR"}
    made = await stage.api("POST", "/vouchers", said, Idempotency_Key=f"voucher-{amount_minor}")
    assert made.status == 201, made
    return str(made.body["code"])


def _later(stage: Stage) -> str:
    return (stage.now + timedelta(minutes=1)).isoformat()
