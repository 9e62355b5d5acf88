"""Every word that a customer or an owner reads: gettext catalogues in Dutch and English, keys by meaning.

The catalogues are read from their ``.po`` files at first use, so no step of compiling can be forgotten. A room keeps
its words in a catalogue of its own: ``locales/<locale>/LC_MESSAGES/*.po`` and ``locales/<room>.<locale>.po`` are all
read. Dates and money are written by Babel, in the style of ``money`` and ``day`` below.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from gettext import GNUTranslations
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from babel.dates import format_date, get_day_names
from babel.lists import format_list
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from referrals.money import exponent
from referrals.settings import WEEKDAYS

log = structlog.get_logger()

LOCALES = ("nl", "en")
DIRECTORY = Path(__file__).parent / "locales"
COUNTED = ("count", "days", "friends")  # the first of these in the data chooses the plural
MISSING = "…"
NOON = time(12)
_PARTS = string.Formatter()
_NARROW = "\N{NO-BREAK SPACE}"


class UnknownText(KeyError):
    """No catalogue has this key."""


class Texts:
    """The catalogues of an installation, with its time zone for the dates in them."""

    def __init__(self, *, zone: str = "Europe/Amsterdam", default: str = "nl") -> None:
        """Nothing is read before the first word is asked for."""
        self.zone = ZoneInfo(zone)
        self.default = default if default in LOCALES else "en"

    def say(self, key: str, locale: str | None = None, **data: Any) -> str:
        """The text of this key as plain words, its placeholders filled in.

        Of the data, ``*_minor`` with ``currency`` is said as money under the name without ``_minor``, ``*_at`` as a
        day under ``*_on``, ``date`` as a day, ``month`` (2026-11) as its name.

        Raises:
            UnknownText: no catalogue has the key.
        """
        language = self.locale(locale)
        return _fill(self._template(key, language, data), key, self._spoken(data, language))

    def say_html(self, key: str, locale: str | None = None, **data: Any) -> str:
        """Likewise for the chat: what is filled in is escaped, the catalogue's own marks are kept."""
        language = self.locale(locale)
        spoken = self._spoken(data, language)
        return _fill(self._template(key, language, data), key, {name: escape(str(it)) for name, it in spoken.items()})

    def has(self, key: str) -> bool:
        """Whether the key has a text in every language."""
        return all(key in catalogue(language).keys for language in LOCALES)

    def locale(self, wanted: str | None) -> str:
        """The language that somebody with this one reads: Dutch or English; the programme's where nothing is known."""
        if not wanted:
            return self.default
        return "nl" if wanted.lower().startswith("nl") else "en"

    def money(self, amount_minor: int, currency: str, locale: str | None = None) -> str:
        """€ 10, € 7,50 (en: € 7.50), with a space that does not break."""
        return money(amount_minor, currency, self.locale(locale))

    def day(self, moment: date | datetime | str, locale: str | None = None) -> str:
        """6 december (en: 6 December), in the programme's zone."""
        return day(moment, self.locale(locale), self.zone)

    def hour(self, moment: time, locale: str | None = None) -> str:
        """9.00 uur (en: 9 am), 17.30 uur (en: 5.30 pm)."""
        return hour(moment, self.locale(locale))

    def days(self, quiet: Sequence[str], locale: str | None = None) -> str:
        """Days as the configuration names them (sunday, 12-25, 2026-04-06), as they are said: zondag en 25 december."""
        language = self.locale(locale)
        return format_list([_named_day(each, language) for each in quiet], locale=language)

    def _template(self, key: str, language: str, data: Mapping[str, Any]) -> str:
        texts = catalogue(language)
        if key not in texts.keys:
            raise UnknownText(key)
        if key not in texts.plurals:
            return texts.translations.gettext(key)
        number = next((data[name] for name in COUNTED if isinstance(data.get(name), int)), 2)
        return texts.translations.ngettext(key, key, number)

    def _spoken(self, data: Mapping[str, Any], language: str) -> dict[str, Any]:
        spoken: dict[str, Any] = {}
        for name, value in data.items():
            if value is None:
                continue
            if name.endswith("_minor"):
                spoken[name.removesuffix("_minor")] = money(value, data["currency"], language)
            elif name.endswith("_at"):
                spoken[name.removesuffix("_at") + "_on"] = day(value, language, self.zone)
            elif name == "date":
                spoken[name] = day(value, language, self.zone)
            elif name == "month":
                spoken[name] = month_name(value, language)
            elif isinstance(value, int | Decimal) and not isinstance(value, bool):
                spoken[name] = format_decimal(value, locale=language)
            else:
                spoken[name] = value
        return spoken


