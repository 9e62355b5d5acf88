from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlmodel import Session, select

from referrals.recruiting.shops.signing import sign_hmac, sign_standard
from referrals.web import hooks
from storage.database import Database, OutcomeUnknown, Overloaded
from storage.ledger import Bonus
from storage.mailbox import QUARANTINED, Inbox
from storage.orders import Order
from tests.payloads import payload
from tests.referrals.web.conftest import (
    OLDER_SECRET,
    SECRET,
    STANDARD_SECRET,
    Web,
    close_web,
    open_web,
    paper_programme,
)

PAID = payload("woocommerce/order_processing")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def deliver(
    web: Web, body: bytes, *, secret: str = SECRET, shop: str = "winkel", **headers: str
) -> ClientResponse:
    signed = {"X-WC-Webhook-Signature": sign_hmac(body, secret=secret), "Content-Type": "application/json"}
    return await web.post(f"/hooks/{shop}", body, headers=signed | headers)


async def deliver_standard(web: Web, body: bytes, *, secret: str = STANDARD_SECRET, **headers: str) -> ClientResponse:
    signed = sign_standard(body, secret=secret, message_id="msg_1", at=web.clock.machine())
    return await web.post("/hooks/atelier", body, headers=signed | headers)


def inbox(database: Database) -> list[dict[str, Any]]:
    def rows(session: Session) -> list[dict[str, Any]]:
        return [row.model_dump() for row in session.exec(select(Inbox).order_by("id"))]

    return database.look(rows)


def stored(database: Database, table: type[Any]) -> int:
    return database.look(lambda session: len(session.exec(select(table)).all()))


async def test_a_paid_order_is_applied_once_and_then_unchanged(web: Web) -> None:
    """Rule 37: applied = something changed; the shop's answer names the order."""
    web.enrol()
    first, again = await deliver(web, PAID), await deliver(web, PAID)
    assert (first.status, again.status) == (200, 200)
    assert (await first.json())["status"] == "applied"
    assert (await first.json())["order"] == "2041"
    assert (await again.json())["status"] == "unchanged"
    assert [row["result"] for row in inbox(web.database)] == ["applied", "unchanged"]


async def test_the_raw_bytes_are_kept_with_the_headers_that_were_read(web: Web) -> None:
    """Receiver rule 2: stored as received, and without a secret."""
    await deliver(web, PAID, **{"X-WC-Webhook-Topic": "order.updated", "Authorization": "Bearer x", "Cookie": "c=1"})
    row = inbox(web.database)[0]
    assert row["body"] == PAID
    assert row["headers"].keys() == {"x-wc-webhook-signature", "x-wc-webhook-topic", "content-type"}


async def test_a_hundred_deliveries_at_once_are_one_order(web: Web) -> None:
    """Drill 1: the same paid order 100 times in parallel."""
    web.enrol()
    answers = await asyncio.gather(*(deliver(web, PAID) for _ in range(100)))
    assert {answer.status for answer in answers} == {200}
    counted = Counter([(await answer.json())["status"] for answer in answers])
    assert counted == {"applied": 1, "unchanged": 99}
    assert stored(web.database, Order) == 1
    assert stored(web.database, Bonus) <= 1


async def test_a_swapped_header_has_no_effect(web: Web) -> None:
    """The meaning comes from the body and the path."""
    cases = {
        "woo": {"X-WC-Webhook-Topic": "customer.created", "X-WC-Webhook-Source": "https://evil.example/"},
        "shopify": {"X-Shopify-Topic": "refunds/create", "X-Shopify-Shop-Domain": "evil.example"},
    }
    for headers in cases.values():
        await deliver(web, PAID)
        again = await deliver(web, PAID, **headers)
        assert (await again.json())["status"] == "unchanged"


