"""Exports as rows, in chunks, and as text: JSON, and CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlmodel import col

from referrals.figures.board import whole_board
from referrals.figures.customer_list import COLUMNS as CUSTOMERS
from referrals.figures.customer_list import customer_pages
from storage.bulk import fetch_in
from storage.ledger import AVAILABLE, HELD, Bonus, Entry, Posting
from storage.orders import Order
from storage.referrals import Referral

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

Row = dict[str, Any]
CHUNK = 2000  # rows a query
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\0")  # what a spreadsheet may take for a formula

LEADERBOARD = (
    "place", "move", "customer", "name", "code", "friends", "pending", "revenue_minor", "bonus_minor", "currency",
)  # fmt: skip
LEDGER = (
    "entry", "posting", "commit", "at", "kind", "reason", "bonus", "shop", "order", "customer", "account", "currency",
    "amount_minor",
)  # fmt: skip
REFERRALS = (
    "referral", "customer", "friend", "stage", "standing", "evidence", "evidence_at", "held_minor",
    "available_minor", "currency", "reasons", "created_at", "updated_at",
)  # fmt: skip
COLUMNS = {"leaderboard": LEADERBOARD, "ledger": LEDGER, "referrals": REFERRALS, "customers": CUSTOMERS}


class UnknownExport(KeyError):
    """There is no export of this name."""


def pages_of(session: Session, name: str, *, period: str, programme: Programme, now: datetime) -> Iterator[list[Row]]:
    """The rows of an export, a page at a time, all of one moment. Raises: UnknownExport, UnknownPeriod."""
    if name == "leaderboard":
        pages = whole_board(session, period=period, programme=programme, now=now)
        return ([asdict(row) for row in page] for page in pages)
    if name == "ledger":
        return _ledger(session, programme=programme)
    if name == "referrals":
        return _referrals(session, programme=programme)
    if name == "customers":
        return customer_pages(session, programme=programme)
    raise UnknownExport(name)


def export(
    session: Session,
    name: str,
    *,
    form: str,
    period: str,
    programme: Programme,
    now: datetime,
    write: Callable[[str], object],
    wrote: Callable[[int], object] = int,
) -> int:
    """The export is written as ``csv`` or ``json`` in pieces; returns how many rows. ``wrote`` hears of each piece."""
    pages = pages_of(session, name, period=period, programme=programme, now=now)
    return write_pages(COLUMNS[name], pages, form=form, write=write, wrote=wrote)


def write_pages(
    columns: Sequence[str],
    pages: Iterator[list[Row]],
    *,
    form: str,
    write: Callable[[str], object],
    wrote: Callable[[int], object] = int,
) -> int:
    """The pages are written as ``csv`` or ``json``, each as it comes; returns how many rows."""
    if form == "json":
        return _write_json(pages, write, wrote)
    write(csv_text(columns, ()))
    count = 0
    for page in pages:
        write(csv_text(columns, page, header=False))
        count += len(page)
        wrote(len(page))
    return count


def _ledger(session: Session, *, programme: Programme) -> Iterator[list[Row]]:
    """Entries in the order of their ids: those of a posting sum to zero, those of a customer to their balances."""
    query = (
        select(Entry, Posting, col(Order.shop), col(Order.external_id))
        .join(Posting, col(Posting.id) == col(Entry.posting_id))
        .join(Bonus, col(Bonus.id) == col(Entry.bonus_id))
        .outerjoin(Order, col(Order.id) == col(Bonus.order_id))
        .order_by(col(Entry.id))
        .limit(CHUNK)
    )
    after = 0
    while found := session.execute(query.where(col(Entry.id) > after)).all():
        yield [_entry(entry, posting, shop, order, programme=programme) for entry, posting, shop, order in found]
        after = found[-1][0].id
        session.expunge_all()  # what was written is not kept


def _referrals(session: Session, *, programme: Programme) -> Iterator[list[Row]]:
    query = select(Referral).order_by(col(Referral.id)).limit(CHUNK)
    after = 0
    while found := session.execute(query.where(col(Referral.id) > after)).scalars().all():
        yield _referral_rows(session, found, programme=programme)
        after = found[-1].id
        session.expunge_all()


def csv_text(columns: Sequence[str], rows: Iterable[Row], *, header: bool = True) -> str:
    """Rows as CSV, with CRLF; a cell that a spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    if header:
        writer.writerow(columns)
    writer.writerows([[safe_cell(row[name]) for name in columns] for row in rows])
    return out.getvalue()


def safe_cell(value: Any) -> Any:
    """The value as a spreadsheet may see it: numbers as they are, text never as a formula."""
    if value is None or isinstance(value, (int, bool)):
        return "" if value is None else value
    text = str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def _entry(entry: Entry, posting: Posting, shop: str | None, order: str | None, *, programme: Programme) -> Row:
    customer = entry.customer_id
    return {
        "entry": entry.id,
        "posting": entry.posting_id,
        "commit": posting.commit_no,
        "at": posting.at.astimezone(programme.zone).isoformat(),
        "kind": posting.kind,
        "reason": posting.reason,
        "bonus": programme.number("bonus", entry.bonus_id),
        "shop": shop,
        "order": order,
        "customer": None if customer is None else programme.number("customer", customer),
        "account": entry.account,
        "currency": entry.currency,
        "amount_minor": entry.amount_minor,
    }


def _referral_rows(session: Session, found: Sequence[Referral], *, programme: Programme) -> list[Row]:
    bonuses: dict[int, list[Row]] = {}
    for bonus in fetch_in(session, Bonus, "referral_id", [row.id for row in found]):
        if bonus["currency"] == programme.currency:
            bonuses.setdefault(bonus["referral_id"], []).append(bonus)
    return [_referral(row, bonuses.get(row.id, []), programme=programme) for row in found]


def _referral(row: Referral, bonuses: Sequence[Row], *, programme: Programme) -> Row:
    return {
        "referral": programme.number("referral", row.id),
        "customer": programme.number("customer", row.ambassador_id),
        "friend": programme.number("customer", row.friend_id),
        "stage": row.stage,
        "standing": row.standing,
        "evidence": row.evidence,
        "evidence_at": row.evidence_at.astimezone(programme.zone).isoformat(),
        "held_minor": sum(bonus["amount_minor"] for bonus in bonuses if bonus["status"] == HELD),
        "available_minor": sum(bonus["amount_minor"] for bonus in bonuses if bonus["status"] == AVAILABLE),
        "currency": programme.currency,
        "reasons": " ".join(note["code"] for note in row.reasons),
        "created_at": row.created_at.astimezone(programme.zone).isoformat(),
        "updated_at": row.updated_at.astimezone(programme.zone).isoformat(),
    }


def _write_json(pages: Iterator[list[Row]], write: Callable[[str], object], wrote: Callable[[int], object]) -> int:
    """One array, a row a line."""
    write("[")
    count = 0
    for page in pages:
        lines = ("\n" + json.dumps(row, ensure_ascii=False) for row in page)
        write(("," if count and page else "") + ",".join(lines))
        count += len(page)
        wrote(len(page))
    write("\n]\n")
    return count
