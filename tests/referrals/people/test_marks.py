"""What two people may share: keys that are the same for one thing written in two ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from referrals.people.identities import email_key
from referrals.people.marks import address_key, mailbox_key, network_fingerprint, network_key
from tests.builders import NOON
from tests.referrals.recruiting.cast import make_programme


@pytest.mark.parametrize(
    "said, key",
    [
        ({"postcode": "1012 ab", "line": "Damrak 12-A", "country": "nl"}, "NL|1012AB|12A"),
        ({"postcode": "1012AB", "line": "12 A", "country": "NL"}, "NL|1012AB|12A"),
        ({"postcode": "1012AB", "line": "Damrak 12", "country": "NL"}, "NL|1012AB|12"),
        ({"postcode": "90210", "line": "12 Main Street", "country": "US"}, "US|90210|12"),
        ({"postcode": "1012AB", "line": "Damrak", "country": "NL"}, None),
        ({"postcode": None, "line": "Damrak 12", "country": "NL"}, None),
        ({"postcode": "1012AB", "line": "12", "country": None}, "|1012AB|12"),
    ],
)
def test_an_address_is_country_postcode_and_house(said: dict[str, Any], key: str | None) -> None:
    assert address_key(**said) == key


@pytest.mark.parametrize(
    "email, key",
    [
        ("Mats.Bakker+shop@example.nl", "matsbakker"),
        ("matsbakker@elders.example", "matsbakker"),
        ("mats@example.nl", None),
        ("contact@example.nl", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_a_mailbox_is_its_name(email: str | None, key: str | None) -> None:
    assert mailbox_key(email_key(email)) == key


@pytest.mark.parametrize(
    "ip, key",
    [
        ("145.53.1.9", "145.53.1.9"),
        ("2a02:a45f:1:2:3:4:5:6", "2a02:a45f:1:2::/64"),
        ("10.0.0.1", None),
        ("127.0.0.1", None),
        ("unknown", None),
        (None, None),
    ],
)
def test_a_network_is_an_address_or_a_64(ip: str | None, key: str | None) -> None:
    assert network_key(ip) == key


def test_a_network_is_another_one_the_next_day() -> None:
    programme = make_programme()
    one, same, other = (
        network_fingerprint(programme, "145.53.1.9", at=NOON + timedelta(hours=hours)) for hours in (0, 11.9, 12.1)
    )
    assert one == same != other
    assert "145" not in str(one)
