from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.sandbox.people import Person
from bot.sandbox.world import Message
from referrals.asking.approval import nominate
from referrals.asking.shown import LONGEST_ANSWER, LONGEST_TEXT
from storage.customers import CLAIMED, Identity
from storage.references import Consent, Reference
from tests.bot.chat import OLGA, Play
from tests.referrals.asking.telling import TEXT, WORDS, ask, buy, drafted, glad, on_the_wall, published, row

FULL = "☑"


async def anna_is_asked(play: Play, *, name: str = "Anna") -> tuple[Person, int]:
    """Two orders, a 10, and the clock: the invitation is on her screen."""
    anna, _, _ = await play.connected(name)
    glad(play.shop, name)
    assert ask(play.shop) == [None]
    await play.turn()
    return anna, play.shop.rows(Reference)[0]["id"]


async def anna_tells(play: Play) -> tuple[Person, int]:
    """Anna answered three questions; the draft is on her screen."""
    anna, number = await anna_is_asked(play)
    await play.press(anna, "Ja, leuk")
    for each in WORDS:
        await play.say(anna, each)
    return anna, number


async def olga_comes(play: Play) -> Person:
    olga = play.person("Olga", id=OLGA)
    await play.start(olga)
    return olga


def claim_all(session: Session) -> None:
    for identity in session.exec(select(Identity)):
        identity.level = CLAIMED


def labels(message: Message) -> list[str]:
    return [button["text"] for line in message.rows for button in line]


async def test_three_questions_one_at_a_time_become_a_draft_of_exactly_those_words(play: Play) -> None:
    anna, _ = await anna_is_asked(play)
    asked = anna.last.words
    assert asked.startswith("Anna, je bent nu 2 jaar klant en gaf ons een 10. Zouden we jouw ervaring")
    assert "voor je tegoed maakt het niets uit" in asked
    await play.press(anna, "Ja, leuk")
    assert "Vraag 1 van 3" in anna.last.words
    assert "Vraag 2 van 3" in (await play.say(anna, WORDS[0])).words
    assert "Vraag 3 van 3" in (await play.say(anna, WORDS[1])).words
    draft = await play.say(anna, WORDS[2])
    assert f"“{TEXT}”" in draft.words
    assert not any(label.startswith(FULL) for label in labels(draft))


async def test_a_draft_can_be_left_and_taken_up_where_it_was(play: Play) -> None:
    anna, _ = await anna_is_asked(play)
    await play.press(anna, "Ja, leuk")
    await play.say(anna, WORDS[0])
    await play.press(anna, "Later verder")
    assert "begrijp ik niet" in (await play.say(anna, "Hallo?")).words
    assert "Vraag 2 van 3" in (await play.say(anna, "/referentie")).words
    assert "Vraag 3 van 3" in (await play.say(anna, WORDS[1])).words


async def test_boxes_are_ticked_in_place_and_a_yes_needs_one_use(play: Play) -> None:
    anna, number = await anna_tells(play)
    draft = anna.last
    assert await play.press(anna, "Akkoord") == "Vink eerst aan waar we het mogen plaatsen."
    await play.press(anna, "☐ Tekst op de website")
    await play.press(anna, "☐ Initialen: A.")
    await play.press(anna, "☐ Voornaam: Anna")
    assert anna.last.id == draft.id
    assert [label for label in labels(anna.last) if label.startswith(FULL)] == [
        "☑ Tekst op de website", "☑ Voornaam: Anna",
    ]  # fmt: skip
    assert "— Anna · geverifieerde klant sinds 2024" in anna.last.words
    await play.press(anna, "Akkoord")
    consent = play.shop.rows(Consent)[0]
    assert (consent["uses"], consent["wording"], consent["chat_id"]) == (["website"], "1:nl", anna.id)
    assert row(play.shop, number)["status"] == "customer_approved"
    assert on_the_wall(play.shop) == []


async def test_what_the_chat_shows_the_hash_and_the_wall_are_the_same_to_the_letter(play: Play) -> None:
    typed = 'Stevig <b>én</b> "mooi" & licht 👨‍👩‍👧'
    anna, customer, _ = await play.connected("Anna <i>&")
    buy(play.shop, customer, days_ago=800)
    drafted(play.shop, customer, words=(typed, "Twee", "Drie"))
    shown = await play.say(anna, "/referentie")
    await play.press(anna, "☐ Woonplaats")
    shown = await play.say(anna, "\u202eUtrecht\u202c")
    await play.press(anna, "☐ Tekst op de website")
    await play.press(anna, "☐ Voornaam: Anna <i>&")
    shown = anna.last
    await play.press(anna, "Akkoord")
    stored = play.shop.rows(Reference)[0]
    exactly = {"text": stored["text"], "name": stored["name"], "town": stored["town"], "since": stored["since"]}
    assert f"“{exactly['text']}”\n— Anna <i>&, Utrecht · geverifieerde klant sinds 2024" in shown.words
    assert exactly["text"] == f"{typed}\nTwee\nDrie"
    said = json.dumps(exactly, separators=(",", ":"), sort_keys=True)
    assert stored["text_hash"] == hashlib.sha256(said.encode()).hexdigest() == play.shop.rows(Consent)[0]["text_hash"]


