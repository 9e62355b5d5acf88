from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlmodel import Session, select

from referrals.keys import create_key, revoke_key
from referrals.people.tokens import token_state
from referrals.web.api import ROUTES
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.installation import IdempotencyKey
from storage.mailbox import Inbox
from storage.orders import Order
from tests.payloads import payload
from tests.referrals.web.conftest import CONFIG, Web, close_web, make_programme, open_web

ANNA: dict[str, Any] = {
    "shop": "winkel",
    "id": "77",
    "email": "anna@example.com",
    "first_name": "Anna",
    "ambassador": True,
}
ORDER = json.loads(payload("standard/order_paid"))["data"] | {"shop": "atelier"}
CREATED = "2026-11-24T09:58:00+01:00"


@dataclass
class Api:
    """The API as a shop's program meets it."""

    web: Web
    key: str

    async def ask(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        once: str | None = None,
        key: str | None = None,
        **headers: str,
    ) -> ClientResponse:
        sent = {"Authorization": f"Bearer {self.key if key is None else key}", **headers}
        if once is not None:
            sent["Idempotency-Key"] = once
        body = None if data is None else json.dumps(data).encode()
        return await self.web.ask(method, f"/api/v1{path}", data=body, headers=sent)

    async def get(self, path: str, **options: Any) -> ClientResponse:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, data: Any = None, **options: Any) -> ClientResponse:
        return await self.ask("POST", path, data, **options)

    async def made(self, **fields: Any) -> dict[str, Any]:
        answer = await self.post("/customers", ANNA | fields)
        assert answer.status in {200, 201}
        body: dict[str, Any] = await answer.json()
        return body


def make_key(web: Web, *scopes: str) -> str:
    key, _ = web.database.run(
        create_key, name="kassa", scopes=scopes, actor="command", programme=web.programme, now=web.clock.programme()
    )
    return str(key)


def rows(database: Database, table: type[Any]) -> list[dict[str, Any]]:
    def read(session: Session) -> list[dict[str, Any]]:
        return [row.model_dump() for row in session.exec(select(table)).all()]

    return database.look(read)


@pytest.fixture
async def api(web: Web) -> Api:
    """A key that may do everything."""
    return Api(web, make_key(web))


