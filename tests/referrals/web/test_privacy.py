"""A person's data over the API: handed out and forgotten, by keys that may (rules 40, 41)."""

from __future__ import annotations

from typing import Any

from referrals.keys import create_key
from storage.auditlog import AuditEvent
from tests.referrals.web.conftest import Web
from tests.rows import rows_of


def headers(web: Web, *scopes: str) -> dict[str, str]:
    key, _ = web.database.run(
        create_key, name="till", scopes=scopes, actor="command", programme=web.programme, now=web.clock.programme()
    )
    return {"Authorization": f"Bearer {key}"}


async def call(web: Web, method: str, path: str, key: dict[str, str]) -> tuple[int, Any]:
    answer = await web.ask(method, f"/api/v1{path}", headers=key)
    return answer.status, await answer.json()


async def test_a_person_is_handed_out_and_forgotten_once(web: Web) -> None:
    """Rules 40 and 41: a repeat says the same and does nothing; the audit log names the key and no person."""
    anna, code = web.enrol()
    number = web.programme.number("customer", anna)
    key = headers(web, "privacy:read", "privacy:write")
    status, kept = await call(web, "GET", f"/customers/{number}/export", key)
    assert (status, kept["programme"], kept["person"]["first_name"]) == (200, "Atelier Noord", "Anna")
    assert kept["codes"][0]["display"] == code
    gone = {"customer": number, "state": "erased"}
    assert await call(web, "DELETE", f"/customers/{number}", key) == (200, gone | {"erased": True})
    assert await call(web, "DELETE", f"/customers/{number}", key) == (200, gone | {"erased": False})
    status, kept = await call(web, "GET", f"/customers/{number}/export", key)
    assert (status, kept["person"]["first_name"], kept["known_by"]) == (200, None, [])
    log = [(row["action"], row["actor"]) for row in rows_of(web.database, AuditEvent) if row["actor"] == "key:till"]
    assert log == [("customer:export", "key:till"), ("customer:erase", "key:till"), ("customer:export", "key:till")]


async def test_other_keys_and_other_numbers_are_refused(web: Web) -> None:
    """Rule 40: scopes of their own, for a till needs neither; problem details."""
    anna, _ = web.enrol()
    number = web.programme.number("customer", anna)
    till = headers(web, "customers:read", "customers:write")
    for method, path in (("GET", f"/customers/{number}/export"), ("DELETE", f"/customers/{number}")):
        status, problem = await call(web, method, path, till)
        assert (status, problem["code"]) == (403, "scope_missing")
    key = headers(web)
    for method, path in (("GET", "/customers/NOBODY/export"), ("DELETE", "/customers/NOBODY")):
        status, problem = await call(web, method, path, key)
        assert (status, problem["code"]) == (404, "unknown_customer")
    assert (await call(web, "GET", f"/customers/{number}", till))[1]["state"] == "active"
