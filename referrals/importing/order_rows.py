"""A row of a file of orders as the order's state, in the words of the hooks (docs/import.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, tzinfo

from referrals.importing import cells
from referrals.importing.cells import Columns, Refused
from referrals.recruiting.shops import CANCELLED, COMPLETED, PAID, RANK, REFUNDED, Buyer, OrderState
from referrals.recruiting.shops.reading import comparable_number

COLUMNS = (
    "id", "number", "shop", "status", "currency", "total", "base", "refunded", "created_at", "paid_at", "updated_at",
    "customer_id", "email", "phone", "customer_orders", "codes", "ref", "test",
)  # fmt: skip
NEEDED = (("id", "number"), ("status",), ("total",), ("created_at", "paid_at"))
WAS_PAID = frozenset({PAID, COMPLETED, CANCELLED, REFUNDED})
NOBODY = frozenset({"", "0"})  # how shops write that a guest has no account


def columns_of(names: Sequence[str]) -> Columns:
    """Where the columns of this file stand. Raises: Refused."""
    return Columns(names, known=COLUMNS, needed=NEEDED)


def reader(
    names: Sequence[str], *, shop: str, shops: Collection[str], currency: str, zone: tzinfo, latest: datetime
) -> Callable[[list[str]], OrderState]:
    """What reads a row of a file with these columns. Raises: Refused, and so does what it returns.

    Args:
        names: The columns as they stand in the file.
        shop: Whose orders they are where the row does not say.
        shops: Whose they may be.
        currency: Of rows that name none.
        zone: Of times without an offset.
        latest: A later time is refused.
    """
    at = columns_of(names).places
    by_id, by_shop, by_status = at["id" if "id" in names else "number"], at["shop"], at["status"]
    by_number = at["number"]
    by_total, by_base, by_refunded, by_currency = at["total"], at["base"], at["refunded"], at["currency"]
    by_created, by_paid, by_updated = at["created_at"], at["paid_at"], at["updated_at"]
    by_customer, by_email, by_phone, by_count = at["customer_id"], at["email"], at["phone"], at["customer_orders"]
    by_codes, by_ref, by_test = at["codes"], at["ref"], at["test"]

    def read(row: list[str]) -> OrderState:
        row.append("")  # what a column says that the file has not
        status = row[by_status].strip().lower()
        if status not in RANK:
            raise Refused("status", f"is none of {', '.join(RANK)}")
        money = row[by_currency].strip().upper() or currency
        total = cells.amount(row[by_total], "total", money)
        created_at = cells.moment(row[by_created], "created_at", zone=zone, latest=latest)
        paid_at = cells.moment(row[by_paid], "paid_at", zone=zone, latest=latest) if status in WAS_PAID else None
        updated_at = cells.moment(row[by_updated], "updated_at", zone=zone, latest=latest)
        dated = created_at or paid_at or updated_at
        if dated is None:
            raise Refused("created_at", "is empty, and so is paid_at")
        external_id = cells.identifier(row[by_id], "id")
        number = comparable_number(row[by_number]) if row[by_number] else None
        if paid_at is None and status in {PAID, COMPLETED}:
            paid_at = dated
        return OrderState(
            shop=cells.one_of(row[by_shop], shop, shops),
            id=external_id,
            status=status,
            currency=money,
            total_minor=total,
            base_minor=cells.amount(row[by_base], "base", money) if row[by_base] else total,
            refunded_minor=cells.amount(row[by_refunded], "refunded", money) if row[by_refunded] else 0,
            created_at=created_at,
            paid_at=paid_at,
            updated_at=updated_at or max(dated, paid_at or dated),
            buyer=Buyer(
                id=None if row[by_customer].strip() in NOBODY else cells.identifier(row[by_customer], "customer_id"),
                email=cells.text(row[by_email]),
                phone=cells.text(row[by_phone]),
                orders=cells.count(row[by_count], "customer_orders"),
            ),
            codes=cells.codes(row[by_codes]),
            ref=cells.text(row[by_ref]),
            test=cells.truth(row[by_test], "test") or False,
            number=number if number != external_id else None,
        )

    return read