async def code_of(answer: ClientResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    problem = await answer.json()
    assert problem.keys() >= {"type", "title", "status", "code", "detail"}
    assert problem["status"] == answer.status
    return answer.status, problem["code"]


# Who may.


@pytest.mark.parametrize("key", ["", "amb_wrong", "é"])
async def test_without_a_valid_key_nothing_opens(api: Api, key: str) -> None:
    for method, path, _, _ in ROUTES:
        answer = await api.ask(method, path.replace("{number}", "K7QX3").replace("{delivery}", "1"), key=key)
        assert await code_of(answer) == (401, "unauthorised")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_revoked_key_opens_nothing(api: Api) -> None:
    api.web.database.run(revoke_key, 1, actor="command", now=api.web.clock.programme())
    assert await code_of(await api.get("/referrals")) == (401, "unauthorised")


async def test_each_address_needs_its_scope(api: Api) -> None:
    for method, path, scope, _ in ROUTES:
        other = make_key(api.web, "leaderboard:read" if scope != "leaderboard:read" else "orders:write")
        answer = await api.ask(method, path.replace("{number}", "K7QX3").replace("{delivery}", "1"), key=other)
        assert await code_of(answer) == (403, "scope_missing")


async def test_a_key_asks_six_hundred_times_a_minute(api: Api) -> None:
    """Published limit: 600 API requests a minute per key, 429 with Retry-After."""
    for _ in range(600):
        api.web.door.api_requests.spend("1", at=0)
    api.web.door.api_requests._windows["1"] = (10**12, 600)
    answer = await api.get("/leaderboard")
    assert await code_of(answer) == (429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await api.get("/leaderboard", key=make_key(api.web))).status == 200


async def test_guessing_keys_is_slowed_down(api: Api) -> None:
    answers = [await api.get("/leaderboard", key="amb_guess") for _ in range(61)]
    assert [answer.status for answer in answers] == [401] * 60 + [429]
    assert (await api.get("/leaderboard")).status == 200


async def test_an_unknown_address_is_a_problem(api: Api) -> None:
    cases = [
        "",
        "/",
        "/voucher",
        "/customers/K7QX3/nothing",
        "/%2e%2e",
        "/x%0Ay",
    ]
    for path in cases:
        assert await code_of(await api.get(path)) == (404, "not_found")


async def test_another_method_is_a_problem_that_names_the_right_ones(api: Api) -> None:
    answer = await api.ask("DELETE", "/referrals")
    assert await code_of(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST"


# Customers.


async def test_a_customer_is_made_once_and_then_the_same(api: Api) -> None:
    first, again = await api.post("/customers", ANNA), await api.post("/customers", ANNA)
    assert (first.status, again.status) == (201, 200)
    one, other = await first.json(), await again.json()
    assert one == other
    assert one["code"] in one["links"]["web"]
    assert one["links"].keys() == {"web", "chat", "page"}
    assert rows(api.web.database, Inbox)[0]["kind"] == "api"


async def test_a_code_is_only_made_on_request(api: Api) -> None:
    """Rule 18: by the API with "ambassador": true."""
    assert (await api.made(ambassador=False))["code"] is None
    assert (await api.made(ambassador=True))["code"] is not None


async def test_a_customer_is_shown_with_balances_standing_and_state(api: Api) -> None:
    number = (await api.made())["customer"]
    shown = await (await api.get(f"/customers/{number.lower()}")).json()
    assert shown["customer"] == number
    nothing = dict.fromkeys(("held_minor", "available_minor", "reserved_minor", "redeemed_minor", "debt_minor"), 0)
    assert shown["balances"] == {"EUR": nothing}
    assert (shown["state"], shown["first_name"]) == ("active", "Anna")
    assert shown["standing"]["friends"] == 0
    assert "email" not in json.dumps(shown)


async def test_a_number_that_was_never_given_out_is_404(api: Api) -> None:
    cases = [
        "K7QX3",
        "AAAAA",
        "1",
        "x" * 500,
        "%00",
        "1'; DROP TABLE customer;--",
    ]
    for number in cases:
        assert await code_of(await api.get(f"/customers/{number}")) == (404, "unknown_customer")
        assert await code_of(await api.post(f"/customers/{number}/connect-link")) == (404, "unknown_customer")


async def test_a_senseless_customer_is_422(api: Api) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"shop": "elders"}, "unknown_shop"),
        ({"shop": None}, "unknown_shop"),
        ({"id": None}, "invalid_body"),
        ({"email": 7}, "invalid_body"),
        ({"marketing_consent": "yes"}, "invalid_body"),
        ({"ambassador": 1}, "invalid_body"),
        ({"created_at": "2026-11-24"}, "invalid_body"),
        ({"codes": "ANNA"}, "invalid_body"),
    ]
    for fields, code in cases:
        assert await code_of(await api.post("/customers", ANNA | fields)) == (422, code)
        assert rows(api.web.database, Inbox) == []


async def test_a_body_that_is_no_json_object_is_400(api: Api) -> None:
    cases = [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"id":NaN}',
        b'{"id":"\\ud800"}',
        b"\xff",
    ]
    for body in cases:
        for path in ("/customers", "/orders", "/orders/batch", "/orders/dry-run"):
            headers = {"Authorization": f"Bearer {api.key}"}
            answer = await api.web.post(f"/api/v1{path}", body, headers=headers)
            assert await code_of(answer) == (400, "invalid_json")


async def test_a_body_that_is_too_big_is_413(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key}"}
    answer = await api.web.ask("POST", "/api/v1/customers", data=BytesIO(b"x" * 2_000_000), headers=headers)
    assert await code_of(answer) == (413, "body_too_large")


# The link into the chat.


async def test_a_connect_link_carries_a_fresh_token(api: Api) -> None:
    number = (await api.made())["customer"]
    answer = await api.post(f"/customers/{number}/connect-link")
    body = await answer.json()
    assert answer.status == 201
    assert body["url"].startswith("https://t.me/noord_bot?start=c_")
    token = body["url"].partition("c_")[2]
    assert api.web.database.look(token_state, token, chat_id=1, machine_now=api.web.clock.machine()) == "fresh"
    assert datetime.fromisoformat(body["expires_at"]) - api.web.clock.machine() == timedelta(days=30)


