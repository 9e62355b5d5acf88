"""``POST /hooks/{shop}``: a shop says what happened; it is verified, read, applied and answered (rules 37).

Only the path says whose secret counts, and only the body says what happened. Shops punish refusals, so what is
authentic is answered 200 whatever it says. This is a hot path: no template, no middleware, one batch.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from referrals.config import Config
from referrals.reasons import INTERNAL_ERROR
from referrals.recruiting.events import HOOK, Answer, Delivery, store_quarantined
from referrals.recruiting.shops import Adapter, Nonsense
from referrals.recruiting.shops.registry import ADAPTERS
from referrals.web.door import RETRY_AFTER_SECONDS, Door
from referrals.web.serving import BodyRefused, read_body
from storage.patience import Patience

log = structlog.get_logger()

PATIENCE_SECONDS = 4.0  # Shopify gives up after five
IN_FLIGHT = 1000  # deliveries that are read or wait at once; more are told to come back
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": "ambassade"}


@dataclass(frozen=True, slots=True)
class _Shop:
    """A configured shop, as the hot path wants it."""

    name: str
    adapter: Adapter
    secrets: tuple[str, ...]


class Hooks:
    """The handler, with all it needs taken apart beforehand."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._shops = _shops(door.programme.config)
        self._quarantine = functools.partial(store_quarantined, programme=door.programme)
        self._patience = Patience(PATIENCE_SECONDS)
        self._in_flight = 0

    async def __call__(self, request: web.Request) -> web.Response:
        """200 with what it did; 401, 408, 413, 429 or 503 with a code."""
        shop = self._shops.get(request.match_info["shop"])
        if shop is None:
            return _refusal(404, "unknown_shop")
        if self._in_flight >= IN_FLIGHT:
            return _refusal(503, "overloaded", retry_after=RETRY_AFTER_SECONDS)
        self._in_flight += 1
        try:
            return await self._take(request, shop)
        except BodyRefused as refused:
            return _refusal(refused.status, refused.code)
        finally:
            self._in_flight -= 1

    async def _take(self, request: web.Request, shop: _Shop) -> web.Response:
        body = await read_body(request)
        headers = _single_headers(request.headers, shop.adapter.kept_headers)
        clock = self._door.clock
        now = (clock.machine(), clock.programme()) if clock.offset else (clock.machine(),)
        if not shop.adapter.verify(headers, body, secrets=shop.secrets, now=now):
            return self._unsigned(request, shop, headers, body)
        delivery = _read(shop, headers, body, received_at=now[-1])
        try:
            answer = await self._door.database.batch(
                self._door.apply, delivery, on_fault=self._quarantine, patience=self._patience
            )
        except Exception as error:  # noqa: BLE001 - only infrastructure comes this far; our faults are quarantined
            log.warning("web.hook_not_stored", shop=shop.name, error=type(error).__name__)
            return _refusal(503, "unavailable", retry_after=RETRY_AFTER_SECONDS)
        return _json(200, answer_body(answer))

    def _unsigned(self, request: web.Request, shop: _Shop, headers: dict[str, str], body: bytes) -> web.Response:
        if shop.adapter.is_ping(headers, body):
            return _json(200, {"status": "ignored", "order": None, "reasons": []})
        client = self._door.clients.name(request)
        wait = self._door.bad_signatures.spend(client, at=time.monotonic())
        log.info("web.bad_signature", shop=shop.name)
        return _refusal(429, "too_many_bad_signatures", retry_after=wait) if wait else _refusal(401, "bad_signature")


async def not_allowed(_request: web.Request) -> web.Response:
    """Hooks are posted; anything else learns no more than that."""
    response = _refusal(405, "method_not_allowed")
    response.headers["Allow"] = "POST"
    return response


def answer_body(answer: Answer) -> dict[str, Any]:
    """What a delivery did, as the shop and the API read it."""
    return {"status": answer.status, "order": answer.order, "reasons": list(answer.reasons)}


def _shops(config: Config) -> dict[str, _Shop]:
    return {
        shop.name: _Shop(shop.name, ADAPTERS[shop.kind], tuple(secret.get_secret_value() for secret in shop.secrets))
        for shop in config.shops
        if shop.kind in ADAPTERS
    }


def _single_headers(given: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """The headers that the adapter reads; one that stands there twice is worth nothing."""
    headers = {}
    for name in names:
        values = given.getall(name, ())  # type: ignore[attr-defined]  # aiohttp's own mapping
        if values:
            headers[name] = values[0] if len(values) == 1 else ""
    return headers


def _read(shop: _Shop, headers: dict[str, str], body: bytes, *, received_at: Any) -> Delivery:
    """The delivery as the core takes it, nonsense and our own faults included."""
    nonsense, subject, event = None, None, None
    try:
        event = shop.adapter.read(shop.name, headers, body)
    except Nonsense as error:
        nonsense, subject = error.reason, error.subject
    except Exception:
        log.exception("web.adapter_failed", shop=shop.name)
        nonsense = INTERNAL_ERROR
    return Delivery(
        kind=HOOK, shop=shop.name, headers=headers, body=body, event=event, nonsense=nonsense, subject=subject,
        received_at=received_at,
    )  # fmt: skip


def _refusal(status: int, code: str, *, retry_after: float = 0) -> web.Response:
    response = _json(status, {"status": "refused", "code": code})
    if retry_after:
        response.headers["Retry-After"] = str(max(1, round(retry_after)))
    return response


def _json(status: int, data: Any) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(data, separators=(",", ":")).encode(),
        content_type="application/json",
        headers=HEADERS,
    )
