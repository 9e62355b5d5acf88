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
