"""The drill, lines 1 and 2: what comes twice, or a hundred times at once, counts once."""

from __future__ import annotations

import asyncio

from tests.world import BRAM, World


async def test_the_same_paid_order_a_hundred_times_in_parallel_earns_one_bonus(world: World) -> None:
    """Drill 1: a hundred deliveries, one bonus."""
    anna = await world.ambassador("Anna")
    state = world.state("1001", BRAM, code=anna.code)

    answers = await asyncio.gather(*(world.hook("order.state", state) for _ in range(100)))

    assert [answer.status for answer in answers] == [200] * 100
    assert sorted(answer.body["status"] for answer in answers) == ["applied"] + ["unchanged"] * 99
    assert await world.balance(anna) == {"held_minor": 1500}
    assert [row["status"] for row in await world.referrals(anna)] == ["on_hold"]


async def test_the_same_sign_up_twice_is_one_referral(world: World) -> None:
    """Drill 2: two sign-ups, one referral."""
    anna = await world.ambassador("Anna")
    landed = await world.visit(anna.links["web"])

    first = await world.sign_up(BRAM, **landed)
    again = await world.sign_up(BRAM, **landed)

    assert [first.body["status"], again.body["status"]] == ["applied", "unchanged"]
    assert [row["status"] for row in await world.referrals(anna)] == ["signed_up"]
