from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from referrals.people.customers import set_nickname, set_state
from storage.customers import Customer
from storage.database import Database
from tests.bot.chat import OLGA, Play, staged
from tests.builders import friend, later, order


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


async def test_the_link_comes_with_an_honest_text_for_telegram_whatsapp_and_elsewhere(play: Play) -> None:
    """Rule 18: asking makes the code; whoever shares says that there is something in it for them."""
    anna = play.person("Anna")
    await play.start(anna)
    said = await play.say(anna, "/link")
    link = re.search(r"https://friends\.example/r/\w{8}", said.words)
    assert link
    for button in ("Deel in Telegram", "Deel in WhatsApp", "Kopieer de tekst"):
        shared = str(parse_qs(urlsplit(opened).query) if "?" in (opened := anna.press(button).opens) else opened)
        assert link[0] in shared
        assert "bedankje" in shared
    assert "€ 25 korting op de eerste bestelling" in plain(said.words)
    assert "krijg jij € 15 tegoed" in plain(said.words)


async def test_the_link_stays_the_same(play: Play) -> None:
    anna, _, code = await play.connected("Anna")
    assert code in (await play.say(anna, "/link")).words
    assert code in (await play.say(anna, "/link")).words


async def test_the_qr_code_is_uploaded_once_and_named_afterwards(play: Play) -> None:
    anna, _, _ = await play.connected("Anna")
    await play.say(anna, "/link")
    for _ in range(2):
        await play.press(anna, "Toon QR-code")
    first, second = play.sandbox.calls_of("sendPhoto")
    assert list(first.uploads)
    assert not second.uploads


async def test_a_file_that_telegram_forgot_is_uploaded_again(play: Play) -> None:
    anna, _, _ = await play.connected("Anna")
    await play.say(anna, "/link")
    await play.press(anna, "Toon QR-code")
    play.sandbox.inject("400", method="sendPhoto", description="wrong file identifier/HTTP URL specified")
    await play.press(anna, "Toon QR-code")
    assert len(play.sandbox.calls_of("sendPhoto")) == 2


async def test_an_excluded_customer_has_no_link(play: Play) -> None:
    mats, customer, _ = await play.connected("Mats")
    play.database.run(set_state, customer, state="excluded", why="test", actor="command", now=play.shop.now)
    assert (await play.say(mats, "/link")).words == "Dit account doet niet mee aan het programma."
    assert (await play.say(mats, "/start")).words.startswith("Jouw overzicht")


async def test_balance_names_each_waiting_bonus_with_its_day_and_number(play: Play) -> None:
    anna, _, code = await play.connected("Anna")
    assert "nog geen tegoed" in (await play.say(anna, "/tegoed")).words
    await play.deliver(order(1, code=code))
    said = plain((await play.say(anna, "/balance")).words)
    assert "In afwachting: € 15" in said
    assert re.search(r"• € 15, op 15 december bij je tegoed \(nr\. [A-Z0-9]{5}\)", said)
    await play.pass_days(22)
    assert "Beschikbaar: € 15" in plain((await play.say(anna, "/tegoed")).words)


async def test_status_and_why_say_how_each_friend_stands_and_never_who(play: Play) -> None:
    """The ambassador hears that somebody ordered, never what or who; each refusal has its reason."""
    anna, _, code = await play.connected("Anna")
    bram = play.person("Bram")
    await play.start(bram, f"r_{code}")
    await play.deliver(order(1, friend(1), code=code), order(2, friend(2, first_name="Chris"), code=code, total=1000))
    status = plain((await play.say(anna, "/status")).words)
    assert "in afwachting, € 15" in status
    assert "De wachttijd loopt tot 15 december." in status
    assert "uitgenodigd" in status
    why = plain((await play.say(anna, "/waarom")).words)
    assert "niet meegeteld: De bestelling kwam niet aan het minimum van € 25." in why
    for private in ("Bram", "Chris", "friend1", "90", "€ 10"):
        assert private not in status + why


async def test_a_bonus_taken_back_says_why(play: Play) -> None:
    anna, _, code = await play.connected("Anna")
    paid = order(1, code=code)
    await play.deliver(paid)
    await play.deliver(later(paid, status="refunded", refunded_minor=9000))
    assert "teruggedraaid: De bestelling is terugbetaald." in (await play.say(anna, "/why")).words


