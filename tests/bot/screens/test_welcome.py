"""A friend's own code in the chat, on the page and in the API: promised as configured, told when there is one."""

from __future__ import annotations

from typing import Any

from bot.screens.invitation import render_invitation
from bot.texts import Texts
from bot.voice import Voice
from referrals.config import parse_config
from referrals.programme import Programme
from referrals.recruiting.shops import CustomerState
from referrals.recruiting.sign_ups import apply_customers
from referrals.web.api.customers import customer_view
from referrals.web.friend_page import gift_of
from storage.vouchers import Voucher
from tests.bot.chat import Play
from tests.builders import SHOP
from tests.referrals.configs import with_keys

PERSONAL: dict[str, Any] = {"bonus__friend__personal": True, "bonus__friend__amount": "10.00"}


def said(**data: Any) -> str:
    programme = Programme(parse_config(with_keys(**PERSONAL), {}), b"key", "salt")
    voice = Voice(Texts(default="en"), "en", programme)
    invited = {
        "kind": "invited",
        "name": None,
        "code": "ANNA7K3Q",
        "typed": "",
        "until": "2026-12-24",
        "url": "https://a.nl",
    }
    return render_invitation(voice, invited | data).text


def test_a_start_promises_a_code_of_ones_own_and_names_no_other() -> None:
    """Rules 10 and 14: it comes with the account; what there is no more of is not promised."""
    assert "then you get a code of your own" in said()
    assert "ANNA7K3Q" not in said()
    assert "code" not in said(gone=True)


def test_the_page_promises_exactly_what_is_configured() -> None:
    """Rule 10: the days, and the most that a percentage takes off."""
    percent = {"bonus__friend__personal": True, "bonus__friend__kind": "percent", "bonus__friend__percent": "10"}
    offer = gift_of(parse_config(with_keys(**percent, bonus__friend__max="20.00"), {}))
    assert offer is not None
    assert (offer["personal"], offer["most"]) == ({"days": 30}, {"most_minor": 2000, "currency": "EUR"})


async def test_who_connects_reads_their_code_there_and_at_home(play: Play) -> None:
    """Rule 10: the answer to the sign-up names it, the overview too, and the API tells the shop."""
    play.shop.programme = Programme(
        parse_config(with_keys(**PERSONAL, programme__no_history=True), {}),
        play.shop.programme.fingerprint_key, play.shop.programme.number_salt,
    )  # fmt: skip
    _, code = play.shop.ambassador("Anna")
    states = [CustomerState(SHOP, "bram", email="bram@example.nl", ref=code)]
    bram = play.database.run(apply_customers, states, programme=play.programme, now=play.shop.now)[0].customer_id or 0
    person = play.person("Bram")

    await play.start(person, play.connect_link(bram))
    await play.press(person, "Ja, dat ben ik")

    gift = play.shop.rows(Voucher)[0]["code"]
    shown = "-".join((gift[:4], gift[4:8], gift[8:]))
    assert shown in person.last.words
    view = play.database.look(customer_view, bram, programme=play.programme, now=play.shop.now)
    assert (view["gift"]["code"], view["gift"]["amount_minor"], view["gift"]["percent"]) == (shown, 1000, None)
    await play.press(person, "Naar het overzicht")
    assert shown in person.last.words
