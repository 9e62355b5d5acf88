from __future__ import annotations

from decimal import Decimal

import pytest

from referrals.recruiting.shops import Nonsense, reading

DEEP = 100_000


@pytest.mark.parametrize(
    "body, reason",
    [
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"id=18", "not JSON", id="a form"),
        pytest.param(b"[]", "not a JSON object", id="a list"),
        pytest.param(b"null", "not a JSON object", id="null"),
        pytest.param(b'{"a":NaN}', "NaN is not a number", id="NaN"),
        pytest.param(b'{"a":-Infinity}', "Infinity is not a number", id="infinity"),
        pytest.param(b'{"a":' + b"[" * DEEP, "nested too deeply", id="a hundred thousand brackets"),
        pytest.param(b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "nested too deeply", id="one level more than allowed"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "not JSON", id="5000 digits"),
        pytest.param(b'{"a":1,"a":2}', "a key stands twice", id="one key twice"),
        pytest.param(b'{"b":{"a":1,"a":1}}', "a key stands twice", id="one key twice further in"),
        pytest.param(b'{"a":"\\u0000"}', "NUL", id="NUL, escaped"),
        pytest.param(b'{"a":"\x00"}', "not JSON", id="NUL, raw"),
        pytest.param(b'{"a":"\\ud83d"}', "half a character", id="half a surrogate pair"),
        pytest.param(b'{"\\ud83d":1}', "half a character", id="half a pair in a key"),
        pytest.param(b'{"a":"\\\\ud83d\\ude00"}', "half a character", id="half a pair behind a word like one"),
        pytest.param(b'{"a":[{"b":"\\udeb2\\ud83d"}]}', "half a character", id="a pair the wrong way round"),
        pytest.param(b'{"a":"\xed\xa0\xbd"}', "not UTF-8", id="half a pair, raw"),
        pytest.param('{"a":1}'.encode("utf-16"), "not UTF-8", id="UTF-16"),
        pytest.param('{"a":1}'.encode("utf-16-le"), "not JSON", id="UTF-16 without a mark"),
        pytest.param(b"\xff\xfe\xfd", "not UTF-8", id="no text at all"),
    ],
)
def test_nonsense_is_named_and_never_an_exception_of_another_kind(body: bytes, reason: str) -> None:
    with pytest.raises(Nonsense, match=reason):
        reading.read_object(body)


def test_numbers_keep_their_decimals_and_emoji_their_halves() -> None:
    data = reading.read_object(b'{"a":0.10,"b":"\\ud83d\\udeb2","c":1e2}')
    assert data == {"a": Decimal("0.10"), "b": "\U0001f6b2", "c": Decimal(100)}


def test_sixty_four_levels_are_read() -> None:
    assert reading.read_object(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}")
    assert reading.read_object(b'{"a":[' + b"{}," * 500 + b"{}]}")


@pytest.mark.parametrize("value, text", [(18, "18"), ("18", "18"), (" 18 ", "18"), (2**63, str(2**63)), (0, "0")])
def test_ids_are_text_whatever_the_shop_sends(value: object, text: str) -> None:
    assert reading.identifier({"id": value}, "id") == text


@pytest.mark.parametrize("value", [None, "", " ", True, 1.5, Decimal(18), [18], {"id": 18}, "x" * 201, 10**40])
def test_what_is_no_id_is_nonsense(value: object) -> None:
    with pytest.raises(Nonsense, match="no usable id"):
        reading.identifier({"id": value}, "id")


@pytest.mark.parametrize(
    "value, currency, minor",
    [
        ("90.00", "EUR", 9000),
        (90, "EUR", 9000),
        (Decimal("0.1"), "EUR", 10),
        (" 5 ", "EUR", 500),
        ("1200.00", "JPY", 1200),
        ("1.234", "KWD", 1234),
        (Decimal("1E+2"), "EUR", 10000),
    ],
)
def test_amounts_become_minor_units_of_their_own_currency(value: object, currency: str, minor: int) -> None:
    number = reading.amount({"total": value}, "total")
    assert number is not None
    assert reading.minor(number, currency, name="total") == minor


@pytest.mark.parametrize(
    "value",
    ["ten", "1,50", "1_0", "NaN", "Infinity", "0x10", "1e3", "١٢", True, [], {}, "9" * 21, 10**18, Decimal("1E+999999"),
     Decimal("0E+999999"), Decimal("1E-999999"), "-0.01", "0.001", Decimal("0.001")],
)  # fmt: skip
def test_what_is_no_amount_of_euros_is_nonsense(value: object) -> None:
    with pytest.raises(Nonsense):
        reading.minor(reading.amount({"total": value}, "total") or Decimal(), "EUR", name="total")


def test_a_currency_that_does_not_exist_is_nonsense() -> None:
    with pytest.raises(Nonsense, match="ISO 4217"):
        reading.minor(Decimal(1), "XXQ", name="total")


@pytest.mark.parametrize(
    "value", ["2026-11-24", "2026-11-24T10:00:00", "tomorrow", 1795510800, "0001-01-01T00:00:00+01:00"]
)
def test_a_time_needs_a_zone_and_a_sensible_year(value: object) -> None:
    with pytest.raises(Nonsense, match="at"):
        reading.moment({"at": value}, "at")


def test_control_characters_and_turned_text_are_dropped() -> None:
    assert reading.text({"first_name": " An\u202ena\x07\n "}, "first_name") == "Anna"
    assert reading.text({"first_name": "\x1b"}, "first_name") is None


@pytest.mark.parametrize("url", [None, 5, "", "http://[", "https://shop.example/" + "?a=1" + "&a=1" * 200])
def test_a_landing_url_that_cannot_be_read_has_no_parameters(url: object) -> None:
    assert reading.parameters(url) == {}
