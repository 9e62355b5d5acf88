"""Lines 1, 2, 13 and 14: what comes twice, in any order of arrival, or is no order at all."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import timedelta
from typing import Any

from tests.outside.shop import BIN_SHOP, Buyer, friend, order, woo_gone, woo_order, woo_signed
from tests.outside.stage import Ambassador, Stage

Event = tuple[str, dict[str, Any]]
TIMES = 100


async def line_1(stage: Stage) -> str:
    """The same paid order a hundred times in parallel: one bonus."""
    anna = await stage.ambassador("Een")
    state = order("een-1", friend("een"), at=stage.now, code=anna.code)

    answers = await asyncio.gather(*(stage.hook("order.state", state) for _ in range(TIMES)))

    said = sorted(str(answer.body["status"]) for answer in answers)
    ledger = json.loads((await stage.command("export", "ledger", "--format", "json")).output)
    booked = [row for row in ledger if row["order"] == "een-1" and row["account"] == "held"]
    assert said == ["applied"] + ["unchanged"] * (TIMES - 1), said
    assert await stage.balance(anna) == {"held_minor": 1500}
    assert [bonus["order"]["id"] for bonus in await stage.bonuses(anna)] == ["een-1"]
    assert [row["amount_minor"] for row in booked] == [1500], booked
    return f"{TIMES} deliveries at once: 1 applied, {TIMES - 1} unchanged, one bonus of 15.00, one entry in the ledger"


async def line_2(stage: Stage) -> str:
    """The same sign-up twice: one referral."""
    anna = await stage.ambassador("Twee")
    landed = await stage.visit(anna.links["web"])
    at = stage.now.isoformat()

    said = [(await stage.sign_up(friend("twee"), created_at=at, **landed)).body["status"] for _ in range(2)]

    assert said == ["applied", "unchanged"], said
    assert [row["status"] for row in await stage.referrals(anna)] == ["signed_up"]
    return "applied, then unchanged: one referral"


async def line_13(stage: Stage) -> str:
    """Events in every order of arrival: the same books."""
    both = {
        "one order": (_one_order, {"held_minor": 300}),
        "two orders": (_two_orders, {"held_minor": 500}),
    }
    tried = 0
    for name, (events_of, expected) in both.items():
        for places in itertools.permutations(range(4)):
            tried += 1
            anna = await stage.ambassador(f"Dertien{tried}")
            events = events_of(stage, anna, tried)
            for kind, data in [*(events[place] for place in places), events[places[0]]]:
                answer = await stage.hook(kind, data)
                assert (answer.status, answer.body["status"] == "quarantined") == (200, False), answer
            found = await stage.balance(anna), [row["status"] for row in await stage.referrals(anna)]
            assert found == (expected, ["on_hold"]), (name, places, found)
    return f"{tried} orders of arrival of {len(both)} stories, the first event again at the end: the same books"


async def line_14(stage: Stage) -> str:
    """Deleted, trashed and test orders: no bonus."""
    anna = await stage.ambassador("Veertien")
    test = await stage.order("veertien-1", friend("14a"), code=anna.code, test=True)
    await stage.order("veertien-2", friend("14b"), code=anna.code, at=stage.now - timedelta(hours=1))
    held = [await stage.balance(anna)]
    deleted = await stage.hook("order.state", {"id": "veertien-2", "status": "deleted"})
    await stage.hook("order.state", {"id": "veertien-3", "status": "deleted"})
    late = await stage.order("veertien-3", friend("14c"), code=anna.code, at=stage.now - timedelta(hours=1))
    held.append(await stage.balance(anna))
    for status, modified in (("processing", "2026-11-24T09:00:00"), ("trash", "2026-11-24T09:30:00"), ("", "")):
        await _woo(stage, anna, status=status, modified=modified)
        held.append(await stage.balance(anna))

    assert (test.codes, deleted.codes, late.codes) == (["test_order"], ["order_deleted"], ["order_deleted"]), held
    bonus = {"held_minor": 1500}
    assert held == [bonus, {}, bonus, {}, {}], held
    return "test_order; order_deleted after and before its order; WooCommerce's bin takes the bonus back: nothing held"


async def _woo(stage: Stage, anna: Ambassador, *, status: str, modified: str) -> None:
    """The recorded order comes by WooCommerce's own webhook, or the word that it is gone."""
    buyer = Buyer("", "bin@example.nl", "Bin")
    body = woo_order(buyer, code=anna.code, status=status, modified=modified) if status else woo_gone()
    topic = "order.updated" if status else "order.deleted"
    data, headers = woo_signed(body, topic=topic, delivery=len(status))
    answer = await stage.ask("POST", f"/hooks/{BIN_SHOP}", data=data, headers=headers)
    assert answer.status == 200, answer


def _one_order(stage: Stage, anna: Ambassador, number: int) -> list[Event]:
    """€ 90 with the code, of which 30 and then 60 come back: ten percent of 30 stays."""
    buyer, day = friend(f"13-{number}"), timedelta(days=1)
    start = stage.now - 5 * day
    about: dict[str, Any] = {"at": start + day, "code": anna.code}
    return [
        _account(buyer, anna, start.isoformat()),
        *(("order.state", order(f"dertien-{number}", buyer, **about, refunded=back,
                                updated_at=(start + days * day).isoformat()))
          for days, back in ((1, "0.00"), (2, "30.00"), (3, "60.00"))),
    ]  # fmt: skip


def _two_orders(stage: Stage, anna: Ambassador, number: int) -> list[Event]:
    """€ 90, then € 50 a day later; the first is sent back and the second takes its place: ten percent of 50."""
    buyer, day = friend(f"13-{number}"), timedelta(days=1)
    start = stage.now - 5 * day
    first: dict[str, Any] = {"at": start + day, "code": anna.code}
    second: dict[str, Any] = {"total": "50.00", "customer": buyer.body() | {"orders": None}}
    back: dict[str, Any] = {"status": "refunded", "refunded": "90.00", "updated_at": (start + 3 * day).isoformat()}
    return [
        _account(buyer, anna, start.isoformat()),
        ("order.state", order(f"a{number}", buyer, **first)),
        ("order.state", order(f"b{number}", buyer, at=start + 2 * day, **second)),
        ("order.state", order(f"a{number}", buyer, **first, **back)),
    ]


def _account(buyer: Buyer, anna: Ambassador, created_at: str) -> Event:
    """The friend's sign-up through the link."""
    return "customer.state", {"id": buyer.id, "email": buyer.email, "codes": [anna.code], "created_at": created_at}
