from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referrals.money import (
    EXPONENTS,
    LARGEST_MINOR,
    NotAnAmount,
    TooManyDecimals,
    UnknownCurrency,
    basis_points,
    decimal_text,
    exponent,
    minor,
    share_of,
)

amounts = st.integers(min_value=-LARGEST_MINOR, max_value=LARGEST_MINOR)
currencies = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    "text,currency,expected",
    [
        pytest.param("15.00", "EUR", 1500, id="euros and cents"),
        pytest.param("15", "EUR", 1500, id="whole euros"),
        pytest.param("15.5", "EUR", 1550, id="one decimal"),
        pytest.param("-0.05", "EUR", -5, id="below nought"),
        pytest.param("1500", "JPY", 1500, id="a currency without decimals"),
        pytest.param("100.00", "JPY", 100, id="zeros that say nothing"),
        pytest.param("1.234", "KWD", 1234, id="three decimals"),
        pytest.param(" 85.00 ", "EUR", 8500, id="spaces around it"),
        pytest.param(Decimal("1E+2"), "EUR", 10_000, id="a decimal in powers of ten"),
    ],
)
def test_an_amount_becomes_minor_units_exactly(text: str, currency: str, expected: int) -> None:
    assert expected == minor(text, currency)


@pytest.mark.parametrize("text,currency", [("15.005", "EUR"), ("1.5", "JPY"), ("1.2345", "KWD"), ("0.001", "USD")])
def test_a_part_of_a_cent_is_refused(text: str, currency: str) -> None:
    with pytest.raises(TooManyDecimals, match=f"{currency} has"):
        minor(text, currency)


@pytest.mark.parametrize(
    "text", ["", "€ 15", "15,00", "1.000,00", "1e3", "NaN", "Infinity", "0x10", "--1", "1.", ".5", "٣", "9" * 30]
)
def test_what_is_no_plain_amount_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        minor(text, "EUR")


def test_an_amount_beyond_what_fits_the_books_is_refused() -> None:
    assert minor("10000000000000.00", "EUR") == LARGEST_MINOR
    with pytest.raises(NotAnAmount, match="more than is ever booked"):
        minor("10000000000000.01", "EUR")


@pytest.mark.parametrize("code", ["eur", "EURO", "XXX", ""])
def test_a_currency_that_does_not_exist_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        exponent(code)


@given(amount=amounts, currency=currencies)
def test_an_amount_survives_being_written_and_read(amount: int, currency: str) -> None:
    assert amount == minor(decimal_text(amount, currency), currency)


@pytest.mark.parametrize(
    "amount,points,expected",
    [
        pytest.param(8500, 1000, 850, id="10 % of 85.00"),
        pytest.param(4, 1000, 0, id="0.4 cent stays nought"),
        pytest.param(5, 1000, 1, id="half a cent goes up"),
        pytest.param(15, 1000, 2, id="a cent and a half goes up, not to even"),
        pytest.param(25, 1000, 3, id="two cents and a half go up, not to even"),
        pytest.param(999, 10_000, 999, id="all of it"),
        pytest.param(999, 0, 0, id="nothing of it"),
        pytest.param(1000, 15_000, 1500, id="a tier's multiplier of one and a half"),
    ],
)
def test_a_share_is_rounded_half_up(amount: int, points: int, expected: int) -> None:
    assert expected == share_of(amount, points)


@given(amount=st.integers(min_value=0, max_value=LARGEST_MINOR), points=st.integers(min_value=0, max_value=20_000))
def test_a_share_is_never_more_than_half_a_unit_off(amount: int, points: int) -> None:
    exact = Fraction(amount * points, 10_000)

    assert Fraction(-1, 2) < share_of(amount, points) - exact <= Fraction(1, 2)


@pytest.mark.parametrize("amount,points", [(-1, 1000), (100, -1)])
def test_no_share_is_taken_below_nought(amount: int, points: int) -> None:
    with pytest.raises(ValueError, match="from nought up"):
        share_of(amount, points)


@pytest.mark.parametrize("text,expected", [("10", 1000), ("12.5", 1250), ("0.01", 1), ("100", 10_000)])
def test_a_percentage_becomes_basis_points(text: str, expected: int) -> None:
    assert expected == basis_points(text)


@pytest.mark.parametrize("text", ["10%", "ten", "1.005", ""])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        basis_points(text)
