"""Refusals of the API, as problem details (RFC 9457): a status, a code for programs, a sentence for developers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from referrals.errors import ProgrammeError

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": "ambassade"}

# What the core refuses, by its code; anything else it refuses is 422.
STATUS = {
    "unknown_customer": 404,
    "unknown_referral": 404,
    "unknown_order": 404,
    "unknown_review": 404,
    "review_decided": 409,
    "unknown_voucher": 404,
    "voucher_not_redeemed": 404,
    "unknown_shop": 422,
    "excluded_customer": 409,
    "own_account": 409,
    "code_taken": 409,
    "not_enough_credit": 409,
    "no_such_reward": 409,
    "voucher_redeemed": 409,
    "voucher_void": 409,
    "voucher_expired": 409,
    "voucher_worth_less": 409,
    "not_stackable": 409,
    "amount_needed": 422,
    "other_currency": 409,
    "unknown_webhook": 404,
    "unknown_delivery": 404,
    "webhook_off": 409,
    "too_many_webhooks": 409,
    "event_forgotten": 409,
    "bot_unknown": 503,
}
UNPROCESSABLE = 422


class Problem(Exception):
    """A refusal, with what the client needs to do better."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after: float = 0) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


def of_error(error: ProgrammeError) -> Problem:
    """What the core refused."""
    detail = (type(error).__doc__ or "").partition("\n")[0]
    if "ending" in error.data:
        detail += f" That code ends in {error.data['ending']}."
    status = STATUS.get(error.code, UNPROCESSABLE)
    return Problem(status, error.code, detail, retry_after=60 if status == HTTPStatus.SERVICE_UNAVAILABLE else 0)


def problem_response(problem: Problem) -> web.Response:
    """The refusal on the wire."""
    phrase = HTTPStatus(problem.status).phrase
    body = {"type": "about:blank", "title": phrase, "status": problem.status, "code": problem.code}
    headers = dict(HEADERS)
    if problem.retry_after:
        headers["Retry-After"] = str(max(1, round(problem.retry_after)))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return reply(problem.status, body | {"detail": problem.detail}, headers=headers, kind="application/problem+json")


def reply(
    status: int, body: Any, *, headers: Mapping[str, str] = HEADERS, kind: str = "application/json"
) -> web.Response:
    """An answer in JSON."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return web.Response(status=status, body=text.encode(), content_type=kind, headers=headers)
