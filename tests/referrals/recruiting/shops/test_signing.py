from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from svix.webhooks import Webhook as Svix

from referrals.clock import Clock
from referrals.recruiting.shops.signing import sign_hmac, sign_standard, verify_hmac, verify_standard

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BODY = b'{"type":"order.state"}'
SECRET = "whsec_" + base64.b64encode(b"Atelier Noord's first secret").decode()
OTHER = "whsec_" + base64.b64encode(b"Atelier Noord's second secret").decode()
GENUINE = sign_standard(BODY, secret=SECRET, message_id="msg_1", at=NOW)


def accepted(headers: dict[str, str], body: bytes = BODY, *, secret: str = SECRET, at: datetime = NOW) -> bool:
    return verify_standard(headers, body, secrets=[secret], now=[at])


@pytest.mark.parametrize("library", [Webhook, Svix])
def test_what_we_sign_is_what_the_libraries_sign_and_they_take_it(library: type[Webhook | Svix]) -> None:
    """Both ways: theirs is what we make and accept, and ours of this moment they accept."""
    assert GENUINE["webhook-signature"] == library(SECRET).sign("msg_1", NOW, BODY.decode())
    assert accepted(GENUINE)
    fresh = sign_standard(BODY, secret=SECRET, message_id="msg_1", at=Clock().machine())
    library(SECRET).verify(BODY, fresh)
    with pytest.raises(WebhookVerificationError):
        library(SECRET).verify(BODY + b" ", fresh)


def test_during_a_rotation_both_secrets_count() -> None:
    assert verify_standard(GENUINE, BODY, secrets=[OTHER, SECRET], now=[NOW])
    assert not verify_standard(GENUINE, BODY, secrets=[OTHER], now=[NOW])
    assert not verify_standard(GENUINE, BODY, secrets=[], now=[NOW])


def test_one_right_signature_in_the_list_is_enough() -> None:
    wrong = sign_standard(BODY, secret=OTHER, message_id="msg_1", at=NOW)["webhook-signature"]
    assert accepted(GENUINE | {"webhook-signature": f"v1a,AAAA {wrong} {GENUINE['webhook-signature']}"})


@pytest.mark.parametrize("minutes", [-5, 5])
def test_five_minutes_either_way_pass_and_more_do_not(minutes: int) -> None:
    assert accepted(GENUINE, at=NOW + timedelta(minutes=minutes))
    assert not accepted(GENUINE, at=NOW + timedelta(minutes=minutes, seconds=minutes // 5))


def test_either_clock_will_do() -> None:
    """Rule 35: under a shifted programme clock a signature near one of the two clocks passes."""
    tomorrow, in_a_year = NOW + timedelta(days=1), NOW + timedelta(days=365)
    assert verify_standard(GENUINE, BODY, secrets=[SECRET], now=[tomorrow, NOW])
    assert verify_standard(GENUINE, BODY, secrets=[SECRET], now=[NOW, in_a_year])
    assert not verify_standard(GENUINE, BODY, secrets=[SECRET], now=[tomorrow, in_a_year])


@pytest.mark.parametrize(
    "timestamp",
    ["", "soon", "NaN", "Infinity", "1.5", "1795510800.0", "-1795510800", "+1795510800", " 1795510800", "1_795_510_800",
     "١٧٩٥٥١٠٨٠٠", "²", "9" * 5000, "\udcff"],
)  # fmt: skip
def test_a_timestamp_is_digits_and_nothing_else(timestamp: str) -> None:
    assert not accepted(GENUINE | {"webhook-timestamp": timestamp})


@pytest.mark.parametrize(
    "signature",
    ["", "v1", "v1,", ",", "nocomma", "v1,é", "v1,=", "v1,AAAAA", "v1,not base64!", "v1a,AAAA", "v2,AAAA", "v1,\udcff",
     "v1," + base64.b64encode(b"short").decode(), " " * 5000, "v1,AAAA " * 5000],
)  # fmt: skip
def test_a_signature_that_is_none_is_refused_without_an_exception(signature: str) -> None:
    assert not accepted(GENUINE | {"webhook-signature": signature})


@pytest.mark.parametrize("message_id", ["", "msg.1", "msg_2", "m" * 5000, "\udcff"])
def test_the_id_is_signed_too(message_id: str) -> None:
    assert not accepted(GENUINE | {"webhook-id": message_id})


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_all_three_headers_are_needed(missing: str) -> None:
    assert not accepted({name: value for name, value in GENUINE.items() if name != missing})


@pytest.mark.parametrize("body", [b"", BODY + b"\n", BODY.replace(b'":"', b'": "'), b"\xff\xfe", b"{}"])
def test_the_body_counts_byte_for_byte(body: bytes) -> None:
    assert not accepted(GENUINE, body)


def test_the_asymmetric_version_alone_is_refused() -> None:
    assert not accepted(GENUINE | {"webhook-signature": GENUINE["webhook-signature"].replace("v1,", "v1a,")})


def test_a_body_that_is_no_text_can_be_signed_and_verified() -> None:
    body = b"\xff\x00\xfe"
    assert accepted(sign_standard(body, secret=SECRET, message_id="m", at=NOW), body)


def test_a_plain_hmac_is_verified_with_each_secret() -> None:
    signature = sign_hmac(BODY, secret="newer")
    assert verify_hmac(signature, BODY, secrets=["older", "newer"])
    assert not verify_hmac(signature, BODY, secrets=["older"])
    assert not verify_hmac(signature, BODY + b"\n", secrets=["newer"])


@pytest.mark.parametrize("signature", ["", "é", "\udcff", "AAAAA", "=", "not base64!", "AAAA"])
def test_a_plain_hmac_that_is_none_is_refused(signature: str) -> None:
    assert not verify_hmac(signature, BODY, secrets=["secret"])


def test_a_signature_in_hex_is_refused() -> None:
    in_hex = hmac.digest(b"secret", BODY, "sha256").hex()
    assert not verify_hmac(in_hex, BODY, secrets=["secret"])


def test_an_empty_secret_signs_nothing() -> None:
    assert not verify_hmac(sign_hmac(BODY, secret=""), BODY, secrets=[""])
