"""The drill, line 12: what does not count says why, each in its own words."""

from __future__ import annotations

from datetime import timedelta

from tests.drill.conftest import Start
from tests.world import Buyer, World, friend


async def test_each_way_not_to_count_has_its_own_reason(start: Start) -> None:
    """Drill 12, rules 6b, 11, 12 and 13: date, window, history, minimum and cap."""
    world = await start(bonus__ambassador__per_month=1)
    anna = await world.ambassador(chat=True)
    landed = await world.visit(anna.links["web"])
    early = world.now - timedelta(hours=2)
    await world.sign_up(friend(1), **landed)

    before = await world.order("1", friend(1), at=early)
    existing = await world.order("2", Buyer("old", "old@example.nl", "Oud", orders=3), code=anna.code)
    small = await world.order("3", friend(3), code=anna.code, total="20.00")
    counted = await world.order("4", friend(4), code=anna.code)
    over = await world.order("5", friend(5), code=anna.code)
    await world.pass_days(31)
    late = await world.order("6", friend(6), **landed)

    assert before.codes == ["order_before_sign_up"]
    assert existing.codes == ["friend_is_existing_customer"]
    assert small.codes == ["below_minimum"]
    assert counted.codes == ["on_hold_until"]
    assert over.codes == ["month_cap"]
    assert late.codes == ["outside_window"]


async def test_the_ambassador_reads_the_reasons_in_their_chat(world: World) -> None:
    """Rule 28: /waarom says in words what does not count."""
    anna = await world.ambassador(chat=True)
    await world.order("1", friend(1), code=anna.code, total="20.00")

    anna.phone.say("/waarom")

    shown = await anna.phone.wait_for(world.say("why.title").removeprefix("<b>").removesuffix("</b>"))
    assert world.say("reason.below_minimum", amount_minor=2500, currency="EUR") in shown.words
