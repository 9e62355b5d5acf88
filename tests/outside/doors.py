"""Lines 8, 9 and 11: signatures, limits, and what passes through a door about a friend."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

from tests.outside.shop import NEWER, SECRET, STRANGER, Buyer, friend, machine_now, order
from tests.outside.stage import Ambassador, Reply, Stage

TOO_MANY = 429
NO_SIGNATURE = "{'status': 'refused', 'code': 'bad_signature'}"
BRAM = Buyer("klant-40417", "bartholomeus.bakker@gmail.example", "Bartholomeus")
PHONE = "+31612345670"
CHAT = 6_172_839_405
PRIVATE = ("artholomeus", "bakker", "40417", "612345670", str(CHAT), "bestelling-99", "Vaas van Bram")


async def line_8(stage: Stage) -> str:
    """Wrong, missing, expired, rotated signature: 401, 401, 401, 200."""
    state, now = order("acht-1", friend("8"), at=stage.now), machine_now()
    refused = [
        await stage.hook("order.state", state, secret=STRANGER),
        await stage.hook("order.state", state, headers={}),
        await stage.hook("order.state", state, at=now - timedelta(minutes=6)),
        await stage.hook("order.state", state, at=now + timedelta(minutes=6)),
    ]
    taken = [
        await stage.hook("order.state", state, secret=SECRET),
        await stage.hook("order.state", order("acht-2", friend("8b"), at=stage.now), secret=NEWER),
    ]

    assert [answer.status for answer in refused] == [401] * 4, refused
    assert {str(answer.body) for answer in refused} == {NO_SIGNATURE}, refused
    assert [answer.status for answer in taken] == [200, 200], taken
    return "wrong 401, missing 401, expired 401, of the future 401; the old secret 200, the new one 200"


async def line_9(stage: Stage) -> str:
    """Over a limit: 429 with Retry-After, and nobody else waits."""
    anna = await stage.ambassador("Negen")
    state = order("negen-1", friend("9"), at=stage.now, code=anna.code)
    floods = {
        "codes": [await stage.ask("GET", f"/r/GUESS{number}") for number in range(21)],
        "signatures": await asyncio.gather(*(stage.hook("order.state", state, secret=STRANGER) for _ in range(70))),
    }
    taken = await stage.hook("order.state", state)
    asked = (stage.api("GET", f"/customers/{anna.number}") for _ in range(610))
    floods["calls of a key"] = await asyncio.gather(*asked)

    assert (taken.status, taken.body["status"]) == (200, "applied"), taken
    assert {answer.status for answer in floods["codes"][:20]} == {404}
    return "; ".join([*(f"{name}: {_refused(answers)}" for name, answers in floods.items()), "a good signature passes"])


def _refused(answers: list[Reply]) -> str:
    """How many had to wait, each told how long."""
    refused = [answer for answer in answers if answer.status == TOO_MANY]
    assert refused, {answer.status for answer in answers}
    assert all(0 < int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    return f"{len(refused)} of {len(answers)} got 429"


async def line_11(stage: Stage) -> str:
    """No friend's data in any address, log or message to the ambassador."""
    anna = await stage.ambassador("Elf", chat=True)
    addresses = await _the_friends_way(stage, anna)
    await _mishaps(stage)
    for command in ("/status", "/waarom"):
        before = anna.phone.mark()
        anna.phone.say(command)
        await anna.phone.wait_for("", after=before)
    log, messages = stage.log(), _everything_sent_to(stage, anna)
    addresses += re.findall(r"https?://\S+", log)

    places = {"addresses": "\n".join(addresses), "log": log, "messages": messages}
    found = {name: [word for word in PRIVATE if word in text] for name, text in places.items()}
    assert found == {name: [] for name in places}, found
    assert "15" in messages, "the ambassador heard of no bonus"
    return f"{len(addresses)} addresses, {len(log.splitlines())} lines of log, {len(messages)} letters to Anna"


async def _the_friends_way(stage: Stage, anna: Ambassador) -> list[str]:
    """Click, START, sign-up, order, refund; every address that came by."""
    landed = await stage.visit(anna.links["web"])
    phone = stage.telegram.person(BRAM.first_name, id=CHAT)
    phone.start(f"r_{anna.code}")
    gift = await phone.wait_for(anna.code)
    await stage.sign_up(BRAM, **landed)
    about = {"customer": BRAM.body() | {"phone": PHONE}, "spoken_name": "Vaas van Bram", **landed}
    for changes in ({}, {"status": "refunded", "refunded": "90.00"}):
        before = anna.phone.mark()
        await stage.order("bestelling-99", BRAM, **about, **changes)
        await anna.phone.wait_for("15", after=before)
    page = await stage.ask("GET", f"/i/{anna.code}")
    buttons = [button.get("url", "") for row in gift.rows for button in row]
    return [*landed.values(), *buttons, *anna.links.values(), *re.findall(r'https?://[^"\s]+', page.body)]


async def _mishaps(stage: Stage) -> None:
    """The friend's chat is blocked while it is written to, bodies make no sense, a signature is missing."""
    stage.telegram.inject("403", chat_id=CHAT)
    stage.telegram.person(BRAM.first_name, id=CHAT).say("/status")
    await stage.hook("order.state", {"id": "bestelling-99", "status": BRAM.email, "customer": BRAM.body()})
    await stage.hook("customer.state", {"email": BRAM.email, "first_name": BRAM.first_name})
    await stage.hook("order.state", order("bestelling-99", BRAM, at=stage.now), headers={})
    await stage.api("POST", "/orders", {"id": "bestelling-99", "customer": BRAM.body(), "status": BRAM.email})


def _everything_sent_to(stage: Stage, anna: Ambassador) -> str:
    """Every call of the bot that went to the ambassador's chat, with all that it carried."""
    calls = [call for call in stage.telegram.calls if call.params.get("chat_id") == anna.phone.id]
    return "\n".join(json.dumps(call.params, ensure_ascii=False, default=str) for call in calls)