async def test_a_wrong_signature_is_401_and_nothing_is_kept(web: Web) -> None:
    cases = {
        "none": None,
        "empty": "",
        "of another body": sign_hmac(PAID + b"\n", secret=SECRET),
        "of another shop": sign_hmac(PAID, secret=STANDARD_SECRET),
        "a wrong one": sign_hmac(PAID, secret=SECRET)[:-4] + "AAA=",
        "hex": "00" * 32,
        "not ASCII": "é",
    }
    for signature in cases.values():
        headers = {} if signature is None else {"X-WC-Webhook-Signature": signature}
        answer = await web.post("/hooks/winkel", PAID, headers=headers)
        assert answer.status == 401
        assert await answer.json() == {"status": "refused", "code": "bad_signature"}
        assert inbox(web.database) == []


async def test_every_401_looks_the_same(web: Web) -> None:
    one = await web.post("/hooks/winkel", PAID)
    other = await deliver(web, PAID, secret="wrong")
    assert await one.read() == await other.read()


async def test_two_signatures_are_no_signature(web: Web) -> None:
    right = sign_hmac(PAID, secret=SECRET)
    doubled = [("X-WC-Webhook-Signature", right), ("X-WC-Webhook-Signature", right)]
    assert (await web.post("/hooks/winkel", PAID, headers=doubled)).status == 401


async def test_both_secrets_of_a_rotation_count(web: Web) -> None:
    assert (await deliver(web, PAID, secret=OLDER_SECRET)).status == 200


async def test_a_re_serialised_body_is_401(web: Web) -> None:
    same = json.dumps(json.loads(PAID)).encode()
    headers = {"X-WC-Webhook-Signature": sign_hmac(PAID, secret=SECRET)}
    assert (await web.post("/hooks/winkel", same, headers=headers)).status == 401


async def test_a_standard_delivery_is_at_most_five_minutes_old_or_early(web: Web) -> None:
    cases = [
        (0, 200),
        (299, 200),
        (-299, 200),
        (301, 401),
        (-301, 401),
    ]
    for offset, status in cases:
        body = payload("standard/order_paid")
        at = web.clock.machine() + timedelta(seconds=offset)
        headers = sign_standard(body, secret=STANDARD_SECRET, message_id="msg_1", at=at)
        assert (await web.post("/hooks/atelier", body, headers=headers)).status == status


async def test_under_a_shifted_clock_signatures_of_either_clock_pass(web: Web) -> None:
    """Rule 35: under --at signatures within five minutes of either clock pass."""
    web.clock.shift(timedelta(days=30))
    body = payload("standard/order_paid")
    for at, status in ((0, 200), (30, 200), (15, 401)):
        moment = web.clock.machine() + timedelta(days=at)
        headers = sign_standard(body, secret=STANDARD_SECRET, message_id="msg_1", at=moment)
        assert (await web.post("/hooks/atelier", body, headers=headers)).status == status


async def test_a_standard_sign_up_is_applied(web: Web) -> None:
    answer = await deliver_standard(web, payload("standard/customer_signed_up"))
    assert (await answer.json())["status"] == "applied"


async def test_authentic_nonsense_is_200_and_quarantined(web: Web) -> None:
    """Rule 37: quarantined = authentic, makes no sense: stored, answered 200."""
    cases = {
        "nothing": b"",
        "a hundred thousand brackets": b"[" * 100_000,
        "5000 digits": b'{"id":' + b"9" * 5000 + b"}",
        "NaN": b'{"id":1,"total":NaN}',
        "NUL": b'{"id":1,"status":"\\u0000"}',
        "half a character": b'{"id":1,"status":"\\ud800"}',
        "UTF-16": '{"id":1}'.encode("utf-16"),
        "a key twice": b'{"id":1,"id":2}',
        "another shape": b'{"hello":"world"}',
        "a negative total": PAID.replace(b'"total":"91.95"', b'"total":"-1.00"'),
    }
    for body in cases.values():
        answer = await deliver(web, body)
        assert answer.status == 200
        assert (await answer.json())["status"] == "quarantined"
        row = inbox(web.database)[-1]
        assert (row["status"], row["body"]) == (QUARANTINED, body)
        assert row["reason"]


