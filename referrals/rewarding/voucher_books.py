"""What the books say of vouchers, and how their moves get in: postings by lot, each noted as its voucher's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from referrals.codes import ALPHABET, LONGEST_TYPED, normalise, weighted
from referrals.programme import Programme
from referrals.rewarding.lots import Step
from referrals.rewarding.postings import write_steps
from referrals.rewarding.voucher_lots import Moves, Part
from storage.bulk import fetch_in, insert_rows, update_rows
from storage.credit import CreditTerm
from storage.ledger import AVAILABLE, DEBT, REDEEMED, RESERVED, Bonus, Entry
from storage.vouchers import OWN, Redemption, Voucher, VoucherPosting

Row = dict[str, Any]
RANDOM_SYMBOLS, GROUP = 11, 4
CODE_LENGTH = RANDOM_SYMBOLS + 1
CHECK_FACTOR = pow(-CODE_LENGTH, -1, len(ALPHABET))


@dataclass(frozen=True, slots=True)
class Cause:
    """Why credit moves, and for which voucher and redemption."""

    kind: str  # of the posting
    why: str  # reason code
    voucher_id: int | None = None
    redemption_id: int | None = None


def credit_lots(session: Session, customer_id: int, currency: str) -> list[Part]:
    """What a customer may spend, by lot, in the order in which it expires."""
    amount = func.sum(Entry.amount_minor)
    query = (
        select(Entry.bonus_id, amount)
        .where(Entry.customer_id == customer_id, Entry.currency == currency, Entry.account == AVAILABLE)
        .group_by(col(Entry.bonus_id))
        .having(amount > 0)
    )
    return _in_order(session, {bonus_id: int(minor) for bonus_id, minor in session.exec(query)})


def lots_of_voucher(session: Session, voucher_id: int) -> list[Part]:
    """What a voucher holds, by lot, in the order in which it expires."""
    return _in_order(session, _sums(session, voucher_id, RESERVED))


def lots_of_redemption(session: Session, redemption: Redemption) -> tuple[dict[int, int], dict[int, int]]:
    """By lot, what the order holds of the voucher, and what went back to the credit when it was redeemed last."""
    last = col(VoucherPosting.posting_id) >= redemption.first_posting_id
    mine = col(VoucherPosting.redemption_id) == redemption.id
    return (
        _sums(session, redemption.voucher_id, REDEEMED, mine),
        _sums(session, redemption.voucher_id, AVAILABLE, mine, last),
    )


def owed_by_lot(session: Session, bonus_ids: Sequence[int]) -> dict[int, int]:
    """What each lot is short of: it was taken back after it had been spent."""
    query = (
        select(Entry.bonus_id, func.sum(Entry.amount_minor))
        .where(col(Entry.bonus_id).in_(bonus_ids), Entry.account == DEBT)
        .group_by(col(Entry.bonus_id))
    )
    return {bonus_id: -int(minor) for bonus_id, minor in session.exec(query) if minor < 0}


def vouchers_over(session: Session, bonus_ids: Sequence[int]) -> list[tuple[Voucher, list[Part]]]:
    """The vouchers that hold something of these lots, the newest first, each with all that it holds.

    But for those whose codes the shop itself takes: they stand, for it cannot be asked here, and what is taken
    back is owed.
    """
    minor = func.sum(Entry.amount_minor)
    query = (
        select(VoucherPosting.voucher_id)
        .join(Entry, col(Entry.posting_id) == col(VoucherPosting.posting_id))
        .join(Voucher, col(Voucher.id) == col(VoucherPosting.voucher_id))
        .where(col(Entry.bonus_id).in_(bonus_ids), Entry.account == RESERVED, Voucher.source == OWN)
        .group_by(col(VoucherPosting.voucher_id))
        .having(minor > 0)
        .order_by(col(VoucherPosting.voucher_id).desc())
    )
    found = session.exec(query).all()
    return [(session.get_one(Voucher, each), lots_of_voucher(session, each)) for each in found]


def book_moves(session: Session, found: Moves, cause: Cause, *, now: datetime) -> range:
    """Each lot's moves are a posting of it, noted as the voucher's; returns the postings' ids."""
    rows = {row["id"]: row for row in fetch_in(session, Bonus, "id", found)}
    steps: list[tuple[Step, Row]] = []
    for bonus_id, pairs in sorted(found.items()):
        row = rows[bonus_id]
        row["postings"] += 1
        steps.append((Step(cause.kind, cause.why, pairs), row))
    counted = [{"id": row["id"], "postings": row["postings"], "updated_at": now} for _, row in steps]
    update_rows(session, Bonus, counted, key=("id",))
    posting_ids = write_steps(session, steps, now=now)
    if cause.voucher_id is not None:
        note_postings(session, posting_ids, [cause.voucher_id] * len(posting_ids), redemption_id=cause.redemption_id)
    return posting_ids


