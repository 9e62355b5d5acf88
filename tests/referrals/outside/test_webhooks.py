"""Webhooks on the wire: signed so that the reference libraries agree, and tried again in whatever way it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from aiohttp import web
from standardwebhooks import Webhook as Reference
from svix.webhooks import Webhook as Svix

from bot.texts import Texts
from referrals.clock import Clock
from referrals.outside import webhooks
from referrals.outside.webhooks import WebhookSender
from referrals.subscribers.deliveries import claim_deliveries
from referrals.subscribers.endpoints import make_endpoint, rotate_secret
from referrals.tasks import Tasks
from storage.database import Database
from tests.builders import Shop, friend, order
from tests.referrals.outside.conftest import Receiver
from tests.referrals.subscribers.subscriber import deliveries


@dataclass
class Post:
    """Olga's programme with one endpoint, and who sends for it."""

    shop: Shop
    sender: WebhookSender
    secret: str
    code: str

    async def send(self) -> int:
        """What is due goes out, and has arrived or failed."""
        sent = await self.sender.look()
        await self.sender.drain()
        return sent


@pytest.fixture
async def post(database: Database, receiver: Receiver) -> AsyncIterator[Post]:
    shop = Shop(database, webhooks__private_hosts=["127.0.0.1"])
    _, code = shop.ambassador("Anna")
    _, secret = database.run(
        make_endpoint, url=receiver.url, events=(), actor="key:kassa", programme=shop.programme, now=shop.now
    )
    sender = WebhookSender(database, programme=shop.programme, clock=Clock(), say=Texts().say, tasks=Tasks())
    yield Post(shop, sender, secret, code)
    await sender.stop()


def lowered(headers: dict[str, str]) -> dict[str, str]:
    """The reference library looks for small letters."""
    return {name.lower(): value for name, value in headers.items()}


async def test_what_arrives_is_what_the_reference_library_verifies(post: Post, receiver: Receiver) -> None:
    post.shop.deliver(order(1, code=post.code))
    assert await post.send() == 1
    ((headers, body),) = receiver.came
    message = Reference(post.secret).verify(body, lowered(headers))
    Svix(post.secret).verify(body, lowered(headers))  # as most receivers do: it raises, or is content
    assert message == json.loads(body)
    assert (message["type"], message["timestamp"]) == ("bonus.held", "2026-11-24T12:00:00+01:00")
    (why,) = message["data"]["reasons"]
    assert why["text"] == Texts().say("reason.on_hold_until", "nl", date=why["date"])
    assert headers["Content-Type"] == "application/json"
    (row,) = deliveries(post.shop)
    assert (row["status"], row["last_status"], row["log"][0]["error"]) == ("delivered", 204, None)


async def test_during_a_rotation_a_receiver_with_either_secret_verifies(post: Post, receiver: Receiver) -> None:
    shop = post.shop
    _, fresh, _ = shop.database.run(rotate_secret, 1, actor="key:kassa", programme=shop.programme, now=shop.now)
    post.shop.deliver(order(1, code=post.code))
    await post.send()
    ((headers, body),) = receiver.came
    for secret in (post.secret, fresh):
        assert Reference(secret).verify(body, lowered(headers))


async def test_a_refusal_is_kept_in_brief_without_anybodys_address(post: Post, receiver: Receiver) -> None:
    said = "no: bram@example.nl, +31 6 12345678 \x00" + "x" * 5000
    receiver.answers = [web.Response(status=500, text=said, headers={"Retry-After": "30"})]
    post.shop.deliver(order(1, code=post.code))
    await post.send()
    (row,) = deliveries(post.shop)
    assert (row["status"], row["last_status"]) == ("pending", 500)
    answer = row["log"][0]["answer"]
    assert answer.startswith("no: … …  x")
    assert len(answer) <= webhooks.ANSWER_BYTES
    assert not any(word in str(row) for word in ("bram@", "12345678", "\x00"))


async def test_a_redirect_is_a_failure_and_not_followed(post: Post, receiver: Receiver) -> None:
    receiver.answers = [web.Response(status=307, headers={"Location": receiver.url + "/elsewhere"})]
    post.shop.deliver(order(1, code=post.code))
    await post.send()
    assert len(receiver.came) == 1
    assert deliveries(post.shop)[0]["last_status"] == 307


async def test_an_address_that_is_named_no_more_is_refused_without_a_connection(
    post: Post, receiver: Receiver, database: Database
) -> None:
    post.shop.deliver(order(1, code=post.code))
    unnamed = Shop(database).programme
    sender = WebhookSender(database, programme=unnamed, clock=Clock(), say=Texts().say, tasks=Tasks())
    (sending,) = database.run(claim_deliveries, programme=unnamed)
    attempt = await sender.post(sending)
    assert (attempt.status, attempt.error, receiver.came) == (None, "address_refused", [])


async def test_silence_and_a_dead_line_are_codes_without_words(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.1)
    receiver.hold = asyncio.Event()
    post.shop.deliver(order(1, code=post.code))
    (sending,) = post.shop.database.run(claim_deliveries, programme=post.shop.programme)
    assert (await post.sender.post(sending)).error == "timeout"
    receiver.hold.set()
    dead = replace(sending, url="http://127.0.0.1:1/")
    assert (await post.sender.post(dead)).error == "connection_failed"


async def test_a_service_that_stops_gives_back_what_is_under_way(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "STOP_SECONDS", 0.05)
    receiver.hold = asyncio.Event()
    post.shop.deliver(order(1, code=post.code))
    assert await post.sender.look() == 1
    await post.sender.stop()
    receiver.hold.set()
    (again,) = post.shop.database.run(claim_deliveries, programme=post.shop.programme)
    assert again.attempt == 1


async def test_two_processes_never_have_one_delivery_at_the_same_time(
    post: Post, receiver: Receiver, two: tuple[Database, Database]
) -> None:
    for number in range(1, 9):
        post.shop.deliver(order(number, friend(number), code=post.code))
    senders = [
        WebhookSender(each, programme=post.shop.programme, clock=Clock(), say=Texts().say, tasks=Tasks())
        for each in two
    ]
    waiting = len(deliveries(post.shop))
    while any(row["status"] == "pending" for row in deliveries(post.shop)):
        await asyncio.gather(*(sender.look() for sender in senders))
        await asyncio.gather(*(sender.drain() for sender in senders))
    for sender in senders:
        await sender.stop()
    ids = [headers["webhook-id"] for headers, _ in receiver.came]
    assert len(ids) == len(set(ids)) == waiting == 8


async def test_one_that_is_told_to_stop_while_it_takes_work_gives_it_back(post: Post, receiver: Receiver) -> None:
    post.shop.deliver(order(1, code=post.code))
    taking = Tasks().start(_look(post.sender), name="look", awaited=True)
    await asyncio.sleep(0)
    await post.sender.stop()
    await taking
    (again,) = post.shop.database.run(claim_deliveries, programme=post.shop.programme)
    assert (again.attempt, receiver.came) == (1, [])


async def _look(sender: WebhookSender) -> None:
    await sender.look()
