"""The whole programme in one story, as its people see it: from the invitation to the refund."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.world import BRAM, Ambassador, World, opened, shop_button

ORDER = "1001"
BOARD = {"nl": "/ranglijst", "en": "/leaderboard"}


@pytest.mark.parametrize("locale", ["nl", "en"])
async def test_from_the_invitation_to_the_refund(engine: str, database_url: str, tmp_path: Path, locale: str) -> None:
    """Rules 8, 9, 14, 15 and 33: Anna invites, Bram comes and buys, waits, sends it back."""
    async with opened(engine, database_url, tmp_path) as world:
        anna = await world.ambassador("Anna", chat=True, locale=locale)
        await anna_asks_for_her_link(world, anna, locale)
        landed = await bram_follows_it(world, anna, locale)
        bonus = await bram_buys(world, anna, landed, locale)
        await the_bonus_arrives(world, anna, bonus, locale)
        await anna_leads_the_board(world, anna, locale)
        await bram_sends_it_back(world, anna, bonus, landed, locale)
        await world.audit()


async def anna_asks_for_her_link(world: World, anna: Ambassador, locale: str) -> None:
    anna.phone.say("/link")

    shown = await anna.phone.wait_for(anna.links["web"])
    assert anna.code in shown.words
    assert world.say("button.share", locale) in shown.buttons


async def bram_follows_it(world: World, anna: Ambassador, locale: str) -> dict[str, str]:
    """The click in a browser, START in the chat; what the shop finds behind the chat's button."""
    clicked = await world.visit(anna.links["web"])
    bram = world.person("Bram", language_code=locale)
    bram.start(bram.start_payload(anna.links["chat"]))

    gift = await bram.wait_for(anna.code)
    assert clicked["ref"] == anna.code
    assert "10" in gift.words
    assert [row["status"] for row in await world.referrals(anna)] == ["invited"]
    return shop_button(gift)


async def bram_buys(world: World, anna: Ambassador, landed: dict[str, str], locale: str) -> dict[str, Any]:
    """The order is paid: the bonus waits, and Anna hears until when."""
    answer = await world.order(ORDER, BRAM, **landed)

    (friend,) = await world.referrals(anna)
    bonus: dict[str, Any] = friend["bonus"]
    told = {"amount_minor": 1500, "currency": "EUR", "available_at": bonus["available_at"], "number": bonus["bonus"]}
    await anna.phone.wait_for(world.say("notice.bonus_held", locale, **told))
    assert (answer.codes, friend["status"]) == (["on_hold_until"], "on_hold")
    assert await world.balance(anna) == {"held_minor": 1500}
    return bonus


async def the_bonus_arrives(world: World, anna: Ambassador, bonus: dict[str, Any], locale: str) -> None:
    """Three weeks later it is credit, and Anna hears it once."""
    before = anna.phone.mark()
    await world.pass_days(22)

    told = {"amount_minor": 1500, "balance_minor": 1500, "currency": "EUR", "number": bonus["bonus"]}
    said = await anna.phone.wait_for(world.say("notice.bonus_available", locale, **told), after=before)
    assert world.say("notice.bonus_available.thanks", locale, count=1, name="Anna") in said.words
    assert await world.balance(anna) == {"available_minor": 1500}


async def anna_leads_the_board(world: World, anna: Ambassador, locale: str) -> None:
    """In her chat, in the API and on the command line she is first with one friend."""
    anna.phone.say(BOARD[locale])

    await anna.phone.wait_for(world.say("board.first", locale))
    listed = json.loads((await world.command("leaderboard", "--period", "all", "--json")).output)
    shown = await world.get("/leaderboard?period=all")
    assert [(row["place"], row["code"], row["friends"]) for row in listed["rows"]] == [(1, anna.code, 1)]
    assert [row | {"move": 0} for row in listed["rows"]] == [
        row | {"move": 0} for row in shown["rows"]
    ]  # a night may pass
    assert listed["rows"][0]["bonus_minor"] == 1500


async def bram_sends_it_back(
    world: World, anna: Ambassador, bonus: dict[str, Any], landed: dict[str, str], locale: str
) -> None:
    """The credit goes, Anna hears why, and her overview says so."""
    before = anna.phone.mark()
    await world.order(ORDER, BRAM, status="refunded", refunded="90.00", **landed)

    why = world.say("reason.order_refunded", locale)
    told = {"amount_minor": 1500, "currency": "EUR", "number": bonus["bonus"], "reason": why}
    await anna.phone.wait_for(world.say("notice.bonus_reversed", locale, **told), after=before)
    assert await world.balance(anna) == {}
    assert [row["status"] for row in await world.referrals(anna)] == ["reversed"]
