"""An answer that can be asked for twice (rules 40): the same request with the same key has one effect and one reply.

The reply is stored in the transaction of its effect. A reply that holds a one-time link is stored sealed with the
API key, of which the database knows only the hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from referrals.web.api.problems import Problem
from storage.database import books
from storage.installation import IdempotencyKey

KEPT = timedelta(hours=24)
LONGEST_KEY = 255
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Reply:
    """What a use case answers: a status and a body of plain data."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """One request that may come again: who asks what, under which key, with which body."""

    api_key_id: int
    method: str
    path: str
    value: str
    body_hash: str
    seal: bytes | None = None  # the API key itself, where the reply must not be stored in clear

    @property
    def scope(self) -> tuple[int, str, str, str]:
        """What makes two requests the same one."""
        return self.api_key_id, self.method, self.path, self.value


@books
def answer_once(
    session: Session, work: Callable[[Session], Reply], claim: Claim | None, *, machine_now: datetime
) -> Reply:
    """The reply to this request: the stored one, or that of the work, which is then stored with its effect.

    Raises:
        Problem: 409, the key was used for another body in the last 24 hours.
    """
    if claim is None:
        return work(session)
    query = select(IdempotencyKey).where(
        IdempotencyKey.api_key_id == claim.api_key_id,
        IdempotencyKey.method == claim.method,
        IdempotencyKey.path == claim.path,
        IdempotencyKey.value == claim.value,
    )
    known = session.exec(query).first()
    if known is not None and known.created_at > machine_now - KEPT:
        if known.body_hash != claim.body_hash:
            raise Problem(409, "idempotency_key_reused", "This Idempotency-Key was used for another body.")
        return Reply(known.status, _opened(known.reply, claim))
    if known is not None:
        session.delete(known)
        session.flush()
    done = work(session)
    row = IdempotencyKey(
        api_key_id=claim.api_key_id, method=claim.method, path=claim.path, value=claim.value, body_hash=claim.body_hash,
        status=done.status, reply=_closed(done.body, claim), created_at=machine_now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return done


def read_key(value: str | None) -> str | None:
    """The Idempotency-Key of a request.

    Raises:
        Problem: 422, it is empty, too long or not printable ASCII.
    """
    if value is None:
        return None
    if not 0 < len(value) <= LONGEST_KEY or not (value.isascii() and value.isprintable()):
        raise Problem(422, "idempotency_key_invalid", "An Idempotency-Key has 1 to 255 printable ASCII characters.")
    return value


def _closed(body: dict[str, Any], claim: Claim) -> str:
    """The body as it is stored: its text, so that it comes back byte for byte, under a mask where it must be."""
    text = json.dumps(body)
    if claim.seal is None:
        return text
    return base64.b64encode(_masked(text.encode(), claim, claim.seal)).decode()


def _opened(stored: str, claim: Claim) -> dict[str, Any]:
    text = stored if claim.seal is None else _masked(base64.b64decode(stored), claim, claim.seal).decode()
    body: dict[str, Any] = json.loads(text)
    return body


def _masked(text: bytes, claim: Claim, seal: bytes) -> bytes:
    """The text under a mask that only the API key makes; each request has a mask of its own, used once."""
    subject = json.dumps([*claim.scope, claim.body_hash]).encode()
    key = hmac.digest(hashlib.sha256(seal).digest(), subject, "sha256")
    blocks = range(-(-len(text) // DIGEST_BYTES))
    mask = b"".join(hmac.digest(key, number.to_bytes(4), "sha256") for number in blocks)
    return bytes(one ^ other for one, other in zip(text, mask, strict=False))
