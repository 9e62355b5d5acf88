"""By what a person is known, whatever it looks like (rules 16)."""

from __future__ import annotations

import pytest

from referrals.people.identities import email_key, phone_key


@pytest.mark.parametrize(
    "typed",
    [
        "mats@example.nl",
        " Mats@Example.NL ",
        "mats+shop@example.nl",
        "mats@example.nl.",
        "ma\u200bts@example.nl",
        "\uff4d\uff41\uff54\uff53@example.nl",
    ],
)
def test_one_address_in_any_spelling(typed: str) -> None:
    """Rule 16: case, tags, signs that cannot be seen, wide letters, the root's dot."""
    assert email_key(typed) == "mats@example.nl"


@pytest.mark.parametrize("typed", ["m.a.t.s@gmail.com", "mats@googlemail.com", "M.ATS+x@GoogleMail.com"])
def test_dots_are_nothing_at_gmail(typed: str) -> None:
    """Rule 16."""
    assert email_key(typed) == "mats@gmail.com"


@pytest.mark.parametrize(
    "typed", [None, "", "mats", "@example.nl", "mats@localhost", "+x@example.nl", "a" * 250 + "@b.nl"]
)
def test_what_is_no_address_names_nobody(typed: str | None) -> None:
    """Rule 5: an empty address is a guest."""
    assert email_key(typed) is None


@pytest.mark.parametrize(
    "typed",
    ["06-12345678", "+31 6 12345678", "0031612345678", "\u0660\u0666\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668"],
)
def test_one_telephone_in_any_spelling(typed: str) -> None:
    """Rule 16: with or without the country, in any script's digits."""
    assert phone_key(typed) == "612345678"
