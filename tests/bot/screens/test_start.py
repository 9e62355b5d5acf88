from __future__ import annotations

import pytest

from storage.codes import Click
from storage.customers import Customer
from storage.database import Database
from storage.referrals import Referral
from tests.bot.chat import Play, staged


async def test_a_newcomer_is_welcomed_by_name_once_and_sees_the_four_ways(play: Play) -> None:
    anna = play.person("Anna <3")
    welcome = await play.start(anna)
    assert welcome.words.startswith("Hoi Anna <3, fijn dat je er bent")
    assert welcome.buttons[:4] == ["Mijn link", "Mijn vrienden", "Ranglijst", "Meer"]
    assert (await play.start(anna)).words.startswith("Jouw overzicht bij Atelier Noord")


async def test_a_chat_only_persons_name_is_kept_nowhere(play: Play) -> None:
    """Rule 41: the greeting uses what the app says and forgets it."""
    await play.start(play.person("Bram"))
    assert [row["first_name"] for row in play.shop.rows(Customer)] == [None]


async def test_whoever_reads_english_is_spoken_to_in_english(play: Play) -> None:
    chris = play.person("Chris", language_code="en-GB")
    assert (await play.start(chris)).words.startswith("Hi Chris, good to have you here")


async def test_a_friends_start_is_stored_and_shows_the_gift_and_what_the_ambassador_hears(play: Play) -> None:
    """Rules 10, 14 and 15: a claim, the ambassador's code as coupon, a shop button that is this person's own."""
    _, code = play.shop.ambassador("Anna")
    bram = play.person("Bram")
    welcome = (await play.start(bram, f"r_{code.lower()}")).words
    assert "Iemand die je kent" in welcome
    assert "€ 25 korting op je eerste bestelling, geldig t/m 24 december" in welcome.replace("\xa0", " ")
    assert f"De code bij het afrekenen is {code}." in welcome
    assert "hoort alleen dát er is besteld, nooit wat of door wie" in welcome
    assert [row["stage"] for row in play.shop.rows(Referral)] == ["invited"]
    click = play.shop.rows(Click)[0]
    assert click["customer_id"] == play.shop.rows(Referral)[0]["friend_id"]
    url = bram.press("Gebruik mijn korting").opens
    assert url.startswith(f"https://shop.example/?ref={code}&click=")


async def test_the_ambassadors_name_shows_only_with_consent(play: Play) -> None:
    anna, code = play.shop.ambassador("Anna")
    assert "Anna" not in (await play.start(play.person("Bram"), f"r_{code}")).words
    from referrals.people.customers import set_link_consent  # noqa: PLC0415 - used in this story only

    play.database.run(set_link_consent, anna, consent=True, now=play.shop.now)
    assert "Anna heeft iets voor je klaargezet" in (await play.start(play.person("Chris"), f"r_{code}")).words


@pytest.mark.parametrize("typed, answer", [("AAAAAAAA", "kennen we niet"), ("ANNA-7K3", "kennen we niet")])
async def test_a_code_that_is_nobodys_is_said_so(play: Play, typed: str, answer: str) -> None:
    """Rule 17."""
    said = (await play.start(play.person("Bram"), f"r_{typed}")).words
    assert answer in said or "typefout" in said
    assert play.shop.rows(Referral) == []


async def test_ones_own_link_is_no_invitation(play: Play) -> None:
    anna, _, code = await play.connected("Anna")
    assert (await play.start(anna, f"r_{code}")).words.startswith("Dit is je eigen link.")


async def test_a_second_ambassador_cannot_take_a_friend(play: Play) -> None:
    """Rule 16."""
    _, first = play.shop.ambassador("Anna")
    _, second = play.shop.ambassador("Mats")
    bram, _, _ = await play.connected("Bram")
    await play.start(bram, f"r_{first}")
    assert "al door iemand anders uitgenodigd" in (await play.start(bram, f"r_{second}")).words


@pytest.mark.parametrize("payload", ["zomaar", "r_"])
async def test_an_unknown_payload_is_an_ordinary_start(play: Play, payload: str) -> None:
    assert (await play.start(play.person("Bram"), payload)).words.startswith("Hoi Bram")


async def test_stop_ends_all_messages_and_start_brings_them_back(play: Play) -> None:
    """Rule 28: stopped, their money is shown at the next /start."""
    anna, _, _ = await play.connected("Anna")
    assert (await play.say(anna, "/stop")).words == "Gedaan: ik stuur je niets meer. Terugkomen kan met /start."
    mark = anna.mark()
    await play.start(anna)
    await anna.wait_for("Welkom terug.", after=mark, within=1)
    assert anna.last.words.startswith("Jouw overzicht")


async def test_without_a_gift_the_welcome_promises_none(database: Database) -> None:
    async with staged(database, bonus__friend__amount="0.00") as play:
        _, code = play.shop.ambassador("Anna")
        welcome = await play.start(play.person("Bram"), f"r_{code}")
        assert "korting" not in welcome.words
        assert welcome.buttons[0] == "Kijk rond in de shop"
