"""The score in the chat: one tap, changeable for a day, and what each answer brings (rules 18, 23, 25, 31)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from storage.bulk import update_rows
from storage.cases import Case
from storage.codes import Code
from storage.customers import Customer
from storage.surveys import Survey
from tests.bot.chat import Play
from tests.bot.screens.asked import asked, bot_said, buyer, olga, seen
from tests.builders import later, order

DAY = timedelta(hours=24)
LINK, WHY = "Maak mijn link", "En waarom een"


def survey(play: Play) -> dict[str, Any]:
    (row,) = play.shop.rows(Survey)
    return row


async def test_the_question_has_a_number_in_one_tap_and_a_way_past_it(play: Play) -> None:
    _, question = await asked(play)
    assert [[button["text"] for button in row] for row in question.rows] == [
        ["0", "1", "2", "3", "4", "5"],
        ["6", "7", "8", "9", "10"],
        ["Sla over"],
    ]
    assert "Je bestelde op 14 november bij Atelier Noord" in question.words
    assert max(len(button["callback_data"]) for row in question.rows for button in row) <= 64


@pytest.mark.parametrize(
    "score, said",
    [(0, "beter gemoeten"), (6, "beter gemoeten"), (7, "er een 10 van"), (8, "er een 10 van"), (9, LINK), (10, LINK)],
)
async def test_a_score_is_answered_at_once_with_what_belongs_to_it(play: Play, score: int, said: str) -> None:
    """Rules 18 and 31: to 6 a person, to 8 a question, from 9 on thanks and the link's button in one breath (B19)."""
    anna, question = await asked(play)
    assert await play.press(anna, str(score), message=question) == "Genoteerd"
    answer = next(message for message in anna.chat if message.id > question.id and message.sender.is_bot)
    assert said in answer.words + "".join(answer.buttons)
    assert (LINK in answer.buttons) == (score >= 9)
    assert len(play.shop.rows(Case)) == (1 if score <= 6 else 0)
    assert survey(play)["score"] == score


async def test_a_promoter_makes_a_link_with_one_press_and_says_why_after_it(play: Play) -> None:
    """Rule 18: the first answer carries the link's button; "why?" comes after it, and is kept with the score."""
    anna, question = await asked(play)
    await play.press(anna, "10", message=question)
    thanks, why = seen(anna, "lezen we hier graag"), seen(anna, WHY)
    assert thanks.id < why.id
    await play.press(anna, LINK, message=thanks)
    assert "/r/" in anna.last.words
    assert len(play.shop.rows(Code)) == 1
    assert "daar hebben we iets aan" in (await play.say(anna, "Mooi & <b>netjes</b>")).words
    assert survey(play)["why"] == "Mooi & <b>netjes</b>"


async def test_who_has_a_link_already_is_shown_it(play: Play) -> None:
    anna, question = await asked(play)
    await play.say(anna, "/link")
    await play.press(anna, "9", message=question)
    assert seen(anna, "lezen we hier graag").buttons == ["Toon mijn link", "Nu niet"]
    await play.press(anna, "Nu niet")
    assert seen(anna, "lezen we hier graag").buttons == []


async def test_the_same_tap_twice_is_one_answer(play: Play) -> None:
    anna, question = await asked(play)
    await play.press(anna, "10", message=question)
    before = bot_said(anna)
    assert await play.press(anna, "· 10 ·") == "Genoteerd"
    assert bot_said(anna) == before


async def test_the_answer_that_stands_is_shown_and_can_be_changed(play: Play) -> None:
    """Rule 25: a score stays pressable while it is open."""
    anna, question = await asked(play)
    await play.press(anna, "9", message=question)
    shown = seen(anna, "Jouw antwoord: 9")
    assert shown.id == question.id
    said = len(bot_said(anna))
    await play.press(anna, "10", message=shown)
    assert "Jouw antwoord: 10" in seen(anna, "Jouw antwoord").words
    assert len(bot_said(anna)) == said  # another 9 or 10 asks for no other words
    assert (survey(play)["score"], survey(play)["scored_at"]) == (10, play.shop.now)


@pytest.mark.parametrize("later_by, stands", [(DAY, 3), (DAY + timedelta(seconds=1), 9)])
async def test_a_score_can_be_changed_for_a_day_from_the_first_tap(
    play: Play, later_by: timedelta, stands: int
) -> None:
    """Rule 31: a score that is changed within 24 hours decides again; afterwards the old button says so."""
    anna, question = await asked(play)
    await play.press(anna, "9", message=question)
    shown = seen(anna, "Jouw antwoord: 9")
    play.shop.now += later_by
    said = await play.press(anna, "3", message=shown)
    assert survey(play)["score"] == stands
    assert (said == "Genoteerd") == (stands == 3)
    if stands == 9:
        assert said.startswith("Dit antwoord staat vast")
        assert shown.buttons == []
        assert "overzicht" in anna.last.words


async def test_a_change_for_the_worse_opens_a_case_and_one_for_the_better_leaves_it(play: Play) -> None:
    """Rule 31: down opens a case; up leaves it, and while it is open no link is offered (rule 18)."""
    anna, question = await asked(play)
    await play.press(anna, "10", message=question)
    assert LINK in seen(anna, "lezen we hier graag").buttons
    await play.press(anna, "6", message=seen(anna, "Jouw antwoord"))
    assert seen(anna, "beter gemoeten")
    assert seen(anna, "lezen we hier graag").buttons == []  # no offer while it is open
    await play.press(anna, "10", message=seen(anna, "Jouw antwoord"))
    (case,) = play.shop.rows(Case)
    assert (case["kind"], case["solved_at"]) == ("low_score", None)
    thanks = seen(anna, "handelt een collega nog met je af")
    assert thanks.buttons == []