async def test_without_a_bot_there_is_no_connect_link(database: Database) -> None:
    """Rule 22: connect-link answers 503 bot_unknown."""
    web = await open_web(database, make_programme(database, {**CONFIG, "telegram": {}}))
    try:
        api = Api(web, make_key(web))
        number = (await api.made())["customer"]
        answer = await api.post(f"/customers/{number}/connect-link")
        assert await code_of(answer) == (503, "bot_unknown")
        assert int(answer.headers["Retry-After"]) >= 1
    finally:
        await close_web(web)


async def test_a_one_time_link_is_not_kept_in_clear(api: Api) -> None:
    """Rule 40: one-time URLs not kept in clear, and still the same reply for 24 hours."""
    number = (await api.made())["customer"]
    one = await (await api.post(f"/customers/{number}/connect-link", once="letter-1")).json()
    other = await (await api.post(f"/customers/{number}/connect-link", once="letter-1")).json()
    assert one == other
    token = one["url"].partition("c_")[2]
    assert token not in str(rows(api.web.database, IdempotencyKey))
    third = await (await api.post(f"/customers/{number}/connect-link", once="letter-2")).json()
    assert third["url"] != one["url"]


# Orders.


async def test_an_order_by_the_api_is_an_order_by_the_hook(api: Api) -> None:
    answer, again = await api.post("/orders", ORDER), await api.post("/orders", ORDER)
    assert (answer.status, again.status) == (200, 200)
    body = await answer.json()
    assert (body["status"], body["order"]) == ("applied", "1001")
    assert (await again.json())["status"] == "unchanged"
    assert all(reason["text"] and reason["code"] for reason in body["reasons"])
    assert rows(api.web.database, Order)[0]["shop"] == "atelier"


async def test_a_senseless_order_is_422(api: Api) -> None:
    cases = [
        {"status": "eaten"},
        {"total": "-1"},
        {"total": "1.001"},
        {"id": ""},
        {"currency": "XXQ"},
        {"total": 10**30},
    ]
    for fields in cases:
        assert await code_of(await api.post("/orders", ORDER | fields)) == (422, "invalid_body")
        assert await code_of(await api.post("/orders/dry-run", ORDER | fields)) == (422, "invalid_body")


@pytest.mark.parametrize("once", [None, "batch-1"])
async def test_in_a_batch_a_senseless_order_is_refused_alone(api: Api, once: str | None) -> None:
    given = [ORDER, {**ORDER, "id": "1002", "total": "-1"}, {**ORDER, "id": "1003"}, "order"]
    results = (await (await api.post("/orders/batch", {"orders": given}, once=once)).json())["results"]
    assert [each["status"] for each in results] == ["applied", "refused", "applied", "refused"]
    assert [each.get("order") for each in results] == ["1001", None, "1003", None]
    assert len(rows(api.web.database, Order)) == 2


async def test_a_batch_has_one_to_two_hundred_orders(api: Api) -> None:
    cases: list[Any] = [
        None,
        [],
        {},
        "1001",
        [{}] * 201,
    ]
    for orders in cases:
        assert await code_of(await api.post("/orders/batch", {"orders": orders})) == (422, "invalid_body")


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(api: Api) -> None:
    anna = await api.made(id="1", created_at="2026-01-01T00:00:00Z")
    order = ORDER | {"codes": [anna["code"]], "ref": None, "click": None}
    answer = await api.post("/orders/dry-run", order)
    would = await answer.json()
    assert answer.status == 200
    assert would["ambassador"] == anna["customer"]
    assert (would["bonus_minor"], would["currency"]) == (1500, "EUR")
    assert rows(api.web.database, Order) == []


# Asked twice.


async def test_the_same_request_with_the_same_key_has_one_effect_and_one_reply(api: Api) -> None:
    """Rule 40: same reply for 24 h."""
    one = await api.post("/customers", ANNA, once="k1")
    other = await api.post("/customers", ANNA, once="k1")
    assert (one.status, other.status) == (201, 201)
    assert await one.read() == await other.read()
    assert len(rows(api.web.database, Inbox)) == 1


