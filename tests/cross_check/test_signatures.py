"""Our signatures against code that is not ours, both ways: Shopify's own library, Standard Webhooks', openssl's.

What runs on Node is fetched by ``make cross-check`` (pinned in ``package.json`` beside this file, in no lock of ours);
where it is not there, these tests say so. Python's Standard Webhooks is in every run: ``test_signing``.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from referrals.clock import Clock
from referrals.recruiting.shops.signing import sign_hmac, sign_standard, verify_hmac, verify_standard
from tests.payloads import payload

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
NODE, OPENSSL = shutil.which("node"), shutil.which("openssl")
SECRET = "Sk3uTh7noordWest"
STANDARD_SECRET = "whsec_QXRlbGllciBOb29yZCBzdGFuZGFhcmQgaG9vaw=="
ORDER = payload("shopify/order_paid").decode()
TOLD = '{"type":"bonus.held","timestamp":"2026-11-24T12:00:00+01:00","data":{"reasons":[{"text":"Bestéld – €"}]}}'


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """What Node's libraries say of what we signed, and what they sign."""
    if NODE is None or not (PACKAGES / "@shopify" / "shopify-api").is_dir():
        pytest.skip("no Node, or no packages for it: `make cross-check` fetches them and runs this")
    at = Clock().machine()
    names = ("Topic", "Shop-Domain", "API-Version", "Webhook-Id")
    shop = {f"X-Shopify-{name}": "2026-10" for name in names} | {"X-Shopify-Topic": "orders/paid"}
    shop |= {"X-Shopify-Hmac-Sha256": sign_hmac(ORDER.encode(), secret=SECRET)}
    standard = sign_standard(TOLD.encode(), secret=STANDARD_SECRET, message_id="msg_1", at=at)
    asked = {
        "shopify": {"secret": SECRET, "body": ORDER, "headers": shop},
        "standard": {"secret": STANDARD_SECRET, "body": TOLD, "headers": standard},
    }
    command = [NODE, str(HERE / "signatures.mjs"), str(HERE)]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"asked": asked, "at": at}


def test_shopifys_library_takes_what_our_shop_signs_and_we_what_it_signs(said: dict[str, Any]) -> None:
    shopify = said["shopify"]
    assert (shopify["ours"], shopify["changed"]) == (True, False)
    assert verify_hmac(shopify["theirs"], ORDER.encode(), secrets=[SECRET])


def test_javascripts_standard_webhooks_takes_what_we_send_and_we_what_it_signs(said: dict[str, Any]) -> None:
    standard, headers = said["standard"], said["asked"]["standard"]["headers"]
    assert (standard["ours"], standard["changed"]) == (True, False)
    theirs = headers | {"webhook-signature": standard["theirs"]}
    assert verify_standard(theirs, TOLD.encode(), secrets=[STANDARD_SECRET], now=[said["at"]])


@pytest.mark.skipif(OPENSSL is None, reason="no openssl on this machine")
@pytest.mark.parametrize("name", ["woocommerce/order_processing", "shopify/order_paid"])
def test_openssl_makes_the_same_hmac_of_an_order(name: str) -> None:
    body = payload(name)
    assert OPENSSL is not None
    command = [OPENSSL, "dgst", "-sha256", "-hmac", SECRET, "-binary"]
    digest = subprocess.run(command, input=body, capture_output=True, check=True, timeout=30).stdout
    assert base64.b64encode(digest).decode() == sign_hmac(body, secret=SECRET)
    assert verify_hmac(base64.b64encode(digest).decode(), body, secrets=["other", SECRET])


def test_a_published_hmac_is_ours_too() -> None:
    """Source: RFC 4231, test case 2, in base64 as shops write it."""
    published = bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    assert sign_hmac(b"what do ya want for nothing?", secret="Jefe") == base64.b64encode(published).decode()
