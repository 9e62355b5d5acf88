"""The drill, lines 8, 9 and 10: signatures, limits and the spelling of codes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from html import unescape

from referrals.clock import Clock
from referrals.codes import ALPHABET
from tests.drill.conftest import Start
from tests.installation import SECRET
from tests.world import World, friend

NEWER = "whsec_SGV0IG5pZXV3ZSBnZWhlaW0gdmFuIE9sZ2E="
TOO_MANY = 429
STRANGER = "whsec_RGl0IGdlaGVpbSBrZW50IG5pZW1hbmQgaGllci4="


async def test_only_what_the_shop_signed_in_time_is_taken(start: Start) -> None:
    """Drill 8: wrong, missing and expired: 401; both secrets of a rotation: 200."""
    world = await start(shops__0__secrets=[SECRET, NEWER])
    state, now = world.state("1"), Clock().machine()

    wrong = await world.hook("order.state", state, secret=STRANGER)
    missing = await world.hook("order.state", state, headers={})
    expired = await world.hook("order.state", state, at=now - timedelta(minutes=6))
    early = await world.hook("order.state", state, at=now + timedelta(minutes=6))
    old = await world.hook("order.state", state)
    rotated = await world.hook("order.state", world.state("2"), secret=NEWER)

    assert [answer.status for answer in (wrong, missing, expired, early)] == [401] * 4
    assert {str(answer.body) for answer in (wrong, missing, expired, early)} == {
        "{'status': 'refused', 'code': 'bad_signature'}"
    }
    assert [old.status, rotated.status] == [200, 200]


async def test_a_signature_of_other_bytes_or_for_another_shop_is_none(start: Start) -> None:
    world = await start()
    signed = world.signed({"type": "order.state", "data": world.state("1")})
    body, headers = signed

    changed = await world.ask("POST", "/hooks/webshop", data=body.replace(b"90.00", b"99.00"), headers=headers)
    appended = await world.ask("POST", "/hooks/webshop", data=body + b"\n", headers=headers)
    nowhere = await world.ask("POST", "/hooks/other", data=body, headers=headers)
    as_sent = await world.ask("POST", "/hooks/webshop", data=body, headers=headers)

    assert [answer.status for answer in (changed, appended, nowhere, as_sent)] == [401, 401, 404, 200]


async def test_whoever_asks_too_often_waits_and_nobody_else_does(world: World) -> None:
    """Drill 9, rule 43: codes that are tried, signatures that are guessed, a key that asks on and on."""
    anna = await world.ambassador()
    state = world.state("1", code=anna.code)

    codes = [await world.ask("GET", f"/r/GUESS{number}") for number in range(21)]
    guesses = await asyncio.gather(*(world.hook("order.state", state, secret=STRANGER) for _ in range(70)))
    taken = await world.hook("order.state", state)
    calls = await asyncio.gather(*(world.api("GET", f"/customers/{anna.number}") for _ in range(610)))

    for answers in (codes, guesses, calls):
        refused = [answer for answer in answers if answer.status == TOO_MANY]
        assert refused
        assert all(0 < int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert {answer.status for answer in codes[:20]} == {404}
    assert (taken.status, taken.body["status"]) == (200, "applied")


async def test_a_code_is_found_in_any_spelling(world: World) -> None:
    """Drill 10, rule 17: lower case, spaces and dashes; in a link, on the friend's page, at the checkout."""
    anna = await world.ambassador()
    spellings = [anna.code.lower(), f" {anna.code[:4]} {anna.code[4:]} ", "-".join(anna.code)]

    for number, typed in enumerate(spellings):
        landed = await world.visit(f"/r/{typed}")
        page = await world.ask("GET", f"/i/{typed}")
        await world.order(str(number), friend(number), code=typed)
        assert (landed["ref"], page.status) == (anna.code, 200)

    assert await world.balance(anna) == {"held_minor": 1500 * len(spellings)}


async def test_a_typing_error_is_told_from_a_code_that_nobody_has(world: World) -> None:
    """Drill 10, rule 17: neither is attributed, and each says what it is."""
    anna = await world.ambassador()
    plain = anna.code.replace("-", "")
    wrong = ALPHABET[(ALPHABET.index(plain[0]) + 1) % len(ALPHABET)] + plain[1:]

    typing = await world.order("1", code=wrong)
    unknown = await world.order("2", code="NOSUCHCODE")
    page = await world.ask("GET", f"/r/{wrong}", headers={"Accept-Language": "en"})
    phone = world.person("Bram")
    phone.start(f"r_{wrong}")
    await phone.wait_for(world.say("invite.code_typing_error", typed=wrong))

    assert typing.body["reasons"][0] == {"code": "code_typing_error", "typed": wrong}
    assert "unknown_code" in unknown.codes
    assert page.status == 404
    assert world.say("page.typing_error.text", "en", typed=wrong) in unescape(page.body)
    assert await world.balance(anna) == {}
