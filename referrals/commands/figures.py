"""``leaderboard`` and ``export``."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from referrals.asking.reference_list import COLUMNS as REFERENCE_COLUMNS
from referrals.asking.reference_list import reference_pages
from referrals.commands.opening import Misuse
from referrals.commands.output import print_json, print_table, progress
from referrals.figures.board import UnknownPeriod, board
from referrals.figures.exports import COLUMNS, export, write_pages
from referrals.figures.standings import rebuild
from referrals.money import exponent

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from referrals.commands.opening import Opened
    from referrals.figures.board import Board
    from referrals.programme import Programme

FORMS = ("csv", "json")
REFERENCES = "references"
PERIODS = "week, month, quarter, year, all, or a key like 2026-11"
MOST = 10_000  # lines of a printed board; the export has everybody


def show_leaderboard(opened: Opened, *, period: str, top: int, at: str | None, as_json: bool) -> None:
    """The board is printed. Raises: Misuse."""
    if not 0 < top <= MOST:
        raise Misuse(f"--top is {top}, and must be from 1 to {MOST}; `export leaderboard` has everybody.")
    moment = opened.moment(at, option="--at") if at else None
    try:
        found = opened.database.look(
            board, period=period, at=moment, top=top, programme=opened.programme, now=opened.now
        )
    except UnknownPeriod:
        raise Misuse(f"--period is {period!r}, and must be {PERIODS}.") from None
    if as_json:
        print_json(found.as_dict())
    else:
        _print_board(found)


def write_export(opened: Opened, name: str, *, form: str, period: str) -> None:
    """The export is on standard output. Raises: Misuse."""
    faults = []
    names = (*COLUMNS, REFERENCES)
    if name not in names:
        faults.append(f"there is no export {name!r}; there are {', '.join(names)}.")
    if form not in FORMS:
        faults.append(f"--format is {form!r}, and must be csv or json.")
    if faults:
        raise Misuse(*faults)
    kind = partial(export, name=name, period=period) if name in COLUMNS else _export_references
    with progress(f"export {name}") as wrote:
        try:
            opened.database.look(
                kind, form=form, programme=opened.programme, now=opened.now, write=sys.stdout.write, wrote=wrote
            )
        except UnknownPeriod:
            raise Misuse(f"--period is {period!r}, and must be {PERIODS}.") from None
    sys.stdout.flush()


def rebuild_standings(opened: Opened) -> None:
    """The projection begins anew; the clock, or ``run-job freeze-standings``, builds it from the ledger again."""
    opened.database.run(rebuild, now=opened.now)


def _export_references(session: Session, *, form: str, programme: Programme, now: datetime, **ways: Any) -> int:
    pages = reference_pages(session, programme=programme, now=now)
    return write_pages(REFERENCE_COLUMNS, pages, form=form, **ways)


def _print_board(found: Board) -> None:
    rows = [
        (
            row.place, _signed(row.move), row.name, row.code, row.customer, row.friends, row.pending,
            _amount(row.revenue_minor, row.currency), _amount(row.bonus_minor, row.currency),
        )
        for row in found.rows
    ]  # fmt: skip
    columns = ("place", "move", "name", "code", "customer", "friends", "pending", "revenue", "bonus")
    left_out = f"left out: {found.excluded} people, {found.under_review} friends under review"
    print_table(columns, rows, title=f"{found.key} ({found.currency}), {left_out}")


def _signed(move: int | None) -> str:
    return "new" if move is None else f"{move:+d}" if move else "="


def _amount(minor: int, currency: str) -> str:
    digits = exponent(currency)
    whole, rest = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"
