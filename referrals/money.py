"""Money: integer minor units and an ISO 4217 code. Nothing here knows a fraction that is not exact.

Source: ISO 4217 list one, for the currencies and their exponents.
"""

from __future__ import annotations

import re
from decimal import Decimal

_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
    "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {code: places for places, codes in _CODES.items() for code in codes.split()}
LARGEST_MINOR = 10**15  # a sum of nine thousand of these still fits 64 bits
WHOLE_BASIS_POINTS = 10_000  # 100 %

_AMOUNT = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


class NotAnAmount(ValueError):
    """The text names no amount of money, or one too large to book."""


class TooManyDecimals(NotAnAmount):
    """The amount is finer than the currency's smallest unit; rounding it would be guessing."""


class UnknownCurrency(ValueError):
    """No such ISO 4217 code is in use."""


def exponent(currency: str) -> int:
    """How many decimals the currency has: EUR 2, JPY 0, KWD 3.

    Raises:
        UnknownCurrency: no such code; codes are capitals.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(f"{currency!r} is no currency code of ISO 4217") from None


def minor(amount: str | Decimal, currency: str) -> int:
    """The amount in the currency's minor units, exactly: "15.00" EUR is 1500.

    Zeros behind the last decimal are harmless ("100.00" JPY is 100).

    Raises:
        NotAnAmount: no plain decimal number, or beyond what is ever booked.
        TooManyDecimals: a part of a minor unit.
        UnknownCurrency: no such code.
    """
    places = exponent(currency)
    text = f"{amount:f}" if isinstance(amount, Decimal) else amount.strip()
    if not _AMOUNT.fullmatch(text):
        raise NotAnAmount('an amount is written like "15.00", with a point and nothing around it')
    whole = _scaled(text, places)
    if whole is None:
        raise TooManyDecimals(f"{currency} has {places} decimals, and {text} has more")
    if abs(whole) > LARGEST_MINOR:
        raise NotAnAmount(f"{text} is more than is ever booked")
    return whole


def decimal_text(amount_minor: int, currency: str) -> str:
    """The amount as shops and files write it: 1500 EUR is "15.00", 1500 JPY is "1500"."""
    places = exponent(currency)
    if places == 0:
        return str(amount_minor)
    whole, part = divmod(abs(amount_minor), 10**places)
    return f"{'-' if amount_minor < 0 else ''}{whole}.{part:0{places}}"


def basis_points(percent: str) -> int:
    """The percentage in hundredths of a percent, exactly: "12.5" is 1250.

    Raises:
        NotAnAmount: no plain decimal number, or finer than a hundredth of a percent.
    """
    text = percent.strip()
    points = _scaled(text, 2) if _AMOUNT.fullmatch(text) else None
    if points is None:
        raise NotAnAmount('a percentage is written like "10" or "12.5", with at most two decimals')
    return points


def share_of(amount_minor: int, share_basis_points: int) -> int:
    """The share of an amount, the one place where money is rounded: half a minor unit goes up.

    Half up and not half to even, because a customer who works it out by hand must find the same.
    Takes amounts and shares from nought up; what is taken back is booked as a difference, never rounded anew.
    """
    if amount_minor < 0 or share_basis_points < 0:
        raise ValueError("a share is taken of an amount from nought up")
    return (2 * amount_minor * share_basis_points + WHOLE_BASIS_POINTS) // (2 * WHOLE_BASIS_POINTS)


def taken_off(left_minor: int, share_basis_points: int) -> int:
    """What a share has taken off an amount of which so much is left, half up like every share; not for all of it."""
    rest = WHOLE_BASIS_POINTS - share_basis_points
    if left_minor < 0 or share_basis_points < 0 or rest <= 0:
        raise ValueError("a share less than the whole is taken off an amount from nought up")
    return (2 * left_minor * share_basis_points + rest) // (2 * rest)


def _scaled(text: str, places: int) -> int | None:
    """The number times 10**places, or None where that leaves a fraction."""
    whole, _, part = text.partition(".")
    kept, finer = part[:places], part[places:]
    return None if finer.strip("0") else int(whole + kept.ljust(places, "0"))
