"""The drill, lines 3 and 4: nobody is their own friend, and two people do not bring each other."""

from __future__ import annotations

from tests.world import BRAM, Ambassador, Buyer, World, shop_button


async def test_an_order_with_ones_own_code_is_refused(world: World) -> None:
    """Drill 3, rule 16: the buyer is the ambassador."""
    mats = await world.ambassador("Mats")

    answer = await world.order("1", mats.buyer, code=mats.code)

    assert (answer.codes, await world.balance(mats)) == (["own_order"], {})


async def test_ones_own_address_in_another_spelling_is_refused(world: World) -> None:
    """Drill 3, rule 16: another account of the shop and the same letter box, by tag and capitals, by dots at gmail."""
    mats = await world.ambassador("Mats")
    matsje = await world.ambassador("Matsje", email="mats.de.vries@gmail.com")

    tagged = await world.order("1", Buyer("one", "Mats+shop@Example.NL", "M"), code=mats.code)
    dotted = await world.order("2", Buyer("two", "matsdevries+2@googlemail.com", "M"), code=matsje.code)

    assert (tagged.codes, dotted.codes) == (["own_order"], ["own_order"])
    assert (await world.balance(mats), await world.balance(matsje)) == ({}, {})


async def test_dots_tell_addresses_apart_where_they_are_not_gmails(world: World) -> None:
    """Rule 16: dots are folded at gmail.com only, so this is somebody else."""
    anna = await world.ambassador("Anna", email="a.de.boer@example.nl")

    await world.order("1", Buyer("77", "adeboer@example.nl", "Arie"), code=anna.code)

    assert await world.balance(anna) == {"held_minor": 1500}


async def test_ones_own_chat_is_told_that_it_is_ones_own_link(world: World) -> None:
    """Drill 3, rule 16: the chat of the ambassador invites nobody."""
    mats = await world.ambassador("Mats", chat=True)

    mats.phone.start(f"r_{mats.code}")

    await mats.phone.wait_for(world.say("invite.own_account"))
    assert await reasons_of_pairs(world, mats) == [["own_account"]]


async def test_ones_own_second_chat_is_refused_as_soon_as_it_shows(world: World) -> None:
    """Drill 3, rules 16 and 19: a second phone accepts the invitation, and holds the ambassador's own link."""
    mats = await world.ambassador("Mats", chat=True)
    second = world.person("Matthijs")
    second.start(f"r_{mats.code}")
    gift = await second.wait_for(mats.code)

    await world.connect(second, mats.number, hears="connect.bound_elsewhere")
    landed = shop_button(gift)
    answer = await world.order("1", mats.buyer, **landed)

    assert answer.codes == ["own_order"]
    assert ["own_account"] in await reasons_of_pairs(world, mats)
    assert await world.balance(mats) == {}


async def test_the_first_chat_of_an_account_is_no_friend_of_it_either(world: World) -> None:
    """Rule 15: chat and shop are joined, and the ambassador and the friend are one person."""
    mats = await world.ambassador("Mats")
    chat = world.person("Mats")
    chat.start(f"r_{mats.code}")
    await chat.wait_for(mats.code)

    await world.connect(chat, mats.number)

    assert await reasons_of_pairs(world, mats) == [["own_account"]]


async def test_whoever_was_brought_does_not_bring_their_ambassador(world: World) -> None:
    """Drill 4, rule 16: a circle of two is refused, the first bonus stays."""
    anna = await world.ambassador("Anna")
    await world.order("1", BRAM, code=anna.code)
    bram = await world.enrol(BRAM)

    answer = await world.order("2", anna.buyer, code=bram.code)

    assert answer.codes == ["circular"]
    assert (await world.balance(anna), await world.balance(bram)) == ({"held_minor": 1500}, {})


async def reasons_of_pairs(world: World, who: Ambassador) -> list[list[str]]:
    """Why each of their friends does not count, as the API says it."""
    return [[why["code"] for why in row["reasons"]] for row in await world.referrals(who)]