async def test_a_customer_sees_their_own_place_and_neighbours_by_nickname(play: Play) -> None:
    """Rule 33: names on the board are chosen ones."""
    anna, _, code = await play.connected("Anna")
    mats, _, other = await play.connected("Mats")
    await play.deliver(*(order(n, friend(n), code=code) for n in (1, 2)), order(3, friend(3), code=other))
    await play.pass_days(22)
    said = (await play.say(mats, "/ranglijst")).words
    assert "December: jij staat op plaats 2 met 1 vriend." in said
    assert "Nog 1 en je staat gelijk met plaats 1." in said
    assert "1. Een ambassadeur: 2 vrienden" in said
    assert "De stand begint op 1 januari opnieuw." in said
    await play.say(anna, "/ranglijst")
    await play.press(anna, "Kies een bijnaam")
    await play.say(anna, "Annie & co")
    assert "1. Annie & co: 2 vrienden" in (await play.say(mats, "/leaderboard")).words
    await play.say(anna, "/ranglijst")
    await play.press(anna, "Haal mijn bijnaam weg")
    assert "1. Een ambassadeur" in (await play.say(mats, "/leaderboard")).words


@pytest.mark.parametrize("name", ["x", "t.me/spam", "@mats", "n" * 25])
async def test_a_nickname_that_does_not_fit_is_asked_again(play: Play, name: str) -> None:
    anna, _, _ = await play.connected("Anna")
    await play.say(anna, "/ranglijst")
    await play.press(anna, "Kies een bijnaam")
    assert (await play.say(anna, name)).words.startswith("Die bijnaam past niet.")
    await play.press(anna, "Annuleer")
    assert not any(row["nickname"] for row in play.shop.rows(Customer))


async def test_an_owner_sees_the_whole_board_and_turns_its_periods_in_place(play: Play) -> None:
    anna, _, code = await play.connected("Anna")
    await play.deliver(order(1, code=code))
    await play.pass_days(22)
    olga = play.person("Olga", id=OLGA)
    await play.start(olga)
    board = await play.say(olga, "/ranglijst")
    assert "1. Anna\n   1 (+0) · omzet € 90 · bonus € 15" in plain(board.words)
    for button, title in (("Week", "week 51"), ("Kwartaal", "kwartaal 4"), ("Jaar", "2026"), ("Alles", "begin")):
        await play.press(olga, button)
        assert title in board.words.splitlines()[0]
    assert olga.last is board
    assert "1. Anna" not in (await play.say(anna, "/ranglijst")).words


async def test_owners_commands_are_for_owners_as_of_this_moment(play: Play) -> None:
    olga, chris = play.person("Olga", id=OLGA), play.person("Chris")
    await play.start(olga)
    await play.start(chris)
    assert "Vandaag:" in (await play.say(olga, "/vandaag")).words
    assert (await play.say(chris, "/today")).words.startswith("Dat begrijp ik niet.")
    assert "/vandaag" in (await play.say(olga, "/help")).words
    assert "/vandaag" not in (await play.say(chris, "/help")).words


async def test_terms_are_the_configurations_in_plain_words(database: Database) -> None:
    keys: dict[str, Any] = {
        "bonus__ambassador__kind": "percent",
        "bonus__ambassador__percent": "12.5",
        "hold__days": 14,
        "programme__terms_url": "https://shop.example/terms",
    }
    async with staged(database, **keys) as play:
        anna = play.person("Anna")
        await play.start(anna)
        said = plain((await play.say(anna, "/voorwaarden")).words)
        assert "12,5% van de bestelling als tegoed, tot € 50" in said
        assert "wacht je bonus 14 dagen" in said
        assert "https://shop.example/terms" in said


async def test_a_language_is_chosen_and_kept(play: Play) -> None:
    anna = play.person("Anna")
    await play.start(anna)
    await play.say(anna, "/taal")
    await play.press(anna, "English")
    assert anna.last.words == "All right, English it is."
    assert (await play.say(anna, "/tegoed")).words.startswith("Your credit")


@pytest.mark.parametrize("command", ["/cijfers", "/controle", "/x"])
async def test_a_command_that_is_not_there_yet_is_not_understood(play: Play, command: str) -> None:
    anna = play.person("Anna")
    await play.start(anna)
    said = await play.say(anna, command)
    assert said.words.startswith("Dat begrijp ik niet.")
    assert said.buttons


async def test_no_message_outgrows_telegram_with_the_longest_names(database: Database) -> None:
    """The sandbox refuses what Telegram refuses: 4096 characters, 64 bytes a button, 256 to copy."""
    async with staged(database, programme__name="Ñ&" * 100, telegram__owner_ids=[5_000_001]) as play:
        anna, customer, code = await play.connected("&" * 64)
        play.database.run(set_nickname, customer, nickname="W" * 24)
        await play.deliver(*(order(n, friend(n), code=code, total=9000 if n % 2 else 1000) for n in range(1, 25)))
        await play.start(play.person("Bram"), f"r_{code}")
        for command in ("start", "link", "balance", "status", "why", "leaderboard", "terms", "help", "today", "stop"):
            await play.say(anna, f"/{command}")
        await play.pass_days(22)
        assert [call.params for call in play.sandbox.calls if call.error] == []
        assert {row["dropped_because"] for row in play.outbox()} <= {None, "stopped"}