def note_postings(
    session: Session, posting_ids: Sequence[int], voucher_ids: Sequence[int], *, redemption_id: int | None = None
) -> None:
    """These postings are these vouchers', each in its turn."""
    rows = [
        {"posting_id": posting_id, "voucher_id": voucher_id, "redemption_id": redemption_id}
        for posting_id, voucher_id in zip(posting_ids, voucher_ids, strict=True)
    ]
    insert_rows(session, VoucherPosting, rows)


def make_voucher_code(session: Session, programme: Programme) -> str:
    """A fresh code, of which the last symbol checks the others, that nobody can guess."""
    while True:
        symbols = programme.maker.symbols(ALPHABET, RANDOM_SYMBOLS)
        code = symbols + ALPHABET[weighted(symbols) * CHECK_FACTOR % len(ALPHABET)]
        if find_voucher(session, code) is None:
            return code


def find_voucher(session: Session, typed: str) -> Voucher | None:
    """The voucher whose code this is, in any spelling."""
    return session.exec(select(Voucher).where(Voucher.code == normalise(typed[:LONGEST_TYPED]))).first()


def is_typing_error(typed: str) -> bool:
    """Could it have been a voucher's code, had every symbol been typed right?"""
    code = normalise(typed)
    made = len(code) == CODE_LENGTH and all(symbol in ALPHABET for symbol in code)
    return made and weighted(code) % len(ALPHABET) != 0


def could_be_voucher(typed: str) -> bool:
    """Is it worth looking for among the vouchers? No shop's own coupon passes by chance."""
    code = normalise(typed[:LONGEST_TYPED])
    made = len(code) == CODE_LENGTH and all(symbol in ALPHABET for symbol in code)
    return made and weighted(code) % len(ALPHABET) == 0


def find_vouchers(session: Session, typed: Collection[str]) -> dict[str, Row]:
    """The vouchers whose codes these are, by the code as it was typed."""
    codes = {each: normalise(each[:LONGEST_TYPED]) for each in typed}
    rows = {row["code"]: row for row in fetch_in(session, Voucher, "code", sorted(set(codes.values())))}
    return {each: rows[code] for each, code in codes.items() if code in rows}


def shown(code: str) -> str:
    """The code in groups, as it is shown."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def code_of(voucher: Voucher) -> str:
    """The code as its customer types it."""
    return voucher.shop_code or shown(voucher.code)


def words_of(voucher: Voucher) -> dict[str, Any]:
    """What every notice of it names: the end of its code, for the code itself is as good as money."""
    return {"ending": (voucher.shop_code or voucher.code)[-GROUP:], "currency": voucher.currency}


def _sums(session: Session, voucher_id: int, account: str, *conditions: Any) -> dict[int, int]:
    """What the voucher's postings brought the account, by lot."""
    query = (
        select(Entry.bonus_id, Entry.amount_minor)
        .join(VoucherPosting, col(VoucherPosting.posting_id) == col(Entry.posting_id))
        .where(VoucherPosting.voucher_id == voucher_id, Entry.account == account, *conditions)
    )
    found: dict[int, int] = defaultdict(int)
    for bonus_id, minor in session.exec(query):
        found[bonus_id] += minor
    return {bonus_id: minor for bonus_id, minor in found.items() if minor}


def _in_order(session: Session, found: dict[int, int]) -> list[Part]:
    """What has a date by that; what has none yet is younger, and what was released first expires first."""
    columns = ("id", "released_at", "available_at")
    rows = fetch_in(session, Bonus, "id", found, columns=columns)
    terms = fetch_in(session, CreditTerm, "bonus_id", found, columns=("bonus_id", "until_at"))
    until = {row["bonus_id"]: row["until_at"] for row in terms}
    released = {row["id"]: row["released_at"] or row["available_at"] for row in rows}
    rows.sort(key=lambda row: (row["id"] not in until, until.get(row["id"], released[row["id"]]), row["id"]))
    return [Part(row["id"], found[row["id"]]) for row in rows]
