"""The drill, line 11: what a friend is called, writes and buys reaches nobody's address bar, log or chat."""

from __future__ import annotations

import json
import re

from tests.drill.conftest import Start
from tests.world import Ambassador, Buyer, World

BRAM = Buyer("klant-40417", "bartholomeus.bakker@gmail.example", "Bartholomeus")
PHONE = "+31612345670"
CHAT = 6_172_839_405
PRIVATE = ("artholomeus", "bakker", "40417", "612345670", str(CHAT), "bestelling-99", "Vaas van Bram")


async def test_nothing_of_a_friend_is_in_an_address_a_log_or_what_the_ambassador_reads(start: Start) -> None:
    """Drill 11, rule 41: from the click to the refund, with deliveries that fail and nonsense in between."""
    world = await start()
    anna = await world.ambassador(chat=True)
    addresses = await the_friends_way(world, anna)
    await mishaps(world)
    await world.settle()

    anna.phone.say("/status")
    await anna.phone.wait_for(world.say("status.title").removeprefix("<b>").removesuffix("</b>"))
    anna.phone.say("/waarom")
    await anna.phone.wait_for(world.say("why.title").removeprefix("<b>").removesuffix("</b>"))

    assert found_in("\n".join(addresses)) == []
    assert found_in(world.log.getvalue()) == []
    assert found_in(everything_sent_to(world, anna)) == []
    assert "15" in everything_sent_to(world, anna)


async def test_the_friends_page_shows_no_friend_and_no_ambassador_without_consent(world: World) -> None:
    """Rule 41: names are shown where somebody agreed, and nobody did."""
    anna = await world.ambassador("Annabella", chat=True)

    for address in (anna.links["page"], anna.links["web"]):
        shown = await world.ask("GET", address.removeprefix(world.service.config.programme.base_url))
        assert "Annabella" not in str(shown)


async def the_friends_way(world: World, anna: Ambassador) -> list[str]:
    """Click, START, sign-up, order, refund; every address that came by."""
    landed = await world.visit(anna.links["web"])
    phone = world.person(BRAM.first_name, id=CHAT)
    phone.start(f"r_{anna.code}")
    gift = await phone.wait_for(anna.code)
    await world.sign_up(BRAM, **landed)
    order = {"customer": BRAM.body() | {"phone": PHONE}, "spoken_name": "Vaas van Bram", **landed}
    await world.order("bestelling-99", BRAM, **order)
    await anna.phone.wait_for(world.say("notice.bonus_held").partition("\n")[0])
    await world.pass_days(22)
    await world.order("bestelling-99", BRAM, status="refunded", refunded="90.00", **order)
    await world.settle()
    await world.order("bestelling-100", BRAM, total="10.00", **order)
    buttons = [button.get("url", "") for row in gift.rows for button in row]
    logged = re.findall(r"https?://\S+", world.log.getvalue())
    return [*landed.values(), *buttons, *logged, *anna.links.values()]


async def mishaps(world: World) -> None:
    """The friend's chat is blocked while it is written to, a body makes no sense, a signature is wrong."""
    world.telegram.inject("403", chat_id=CHAT)
    world.person(BRAM.first_name, id=CHAT).say("/status")
    await world.hook("order.state", {"id": "bestelling-99", "status": BRAM.email, "customer": BRAM.body()})
    await world.hook("customer.state", {"email": BRAM.email, "first_name": BRAM.first_name})
    await world.hook("order.state", world.state("bestelling-99", BRAM), headers={})
    await world.api("POST", "/orders", {"id": "bestelling-99", "customer": BRAM.body(), "status": BRAM.email})


def everything_sent_to(world: World, anna: Ambassador) -> str:
    """Every call of the bot that went to Anna's chat, with all that it carried."""
    calls = [call for call in world.telegram.calls if call.params.get("chat_id") == anna.phone.id]
    return "\n".join(json.dumps(call.params, ensure_ascii=False, default=str) for call in calls)


def found_in(text: str) -> list[str]:
    """What of the friend stands in it, with its surroundings."""
    return [
        text[max(0, hit.start() - 60) : hit.end() + 40]
        for word in PRIVATE
        for hit in re.finditer(re.escape(word), text)
    ]
