"""Signatures over raw bytes: Standard Webhooks 1.0.0 and the plain HMAC of shops.

Whatever a stranger sends, the answer is True or False, never an exception; digests are compared in
constant time, and each secret of a rotation counts.

Source: standard-webhooks/standard-webhooks, spec 1.0.0.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

TOLERANCE_SECONDS = 5 * 60  # both ways, in every reference library
PREFIX = "whsec_"
MAX_ID_LENGTH = 256
MAX_TIMESTAMP_DIGITS = 12
MAX_SIGNATURES = 20  # a rotation needs two; a longer list is only work for us


def verify_standard(
    headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], now: Sequence[datetime]
) -> bool:
    """Whether one of the secrets signed this delivery within five minutes of one of the clocks (rules 35)."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _is_id(message_id) or not _is_recent(timestamp, now):
        return False
    try:
        signed = f"{message_id}.{timestamp}.".encode() + body
    except UnicodeEncodeError:
        return False
    return _any_matches(_v1_signatures(headers.get("webhook-signature", "")), signed, [key_of(s) for s in secrets])


def verify_hmac(signature: str, body: bytes, *, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets made this base64 HMAC-SHA256 of the body (WooCommerce, Shopify)."""
    return _any_matches([signature], body, [secret.encode() for secret in secrets])


def sign_standard(
    body: bytes, *, secret: str, message_id: str, at: datetime, also: Sequence[str] = ()
) -> dict[str, str]:
    """The three headers under which a receiver of Standard Webhooks accepts the body.

    ``also`` are secrets that sign beside it while one replaces the other.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = [hmac.digest(key_of(each), signed, "sha256") for each in (secret, *also)]
    signatures = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signatures}


def sign_hmac(body: bytes, *, secret: str) -> str:
    """The base64 HMAC-SHA256 of the body, as a shop puts it in its header."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


@lru_cache(maxsize=64)  # a handful of shops with two secrets each
def key_of(secret: str) -> bytes:
    """The key of a ``whsec_`` secret; a secret that is no base64 is its own key."""
    bare = secret.removeprefix(PREFIX)
    return _decoded(bare + "=" * (-len(bare) % 4)) or bare.encode()


def _is_id(message_id: str) -> bool:
    return 0 < len(message_id) <= MAX_ID_LENGTH and "." not in message_id


def _is_recent(timestamp: str, now: Sequence[datetime]) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > MAX_TIMESTAMP_DIGITS:
        return False
    seconds = int(timestamp)
    return any(abs(moment.timestamp() - seconds) <= TOLERANCE_SECONDS for moment in now)


def _v1_signatures(header: str) -> list[str]:
    pairs = (entry.partition(",") for entry in header.split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES])
    return [signature for version, _, signature in pairs if version == "v1"]


def _any_matches(signatures: Sequence[str], signed: bytes, keys: Sequence[bytes]) -> bool:
    given = [digest for digest in map(_decoded, signatures) if digest]
    if not given:
        return False
    made = [hmac.digest(key, signed, "sha256") for key in keys if key]
    return any([hmac.compare_digest(one, other) for one in given for other in made])  # noqa: C419 - compares them all


def _decoded(text: str) -> bytes:
    """The bytes behind the base64, empty where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one, and so is a character that is not ASCII
        return b""