async def test_an_offer_that_was_not_sent_before_a_change_for_the_worse_is_never_sent(play: Play) -> None:
    """Rules 18 and 31: 10, at once corrected to 3; both are heard before anything is said."""
    anna, question = await asked(play)
    anna.press("10", message=question)
    anna.press("3", message=question)
    await play.turn()
    assert not any(LINK in message.buttons or WHY in message.words for message in anna.chat)
    assert "beter gemoeten" in anna.last.words
    assert "Jouw antwoord: 3" in question.words


@pytest.mark.parametrize("then", ["solved", "raised"])
async def test_the_words_of_somebody_who_was_not_satisfied_reach_a_person(play: Play, then: str) -> None:
    """Rule 31: also after [Opgelost], and after a better score; the answer says that they did, and by when."""
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    if then == "solved":
        await play.press(owner, "Opgelost")
    else:
        await play.press(anna, "8", message=seen(anna, "Jouw antwoord"))
    said = await play.say(anna, "De la klemt")
    assert "Een collega heeft het gekregen en antwoordt vandaag" in said.words
    assert "De la klemt" in owner.last.words
    assert play.shop.rows(Case)[0]["solved_at"] is None


async def test_a_return_in_the_last_month_keeps_the_offer_back(play: Play) -> None:
    """Rule 18: the offer needs no open case, no return in 30 days, not stopped."""
    anna, question = await asked(play)
    returned = order(2, buyer("Anna"), at=play.shop.now - timedelta(days=20))
    play.shop.deliver(returned)
    play.shop.deliver(later(returned, 60 * 24, status="refunded", refunded_minor=9000))
    await play.press(anna, "10", message=question)
    assert seen(anna, "lezen we hier graag").buttons == []


async def test_who_had_stopped_is_thanked_and_offered_nothing(play: Play) -> None:
    """Rule 18, and rule 28: a press is answered, also to somebody who stopped."""
    anna, question = await asked(play)
    await play.say(anna, "/stop")
    await play.press(anna, "9", message=question)
    assert seen(anna, "lezen we hier graag").buttons == []


async def test_skipping_leaves_nothing_to_press(play: Play) -> None:
    anna, question = await asked(play)
    assert await play.press(anna, "Sla over", message=question) == "Overgeslagen"
    assert seen(anna, "slaan deze vraag over").buttons == []
    assert (survey(play)["score"], survey(play)["skipped_at"]) == (None, play.shop.now)


async def test_the_words_can_be_skipped_and_then_are_no_answer(play: Play) -> None:
    anna, question = await asked(play)
    await play.press(anna, "8", message=question)
    await play.press(anna, "Sla over", message=seen(anna, "er een 10 van"))
    assert "begrijp ik niet" in (await play.say(anna, "zomaar iets")).words
    assert survey(play)["why"] is None


async def test_words_that_come_after_a_day_are_no_answer_to_why(play: Play) -> None:
    """Rule 31: a text is awaited for less than a day."""
    anna, question = await asked(play)
    await play.press(anna, "8", message=question)
    play.shop.now += DAY + timedelta(seconds=1)
    await play.say(anna, "zomaar iets")
    assert survey(play)["why"] is None


async def test_nobody_else_can_answer_with_somebodys_number(play: Play) -> None:
    """Anybody can send any callback data: only the chat of the customer who was asked is heard."""
    _, question = await asked(play)
    mats, _, _ = await play.connected("Mats")
    number = survey(play)["id"]
    pressed = mats.press_on(mats.last, {"text": "0", "callback_data": f"n1:{number}:0"})
    skipped = mats.press_on(mats.last, {"text": "0", "callback_data": f"n2:{number}:0"})
    await play.turn()
    assert "van eerder" in (await pressed.answered())["text"]
    assert "van eerder" in (await skipped.answered())["text"]
    assert (survey(play)["score"], survey(play)["skipped_at"], play.shop.rows(Case)) == (None, None, [])
    assert question.buttons


@pytest.mark.parametrize("data", ["n1:1:11", "n1:1:-1", "n1:999:5", "n1:x:5", "n1:99999999999999999999999:5", "n2:9:1"])
async def test_a_number_that_was_never_offered_is_an_old_button(play: Play, data: str) -> None:
    """Rule 24: what anybody can send is answered, and breaks nothing."""
    anna, question = await asked(play)
    pressed = anna.press_on(question, {"text": "?", "callback_data": data})
    await play.turn()
    assert await pressed.answered()
    assert survey(play)["score"] is None
    assert [row["status"] for row in play.inbox() if row["status"] == "quarantined"] == []


@pytest.mark.parametrize("consent, said", [(True, "zelf via Olaf bij ons"), (False, "zelf via iemand bij ons")])
async def test_a_friend_who_is_happy_reads_that_they_came_through_somebody(
    play: Play, consent: bool, said: str
) -> None:
    """T7: the ambassador's first name only with their consent."""
    olaf, code = play.shop.ambassador("Olaf")
    play.database.run(update_rows, Customer, [{"id": olaf, "link_consent": consent}], key=("id",))
    anna, question = await asked(play, code=code)
    await play.press(anna, "9", message=question)
    assert said in seen(anna, "lezen we hier graag").words