async def test_another_text_and_another_town_are_read_back_before_any_yes(play: Play) -> None:
    anna, number = await anna_tells(play)
    await play.press(anna, "Tekst aanpassen")
    changed = await play.say(anna, "Mooi\u202e gemaakt.\x07")
    assert "“Mooi gemaakt.”" in changed.words
    assert row(play.shop, number)["original"] == TEXT
    await play.press(anna, "☐ Woonplaats")
    assert "geen plaatsnaam" in (await play.say(anna, "https://spam.example")).words
    assert "Utrecht" in (await play.say(anna, "Utrecht")).words
    await play.press(anna, "☑ Woonplaats: Utrecht")
    assert "Utrecht" not in anna.last.words


async def test_a_yes_on_a_screen_that_shows_something_else_is_none(play: Play) -> None:
    """Rule 25: two screens of one draft; what was changed on the one is not agreed to on the other."""
    anna, number = await anna_tells(play)
    first = anna.last
    await play.press(anna, "☐ Tekst op de website", message=first)
    await play.say(anna, "/referentie")
    second = anna.last
    old_agree = next(button for line in first.rows for button in line if button["text"] == "Akkoord")
    await play.press(anna, "☐ Voornaam: Anna", message=second)
    anna.press_on(first, old_agree)
    await play.turn()
    assert row(play.shop, number)["status"] == "draft"
    assert play.shop.rows(Consent) == []
    assert "— Anna ·" in first.words


async def test_a_button_of_an_older_version_shows_how_it_stands_now(play: Play) -> None:
    """Rule 25: pressable while open, but an old version's button does nothing."""
    anna, number = await anna_tells(play)
    old = anna.last
    button = next(each for line in old.rows for each in line if each["text"] == "☐ Tekst op de website")
    await play.press(anna, "Tekst aanpassen")
    await play.say(anna, "Anders gezegd.")
    pressed = anna.press_on(old, button)
    await play.turn()
    assert (await pressed.answered(within=1))["text"] == "Dit is intussen veranderd. Zo staat het nu."
    assert row(play.shop, number)["uses"] == []
    assert "“Anders gezegd.”" in anna.last.words


async def test_a_button_that_somebody_else_presses_does_nothing(play: Play) -> None:
    anna, number = await anna_tells(play)
    mats, _, _ = await play.connected("Mats")
    for label in ("☐ Tekst op de website", "Akkoord", "Toch niet", "Tekst aanpassen"):
        button = next(each for line in anna.last.rows for each in line if each["text"] == label)
        mats.press_on(mats.last, button)
        await play.turn()
        assert "iemand anders" in mats.last.words
        assert TEXT not in mats.last.words
    found = row(play.shop, number)
    assert (found["status"], found["uses"]) == ("draft", [])


@pytest.mark.parametrize(
    "data, said",
    [
        (f"r1:{10**20}:0:go:", "knop"),
        (f"r1:1:{10**20}:go:", "knop"),
        ("r1:-1:0:go:", "knop"),
        (f"o1:{10**20}:0:refuse:", "knop"),
        ("r1:1:0:go:", "of bij niets meer"),
    ],
)
async def test_a_button_that_nobody_made_is_answered(play: Play, data: str, said: str) -> None:
    """Numbers that no table can hold, and a nomination of which its customer knows nothing yet."""
    anna, customer, _ = await play.connected("Anna")
    buy(play.shop, customer)
    play.database.run(nominate, customer, actor="owner:1", programme=play.programme, now=play.shop.now)
    pressed = anna.press_on(anna.last, {"text": "x", "callback_data": data})
    await play.turn()
    assert said in str(await pressed.answered(within=1)) + anna.last.words
    assert {each["status"] for each in play.inbox()} == {"done"}
    assert row(play.shop, 1)["status"] == "nominated"


async def test_later_is_in_a_month_and_no_is_for_a_year(play: Play) -> None:
    anna, number = await anna_is_asked(play)
    await play.press(anna, "Vraag het later")
    assert "op zijn vroegst op 24 december" in anna.last.words
    assert row(play.shop, number)["snoozed_until"] == play.shop.now + timedelta(days=30)
    await play.press(anna, "Liever niet")
    found = row(play.shop, number)
    assert (found["status"], found["answers"], found["text"]) == ("declined", [], None)
    assert found["rest_until"] == play.shop.now + timedelta(days=365)


