"""``GET /api/v1/contacts``: what was said, what was not, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from referrals.people.customers import stop
from storage.bulk import insert_rows
from storage.contacts import Contact
from storage.mailbox import Outbox
from tests.referrals.web.conftest import Web
from tests.referrals.web.test_api import Api, code_of, make_key

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture
async def api(web: Web) -> Api:
    """A key that may do everything."""
    return Api(web, make_key(web))


def row(customer_id: int, key: str, **more: Any) -> dict[str, Any]:
    return {
        "key": key, "customer_id": customer_id, "play": key.partition(":")[0], "kind": "referral_ask",
        "status": "not_sent", "reason": "stopped", "cause_at": NOW - timedelta(days=2), "planned_at": NOW,
        "expires_at": NOW + timedelta(days=7), "sent_at": None, "reacted_at": None,
    } | more  # fmt: skip


def write(api: Api, *rows: dict[str, Any]) -> None:
    for each in rows:
        api.web.database.run(insert_rows, Contact, [each])


async def test_every_contact_has_its_moments_and_its_reason_in_the_callers_language(api: Api) -> None:
    """Rules 28 and 29: each message that was not sent says why."""
    customer, _ = api.web.enrol()
    number = api.web.programme.number("customer", customer)
    write(api, row(customer, "t3:order:1"), row(customer, "t6:bonus:1", status="planned", reason=None))
    notice = {"unique_key": "t6:bonus:1", "kind": "tip_share_again", "customer_id": customer, "as_of": NOW,
              "message_class": "at_most_once", "due_at": NOW + timedelta(days=1), "created_at": NOW}  # fmt: skip
    api.web.database.run(insert_rows, Outbox, [notice])
    answer = await api.get(f"/contacts?customer={number}", **{"Accept-Language": "en"})
    planned, stopped = (await answer.json())["items"]
    assert (planned["play"], planned["status"], planned["reasons"]) == ("t6", "planned", [])
    assert planned["due_at"] == (NOW + timedelta(days=1)).isoformat()
    assert stopped == {
        "contact": stopped["contact"], "customer": number, "play": "t3", "kind": "referral_ask", "status": "not_sent",
        "cause_at": "2026-11-22T09:00:00+00:00", "planned_at": "2026-11-24T09:00:00+00:00", "due_at": None,
        "expires_at": "2026-12-01T09:00:00+00:00", "sent_at": None, "reacted_at": None,
        "reasons": [{"code": "stopped", "text": "You opted out with /stop."}],
    }  # fmt: skip


async def test_the_list_is_leafed_through_by_its_cursor(api: Api) -> None:
    anna, _ = api.web.enrol()
    bram, _ = api.web.enrol("Bram", shop_id="2")
    write(api, *(row(bram if n == 2 else anna, f"t3:order:{n}") for n in range(5)))
    mine = f"/contacts?customer={api.web.programme.number('customer', anna)}&limit=3"
    first = await (await api.get(mine)).json()
    second = await (await api.get(f"{mine}&cursor={first['next_cursor']}")).json()
    assert [len(page["items"]) for page in (first, second)] == [3, 1]
    assert second["next_cursor"] is None
    assert len((await (await api.get("/contacts")).json())["items"]) == 5


async def test_unknown_customers_and_cursors_are_problems_and_the_scope_is_asked(api: Api) -> None:
    nobody = api.web.programme.number("customer", 4242)
    assert await code_of(await api.get(f"/contacts?customer={nobody}")) == (404, "unknown_customer")
    assert await code_of(await api.get("/contacts?customer=QQQQQ")) == (404, "unknown_customer")
    assert await code_of(await api.get("/contacts?cursor=QQQQQ")) == (422, "invalid_cursor")
    assert await code_of(await api.get("/contacts?limit=0")) == (422, "invalid_limit")
    other = make_key(api.web, "referrals:read")
    assert await code_of(await api.get("/contacts", key=other)) == (403, "scope_missing")
    assert (await api.get("/contacts", key=make_key(api.web, "contacts:read"))).status == 200


async def test_a_stop_changes_what_is_to_come_and_not_what_was(api: Api) -> None:
    """The log is what happened."""
    customer, _ = api.web.enrol()
    write(api, row(customer, "t9:year:2026", kind="give", status="sent", reason=None, sent_at=NOW))
    api.web.database.run(stop, customer, now=NOW)
    (item,) = (await (await api.get("/contacts")).json())["items"]
    assert (item["status"], item["sent_at"], item["reasons"]) == ("sent", "2026-11-24T09:00:00+00:00", [])
