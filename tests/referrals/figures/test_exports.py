from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import Any

import pytest

from referrals.figures import exports
from referrals.figures.exports import COLUMNS, UnknownExport, csv_text, export, safe_cell
from storage.database import Database
from storage.ledger import Bonus
from storage.orders import Order
from tests.builders import Shop, friend, later, order


def written(shop: Shop, name: str, form: str) -> str:
    parts: list[str] = []
    more: dict[str, Any] = {"period": "month", "programme": shop.programme, "now": shop.now}
    shop.database.look(export, name, form=form, write=parts.append, **more)
    return "".join(parts)


def a_busy_month(database: Database) -> Shop:
    """Two ambassadors, five friends, one part and one whole refund, everything released."""
    shop = Shop(database)
    codes = [shop.ambassador(name)[1] for name in ("Anna", "Mats")]
    states = [order(n, friend(n), code=codes[n % 2]) for n in range(5)]
    shop.deliver(*states)
    shop.pass_days(22)
    shop.deliver(later(states[0], refunded_minor=9000, status="refunded"), later(states[1], refunded_minor=1000))
    return shop


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0"])
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(start: str) -> None:
    assert safe_cell(f"{start}1+1") == f"'{start}1+1"
    text = csv_text(("name",), [{"name": f"{start}cmd"}])
    assert next(csv.DictReader(io.StringIO(text, newline="")))["name"] == f"'{start}cmd"


def test_numbers_and_plain_words_stay_what_they_are() -> None:
    assert [safe_cell(value) for value in (-15, 0, None, "Anna", "a=b")] == [-15, 0, "", "Anna", "a=b"]


def test_an_ambassador_with_a_formula_for_a_name_is_harmless(database: Database) -> None:
    shop = Shop(database)
    _, code = shop.ambassador("=HYPERLINK(1)", email="mats@example.nl")
    shop.deliver(order(1, code=code))
    assert "'=HYPERLINK(1)" in written(shop, "leaderboard", "csv")


def test_the_ledgers_totals_agree_per_customer_per_order_and_in_all(database: Database) -> None:
    """Totals a customer = totals an order = totals in the export."""
    shop = a_busy_month(database)
    rows = list(csv.DictReader(io.StringIO(written(shop, "ledger", "csv"), newline="")))
    customers = Counter[str]()
    orders = Counter[str]()
    for row in rows:
        if row["customer"]:
            customers[row["customer"]] += int(row["amount_minor"])
            orders[row["order"]] += int(row["amount_minor"])
    assert sum(int(row["amount_minor"]) for row in rows) == 0
    numbers = {row["customer_id"]: shop.programme.number("customer", row["customer_id"]) for row in shop.rows(Bonus)}
    for customer_id, number in numbers.items():
        balance = shop.balance(customer_id)
        assert customers[number] == balance.held_minor + balance.available_minor - balance.debt_minor
    stored = {row["id"]: row["external_id"] for row in shop.rows(Order)}
    for bonus in shop.rows(Bonus):
        assert orders[stored[bonus["order_id"]]] == bonus["amount_minor"]
    assert sum(customers.values()) == sum(orders.values()) > 0


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_an_export_in_pieces_is_the_whole_in_both_forms(
    database: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = a_busy_month(database)
    whole = json.loads(written(shop, name, "json"))
    monkeypatch.setattr(exports, "CHUNK", 2)
    monkeypatch.setattr("referrals.figures.board.PAGE", 1)
    assert json.loads(written(shop, name, "json")) == whole
    table = list(csv.DictReader(io.StringIO(written(shop, name, "csv"), newline="")))
    assert len(table) == len(whole) > 0
    assert set(table[0]) == set(whole[0])


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_an_empty_programme_exports_a_head_and_no_rows(database: Database, name: str) -> None:
    shop = Shop(database)
    assert json.loads(written(shop, name, "json")) == []
    assert written(shop, name, "csv").splitlines() == [",".join(COLUMNS[name])]


def test_no_export_holds_a_friends_data(database: Database) -> None:
    shop = a_busy_month(database)
    for name in COLUMNS:
        assert "example.nl" not in written(shop, name, "json")


def test_an_export_that_there_is_not_is_refused(database: Database) -> None:
    with pytest.raises(UnknownExport):
        written(Shop(database), "stamps", "csv")
