"""/beloningen: what credit there is, vouchers made, copied, put back, and what is heard of them (rules 9, 20)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.sandbox.people import Person
from referrals.jobs.registry import run_job
from referrals.rewarding.pool import PoolLine, load_codes
from referrals.rewarding.redemptions import OrderKey, redeem_voucher, rollback_voucher
from referrals.rewarding.shop_coupons import note_made
from referrals.rewarding.vouchers import expire_vouchers, issue_voucher
from storage.database import Database
from storage.vouchers import Voucher
from tests.bot.chat import Play, staged
from tests.builders import BRAM, SHOP, friend, later, order

API = {"url": "http://127.0.0.1:9", "key": "ck_sesame", "secret": "cs_sesame"}
SHOPS = [{"name": SHOP, "kind": "woocommerce", "secrets": ["s"], "landing_url": "https://shop.example/", "api": API}]
CODE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}")


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def buttons(person: Person) -> list[str]:
    return [plain(button) for button in person.last.buttons]


async def rich(play: Play, *, friends: int = 1) -> tuple[Person, int]:
    """Anna, connected, with € 15 a friend."""
    anna, customer, code = await play.connected("Anna")
    await play.deliver(*[order(n, friend(n), code=code) for n in range(friends)])
    await play.pass_days(22)
    return anna, customer


async def test_credit_becomes_a_voucher_and_is_put_back(play: Play) -> None:
    anna, customer = await rich(play)
    shown = plain((await play.say(anna, "/beloningen")).words)
    assert "Je kunt € 15 gebruiken" in shown
    assert buttons(anna)[:2] == ["Maak een tegoedbon van € 10", "Maak een tegoedbon van € 15"]

    await play.press(anna, "Maak een tegoedbon van €\N{NO-BREAK SPACE}10")
    made = plain(anna.last.words)
    code = CODE.search(made)
    assert code
    assert "Je tegoedbon van € 10 is klaar" in made
    assert "vóór 14 juni" in made
    assert anna.press("Kopieer de code").opens == code[0]

    listed = plain((await play.say(anna, "/rewards")).words)
    assert f"• {code[0]}: € 10, geldig tot 14 juni" in listed
    assert buttons(anna)[:2] == ["Maak een tegoedbon van € 5", f"Zet {code[0]} terug"]

    assert await play.press(anna, f"Zet {code[0]} terug") == "Gedaan. Het bedrag staat weer bij je tegoed."
    assert "Je kunt € 15 gebruiken" in plain(anna.last.words)
    assert play.shop.balance(customer).available_minor == 1500
    assert play.shop.faults() == []


async def test_the_ways_to_it_are_where_the_credit_is_told(play: Play) -> None:
    anna, _ = await rich(play)
    assert "Gebruik mijn tegoed" in buttons(anna)  # below the news of the bonus
    await play.press(anna, "Gebruik mijn tegoed")
    assert "Je kunt € 15 gebruiken" in plain(anna.last.words)
    await play.say(anna, "/tegoed")
    assert "Tegoed gebruiken" in buttons(anna)
    await play.start(anna)
    assert "Tegoed gebruiken" in buttons(anna)


async def test_who_has_nothing_hears_how_it_comes(play: Play) -> None:
    anna, _, code = await play.connected("Anna")
    await play.deliver(order(1, code=code))
    said = plain((await play.say(anna, "/beloningen")).words)
    assert "Je hebt nu geen tegoed" in said
    assert "Nog in afwachting: € 15" in said
    assert not [button for button in buttons(anna) if "tegoedbon" in button]


async def test_a_claimed_account_sees_and_spends_nothing(play: Play) -> None:
    """Rule 20: no redemption until it is verified."""
    anna, customer = await rich(play)
    await play.say(anna, "/beloningen")
    offer = anna.last
    play.shop.deliver(order(50, BRAM, at=play.shop.now), now=play.shop.now)
    mats = play.person("Mats")
    await play.start(mats, "o")
    await play.say(mats, "50")
    await play.say(mats, BRAM.email or "")

    said = (await play.say(mats, "/beloningen")).words
    assert "persoonlijke link" in said
    assert not [button for button in buttons(mats) if "tegoedbon" in button]
    mats.press_on(mats.last, offer.rows[0][0])
    await play.turn()
    assert mats.last.words.startswith("Daarvoor wil ik zeker weten dat jij het bent.")
    assert play.shop.rows(Voucher) == []
    assert play.shop.balance(customer).available_minor == 1500


async def test_whoever_pressed_twice_has_one_voucher(play: Play) -> None:
    anna, customer = await rich(play)
    await play.say(anna, "/beloningen")
    offer = anna.last
    await play.press(anna, "Maak een tegoedbon van €\N{NO-BREAK SPACE}15", message=offer)
    await play.press(anna, "Maak een tegoedbon van €\N{NO-BREAK SPACE}15", message=offer)
    assert anna.last.words.startswith("Zoveel tegoed is er nu niet.")
    assert play.shop.balance(customer).reserved_minor == 1500


async def test_credit_that_ends_is_told_twice_and_has_a_last_chance(play: Play) -> None:
    """Rule 29: money, judged again at the sending; the last warning makes a voucher of what is left."""
    anna, customer = await rich(play)
    await later_on(play, 0)
    assert "Daarvan verloopt € 15 op 16 december 2027." in plain((await play.say(anna, "/tegoed")).words)
    await later_on(play, 335)
    assert plain(anna.last.words).startswith("Je hebt nog € 15 tegoed dat op 16 december verloopt.")
    play.database.run(
        issue_voucher, customer, amount_minor=500, currency="EUR", programme=play.programme, now=play.shop.now
    )
    await later_on(play, 23)
    assert plain(anna.last.words).startswith("Je hebt nog € 10 tegoed dat op 16 december verloopt.")
    await play.press(anna, "Maak een tegoedbon van €\N{NO-BREAK SPACE}10")
    assert CODE.search(anna.last.words)
    await later_on(play, 8)
    assert (play.shop.balance(customer).reserved_minor, play.shop.faults()) == (1500, [])


async def test_credit_that_ended_is_explained(play: Play) -> None:
    anna, _ = await rich(play)
    for days in (335, 23, 7):
        await later_on(play, days)
    said = plain((await play.say(anna, "/waarom")).words)
    assert "verlopen: € 15 hiervan is op 16 december verlopen: het was niet op tijd gebruikt." in said


async def test_the_pools_amounts_are_what_is_offered(database: Database) -> None:
    async with staged(database, vouchers__source="pool") as play:
        anna, _ = await rich(play, friends=2)
        assert "Er zijn nu geen tegoedbonnen" in plain((await play.say(anna, "/beloningen")).words)
        lines = [
            PoolLine("Zomer-10-x", 1000, "EUR"),
            PoolLine("Lente-25-y", 2500, "EUR"),
            PoolLine("Jaar-50-z", 5000, "EUR"),
        ]
        play.database.run(load_codes, lines, now=play.shop.now)
        await play.say(anna, "/beloningen")
        assert buttons(anna)[:2] == ["Maak een tegoedbon van € 10", "Maak een tegoedbon van € 25"]
        await play.press(anna, "Maak een tegoedbon van €\N{NO-BREAK SPACE}25")
        assert "Lente-25-y" in anna.last.words
        assert not [button for button in buttons(anna) if "terug" in button]
        await play.say(anna, "/beloningen")
        assert "• Lente-25-y: € 25, zonder einddatum" in plain(anna.last.words)


async def test_a_code_that_the_shop_is_to_learn_is_told_when_it_has(database: Database) -> None:
    async with staged(database, vouchers__source="shop", shops=SHOPS) as play:
        anna, _ = await rich(play)
        await play.say(anna, "/beloningen")
        await play.press(anna, "Maak een tegoedbon van €\N{NO-BREAK SPACE}15")
        assert plain(anna.last.words).startswith("We maken je tegoedbon van € 15 in de shop.")
        listed = plain((await play.say(anna, "/beloningen")).words)
        assert "• € 15: de code wordt gemaakt" in listed
        assert not CODE.search(listed)
        play.database.run(note_made, 1, external_id="12", now=play.shop.now)
        await play.turn()
        assert "van € 15 is klaar" in plain(anna.last.words)
        assert not CODE.search(anna.last.words)
        await play.press(anna, "Tegoed gebruiken")
        code = CODE.search(anna.last.words)
        assert code
        assert (await play.press(anna, f"Zet {code[0]} terug")).startswith("We halen de code uit de shop.")


async def later_on(play: Play, days: int) -> None:
    """The clock goes on, and the job has looked."""
    play.shop.pass_days(days)
    await run_job(play.database, "expire-credit", programme=play.programme, now=play.shop.now)
    await play.turn()


async def test_nobody_puts_back_what_is_somebody_elses(play: Play) -> None:
    anna, customer = await rich(play)
    await play.say(anna, "/beloningen")
    await play.press(anna, "Maak een tegoedbon van €\N{NO-BREAK SPACE}15")
    made = anna.last
    mats, _, _ = await play.connected("Mats")
    await play.say(mats, "/beloningen")
    mats.press_on(mats.last, made.rows[1][0])
    await play.turn()
    assert mats.last.words == "Deze tegoedbon kennen we niet."
    assert play.shop.balance(customer).reserved_minor == 1500


@pytest.mark.parametrize(
    "deed, heard",
    [
        ("redeem", "is gebruikt voor € 4"),
        ("keep", "Er staat nog € 6 op."),
        ("rollback", "geldt weer, voor € 10"),
        ("refund", "van € 10 geldt niet meer; wat er over is, staat bij je tegoed"),
        ("expire", "De € 10 staat weer bij je tegoed: je verliest niets."),
    ],
)
async def test_what_becomes_of_a_voucher_is_told_without_its_code(play: Play, deed: str, heard: str) -> None:
    """Rule 29: money is told; a code is as good as money, so no notice holds one."""
    anna, customer = await rich(play)
    shop, run = play.shop, play.database.run
    said: dict[str, Any] = {"now": shop.now, "currency": "EUR"}
    voucher = run(issue_voucher, customer, **said, amount_minor=1000, programme=shop.programme)
    key = OrderKey(SHOP, "9")
    if deed in {"redeem", "keep", "rollback"}:
        used: dict[str, Any] = {"order": key, "amount_minor": 400, "keep_rest": deed == "keep", "actor": "key:till"}
        run(redeem_voucher, voucher.code, **said, **used)
    if deed == "rollback":
        run(rollback_voucher, voucher.code, order=key, actor="key:till", now=shop.now)
    if deed == "refund":
        shop.deliver(later(order(0, friend(0)), 99_999, status="refunded", refunded_minor=9000), now=shop.now)
    if deed == "expire":
        shop.pass_days(180)
        run(expire_vouchers, [voucher.id], now=shop.now)
    await play.turn()

    told = plain("\n".join(play.sent(anna.id)))
    assert heard in told
    assert voucher.code not in told
    assert voucher.code[-4:] in told
