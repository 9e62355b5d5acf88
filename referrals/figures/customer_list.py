"""Everybody the programme knows, a row for each shop account: what an import of customers reads back.

Mail addresses are not in it: of those only fingerprints are kept. Who was erased or merged into another is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from referrals.programme import Programme
from storage.bulk import fetch_in
from storage.codes import Code
from storage.customers import ERASED, SHOP, TELEGRAM, Customer, CustomerAlias, Identity

Row = dict[str, Any]
CHUNK = 1000  # customers a query
COLUMNS = (
    "customer", "shop", "id", "first_name", "locale", "marketing_consent", "created_at", "customer_since", "ambassador",
    "ambassador_since", "code", "codes", "state", "has_chat",
)  # fmt: skip
NO_ACCOUNT = {"shop": None, "value": None}


def customer_pages(session: Session, *, programme: Programme) -> Iterator[list[Row]]:
    """The rows, a page at a time, in the order in which the customers were met."""
    merged = select(col(CustomerAlias.merged_id))
    living = (col(Customer.state) != ERASED, col(Customer.id).not_in(merged))
    query = select(Customer).where(*living).order_by(col(Customer.id)).limit(CHUNK)
    after = 0
    while found := session.execute(query.where(col(Customer.id) > after)).scalars().all():
        yield _rows(session, found, programme=programme)
        after = found[-1].id
        session.expunge_all()  # what was written is not kept


def _rows(session: Session, people: Sequence[Customer], *, programme: Programme) -> list[Row]:
    ids = [person.id for person in people]
    accounts, chats, codes = defaultdict(list), set(), defaultdict(list)
    for row in fetch_in(session, Identity, "customer_id", ids, columns=("id", "kind", "shop", "value", "customer_id")):
        if row["kind"] == SHOP:
            accounts[row["customer_id"]].append(row)
        elif row["kind"] == TELEGRAM:
            chats.add(row["customer_id"])
    for row in fetch_in(session, Code, "customer_id", ids, columns=("id", "customer_id", "display", "main")):
        codes[row["customer_id"]].append(row)
    found = []
    for person in people:
        shown = sorted(codes[person.id], key=lambda row: (not row["main"], row["id"]))
        about = _about(person, [row["display"] for row in shown], programme=programme)
        about["has_chat"] = person.id in chats
        theirs = sorted(accounts[person.id], key=lambda row: row["id"]) or [NO_ACCOUNT]
        found += [{**about, "shop": account["shop"], "id": account["value"]} for account in theirs]
    return found


def _about(person: Customer, codes: Sequence[str], *, programme: Programme) -> Row:
    def local(moment: datetime | None) -> str | None:
        return moment.astimezone(programme.zone).isoformat() if moment else None

    return {
        "customer": programme.number("customer", person.id),
        "first_name": person.first_name,
        "locale": person.locale,
        "marketing_consent": person.marketing_consent,
        "created_at": local(person.created_at),
        "customer_since": local(person.first_paid_at),
        "ambassador": person.ambassador_since is not None,
        "ambassador_since": local(person.ambassador_since),
        "code": codes[0] if codes else None,
        "codes": "|".join(codes[1:]),
        "state": person.state,
    }
