"""Vouchers over the API (rules 9 and 40): made, asked about, redeemed, rolled back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from referrals.recruiting.orders import Arrival, apply_orders
from referrals.recruiting.shops import Buyer, OrderState
from referrals.rewarding.release import due_bonuses, release_bonuses
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.installation import IdempotencyKey
from tests.referrals.web.conftest import CONFIG, Web, close_web, make_programme, open_web
from tests.referrals.web.test_api import Api, code_of, make_key, rows

OPEN = {"customer": "K7QX3", "code": "AAAA-AAAA-AAAA", "shop": "winkel", "order": "1"}


@pytest.fixture
async def api(web: Web) -> Api:
    return Api(web, make_key(web, "vouchers:write", "customers:write", "customers:read"))


async def anna(api: Api) -> str:
    """Anna's number; a friend's order long ago has brought her € 15."""
    made = await api.made()
    database, programme, now = api.web.database, api.web.programme, api.web.clock.programme()
    ago = datetime.fromisoformat("2026-09-01T10:00:00+02:00")
    state = OrderState(
        shop="winkel", id="900", status="paid", currency="EUR", total_minor=9000, base_minor=9000, refunded_minor=0,
        created_at=ago, paid_at=ago, updated_at=ago, buyer=Buyer("78", "bram@example.com", orders=1),
        codes=(made["code"],),
    )  # fmt: skip
    database.run(apply_orders, [Arrival(state, ago)], programme=programme, now=ago)
    due = database.look(due_bonuses, programme=programme, now=now, limit=9)
    assert database.run(release_bonuses, due, programme=programme, now=now) == 1
    number: str = made["customer"]
    return number


async def say(api: Api, path: str, once: str, **data: Any) -> tuple[int, dict[str, Any]]:
    answer = await api.post(path, data, once=once)
    return answer.status, await answer.json()


async def balance(api: Api, number: str) -> dict[str, int]:
    shown = await (await api.get(f"/customers/{number}")).json()
    return {name.removesuffix("_minor"): minor for name, minor in shown["balances"]["EUR"].items() if minor}


async def test_from_credit_to_a_voucher_to_an_order_and_back(api: Api) -> None:
    number = await anna(api)

    status, made = await say(api, "/vouchers", "1", customer=number, amount_minor=1200, currency="EUR")
    code = made.pop("code")
    assert (status, made["status"], made["left_minor"]) == (201, "standing", 1200)
    assert await balance(api, number) == {"available": 300, "reserved": 1200}

    _, asked = await say(api, "/vouchers/validate", "2", code=code.lower())
    assert asked == {"valid": True, "voucher": made, "reasons": []}

    order = {"code": code, "shop": "winkel", "order": "1001"}
    status, used = await say(api, "/vouchers/redeem", "3", **order, amount_minor=700, currency="EUR")
    assert status == 200
    assert (used["amount_minor"], used["returned_minor"], used["status"]) == (700, 500, "redeemed")
    assert (used["voucher"]["status"], used["voucher"]["left_minor"]) == ("redeemed", 0)
    assert await balance(api, number) == {"available": 800, "redeemed": 700}

    _, back = await say(api, "/vouchers/rollback", "4", **order)
    assert (back["status"], back["voucher"]["left_minor"]) == ("rolled_back", 1200)
    assert await balance(api, number) == {"available": 300, "reserved": 1200}

    events = rows(api.web.database, AuditEvent)[-3:]
    assert [event["action"] for event in events] == ["voucher:issue", "voucher:redeem", "voucher:rollback"]
    assert {event["actor"] for event in events} == {"key:kassa"}
    stored = str(events) + str(rows(api.web.database, IdempotencyKey))
    assert code not in stored
    assert code.replace("-", "") not in stored


async def test_what_cannot_be_redeemed_says_why(api: Api) -> None:
    number = await anna(api)
    _, made = await say(api, "/vouchers", "1", customer=number)
    code = made["code"]
    await say(api, "/vouchers/redeem", "2", code=code, shop="winkel", order="1001")

    _, asked = await say(api, "/vouchers/validate", "3", code=code)
    _, unknown = await say(api, "/vouchers/validate", "4", code="HELLO")
    again = await api.post("/vouchers/redeem", {"code": code, "shop": "winkel", "order": "1002"}, once="5")

    assert [why["code"] for why in asked["reasons"]] == ["voucher_redeemed"]
    assert "gebruikt" in asked["reasons"][0]["text"]
    assert (unknown["valid"], unknown["voucher"], unknown["reasons"][0]["code"]) == (False, None, "unknown_code")
    assert await code_of(again) == (409, "voucher_redeemed")


async def test_a_repeated_request_has_one_effect_and_one_reply(api: Api) -> None:
    """Rule 40: the same key the same reply, and without a key nothing."""
    number = await anna(api)
    said = {"customer": number, "amount_minor": 500, "currency": "EUR"}

    assert await say(api, "/vouchers", "1", **said) == await say(api, "/vouchers", "1", **said)
    assert await balance(api, number) == {"available": 1000, "reserved": 500}
    for path in ("", "/validate", "/redeem", "/rollback"):
        assert await code_of(await api.post(f"/vouchers{path}", OPEN)) == (422, "idempotency_key_required")


@pytest.mark.parametrize(
    "path, changes, problem",
    [
        ("", {}, (404, "unknown_customer")),
        ("", {"customer": None}, (404, "unknown_customer")),
        ("/redeem", {}, (404, "unknown_voucher")),
        ("/rollback", {}, (404, "unknown_voucher")),
        ("/validate", {"code": 12}, (422, "invalid_body")),
        ("/validate", {"code": ""}, (422, "invalid_body")),
        ("/redeem", {"order": None}, (422, "invalid_body")),
        ("/redeem", {"shop": "elsewhere"}, (422, "unknown_shop")),
        ("/redeem", {"rest": "lose"}, (422, "invalid_body")),
        ("/redeem", {"rest": ["keep"]}, (422, "invalid_body")),
        ("/redeem", {"amount_minor": 5}, (422, "invalid_body")),
        *(
            ("/redeem", {"amount_minor": amount, "currency": "EUR"}, (422, "invalid_body"))
            for amount in (0, -1, 1.5, True, "5", 2**60)
        ),
        ("/redeem", {"currency": "eur"}, (422, "invalid_body")),
    ],
)
async def test_what_makes_no_sense_is_a_problem(
    api: Api, path: str, changes: dict[str, Any], problem: tuple[int, str]
) -> None:
    answer = await api.post(f"/vouchers{path}", OPEN | changes, once="1")
    assert await code_of(answer) == problem


async def test_more_than_there_is_and_another_currency_are_refused(api: Api) -> None:
    number = await anna(api)
    much = await api.post("/vouchers", {"customer": number, "amount_minor": 1501, "currency": "EUR"}, once="1")
    dollars = await api.post("/vouchers", {"customer": number, "currency": "USD"}, once="2")
    _, made = await say(api, "/vouchers", "3", customer=number)
    order = {"code": made["code"], "shop": "winkel", "order": "1"}
    other = await api.post("/vouchers/redeem", order | {"currency": "USD"}, once="4")
    more = await api.post("/vouchers/redeem", order | {"amount_minor": 1501, "currency": "EUR"}, once="5")

    found = [await code_of(each) for each in (much, dollars, other, more)]
    assert found == [(409, code) for code in ("not_enough_credit",) * 2 + ("other_currency", "voucher_worth_less")]


@pytest.mark.parametrize("stackable", [(), ("credit",)])
async def test_one_order_uses_one_code_unless_the_owner_lets_them_go_together(
    database: Database, stackable: tuple[str, ...]
) -> None:
    """R5: the refusal names the code that blocks; said again, the first one is still the order's."""
    web = await open_web(database, make_programme(database, CONFIG | {"vouchers": {"stackable_with": list(stackable)}}))
    api = Api(web, make_key(web, "vouchers:write", "customers:write", "customers:read"))
    number = await anna(api)
    codes = [
        (await say(api, "/vouchers", once, customer=number, amount_minor=500, currency="EUR"))[1]["code"]
        for once in "12"
    ]
    order = {"shop": "winkel", "order": "1001"}
    assert (await say(api, "/vouchers/redeem", "3", code=codes[0], **order))[0] == 200
    _, asked = await say(api, "/vouchers/validate", "4", code=codes[1], **order)
    _, elsewhere = await say(api, "/vouchers/validate", "5", code=codes[1], shop="winkel", order="1002")
    status, said = await say(api, "/vouchers/redeem", "6", code=codes[1], **order)
    again, _ = await say(api, "/vouchers/redeem", "7", code=codes[0], **order)
    await close_web(web)
    assert (again, elsewhere["valid"], asked["valid"]) == (200, True, bool(stackable))
    refused = [] if stackable else ["not_stackable"]
    assert ([why["code"] for why in asked["reasons"]], status) == (refused, 200 if stackable else 409)
    assert all(
        codes[0][-4:] in text for text in (*(why["text"] for why in asked["reasons"]), said.get("detail", codes[0]))
    )
