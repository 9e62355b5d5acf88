"""/vandaag: what customers think and who waits for an answer, beside the day's figures (B1, G6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from storage.bulk import insert_rows
from storage.surveys import Survey
from tests.bot.chat import Play
from tests.bot.screens.asked import asked, olga


def answers(play: Play, *scores: int) -> None:
    customer_id, _ = play.shop.ambassador("Chris")
    at = play.shop.now - timedelta(days=3)
    rows: list[dict[str, Any]] = [
        {"kind": "nps", "subject": f"order:{900 + place}", "customer_id": customer_id, "score": score,
         "scored_at": at, "created_at": at}
        for place, score in enumerate(scores)
    ]  # fmt: skip
    play.database.run(insert_rows, Survey, rows)


async def test_few_answers_are_no_figure_and_the_owner_reads_why(play: Play) -> None:
    owner = await olga(play)
    answers(play, *[9] * 29)
    said = (await play.say(owner, "/vandaag")).words
    assert "NPS over 90 dagen: nog te weinig antwoorden (29); vanaf 30 zegt het iets." in said


async def test_from_thirty_answers_on_the_figure_has_its_interval(play: Play) -> None:
    owner = await olga(play)
    answers(play, *[10] * 20, *[7] * 5, *[3] * 5)
    said = (await play.say(owner, "/vandaag")).words
    assert "NPS over 90 dagen: 50 (tussen 19 en 72)" in said


async def test_who_waits_and_who_waits_too_long_is_counted(play: Play) -> None:
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    assert "1 klant praat met een collega of wacht op antwoord." in (await play.say(owner, "/vandaag")).words
    play.shop.now += timedelta(hours=5)
    assert "1 klant wacht langer op antwoord dan beloofd." in (await play.say(owner, "/vandaag")).words
