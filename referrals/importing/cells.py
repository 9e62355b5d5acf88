"""What a cell says: pure readers, each of which names its column where it cannot read it, and never repeats the cell.

What a spreadsheet makes of things is undone: an apostrophe that keeps a cell from being a formula, a comma for a point.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from referrals import money
from referrals.recruiting.shops.reading import CONTROLS, MAX_CODES, MAX_COUNT, MAX_ID_LENGTH, MAX_TEXT_LENGTH

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # before these an apostrophe is not the customer's
YES = frozenset({"yes", "true", "1", "ja"})
NO = frozenset({"no", "false", "0", "nee"})
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # an older date is an empty one of some other program
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T].*)?", re.ASCII)
THOUSANDS = 3  # digits behind a sign that stands between thousands
BETWEEN_CODES = re.compile(r"[|,]")


class Refused(Exception):
    """The row cannot be applied: the column that is the cause, if one is, and why, without what it holds."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column}: {why}" if column else why)
        self.column, self.why = column, why


class Columns:
    """Where each column of a kind of file stands; ``cells[place]`` of one that the file has not is empty."""

    def __init__(self, names: Sequence[str], *, known: Sequence[str], needed: Sequence[Sequence[str]]) -> None:
        """``needed``: of each group one at least. Raises: Refused."""
        for group in needed:
            if not set(group).intersection(names):
                raise Refused(" or ".join(group), "the header has no such column")
        self.places = {name: names.index(name) if name in names else -1 for name in known}
        self.ignored = [name for name in names if name and name not in known]


def plain(cell: str) -> str:
    """The text without the space around it and without a spreadsheet's apostrophe."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def text(cell: str, *, limit: int = MAX_TEXT_LENGTH) -> str | None:
    """A text without control characters; None where it is empty."""
    cell = plain(cell)
    if not cell.isprintable():
        cell = CONTROLS.sub("", cell).strip()
    return cell[:limit] or None


def identifier(cell: str, column: str) -> str:
    """An id, of which every sign counts. Raises: Refused."""
    cell = plain(cell)
    if not cell:
        raise Refused(column, "is empty")
    if len(cell) > MAX_ID_LENGTH or not cell.isprintable():
        raise Refused(column, f"is no id: longer than {MAX_ID_LENGTH}, or with control characters")
    return cell


@lru_cache(maxsize=1 << 14)
def amount(cell: str, column: str, currency: str) -> int:
    """An amount from nought up in minor units, "90.00" or "90,00", never with thousands. Raises: Refused."""
    cell = cell.strip()
    number = cell if "." in cell else cell.replace(",", ".", 1)
    try:
        value = money.minor(number, currency)
        if len(number.partition(".")[2]) == THOUSANDS != money.exponent(currency):
            raise Refused(column, "may be thousands; they are written without a sign")  # 90.000 is not 90
    except money.TooManyDecimals:
        raise Refused(column, f"has more decimals than {currency}; thousands are written without a sign") from None
    except money.NotAnAmount:
        raise Refused(column, "is no amount; 90.00 and 90,00 are") from None
    except money.UnknownCurrency:
        raise Refused("currency", "is no currency of ISO 4217") from None
    if value < 0:
        raise Refused(column, "is below nought")
    return value


def moment(cell: str, column: str, *, zone: tzinfo, latest: datetime) -> datetime | None:
    """A time in UTC; without an offset it is in ``zone``, without a time it is midnight. Raises: Refused."""
    cell = cell.strip()
    if not cell:
        return None
    found = _in_utc(cell, zone)
    if found is None:
        raise Refused(column, "is no date; 2026-11-24 10:00 and 2026-11-24T10:00:00+01:00 are")
    if found > latest:
        raise Refused(column, "lies in the future")
    if found < EARLIEST:
        raise Refused(column, "lies before 1990")
    return found


@lru_cache(maxsize=1 << 10)
def _in_utc(cell: str, zone: tzinfo) -> datetime | None:
    """Kept, because the times of one row are often the same."""
    if not DATE.fullmatch(cell):
        return None
    try:
        read = datetime.fromisoformat(cell)
        return (read if read.tzinfo is not None else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def truth(cell: str, column: str) -> bool | None:
    """Yes or no, None where it is empty. Raises: Refused."""
    if not cell:
        return None
    said = cell.strip().lower()
    if said in YES:
        return True
    if said in NO:
        return False
    if said:
        raise Refused(column, "is neither yes nor no")
    return None


def count(cell: str, column: str) -> int | None:
    """A number of things, None where it is empty. Raises: Refused."""
    cell = cell.strip()
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit()) or int(cell[:20]) > MAX_COUNT:
        raise Refused(column, "is no number of things")
    return int(cell)


def codes(cell: str) -> tuple[str, ...]:
    """The codes of a cell, with | or a comma between them."""
    if not cell:
        return ()
    typed = (text(each, limit=MAX_ID_LENGTH) for each in BETWEEN_CODES.split(cell))
    return tuple(dict.fromkeys(code for code in typed if code))[:MAX_CODES]


def one_of(cell: str, shop: str, shops: Collection[str]) -> str:
    """The shop that the row names, else the file's. Raises: Refused."""
    if not cell:
        return shop
    named = plain(cell) or shop
    if named not in shops:
        raise Refused("shop", "is none of the configuration")
    return named