async def test_a_kind_that_is_not_used_is_200_and_ignored(web: Web) -> None:
    """Rule 37: ignored = authentic, of a kind we do not use."""
    answer = await deliver(web, b'{"id":5,"sku":"AN-9"}')
    assert (answer.status, (await answer.json())["status"]) == (200, "ignored")


async def test_the_ping_of_a_new_woocommerce_webhook_is_exactly_200(web: Web) -> None:
    """Rule 38: on a woocommerce shop, an unsigned form whose only field is webhook_id."""
    answer = await web.post("/hooks/winkel", b"webhook_id=1", headers=FORM)
    assert (answer.status, (await answer.json())["status"]) == (200, "ignored")
    assert (await web.post("/hooks/winkel", b"webhook_id=1&x=1", headers=FORM)).status == 401
    assert (await web.post("/hooks/atelier", b"webhook_id=1", headers=FORM)).status == 401


async def test_hooks_are_only_posted(web: Web) -> None:
    """Receiver rule 4: 405 without detail."""
    cases = [
        "GET",
        "HEAD",
        "PUT",
        "DELETE",
        "OPTIONS",
    ]
    for method in cases:
        answer = await web.ask(method, "/hooks/winkel")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert b"winkel" not in await answer.read()


async def test_a_shop_that_nobody_configured_is_404(web: Web) -> None:
    assert (await deliver(web, PAID, shop="elders")).status == 404


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_that_is_too_big_is_413(web: Web, compressed: bool) -> None:
    """Published limit: 1 MiB, after inflating."""
    body = gzip.compress(b"\0" * 20_000_000) if compressed else b"x" * 2_000_000
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    answer = await web.ask("POST", "/hooks/winkel", data=BytesIO(body), headers=headers)
    assert (answer.status, (await answer.json())["code"]) == (413, "body_too_large")


async def test_bad_signatures_above_sixty_a_minute_are_429_and_good_ones_pass(web: Web) -> None:
    """Rule 43: authentic hooks are not limited per client, bad signatures above 60 a minute are 429."""
    answers = [await web.post("/hooks/winkel", PAID) for _ in range(61)]
    assert [answer.status for answer in answers] == [401] * 60 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert (await deliver(web, PAID)).status == 200


class Broken:
    """A database whose batch fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def batch(self, *_: Any, **__: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [Overloaded("full"), OutcomeUnknown("lost"), OSError("gone")])
async def test_a_database_that_is_away_is_503_with_retry_after(error: Exception) -> None:
    """Rule 37: only infrastructure answers 503, with Retry-After."""
    broken: Any = Broken(error)
    web = await open_web(broken, paper_programme())
    try:
        answer = await deliver(web, PAID)
        assert (answer.status, (await answer.json())["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await web.post("/hooks/winkel", PAID)).status == 401
    finally:
        await close_web(web)


async def test_a_fault_of_our_own_in_an_adapter_is_quarantined(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 37: our own code failed on it: stored, 200."""

    class Surprising(dict[str, Any]):
        """Data on which any reader fails."""

        def keys(self) -> Any:
            raise ZeroDivisionError

    monkeypatch.setattr("referrals.recruiting.shops.reading.read_object", lambda _body: Surprising())
    answer = await deliver(web, PAID)
    assert (answer.status, (await answer.json())["status"]) == (200, "quarantined")
    assert inbox(web.database)[0]["reason"] == "internal_error"


async def test_more_deliveries_than_we_can_hold_are_told_to_come_back(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "IN_FLIGHT", 0)
    answer = await deliver(web, PAID)
    assert (answer.status, (await answer.json())["code"]) == (503, "overloaded")
    assert "Retry-After" in answer.headers
