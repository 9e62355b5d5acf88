"""The requests that are measured, as bytes: visits, signed orders, updates. Starts fast: nothing of ours is in it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

SHOP = "webshop"
KEY = b"a key of thirty-two bytes, fixed"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
TELEGRAM_SECRET = "a-secret-between-telegram-and-us"  # noqa: S105 - of the measurement alone
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
CLICK, ORDER, UPDATE = "click", "order", "update"
KINDS = (CLICK, ORDER, UPDATE)
AGENT = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
SIGNED_AGAIN_SECONDS = 60  # a signature is good for five minutes

Request = tuple[str, bytes]  # what the database knows it by, the bytes on the wire


def clicks(codes: list[str], *, prefix: str) -> Iterator[Request]:
    """Visits through one link after another; the answer's token is what the database knows them by."""
    for code in itertools.cycle(codes):
        yield prefix, f"GET /r/{code} HTTP/1.1\r\nHost: thee.example\r\n{AGENT}\r\n\r\n".encode()


def orders(codes: list[str], *, prefix: str) -> Iterator[Request]:
    """Paid first orders, each of a new friend with an ambassador's code."""
    signed_at = 0.0
    for number, code in enumerate(itertools.cycle(codes)):
        if time.monotonic() - signed_at > SIGNED_AGAIN_SECONDS:
            signed_at, now = time.monotonic(), datetime.now(UTC)  # noqa: TID251 - the shop's own time
        name, ordered_at = f"{prefix}{number}", now - timedelta(seconds=60 + number % 20_000)
        order = _order(name, code, ordered_at, goods=3000 + number * 7 % 20_000)
        yield name, _signed(json.dumps(order).encode(), name, str(int(now.timestamp())))


def updates(_codes: list[str], *, prefix: str) -> Iterator[Request]:
    """Messages of two thousand people to the bot."""
    first = int(hashlib.sha256(prefix.encode()).hexdigest()[:10], 16) * 10**6
    head = (
        f"POST /telegram/webhook HTTP/1.1\r\nHost: thee.example\r\nContent-Type: application/json\r\n{SECRET_HEADER}: "
    )
    for number in itertools.count(first):
        body = json.dumps(_message(number, chat_id=10_000 + number % 2000)).encode()
        yield f"{number:019d}", f"{head}{TELEGRAM_SECRET}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


REQUESTS: dict[str, Callable[..., Iterator[Request]]] = {CLICK: clicks, ORDER: orders, UPDATE: updates}


def _order(name: str, code: str, ordered_at: datetime, *, goods: int) -> dict[str, Any]:
    paid_at = (ordered_at + timedelta(seconds=30)).isoformat(timespec="seconds")
    return {
        "type": "order.state",
        "data": {
            "id": name,
            "status": "paid",
            "currency": "EUR",
            "total": f"{(goods + 500) / 100:.2f}",
            "refunded": "0.00",
            "base": f"{goods / 100:.2f}",
            "paid_at": paid_at,
            "updated_at": paid_at,
            "created_at": ordered_at.isoformat(timespec="seconds"),
            "customer": {"id": f"f{name}", "email": f"{name}@example.com", "first_name": "Bram", "orders": 1},
            "codes": [code],
            "spoken_name": "",
            "test": False,
        },
    }


def _signed(body: bytes, name: str, stamp: str) -> bytes:
    """Signed as Standard Webhooks says, without our own code for it."""
    signature = base64.b64encode(hmac.digest(KEY, f"{name}.{stamp}.".encode() + body, "sha256")).decode()
    head = (
        f"POST /hooks/{SHOP} HTTP/1.1\r\nHost: thee.example\r\nContent-Type: application/json\r\n"
        f"webhook-id: {name}\r\nwebhook-timestamp: {stamp}\r\nwebhook-signature: v1,{signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _message(number: int, *, chat_id: int) -> dict[str, Any]:
    person = {"id": chat_id, "first_name": "Bram"}
    return {
        "update_id": number,
        "message": {
            "message_id": number % 10**6,
            "date": 1_795_510_800,
            "from": {**person, "is_bot": False, "language_code": "nl"},
            "chat": {**person, "type": "private"},
            "text": "/start",
            "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
        },
    }
