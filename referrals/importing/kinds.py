"""The kinds of files: which columns each has, how a row is read, and what applies it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from referrals.importing import customer_rows, order_rows, referral_rows
from referrals.importing.cells import Columns
from referrals.importing.customers import import_customers
from referrals.importing.orders import import_orders
from referrals.importing.referrals import import_referrals
from referrals.importing.runs import Apply
from referrals.programme import Programme

CUSTOMERS, ORDERS, REFERRALS = "customers", "orders", "referrals"
ROWS = 1000  # of a batch: a fifth of a second at most, in which hooks wait
POINTING = 100  # of them with evidence, each of which costs as much as five others


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file."""

    columns: tuple[str, ...]
    columns_of: Callable[[Sequence[str]], Columns]  # raises Refused where one is missing
    reader: Callable[..., Callable[[list[str]], Any]]  # (names, *, shop, shops, currency, zone, latest)
    apply: Apply
    is_costly: Callable[[Any], bool]


KINDS = {
    CUSTOMERS: Kind(
        customer_rows.COLUMNS,
        customer_rows.columns_of,
        customer_rows.reader,
        import_customers,
        lambda row: row.ambassador_since is not None,
    ),
    ORDERS: Kind(
        order_rows.COLUMNS,
        order_rows.columns_of,
        order_rows.reader,
        import_orders,
        lambda state: bool(state.codes or state.ref),
    ),
    REFERRALS: Kind(
        referral_rows.COLUMNS,
        referral_rows.columns_of,
        referral_rows.reader,
        import_referrals,
        lambda _: True,
    ),
}


def reader_of(
    kind: Kind, names: Sequence[str], *, shop: str, shops: Collection[str], programme: Programme, latest: datetime
) -> Callable[[list[str]], Any]:
    """What reads a row of this file. Raises: Refused."""
    return kind.reader(names, shop=shop, shops=shops, currency=programme.currency, zone=programme.zone, latest=latest)