async def test_the_same_key_with_another_body_is_409(api: Api) -> None:
    """Rule 40: 409 on another body."""
    await api.post("/customers", ANNA, once="k1")
    answer = await api.post("/customers", ANNA | {"first_name": "Anne"}, once="k1")
    assert await code_of(answer) == (409, "idempotency_key_reused")


async def test_a_key_counts_for_its_caller_and_address_only(api: Api) -> None:
    """Rule 40: scope (API key, method, path, key)."""
    await api.post("/customers", ANNA, once="k1")
    assert (await api.post("/orders", ORDER, once="k1")).status == 200
    assert (await api.post("/customers", ANNA, once="k1", key=make_key(api.web))).status == 200


async def test_after_a_day_a_key_is_free_again(api: Api) -> None:
    """Rule 40: 24 hours of the machine's clock."""
    await api.post("/customers", ANNA, once="k1")
    api.web.clock.moment += timedelta(hours=25)
    assert (await api.post("/customers", ANNA | {"first_name": "Anne"}, once="k1")).status == 200


async def test_a_refusal_is_not_kept(api: Api) -> None:
    """Rule 40: no 5xx kept; what was refused may be asked again."""
    assert (await api.post("/customers", ANNA | {"shop": "elders"}, once="k1")).status == 422
    assert (await api.post("/customers", ANNA, once="k1")).status == 201