async def test_what_was_answered_in_the_evening_is_not_asked_in_the_morning(play: Play) -> None:
    """Rule 29: the second invitation waits for the morning, while the buttons of "later" still work."""
    anna, number = await anna_is_asked(play)
    await play.press(anna, "Vraag het later")
    play.shop.now = (play.shop.now + timedelta(days=30)).replace(hour=20, minute=30)
    assert ask(play.shop)[-1] == "quiet_hours"
    await play.press(anna, "Toch nu")
    for each in WORDS:
        await play.say(anna, each)
    await play.pass_days(1.6)
    assert row(play.shop, number)["status"] == "draft"
    assert [each["kind"] for each in play.outbox(status="sent")].count("reference_invited") == 1


async def test_who_lets_it_go_is_not_asked_again_neither_at_once_nor_in_the_morning(play: Play) -> None:
    """Rule 29: the renewal waits for the morning, while /referentie offers the same choice in the evening."""
    anna, customer, _ = await play.connected("Anna")
    glad(play.shop, "Anna")
    number = published(play.shop, customer)
    await play.turn()
    play.shop.now = row(play.shop, number)["expires_at"].replace(hour=21)
    assert "Mag die terug?" in (await play.say(anna, "/referentie")).words
    glad(play.shop, "Anna", days_ago=100)
    assert ask(play.shop)[-1] == "quiet_hours"
    await play.press(anna, "Nee, laat maar")
    assert anna.last.words.startswith("Prima, je ervaring blijft eraf.")
    told = len(play.sent(anna.id))
    await play.pass_days(2.6)
    assert play.sent(anna.id)[told:] == []


async def test_an_invitation_can_be_answered_for_two_weeks(play: Play) -> None:
    anna, number = await anna_is_asked(play)
    await play.pass_days(14.01)
    await play.press(anna, "Ja, leuk")
    assert "verlopen" in anna.last.words
    assert row(play.shop, number)["status"] == "invited"


async def test_withdrawing_one_use_or_all_of_it_is_one_press(play: Play) -> None:
    anna, customer, _ = await play.connected("Anna")
    olga = await olga_comes(play)
    published(play.shop, customer, uses=("website", "print"))
    await play.turn()
    shown = await play.say(anna, "/referentie")
    assert "op de website en in print, t/m 24 november 2028" in shown.words
    assert await play.press(anna, "Haal van de website") == "Gedaan, dat is weg."
    assert on_the_wall(play.shop) == []
    assert "ingetrokken: op de website" in olga.last.words
    assert "Je ervaring staat in print" in shown.words
    await play.press(anna, "Trek alles in")
    assert "je hebt alles ingetrokken" in shown.words
    assert "ingetrokken: in print" in olga.last.words


async def test_changing_what_is_public_takes_it_down_after_a_warning(play: Play) -> None:
    anna, customer, _ = await play.connected("Anna")
    number = published(play.shop, customer)
    await play.turn()
    await play.say(anna, "/referentie")
    await play.press(anna, "Aanpassen")
    assert len(on_the_wall(play.shop)) == 1
    await play.press(anna, "Laat zo")
    assert len(on_the_wall(play.shop)) == 1
    await play.press(anna, "Aanpassen")
    await play.press(anna, "Haal weg en pas aan")
    assert on_the_wall(play.shop) == []
    assert row(play.shop, number)["status"] == "draft"


async def test_the_longest_words_fit_and_longer_ones_are_asked_for_again(play: Play) -> None:
    """Telegram's 4096 units, its 64 bytes a button; an emoji is two units."""
    anna, _ = await anna_is_asked(play, name="W" * 64)
    await play.press(anna, "Ja, leuk")
    assert f"hooguit {LONGEST_ANSWER} tekens" in (await play.say(anna, "🎉" * (LONGEST_ANSWER // 2 + 1))).words
    for _ in range(3):
        await play.say(anna, "&" * LONGEST_ANSWER)
    await play.press(anna, "Tekst aanpassen")
    assert "1.600 tekens" in (await play.say(anna, "x" * (LONGEST_TEXT + 1))).words
    await play.say(anna, "<" * LONGEST_TEXT)
    await play.press(anna, "☐ Tekst op de website")
    await play.press(anna, f"☐ Voornaam: {'W' * 64}")
    await play.press(anna, "Akkoord")
    assert "<" * LONGEST_TEXT in anna.last.words
    assert [row["dropped_because"] for row in play.outbox() if row["dropped_because"]] == []


async def test_in_a_chat_that_is_only_claimed_nobody_gives_away_a_name(play: Play) -> None:
    """Rule 20: an order number and an address are not enough to consent with."""
    anna, number = await anna_tells(play)
    play.database.run(claim_all)
    await play.press(anna, "☐ Tekst op de website")
    assert "zeker weten dat jij het bent" in anna.last.words
    assert row(play.shop, number)["uses"] == []
