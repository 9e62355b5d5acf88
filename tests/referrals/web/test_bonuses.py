"""``GET /api/v1/bonuses``: what was earned, what waits, what was refused, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.referrals.web.conftest import Web
from tests.referrals.web.test_api import ORDER, Api, code_of, make_key, referred

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
async def api(web: Web) -> Api:
    """A key that may do everything."""
    return Api(web, make_key(web))


async def items(api: Api, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await (await api.get(f"/bonuses{query}", **ENGLISH)).json())["items"]
    return found


async def test_a_bonus_tells_its_life_its_order_and_its_reasons(api: Api) -> None:
    anna, _ = await referred(api)
    (pair,) = (await (await api.get("/referrals")).json())["items"]
    (bonus,) = await items(api, f"?customer={anna.lower()}")
    assert bonus == {
        "bonus": pair["bonus"]["bonus"], "customer": anna, "side": "ambassador", "status": "held",
        "amount_minor": 1500, "currency": "EUR", "order": {"shop": "atelier", "id": "1001"},
        "referral": pair["referral"], "earned_at": "2026-11-24T09:00:00+00:00",
        "available_at": "2026-12-15T09:00:00+00:00", "under_review": False,
        "review": "none", "score": 0, "signals": [], "milestone": None, "reasons": bonus["reasons"],
    }  # fmt: skip
    assert [reason["code"] for reason in bonus["reasons"]] == ["on_hold_until"]
    assert all(reason["text"] for reason in bonus["reasons"])


async def test_one_that_was_taken_back_says_so(api: Api) -> None:
    await referred(api)
    await api.post("/orders", ORDER | {"status": "refunded", "refunded": "90.00", "updated_at": "2026-11-24T09:00:00Z"})
    (bonus,) = await items(api)
    assert (bonus["status"], bonus["amount_minor"]) == ("reversed", 0)
    assert "order_refunded" in [reason["code"] for reason in bonus["reasons"]]


async def test_nothing_of_the_friend_is_in_it_but_numbers(api: Api) -> None:
    """Rule 41; the drill, line 11."""
    _, bram = await referred(api)
    shown = json.dumps(await items(api))
    friend = ORDER["customer"]
    assert [word for word in (bram, friend["id"], friend["email"], friend["first_name"]) if f'"{word}"' in shown] == []


async def test_the_list_is_leafed_through_by_its_cursor(api: Api) -> None:
    anna = await api.made(id="1", created_at="2026-01-01T00:00:00Z")
    other = await api.made(id="2", email="chris@example.com")
    for number in range(3):
        order = {**ORDER, "id": str(number), "customer": {"id": str(100 + number)}, "codes": [anna["code"]]}
        await api.post("/orders", order | {"ref": None, "click": None})
    first = await (await api.get("/bonuses?limit=2")).json()
    rest = await (await api.get(f"/bonuses?limit=2&cursor={first['next_cursor']}")).json()
    assert len({item["bonus"] for item in first["items"] + rest["items"]}) == 3
    assert rest["next_cursor"] is None
    assert await items(api, f"?customer={other['customer']}") == []


async def test_a_senseless_question_is_a_problem(api: Api) -> None:
    assert await code_of(await api.get("/bonuses?cursor=nonsense")) == (422, "invalid_cursor")
    assert await code_of(await api.get("/bonuses?limit=0")) == (422, "invalid_limit")
    assert await code_of(await api.get("/bonuses?customer=AAAAA")) == (404, "unknown_customer")
