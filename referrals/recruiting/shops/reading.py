"""Reading what a shop signed: strict JSON, and fields that are what they should be.

A signature says who speaks, not that it makes sense. What does not is ``Nonsense`` with a reason that
names the field and never its value, so that an owner can read it and no person is in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any
from urllib.parse import parse_qs, urlsplit

from referrals import money
from referrals.recruiting.shops import Nonsense
from referrals.rewarding.voucher_books import could_be_voucher

MAX_DEPTH = 64
MAX_ID_LENGTH = 200
MAX_TEXT_LENGTH = 500  # an address of 320 and a landing URL's parameter both fit
MAX_CODES = 50
MAX_EXPONENT = 30  # digits before or after the point
MAX_COUNT = 10**9
MAX_DIGITS = 30  # of an id that is sent as a number; 64 bits have twenty
PLAIN = re.compile(r"\s*[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?\s*", re.ASCII)
# NUL, or half a surrogate pair: both can only come in escaped, for raw ones are no UTF-8, or no JSON. Whether a
# half has its other half is not for the bytes to say: "\\\\ud83d\\ude00" is a backslash, a word and a lone half.
SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # with the marks that turn text around


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in the body, numbers as Decimal. Raises Nonsense for anything else."""
    try:
        data = _DECODER.decode(body.decode("utf-8"))
    except Nonsense:
        raise
    except UnicodeDecodeError as error:
        raise Nonsense("the body is not UTF-8") from error
    except RecursionError as error:
        raise Nonsense("nested too deeply") from error
    except (ValueError, DecimalException) as error:  # no JSON, or an integer of more than 4300 digits
        raise Nonsense("the body is not JSON") from error
    if not isinstance(data, dict):
        raise Nonsense("the body is not a JSON object")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise Nonsense("nested too deeply")
    if SUSPECT.search(body):
        _refuse_broken_text(data)
    return data


def identifier(data: dict[str, Any], name: str) -> str:
    """An id as text, whether the shop sent a number or a string (one shop does both). Raises Nonsense without one."""
    value = data.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**MAX_DIGITS else ""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_ID_LENGTH:
        raise Nonsense(f"no usable {name}")
    return value.strip()


def order_number(data: dict[str, Any], name: str, *, external_id: str) -> str | None:
    """What a buyer reads as the order's number, ready to be compared; None where that is the id, or where it is odd."""
    value = data.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**MAX_DIGITS else ""
    number = comparable_number(value) if isinstance(value, str) and len(value) <= MAX_ID_LENGTH else None
    return number if number != external_id else None


def comparable_number(typed: str) -> str | None:
    """An order's number as it is compared: without the # in front, in capitals; None where nothing is left."""
    number = typed.strip().lstrip("#").strip().upper()
    return number if number and number.isprintable() else None


def text(data: dict[str, Any], name: str, *, limit: int = MAX_TEXT_LENGTH) -> str | None:
    """A text without control characters, None where it is absent or empty. Raises Nonsense for another kind."""
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Nonsense(f"{name} is not a text")
    printable = value if value.isprintable() else CONTROLS.sub("", value)
    return printable.strip()[:limit] or None


def truth(data: dict[str, Any], name: str) -> bool | None:
    """True, False, or None where it is absent. Raises Nonsense for another kind."""
    value = data.get(name)
    if value is not None and not isinstance(value, bool):
        raise Nonsense(f"{name} is not true or false")
    return value


def count(data: dict[str, Any], name: str) -> int | None:
    """A number of things, None where it is absent. Raises Nonsense for another kind."""
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise Nonsense(f"{name} is not a number of things")
    return value


def part(data: dict[str, Any], name: str) -> dict[str, Any]:
    """An object within the object, empty where it is absent. Raises Nonsense for another kind."""
    value = data.get(name)
    if value is None or value == []:  # PHP writes an empty map as a list
        return {}
    if not isinstance(value, dict):
        raise Nonsense(f"{name} is not an object")
    return value