async def test_twenty_at_once_have_one_effect(api: Api) -> None:
    """Rule 40: in flight → 409."""
    answers = await asyncio.gather(*(api.post("/customers", ANNA, once="k1") for _ in range(20)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert any(answer.status == 201 for answer in answers)
    assert len(rows(api.web.database, Inbox)) == 1


async def test_an_idempotency_key_is_short_printable_ascii(api: Api) -> None:
    cases = [
        "",
        "x" * 256,
        "é",
    ]
    for once in cases:
        assert await code_of(await api.post("/customers", ANNA, once=once)) == (422, "idempotency_key_invalid")


# Referrals.


async def referred(api: Api) -> tuple[str, str]:
    """Anna and her friend Bram, who ordered with her code."""
    anna = await api.made(id="1", created_at="2026-01-01T00:00:00Z")
    order = ORDER | {"codes": [anna["code"]], "ref": None, "click": None}
    bram = await (await api.post("/orders", order)).json()
    return anna["customer"], bram["customer"]


async def test_a_referral_is_listed_with_status_evidence_reasons_and_bonus(api: Api) -> None:
    anna, bram = await referred(api)
    listed = await (await api.get(f"/referrals?customer={anna}", **{"Accept-Language": "en"})).json()
    (item,) = listed["items"]
    assert (item["status"], item["customer"], item["friend"]) == ("on_hold", anna, bram)
    assert item["evidence"]["kind"] == "code"
    assert item["bonus"]["amount_minor"] == 1500
    assert item["reasons"][0]["text"]
    assert listed["next_cursor"] is None
    shown = await (await api.get(f"/referrals/{item['referral']}")).json()
    assert shown["orders"][0]["order"] == "1001"
    assert "bram@example.com" not in json.dumps([listed, shown])


async def test_pages_lead_from_one_to_the_next(api: Api) -> None:
    anna = await api.made(id="1", created_at="2026-01-01T00:00:00Z")
    for number in range(5):
        order = {**ORDER, "id": str(number), "customer": {"id": str(100 + number)}, "codes": [anna["code"]]}
        await api.post("/orders", order | {"ref": None, "click": None})
    seen, cursor = [], ""
    for _ in range(3):
        page = await (await api.get(f"/referrals?limit=2{cursor}")).json()
        seen += [item["referral"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert len(set(seen)) == 5
    assert page["next_cursor"] is None


async def test_a_senseless_question_is_a_problem(api: Api) -> None:
    cases = [
        ("limit=0", 422, "invalid_limit"),
        ("limit=201", 422, "invalid_limit"),
        ("limit=²", 422, "invalid_limit"),
        ("limit=" + "9" * 5000, 422, "invalid_limit"),
        ("limit=000000001" + "9" * 30, 422, "invalid_limit"),
        ("cursor=nonsense", 422, "invalid_cursor"),
        ("customer=nobody", 404, "unknown_customer"),
    ]
    for query, status, code in cases:
        assert await code_of(await api.get(f"/referrals?{query}")) == (status, code)


async def test_a_referral_by_hand_needs_a_key_and_a_reason(api: Api) -> None:
    """Rule 40: required (422) for by-hand referrals."""
    anna, bram = (await api.made(id="1"))["customer"], (await api.made(id="2", email="bram@example.com"))["customer"]
    pair = {"ambassador": anna, "friend": bram, "why": "zei het aan de telefoon"}
    assert await code_of(await api.post("/referrals", pair)) == (422, "idempotency_key_required")
    assert await code_of(await api.post("/referrals", pair | {"why": " "}, once="h0")) == (422, "invalid_body")
    one, again = await api.post("/referrals", pair, once="h1"), await api.post("/referrals", pair, once="h1")
    assert (one.status, again.status) == (201, 201)
    assert await one.json() == await again.json()
    assert (await one.json())["evidence"]["kind"] == "by_hand"
    noted = [row for row in rows(api.web.database, AuditEvent) if row["action"] == "referral:by_hand"]
    assert [row["actor"] for row in noted] == ["key:kassa"]


async def test_a_referral_by_hand_may_name_the_order(api: Api) -> None:
    anna = (await api.made(id="1"))["customer"]
    pair = {"ambassador": anna, "order": {"shop": "atelier", "id": "1001"}, "why": "noemde Anna bij het afhalen"}
    assert await code_of(await api.post("/referrals", pair, once="h1")) == (404, "unknown_order")
    await api.post("/orders", ORDER | {"codes": [], "ref": None, "click": None})
    assert (await api.post("/referrals", pair, once="h1")).status == 201


async def test_nobody_is_brought_by_themselves(api: Api) -> None:
    anna = (await api.made(id="1"))["customer"]
    pair = {"ambassador": anna, "friend": anna, "why": "?"}
    assert await code_of(await api.post("/referrals", pair, once="h1")) == (409, "own_account")


async def test_a_senseless_referral_is_422(api: Api) -> None:
    cases: list[dict[str, Any]] = [
        {"ambassador": None},
        {"ambassador": 5},
        {"friend": "nobody"},
        {"friend": None},
        {"friend": None, "order": "1"},
    ]
    for fields in cases:
        anna, bram = (
            (await api.made(id="1"))["customer"],
            (await api.made(id="2", email="bram@example.com"))["customer"],
        )
        pair = {"ambassador": anna, "friend": bram, "why": "zei het"} | fields
        assert (await api.post("/referrals", pair, once="h1")).status == 422


# The board.


async def test_the_leaderboard_has_the_shape_of_the_command(api: Api) -> None:
    anna, _ = await referred(api)
    board = await (await api.get("/leaderboard?period=month&at=2026-11-24T10:00:00+01:00&top=5")).json()
    assert board["period"] == "month"
    assert board.keys() >= {"from", "until", "rows"}
    (row,) = board["rows"]
    assert (row["customer"], row["pending"], row["friends"]) == (anna, 1, 0)


async def test_a_board_of_long_ago_has_times_that_can_be_read(api: Api) -> None:
    """A place went by its own sun then, to the second; RFC 3339 has no seconds in an offset."""
    board = await (await api.get("/leaderboard?period=1800-06")).json()
    assert [board[end][19:] for end in ("from", "until")] == ["+00:00"] * 2


async def test_a_senseless_board_is_422(api: Api) -> None:
    cases = [
        ("period=decade", "unknown_period"),
        ("period=0001", "unknown_period"),
        ("at=9999-12-31T23:59:59Z", "unknown_period"),
        ("at=soon", "invalid_time"),
        ("top=0", "invalid_limit"),
        ("top=000000001" + "9" * 30, "invalid_limit"),
    ]
    for query, code in cases:
        assert await code_of(await api.get(f"/leaderboard?{query}")) == (422, code)
