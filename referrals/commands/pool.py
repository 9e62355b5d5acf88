"""``voucher-pool``: codes that the owner made in the shop. They are as good as money, so none is ever printed."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from referrals.commands.opening import LAST_YEAR, Misuse, read_moment
from referrals.commands.output import print_json, print_line, print_table
from referrals.money import NotAnAmount, UnknownCurrency, minor
from referrals.rewarding.pool import (
    KNOWN,
    LOADED,
    OTHER,
    TAKEN,
    TWICE,
    UNFIT,
    PoolLine,
    load_codes,
    remove_codes,
    stock,
)
from storage.vouchers import POOL

if TYPE_CHECKING:
    from referrals.commands.opening import Opened

NEEDED, COLUMNS = ("code", "amount", "currency"), ("code", "amount", "currency", "expires")
WHY = {
    UNFIT: "the code has 6 to 100 symbols, all on one line, and an amount above nought",
    TWICE: "an earlier line has this code",
    OTHER: "the pool has this code with another amount or end",
    TAKEN: "a voucher has this code already",
}


def load(opened: Opened, path: Path) -> bool:
    """The pool holds the codes of the file, once; whether no line was refused. Raises: Misuse."""
    lines: dict[int, PoolLine] = {}
    refused: dict[int, str] = {}
    with _opened(path) as file:
        for number, row in _rows(file, needed=NEEDED):
            try:
                lines[number] = _line(row, opened)
            except Misuse as error:
                refused[number] = str(error)
    outcomes = dict(zip(lines, opened.database.run(load_codes, list(lines.values()), now=opened.now), strict=True))
    refused |= {number: WHY[outcome] for number, outcome in outcomes.items() if outcome in WHY}
    for number, why in sorted(refused.items()):
        sys.stderr.write(f"ambassade: line {number}: {why}\n")
    counted = Counter(outcomes.values())
    print_line(f"{counted[LOADED]} loaded, {counted[KNOWN]} known already, {len(refused)} refused")
    if opened.config.vouchers.source != POOL:
        print_line('nobody gets them yet: [vouchers] source is not "pool"')
    return not refused


def show(opened: Opened, *, as_json: bool) -> None:
    """How many codes there are of each worth."""
    found = opened.database.look(stock, now=opened.now)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.currency, one.amount_minor, one.left, one.given, one.over) for one in found]
    print_table(("currency", "amount in minor units", "left", "given", "over"), rows)


def remove(opened: Opened, path: Path | None, *, everything: bool) -> None:
    """The codes of the file, or all, are in the pool no more, but for those that somebody has. Raises: Misuse."""
    if (path is None) != everything:
        raise Misuse("Name a file of codes, or --all.")
    codes = None
    if path is not None:
        with _opened(path) as file:
            codes = [row["code"] for _, row in _rows(file, needed=NEEDED[:1])]
    print_line(f"{opened.database.run(remove_codes, codes)} removed; what somebody has stays theirs")


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise Misuse(f"{path}: cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise Misuse(f"{path}: is no CSV in UTF-8.") from None


def _rows(file: TextIO, *, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and cells, by the names of the first line. Raises: Misuse."""
    start = file.readline()
    delimiter = ";" if start.count(";") > start.count(",") else ","  # as spreadsheets here write it
    names = [name.strip().lower() for name in next(csv.reader([start], delimiter=delimiter), [])]
    if set(needed) - set(names) or set(names) - set(COLUMNS) or len(set(names)) < len(names):
        raise Misuse(f"The first line names the columns: {','.join(needed)}; others may be {','.join(COLUMNS)}.")
    reader = csv.reader(file, delimiter=delimiter)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            padded = [*(cell.strip() for cell in cells), *[""] * len(names)]
            yield reader.line_num + 1, dict(zip(names, padded, strict=False))


def _line(row: dict[str, str], opened: Opened) -> PoolLine:
    currency = row.get("currency", "").upper()
    try:
        amount = minor(row.get("amount", ""), currency)
    except (NotAnAmount, UnknownCurrency) as error:
        raise Misuse(str(error)) from None
    return PoolLine(row["code"], amount, currency, _end(row.get("expires", ""), opened))


def _end(text: str, opened: Opened) -> datetime | None:
    """The end of that local day, or that moment; none where the cell is empty."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return read_moment(text, option="expires", zone=opened.programme.zone).astimezone(UTC)
    if day.year > LAST_YEAR:
        raise Misuse(f"expires is beyond all calendars: {text!r}.")
    return datetime.combine(day + timedelta(days=1), time(), opened.programme.zone).astimezone(UTC)
