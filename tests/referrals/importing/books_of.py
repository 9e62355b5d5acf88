"""All that is stored, by names in place of numbers: two ways to one state may count differently."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, SQLModel, select

from storage.codes import Code
from storage.customers import Customer, Identity, Phone
from storage.ledger import Bonus, Budget, Entry, Posting
from storage.orders import Order
from storage.referrals import Referral

LEFT_OUT = {"id", "commit_no", "created_by"}
TABLES: tuple[type[SQLModel], ...] = (Code, Identity, Phone, Customer, Order, Referral, Bonus, Budget, Posting, Entry)


def stored(session: Session) -> dict[str, list[str]]:
    """Every table's rows as texts, in no order."""
    rows = {table: [row.model_dump() for row in session.exec(select(table))] for table in TABLES}
    session.expunge_all()
    people: dict[int, list[str]] = {}
    for row in rows[Identity]:
        people.setdefault(row["customer_id"], []).append(f"{row['kind']}:{row['shop']}:{row['value']}")
    who = {number: "+".join(sorted(names)) for number, names in people.items()}
    orders = {row["id"]: f"order {row['external_id']}" for row in rows[Order]}
    pairs = {row["id"]: f"{who[row['ambassador_id']]} > {who[row['friend_id']]}" for row in rows[Referral]}
    lots = {row["id"]: f"{who[row['customer_id']]} for {_origin(row, orders, pairs)}" for row in rows[Bonus]}
    steps = {row["id"]: f"{lots[row['bonus_id']]} {row['n']}" for row in rows[Posting]}
    names: dict[str, dict[int, str]] = dict.fromkeys(
        ("customer_id", "email_owner_id", "ambassador_id", "friend_id"), who
    ) | {"order_id": orders, "referral_id": pairs, "bonus_id": lots, "posting_id": steps}
    found = {}
    for table, each in rows.items():
        texts = []
        for row in each:
            plain = {name: _named(name, value, names) for name, value in row.items() if name not in LEFT_OUT}
            if table is Customer:
                plain["who"] = who.get(row["id"])
            if table is Order:
                plain["evidence"] = [one | {"ambassador_id": who[one["ambassador_id"]]} for one in row["evidence"]]
            if table is Bonus:
                plain["origin"] = _origin(row, orders, pairs)
            texts.append(repr(sorted(plain.items())))
        found[str(table.__tablename__)] = sorted(texts)
    return found


def _named(name: str, value: Any, names: dict[str, dict[int, str]]) -> Any:
    return names[name].get(value, value) if name in names and value is not None else value


def _origin(row: dict[str, Any], orders: dict[int, str], pairs: dict[int, str]) -> str:
    kind, _, number = row["origin"].partition(":")
    return f"{kind} {orders.get(int(number)) if kind == 'order' else pairs.get(int(number))}"
