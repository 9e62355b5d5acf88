from __future__ import annotations

import pytest

from referrals.programme import Programme
from tests.referrals.recruiting.cast import make_programme

SALT = "6f1d" * 16  # as long as the one that migrate makes


@pytest.mark.parametrize("identifier", [1, 2, 77, 10**6])
def test_a_number_of_one_kind_is_none_of_another(identifier: int) -> None:
    made = make_programme()
    programme = Programme(config=made.config, fingerprint_key=made.fingerprint_key, number_salt=SALT)
    number = programme.number("customer", identifier)
    assert programme.identifier("customer", number.lower()) == identifier
    assert programme.identifier("referral", number) != identifier
    assert programme.identifier("bonus", number) != identifier


@pytest.mark.parametrize("identifier", [2**63, 2**64, 10**30])
def test_a_number_that_no_row_can_have_is_nobodys(identifier: int) -> None:
    """One of many words of twenty letters decodes to something; databases refuse what is longer than 63 bits."""
    programme = make_programme()
    assert programme.identifier("customer", programme.number("customer", 2**63 - 1)) == 2**63 - 1
    assert programme.identifier("customer", programme.number("customer", identifier)) is None