def parts(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list, empty where it is absent. Raises Nonsense for another kind."""
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Nonsense(f"{name} is not a list of objects")
    return value


def codes(values: Iterable[Any]) -> tuple[str, ...]:
    """The codes without empty ones and repeats, as typed. Raises Nonsense where one is no text."""
    kept: dict[str, None] = {}
    for value in values:
        if not isinstance(value, str):
            raise Nonsense("a code is not a text")
        if cleaned := CONTROLS.sub("", value).strip()[:MAX_ID_LENGTH]:
            kept[cleaned] = None
    return tuple(kept)[:MAX_CODES]


def discounts(said: Iterable[tuple[Any, Iterable[Any]]], currency: str) -> tuple[tuple[str, int], ...]:
    """What each code took off, the sum of its parts in minor units; only of codes that may be vouchers' of ours.

    What makes no sense is left out: nobody's order is set aside for it.
    """
    found = []
    for code, parts_of_it in said:
        if isinstance(code, str) and could_be_voucher(code):
            try:
                off = sum((amount({"discount": part}, "discount") or Decimal() for part in parts_of_it), Decimal())
                found.append((CONTROLS.sub("", code).strip(), minor(rounded(off, currency), currency, name="discount")))
            except Nonsense:
                continue
    return tuple(found)


def moment(data: dict[str, Any], name: str, *, gmt: bool = False) -> datetime | None:
    """A time in UTC, None where it is absent; ``gmt`` says that a time without a zone is UTC.

    Raises:
        Nonsense: it is no ISO 8601 time, or it has no zone.
    """
    value = data.get(name)
    if value is None or value == "":
        return None
    try:
        read = datetime.fromisoformat(value)
        if read.tzinfo is None:
            if not gmt:
                raise Nonsense(f"{name} has no time zone")
            return read.replace(tzinfo=UTC)
        return read.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:  # the last one: the year 0001 east of Greenwich
        raise Nonsense(f"{name} is not a time") from error


def amount(data: dict[str, Any], name: str) -> Decimal | None:
    """A decimal amount of any sign, None where it is absent. Raises Nonsense for anything but a plain number."""
    value = data.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise Nonsense(f"{name} is not an amount")
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        raise Nonsense(f"{name} is not an amount")  # Decimal would also read "1_0", "NaN" and other scripts' digits
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT or number.adjusted() > MAX_EXPONENT:
        raise Nonsense(f"{name} is not an amount")  # 1e999999 would take hours to write out
    return number


def minor(number: Decimal | str, currency: str, *, name: str) -> int:
    """The amount in minor units. Raises Nonsense below zero, out of bounds or finer than the currency."""
    try:
        value = money.minor(number, currency)
    except money.UnknownCurrency as error:
        raise Nonsense("a currency that ISO 4217 does not have") from error
    except money.NotAnAmount as error:
        raise Nonsense(f"{name} is no amount of its currency") from error
    if value < 0:
        raise Nonsense(f"{name} is negative")
    return value


def rounded(number: Decimal, currency: str) -> Decimal:
    """The amount to its currency's smallest unit, half up: a sum of lines with VAT may be finer than money is.

    Raises:
        Nonsense: it has more digits than any money.
    """
    unit = Decimal(1).scaleb(-money.EXPONENTS.get(currency, 0))
    try:
        return number.quantize(unit, ROUND_HALF_UP)
    except DecimalException as error:
        raise Nonsense("more than is ever booked") from error


def parameters(url: Any) -> dict[str, str]:
    """The query of a landing URL, the first value of each name; empty where there is none to read."""
    if not isinstance(url, str):
        return {}
    try:
        return {name: values[0] for name, values in parse_qs(urlsplit(url).query, max_num_fields=100).items()}
    except ValueError:
        return {}


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Nonsense("a key stands twice in one object")
    return made


def _no_constant(name: str) -> Any:
    raise Nonsense(f"{name.lstrip('-')} is not a number")


def _depth(data: Any) -> int:
    deepest, level = 0, [data]
    while level:
        deepest += 1
        level = [child for parent in level for child in _children(parent)]
    return deepest


def _children(parent: Any) -> Iterator[Any]:
    values = parent.values() if isinstance(parent, dict) else parent
    return (value for value in values if isinstance(value, (dict, list)))


def _refuse_broken_text(data: Any) -> None:
    """Neither database stores a NUL or half a surrogate pair. Raises Nonsense where the data holds one."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.keys()
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and ("\x00" in value or not _is_whole(value)):
            raise Nonsense("a text holds a NUL or half a character")


def _is_whole(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


# Built once: the scanner in C is kept as long as the decoder is.
_DECODER = json.JSONDecoder(object_pairs_hook=_unrepeated, parse_float=Decimal, parse_constant=_no_constant)