class _Texts:
    """One language: its translations, its keys, which of them have plurals."""

    def __init__(self, catalogs: Iterable[Catalog]) -> None:
        merged = Catalog(locale="en")
        for catalog in catalogs:
            merged.locale = catalog.locale
            for message in catalog:
                if message.id and message.string:
                    merged[message.id] = message
        compiled = BytesIO()
        write_mo(compiled, merged)
        compiled.seek(0)
        self.translations = GNUTranslations(compiled)
        ids = [message.id for message in merged if message.id]
        self.plurals = {each[0] for each in ids if isinstance(each, (list, tuple))}
        self.keys = self.plurals | {each for each in ids if isinstance(each, str)}


def files(language: str) -> list[Path]:
    """The catalogues of a language: the chat's, then those of the other rooms."""
    return [*sorted(DIRECTORY.glob(f"{language}/LC_MESSAGES/*.po")), *sorted(DIRECTORY.glob(f"*.{language}.po"))]


@lru_cache(maxsize=len(LOCALES))
def catalogue(language: str) -> _Texts:
    """All words of a language, read once a process."""
    return _Texts([_read(path, language) for path in files(language)])


def money(amount_minor: int, currency: str, locale: str) -> str:
    """An amount as it is said: without cents where there are none."""
    places = exponent(currency)
    amount = Decimal(amount_minor).scaleb(-places)
    decimals = "" if amount == amount.to_integral_value() else "." + "0" * places
    pattern = f"¤{_NARROW}#,##0{decimals};-¤{_NARROW}#,##0{decimals}"
    return format_currency(amount, currency, format=pattern, locale=locale, currency_digits=False)


def day(moment: date | datetime | str, locale: str, zone: ZoneInfo) -> str:
    """A day as it is said, without its year; a moment is the day that it is in the zone."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment) if len(moment) > len("2026-12-06") else date.fromisoformat(moment)
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(zone)
    return format_date(moment, format="d MMMM", locale=locale)


def hour(moment: time, locale: str) -> str:
    """A time of day as it is said, without a zone."""
    if locale == "nl":
        return f"{moment.hour}.{moment.minute:02} uur"
    minutes = f".{moment.minute:02}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes} {'am' if moment.hour < NOON.hour else 'pm'}"


def _named_day(named: str, language: str) -> str:
    if named in WEEKDAYS:
        return str(get_day_names("wide", locale=language)[WEEKDAYS.index(named)])
    return format_date(date.fromisoformat(named if len(named) > len("12-25") else f"2024-{named}"), "d MMMM", language)


def month_name(month: str | date, locale: str) -> str:
    """The month of 2026-11 as it is said: november, November."""
    first = date.fromisoformat(f"{month[:7]}-01") if isinstance(month, str) else month
    return format_date(first, format="LLLL", locale=locale)


def percent(basis_points: int, locale: str) -> str:
    """A share of 1250 basis points as it is said: 12,5%."""
    return f"{format_decimal(Decimal(basis_points).scaleb(-2).normalize(), locale=locale)}%"


def _read(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _fill(template: str, key: str, data: Mapping[str, Any]) -> str:
    """The template with its names filled in; a name that the data lacks is no reason to lose a message."""
    parts = []
    for literal, name, _, _ in _PARTS.parse(template):
        parts.append(literal)
        if name is not None:
            if name not in data:
                log.warning("text.missing", key=key, name=name)
            parts.append(str(data.get(name, MISSING)))
    return "".join(parts)
