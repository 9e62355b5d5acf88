"""``/api/v1/reviews``: what waits for a look, leafed through, and decided once, by whoever may."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage.auditlog import AuditEvent
from storage.codes import Code
from storage.ledger import WAITING, Bonus
from tests.referrals.web.conftest import Web
from tests.referrals.web.test_api import ORDER, Api, code_of, make_key, referred, rows

SIGNALS = [{"code": "orders_per_ip", "points": 60, "count": 7}, {"code": "household", "points": 30}]


@pytest.fixture
async def api(web: Web) -> Api:
    """A key that may do everything."""
    return Api(web, make_key(web))


async def held_for_review(api: Api, order: str, *, friend: str, signals: list[dict[str, Any]] = SIGNALS) -> str:
    """Another friend of Anna's orders, and the bonus waits; the number of its review."""
    code = rows(api.web.database, Code)[0]["display"]
    bought = {**ORDER, "id": order, "customer": {"id": friend}, "codes": [code], "ref": None, "click": None}
    assert (await api.post("/orders", bought)).status in {200, 201}

    def wait(session: Session) -> int:
        bonus = session.exec(select(Bonus).order_by(col(Bonus.id).desc())).first()
        assert bonus is not None
        bonus.review, bonus.score, bonus.signals, bonus.under_review = WAITING, 90, signals, True
        assert bonus.id is not None
        return bonus.id

    return api.web.programme.number("review", api.web.database.run(wait))


async def waiting(api: Api, query: str = "") -> list[str]:
    return [item["review"] for item in (await (await api.get(f"/reviews{query}")).json())["items"]]


async def decided(api: Api, number: str, once: str, **body: Any) -> Any:
    return await api.post(f"/reviews/{number}/decision", body, once=once)


async def test_bonuses_of_one_cause_wait_as_one_with_their_score_and_parts(api: Api) -> None:
    anna, _ = await referred(api)
    await held_for_review(api, "1002", friend="9002")
    last = await held_for_review(api, "1003", friend="9003")
    (item,) = (await (await api.get("/reviews")).json())["items"]
    assert {name: item[name] for name in item if name not in {"bonuses", "since"}} == {
        "review": last, "customer": anna, "cause": "orders_per_ip", "score": 90,
        "signals": [part | {"bonuses": 2} for part in SIGNALS],
        "amounts": [{"currency": "EUR", "amount_minor": 3000}],
    }  # fmt: skip
    assert len(item["bonuses"]) == 2


async def test_a_decision_holds_for_what_was_seen_and_for_nothing_later(api: Api) -> None:
    anna, _ = await referred(api)
    seen = await held_for_review(api, "1002", friend="9002")
    later = await held_for_review(api, "1003", friend="9003")
    answer = await decided(api, seen, "1", decision="reject", why="misuse")
    assert (answer.status, (await answer.json())["status"]) == (200, "turned_down")
    assert await waiting(api, f"?customer={anna}") == [later]
    (event,) = [row for row in rows(api.web.database, AuditEvent) if row["action"] == "bonus:review"]
    assert (event["actor"], event["after"]["why"]) == ("key:kassa", "misuse")


async def test_it_is_decided_once_however_often_it_is_asked(api: Api) -> None:
    await referred(api)
    number = await held_for_review(api, "1002", friend="9002")
    first, again = [await decided(api, number, "1", decision="reject", why="own") for _ in range(2)]
    assert (first.status, await first.json()) == (again.status, await again.json())
    assert await code_of(await decided(api, number, "2", decision="reject", why="own")) == (409, "review_decided")
    assert (await decided(api, number, "3", decision="approve")).status == 200  # after all
    assert await code_of(await decided(api, number, "4", decision="approve")) == (409, "review_decided")
    assert await code_of(await decided(api, number, "1", decision="approve")) == (409, "idempotency_key_reused")


async def test_pages_lead_on_to_the_last(api: Api) -> None:
    await referred(api)
    causes = ("orders_per_ip", "household", "circle")
    numbers = [
        await held_for_review(api, str(2000 + at), friend=str(9100 + at), signals=[{"code": cause, "points": 60}])
        for at, cause in enumerate(causes)
    ]
    first = await (await api.get("/reviews?limit=2")).json()
    assert [item["review"] for item in first["items"]] == [numbers[2], numbers[1]]
    assert await waiting(api, f"?limit=2&cursor={first['next_cursor']}") == [numbers[0]]


async def test_who_may_not_and_what_makes_no_sense_is_refused(api: Api) -> None:
    await referred(api)
    number = await held_for_review(api, "1002", friend="9002")
    (plain,) = [row["id"] for row in rows(api.web.database, Bonus) if row["review"] == "none"]
    unseen = api.web.programme.number("review", plain)
    cases: list[tuple[str, Any, tuple[int, str]]] = [
        (number, {}, (422, "invalid_body")),
        (number, {"decision": ["approve"]}, (422, "invalid_body")),
        (number, {"decision": "reject"}, (422, "invalid_body")),
        (number, {"decision": "reject", "why": ["own"]}, (422, "invalid_body")),
        (number, {"decision": "approve", "why": "own"}, (422, "invalid_body")),
        (unseen, {"decision": "approve"}, (404, "unknown_review")),
        (api.web.programme.number("review", 2**62), {"decision": "approve"}, (404, "unknown_review")),
        (api.web.programme.number("bonus", plain), {"decision": "approve"}, (404, "unknown_review")),
    ]
    for at, (which, body, refusal) in enumerate(cases):
        assert await code_of(await decided(api, which, f"case {at}", **body)) == refusal, body
    assert await code_of(await api.post(f"/reviews/{number}/decision", {})) == (422, "idempotency_key_required")
    reader = make_key(api.web, "reviews:read")
    refused = await api.post(f"/reviews/{number}/decision", {"decision": "approve"}, once="r", key=reader)
    assert await code_of(refused) == (403, "scope_missing")
    assert await waiting(api) == [number]
