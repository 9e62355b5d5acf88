"""The kinds of value that a configuration holds, each with the sentence said when it is wrong.

Values come from TOML with a type of their own, or from the environment as ``EnvironmentText``,
which is read as what its key asks for.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from datetime import date, time
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, Strict, ValidationInfo
from pydantic_core import PydanticCustomError

from referrals.money import NotAnAmount, UnknownCurrency, basis_points, exponent, minor

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LOCALES = ("nl", "en")  # those that the bot has texts in
NONE = "none"  # what is written where a limit is not wanted


class EnvironmentText(str):
    """A value from the environment: text that may stand for a number, a truth or a list."""

    __slots__ = ()


class Section(BaseModel):
    """A part of the configuration: frozen, and a key that it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)


def contradiction(*faults: tuple[str, str]) -> PydanticCustomError:
    """An error for keys of one section that cannot both be meant: (key, sentence) each."""
    return PydanticCustomError("contradiction", "contradiction", {"faults": list(faults)})


def wrong(sentence: str) -> PydanticCustomError:
    """An error for one value; the sentence follows the key and never repeats a secret."""
    return PydanticCustomError("wrong", "{sentence}", {"sentence": sentence})


def _toml(text: str) -> Any:
    """What the text means as a TOML value, or None."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return None


def _unquoted(value: Any) -> Any:
    """A number or truth that the environment brought as text."""
    return _toml(value) if isinstance(value, EnvironmentText) else value


def _listed(value: Any) -> Any:
    """A list that the environment brought as text: a TOML list, or words with commas between them."""
    if not isinstance(value, EnvironmentText):
        return value
    if value.lstrip().startswith("["):
        return _toml(value)
    return [EnvironmentText(part.strip()) for part in value.split(",") if part.strip()]


def _amount(value: Any, info: ValidationInfo) -> int:
    if not isinstance(value, str):
        raise wrong('is an amount of money: write it as text, like "15.00"')
    try:
        return minor(value, (info.context or {}).get("currency", "EUR"))
    except (NotAnAmount, UnknownCurrency) as error:
        raise wrong(f"is no amount of money: {error}") from error


def _points(value: Any) -> int:
    if not isinstance(value, str):
        raise wrong('is a percentage: write it as text, like "10" or "12.5"')
    try:
        return basis_points(value)
    except NotAnAmount as error:
        raise wrong(f"is no percentage: {error}") from error


def _multiplier(value: Any) -> int:
    """1.5 as 15000 basis points, so that one rounding function serves it too."""
    if not isinstance(value, str):
        raise wrong('is a factor: write it as text, like "1.5"')
    try:
        return minor(value, "CLF")  # four decimals, exactly what a basis point is
    except NotAnAmount as error:
        raise wrong('is no factor: it is written like "1.5", with at most four decimals') from error


def _unlimited(value: Any) -> Any:
    return None if value == NONE else value


def _currency(value: str) -> str:
    try:
        exponent(value)
    except UnknownCurrency as error:
        raise wrong(f"is unknown: {error}") from error
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:  # not found, not a name, a folder of the zone files
        raise wrong(f"is unknown: {value!r} is no time zone; Europe/Amsterdam is one") from error
    return value


def _locale(value: str) -> str:
    if value not in LOCALES:
        raise wrong(f"is unknown: {value!r} is not one of {', '.join(LOCALES)}")
    return value


def _address(value: str) -> str:
    """An http or https address, without a slash at its end."""
    if re.search(r"\s", value):
        raise wrong("is no address: there is a space in it")
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError as error:
        raise wrong("is no address: it begins with https:// and names a host") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise wrong("is no address: it begins with https:// (or http://) and names a host")
    return value


def _base_address(value: str) -> str:
    if set("?#") & set(_address(value)):
        raise wrong("ends at the host or a path: ? and # have no place in it")
    return value.rstrip("/")


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise wrong(f"names no address or network: {value!r}; 10.0.0.0/8 is one") from error
    return value


def _time_of_day(value: Any) -> time:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        return time.fromisoformat(value)
    raise wrong('is a time of day: write it as text, like "20:00"')


def _quiet_day(value: Any) -> str:
    """A weekday, a day of every year (12-25) or one date (2026-04-06), as text."""
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).lower()
    if text in WEEKDAYS:
        return text
    try:
        date.fromisoformat(f"2024-{text}" if re.fullmatch(r"\d\d-\d\d", text, re.ASCII) else text)
    except ValueError as error:
        raise wrong(f'names no day: {value!r}; "sunday", "12-25" and "2026-04-06" do') from error
    return text


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise wrong('is a colour like "#0a7d5a"')
    return value.lower()


def _not_empty(value: str) -> str:
    if not value.strip():
        raise wrong("is empty")
    return value.strip()


def _secret(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise wrong("is empty")
    return value


def _database(value: str) -> str:
    if value.startswith("sqlite:///") and len(value) > len("sqlite:///"):
        return value
    if re.match(r"postgresql(\+psycopg)?://", value):
        return value
    raise wrong('is no database: "sqlite:///ambassade.db" and "postgresql://user:password@host/name" are')


def at_least(lowest: int) -> AfterValidator:
    """The number is not below this."""

    def check(value: int) -> int:
        if value < lowest:
            raise wrong(f"is {value}, and must be at least {lowest}")
        return value

    return AfterValidator(check)


def at_most(highest: int) -> AfterValidator:
    """The number is not above this."""

    def check(value: int) -> int:
        if value > highest:
            raise wrong(f"is {value}, and must be at most {highest}")
        return value

    return AfterValidator(check)


def distinct(*, lowest: int = 0) -> AfterValidator:
    """The list names nothing twice and holds at least so many."""

    def check(values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(values) < lowest:
            raise wrong(f"is a list of at least {lowest}")
        if len(set(values)) < len(values):
            raise wrong("names something twice")
        return values

    return AfterValidator(check)


def pattern(expression: str, sentence: str) -> AfterValidator:
    """The text is of this form."""

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not re.fullmatch(expression, text, re.ASCII):
            raise wrong(sentence)
        return value

    return AfterValidator(check)


Listed = BeforeValidator(_listed)
Whole = Annotated[int, BeforeValidator(_unquoted), Strict()]
Flag = Annotated[bool, BeforeValidator(_unquoted), Strict()]
Count = Annotated[Whole, at_least(0)]
Positive = Annotated[Whole, at_least(1)]
LONGEST_DAYS = 3650  # ten years; beyond the calendar's end every order would fail
Percentage = Annotated[Whole, at_least(0), at_most(100)]
Port = Annotated[Whole, at_least(0), at_most(65_535)]
Text = Annotated[str, AfterValidator(_not_empty)]
Username = Annotated[Text, AfterValidator(lambda value: value.removeprefix("@"))]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
Amount = Annotated[int, BeforeValidator(_amount), at_least(0)]
Points = Annotated[int, BeforeValidator(_points), at_least(1), at_most(10_000)]
PointsLimit = Annotated[Points | None, BeforeValidator(_unlimited)]
Multiplier = Annotated[int, BeforeValidator(_multiplier), at_least(1)]
Limit = Annotated[Amount | None, BeforeValidator(_unlimited)]
CountLimit = Annotated[Count | None, BeforeValidator(_unlimited)]
DaysLimit = Annotated[Annotated[Positive, at_most(LONGEST_DAYS)] | None, BeforeValidator(_unlimited)]
Currency = Annotated[str, AfterValidator(_currency)]
Zone = Annotated[str, AfterValidator(_timezone)]
Locale = Annotated[str, AfterValidator(_locale)]
Address = Annotated[str, AfterValidator(_address)]
BaseAddress = Annotated[str, AfterValidator(_base_address)]
Network = Annotated[str, AfterValidator(_network)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
QuietDay = Annotated[str, BeforeValidator(_quiet_day)]
Colour = Annotated[str, AfterValidator(_colour)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
