"""A row of a file of customers: the shop account, and what a former programme gave its ambassadors (docs/import.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from referrals.errors import CodeUnfit
from referrals.importing import cells
from referrals.importing.cells import Columns, Refused
from referrals.people.enrolment import fit_code
from referrals.recruiting.shops import CustomerState

COLUMNS = (
    "id", "shop", "email", "phone", "first_name", "locale", "marketing_consent", "created_at", "ambassador",
    "ambassador_since", "code", "codes",
)  # fmt: skip
NEEDED = (("id",),)
LOCALE_LENGTH = 35  # the longest tag of BCP 47


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One account; ``codes`` are kept for ever, the first is the one to show."""

    state: CustomerState
    phone: str | None
    codes: tuple[str, ...]
    ambassador_since: datetime | None  # None: no ambassador by this file


def columns_of(names: Sequence[str]) -> Columns:
    """Where the columns of this file stand. Raises: Refused."""
    return Columns(names, known=COLUMNS, needed=NEEDED)


def reader(
    names: Sequence[str], *, shop: str, shops: Collection[str], currency: str, zone: tzinfo, latest: datetime
) -> Callable[[list[str]], CustomerRow]:
    """What reads a row of a file with these columns. Raises: Refused, and so does what it returns."""
    del currency  # accounts have no money
    at = columns_of(names).places

    def read(row: list[str]) -> CustomerRow:
        row.append("")  # what a column says that the file has not
        created_at = cells.moment(row[at["created_at"]], "created_at", zone=zone, latest=latest)
        since = cells.moment(row[at["ambassador_since"]], "ambassador_since", zone=zone, latest=latest)
        codes = _codes(row[at["code"]], row[at["codes"]])
        enrols = cells.truth(row[at["ambassador"]], "ambassador") or bool(codes)
        if enrols and since is None and created_at is None:
            # A link without a date would be a new one, of which its owner is reminded.
            raise Refused("ambassador_since", "is empty, and so is created_at: since when is this an ambassador?")
        state = CustomerState(
            shop=cells.one_of(row[at["shop"]], shop, shops),
            id=cells.identifier(row[at["id"]], "id"),
            email=cells.text(row[at["email"]]),
            first_name=cells.text(row[at["first_name"]]),
            locale=cells.text(row[at["locale"]], limit=LOCALE_LENGTH),
            marketing_consent=cells.truth(row[at["marketing_consent"]], "marketing_consent"),
            created_at=created_at,
        )
        return CustomerRow(state, cells.text(row[at["phone"]]), codes, (since or created_at) if enrols else None)

    return read


def _codes(shown: str, others: str) -> tuple[str, ...]:
    """The codes as they are shown, each once. Raises: Refused."""
    typed = (*cells.codes(shown), *cells.codes(others))
    try:
        return tuple(dict.fromkeys(fit_code(code) for code in typed))
    except CodeUnfit:
        raise Refused("code", "is reserved, or no word of 3 to 24 letters and digits") from None
