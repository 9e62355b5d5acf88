"""``GET /api/v1/figures``: today's figures, the NPS with its interval, and who waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from referrals.people.customers import meet
from storage.bulk import insert_rows
from storage.surveys import Survey
from tests.referrals.web.conftest import Web
from tests.referrals.web.test_api import Api, code_of, make_key


@pytest.fixture
async def api(web: Web) -> Api:
    """A key that may do everything."""
    return Api(web, make_key(web))


async def test_the_figures_of_the_day_come_with_the_score_and_nobodys_name(api: Api) -> None:
    """Requirement B1: NPS with its 95 % interval, the number of answers, and that they are too few."""
    now = api.web.door.clock.programme()
    anna = api.web.database.run(meet, telegram_id=5, chat_id=5, first_name="Anna", language_code="nl", at=now, now=now)
    row = {"kind": "nps", "subject": "order:1", "customer_id": anna, "score": 9, "created_at": now}
    api.web.database.run(insert_rows, Survey, [row | {"scored_at": now - timedelta(days=1)}])
    answer = await api.get("/figures", key=make_key(api.web, "figures:read"))
    shown = await answer.json()
    assert answer.status == 200
    assert (shown["today"]["orders"], shown["currency"], shown["cases"]) == (0, "EUR", {"open": 0, "overdue": 0})
    scores = shown["scores"]
    assert (scores["nps"], scores["count"], scores["promoters"], scores["too_few"]) == (100.0, 1, 1, True)
    assert scores["low"] < scores["high"]
    assert "Anna" not in str(shown)


async def test_a_key_for_something_else_sees_no_figures(api: Api) -> None:
    answer = await api.get("/figures", key=make_key(api.web, "leaderboard:read"))
    assert await code_of(answer) == (403, "scope_missing")
