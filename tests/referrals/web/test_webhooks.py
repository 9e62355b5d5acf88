"""Webhooks over the API: made, shown, changed, rotated, asked for a ping, sent anew, and no secret twice (rules 40)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from standardwebhooks import Webhook as Reference

from referrals.clock import Clock
from referrals.outside.webhooks import WebhookSender
from referrals.subscribers.deliveries import Settled, claim_deliveries, settle_deliveries
from referrals.subscribers.events import TYPES
from referrals.subscribers.schedule import Attempt
from referrals.tasks import Tasks
from referrals.web.api.messages import MEANINGS, MESSAGES
from storage.installation import IdempotencyKey
from tests.referrals.web.conftest import Web
from tests.referrals.web.test_api import ANNA, ORDER, Api, make_key, rows
from tests.referrals.web.test_openapi import DOCUMENT, undocumented, with_credit

URL = "https://hooks.example/told"


@pytest.fixture
async def api(web: Web) -> Api:
    return Api(web, make_key(web, "webhooks:read", "webhooks:write"))


async def make(api: Api, once: str = "1", **data: Any) -> tuple[int, dict[str, Any]]:
    answer = await api.post("/webhooks", {"url": URL} | data, once=once)
    return answer.status, await answer.json()


async def get(api: Api, path: str) -> Any:
    return await (await api.get(path)).json()


async def test_the_secret_is_in_the_answer_that_makes_it_and_in_no_other(api: Api) -> None:
    status, made = await make(api, events=["bonus.held"])
    assert (status, made["events"], made["enabled"]) == (201, ["bonus.held"], True)
    secret = made.pop("secret")
    Reference(secret)  # which refuses what is no secret
    assert await make(api, events=["bonus.held"]) == (201, made | {"secret": secret})  # asked again under the same key
    number = made["webhook"]
    assert await get(api, f"/webhooks/{number}") == made
    assert (await get(api, "/webhooks"))["items"] == [made]
    bare = secret.removeprefix("whsec_")
    assert bare not in str(rows(api.web.database, IdempotencyKey))

    rotated = await (await api.post(f"/webhooks/{number}/rotate", once="2")).json()
    assert rotated["secret"] not in (secret, None)
    assert datetime.fromisoformat(rotated["old_secret_until"]) > Clock().machine() + timedelta(hours=23)


@pytest.mark.parametrize(
    "data,code",
    [({"url": "http://hooks.example/"}, "invalid_url"), ({"url": "https://10.0.0.1/"}, "invalid_url"),
     ({"url": 7}, "invalid_body"), ({"events": ["bonus.hold"]}, "unknown_event"), ({"events": "*"}, "invalid_body")],
)  # fmt: skip
async def test_what_cannot_be_is_refused_in_words(api: Api, data: dict[str, Any], code: str) -> None:
    status, problem = await make(api, **data)
    assert (status, problem["code"]) == (422, code)
    assert len(problem["detail"].split()) > 3


async def test_it_is_changed_switched_off_and_deleted(api: Api) -> None:
    number = (await make(api))[1]["webhook"]
    changed = await (await api.ask("PATCH", f"/webhooks/{number}", {"enabled": False, "events": ["*"]})).json()
    assert (changed["enabled"], changed["disabled_because"], changed["events"]) == (False, "by_hand", ["*"])
    answer = await api.post(f"/webhooks/{number}/ping", once="2")
    assert (answer.status, (await answer.json())["code"]) == (409, "webhook_off")
    assert (await api.ask("PATCH", f"/webhooks/{number}", {"enabled": 1})).status == 422
    assert (await api.ask("DELETE", f"/webhooks/{number}")).status == 200
    assert (await api.ask("DELETE", f"/webhooks/{number}")).status == 404
    assert (await get(api, "/webhooks"))["items"] == []


async def test_deliveries_are_paged_filtered_and_sent_anew(api: Api) -> None:
    number = (await make(api))[1]["webhook"]
    for once in "abc":
        assert (await api.post(f"/webhooks/{number}/ping", once=once)).status == 202
    database, programme = api.web.database, api.web.programme
    first, *_ = database.run(claim_deliveries, programme=programme)
    item = Settled(first.delivery_id, first.endpoint_id, 1, Attempt(204, 9), api.web.clock.programme())
    database.run(settle_deliveries, [item], programme=programme)

    path = f"/webhooks/{number}/deliveries"
    page = await get(api, f"{path}?limit=2")
    rest = await get(api, f"{path}?cursor={page['next_cursor']}")
    assert [len(each["items"]) for each in (page, rest)] == [2, 1]
    (done,) = (await get(api, f"{path}?status=delivered"))["items"]
    assert (done["event"], done["last_status"], done["log"][0]["ms"]) == (first.message_id, 204, 9)
    assert (await get(api, f"{path}?status=lost"))["code"] == "invalid_status"
    answer = await api.post(f"{path}/{done['delivery']}/redeliver", once="d")
    assert (answer.status, (await answer.json())["status"]) == (202, "pending")
    assert (await api.post(f"{path}/ZZZZZ/redeliver", once="e")).status == 404


@pytest.mark.parametrize("method,path", [("POST", "/webhooks"), ("DELETE", "/webhooks/K7QX3")])
async def test_who_may_only_read_changes_nothing(web: Web, method: str, path: str) -> None:
    api = Api(web, make_key(web, "webhooks:read"))
    assert (await api.ask(method, path, {"url": URL}, once="1")).status == 403


def test_the_document_describes_every_message() -> None:
    assert list(MESSAGES) == list(MEANINGS) == list(TYPES)
    assert list(DOCUMENT["webhooks"]) == list(TYPES)


async def test_what_is_sent_is_what_the_document_says(web: Web) -> None:
    """A bonus from the hold to its reversal, a voucher to its redemption, a sign-up, an erasure: field by field."""
    api = Api(web, make_key(web))
    await make(api)
    await live(api)
    sender = WebhookSender(web.database, programme=web.programme, clock=web.clock, say=web.door.say, tasks=Tasks())
    seen = set()
    while sendings := web.database.run(claim_deliveries, programme=web.programme):
        for sending in sendings:
            message = TypeAdapter(MESSAGES[sending.type]).validate_json(sender.body_of(sending))
            operation = DOCUMENT["webhooks"][sending.type]["post"]
            schema = operation["requestBody"]["content"]["application/json"]["schema"]["allOf"][0]
            assert undocumented(schema, message, sending.type) == []
            item = Settled(sending.delivery_id, sending.endpoint_id, 1, Attempt(204, 9), web.clock.programme())
            web.database.run(settle_deliveries, [item], programme=web.programme)
            seen.add(sending.type)
    assert seen >= {"bonus.held", "bonus.available", "bonus.refused", "voucher.made", "voucher.redeemed",
                    "referral.signed_up", "customer.erased"}  # fmt: skip


async def live(api: Api) -> None:
    """Anna brings Bram, spends what that earned, Chris buys too little, and a stranger is erased."""
    made = await api.made()
    await api.post("/customers", {"shop": "atelier", "id": "78", "email": "bram@example.com", "ref": made["code"]})
    buyer = {"id": "78", "email": "bram@example.com", "orders": 1}
    await api.post("/orders", ORDER | {"id": "2001", "customer": buyer, "codes": [made["code"]]})
    chris = {"id": "79", "email": "chris@example.com", "orders": 1}
    await api.post("/orders", ORDER | {"id": "2002", "customer": chris, "codes": [made["code"]], "base": "1.00"})
    code = with_credit(api, api.web.programme.identifier("customer", made["customer"]) or 0)
    await api.post("/vouchers/redeem", {"code": code, "shop": "winkel", "order": "9"}, once="r")
    gone = await (await api.post("/customers", ANNA | {"id": "90", "email": "dirk@example.com"})).json()
    await api.ask("DELETE", f"/customers/{gone['customer']}")
