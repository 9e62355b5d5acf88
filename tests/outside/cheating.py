"""Lines 3, 4, 10 and 12: who is no friend, which code is none, and what does not count says why."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

from tests.outside.shop import Buyer, friend
from tests.outside.stage import Ambassador, Stage, until


async def line_3(stage: Stage) -> str:
    """Own code, own mailbox in other spellings, own second chat: refused with a reason."""
    mats = await stage.ambassador("Drie", chat=True)
    gmail = await stage.ambassador("Drieling", email="mats.de.vries@gmail.com")
    seen = [
        (await stage.order("drie-1", mats.buyer, code=mats.code)).codes,
        (await stage.order("drie-2", Buyer("3-2", "Drie+shop@Example.NL", "M"), code=mats.code)).codes,
        (await stage.order("drie-3", Buyer("3-3", "matsdevries+2@googlemail.com", "M"), code=gmail.code)).codes,
    ]
    second = stage.telegram.person("Matthijs")
    second.start(f"r_{mats.code}")
    gift = await second.wait_for(mats.code)
    await stage.connect(second, mats.number)
    address = next(button["url"] for row in gift.rows for button in row if "url" in button)
    landed = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    seen.append((await stage.order("drie-4", mats.buyer, **landed)).codes)

    pairs = [[why["code"] for why in row["reasons"]] for row in await stage.referrals(mats)]
    assert seen == [["own_order"]] * 4, seen
    assert ["own_account"] in pairs, pairs
    assert (await stage.balance(mats), await stage.balance(gmail)) == ({}, {})
    return "own code, +tag, gmail's dots: own_order; second chat: own_account, its order own_order; no bonus"


async def line_4(stage: Stage) -> str:
    """A brings B, B brings A: refused."""
    anna = await stage.ambassador("Vier")
    bram = Buyer("vier-bram", "vierbram@example.nl", "Bram")
    await stage.order("vier-1", bram, code=anna.code)
    back = await stage.enrol(bram)

    answer = await stage.order("vier-2", anna.buyer, code=back.code)

    assert answer.codes == ["circular"], answer
    assert (await stage.balance(anna), await stage.balance(back)) == ({"held_minor": 1500}, {})
    return "circular; the first bonus stays, there is no second"


async def line_10(stage: Stage) -> str:
    """A code in lower case, with spaces, with a typing error: found, found, typing error."""
    anna = await stage.ambassador("Tien")
    code = anna.code.replace("-", "")
    spellings = [code.lower(), f" {code[:4]} {code[4:]} ", "-".join(code)]
    for number, typed in enumerate(spellings):
        landed = await stage.visit(f"/r/{quote(typed)}")
        page = await stage.ask("GET", f"/i/{quote(typed)}")
        await stage.order(f"tien-{number}", friend(f"10-{number}"), code=typed)
        assert (landed["ref"].replace("-", ""), page.status) == (code, 200), typed
    assert await stage.balance(anna) == {"held_minor": 1500 * len(spellings)}

    wrong = ("B" if code[0] != "B" else "C") + code[1:]
    typing = await stage.order("tien-x", friend("10-x"), code=wrong)
    unknown = await stage.order("tien-y", friend("10-y"), code="NOSUCHCODE")
    page = await stage.ask("GET", f"/r/{wrong}", headers={"Accept-Language": "nl"})
    phone = stage.telegram.person("Typist")
    phone.start(f"r_{wrong}")
    said = await phone.wait_for(wrong)
    assert "code_typing_error" in typing.codes, typing
    assert "unknown_code" in unknown.codes, unknown
    assert (page.status, "Typefout" in page.body, "typefout" in said.words) == (404, True, True), (page, said.words)
    assert await stage.balance(anna) == {"held_minor": 1500 * len(spellings)}
    return (
        f"{len(spellings)} spellings found by link, page and order; a wrong letter: typing error there and in the chat"
    )


async def line_12(stage: Stage) -> str:
    """Before the sign-up, an existing customer, outside the window, below the minimum, over the cap: a reason each."""
    anna = await stage.ambassador("Twaalf", chat=True)
    landed = await stage.visit(anna.links["web"])
    await stage.sign_up(friend("12a"), **landed)
    old = Buyer("12b", "old@example.nl", "Oud", orders=3)
    seen = {
        "order_before_sign_up": await stage.order("t1", friend("12a"), at=stage.now - timedelta(hours=2)),
        "friend_is_existing_customer": await stage.order("t2", old, code=anna.code),
        "below_minimum": await stage.order("t3", friend("12c"), code=anna.code, total="20.00"),
        "on_hold_until": await stage.order("t4", friend("12d"), code=anna.code),
        "month_cap": await stage.order("t5", friend("12e"), code=anna.code),
    }
    await _reads_why(anna)
    await stage.pass_days(31)
    seen["outside_window"] = await stage.order("t6", friend("12f"), **landed)

    assert {name: answer.codes for name, answer in seen.items()} == {name: [name] for name in seen}
    return ", ".join(seen) + "; /waarom tells them in the chat"


async def _reads_why(anna: Ambassador) -> None:
    """The chat explains what does not count, with the amount that it would take."""
    before = anna.phone.mark()
    anna.phone.say("/waarom")
    await until(lambda: any(m.sender.is_bot and m.revision > before and "25" in m.words for m in anna.phone.chat))
