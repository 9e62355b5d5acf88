"""A row of a file of referrals: who invited whom in a former programme, and when (docs/import.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from referrals.importing import cells
from referrals.importing.cells import Columns, Refused

COLUMNS = ("ambassador_id", "code", "friend_id", "date", "why", "shop")
NEEDED = (("ambassador_id", "code"), ("friend_id",), ("date",))


@dataclass(frozen=True, slots=True)
class ReferralRow:
    """One friend, by shop account, and the ambassador by code or by shop account."""

    shop: str
    friend_id: str
    ambassador_id: str | None
    code: str | None
    at: datetime
    why: str | None


def columns_of(names: Sequence[str]) -> Columns:
    """Where the columns of this file stand. Raises: Refused."""
    return Columns(names, known=COLUMNS, needed=NEEDED)


def reader(
    names: Sequence[str], *, shop: str, shops: Collection[str], currency: str, zone: tzinfo, latest: datetime
) -> Callable[[list[str]], ReferralRow]:
    """What reads a row of a file with these columns. Raises: Refused, and so does what it returns."""
    del currency  # what was paid is not imported
    at = columns_of(names).places

    def read(row: list[str]) -> ReferralRow:
        row.append("")  # what a column says that the file has not
        date = cells.moment(row[at["date"]], "date", zone=zone, latest=latest)
        if date is None:
            raise Refused("date", "is empty")
        code, ambassador = cells.text(row[at["code"]]), row[at["ambassador_id"]]
        return ReferralRow(
            shop=cells.one_of(row[at["shop"]], shop, shops),
            friend_id=cells.identifier(row[at["friend_id"]], "friend_id"),
            ambassador_id=None if code else cells.identifier(ambassador, "ambassador_id"),
            code=code,
            at=date,
            why=cells.text(row[at["why"]]),
        )

    return read
