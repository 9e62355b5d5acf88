"""Customers of a former programme: accounts, codes that go on leading to them, and an export that comes back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from referrals.asking.plays import PLAYS
from referrals.figures.exports import export
from referrals.importing import customer_rows
from referrals.importing.cells import Refused
from referrals.importing.customer_rows import CustomerRow
from referrals.importing.customers import import_customers
from referrals.importing.files import Records, look_over
from referrals.importing.orders import import_orders
from referrals.people.customers import meet
from referrals.people.identities import find_customers
from storage.codes import Code
from storage.customers import SHOP, TELEGRAM, Customer, Identity
from storage.database import Database
from storage.mailbox import Chat, Outbox
from tests.builders import BRAM, NOON, Shop, order
from tests.builders import SHOP as WEBSHOP
from tests.engines import lent_url

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HEAD = "id,email,phone,first_name,locale,marketing_consent,ambassador,ambassador_since,code,codes"
ANNA = "a1,anna@example.nl,0612345678,Anna,nl,yes,yes,2024-05-01,ANNA-2024,OUDE1|OUDE2"


def read(text: str) -> Iterator[CustomerRow]:
    """The rows of a file that has no fault."""
    file = io.BytesIO(text.encode())
    seen = look_over(file, customer_rows.COLUMNS)
    reader = customer_rows.reader(
        seen.names, shop=WEBSHOP, shops={WEBSHOP}, currency="EUR", zone=AMSTERDAM, latest=NOON
    )
    for record in Records(file, delimiter=seen.delimiter, width=len(seen.names), position=seen.begin, line=seen.line):
        yield reader(record.cells)


def bring(shop: Shop, *rows: str) -> list[str]:
    """What each row did, or the column that it was refused for."""
    read_rows = list(read("\n".join([HEAD, *rows])))
    found = shop.database.run(import_customers, read_rows, programme=shop.programme, now=NOON)
    return [outcome.column if isinstance(outcome, Refused) else outcome for outcome in found]


def codes(shop: Shop) -> list[tuple[str, bool]]:
    return [(row["display"], row["main"]) for row in shop.rows(Code)]


def test_an_ambassador_of_a_former_programme_keeps_every_code(database: Database) -> None:
    """Rules 17, 18: the first one is shown, all lead to her, the same row again changes nothing, and nobody hears."""
    shop = Shop(database)
    assert bring(shop, ANNA) == ["applied"]
    assert bring(shop, ANNA) == ["unchanged"]
    assert codes(shop) == [("ANNA2024", True), ("OUDE1", False), ("OUDE2", False)]
    (person,) = shop.rows(Customer)
    assert (person["first_name"], person["marketing_consent"]) == ("Anna", True)
    assert person["ambassador_since"] == NOON.replace(year=2024, month=4, day=30, hour=22)
    assert shop.rows(Outbox) == []


def test_a_code_that_is_somebody_elses_refuses_its_row_whole(database: Database) -> None:
    """Rule 17, also against a row above it."""
    shop = Shop(database)
    _, taken = shop.ambassador("Mats")
    before = codes(shop)
    assert bring(shop, f"b1,,,Bram,,,yes,2024-05-01,{taken.lower()},NEW1", ANNA, "c1,,,Chris,,,,2024-05-01,oude2,") == [
        "code", "applied", "code",
    ]  # fmt: skip
    assert codes(shop)[: len(before)] == before
    assert {row["first_name"] for row in shop.rows(Customer)} == {"Mats", "Anna"}


@pytest.mark.parametrize(
    "cells,column",
    [
        ("x1,,,,,,yes,,,", "ambassador_since"),
        ("x1,,,,,,,2024-05-01,admin,", "code"),
        ("x1,,,,,,,2024-05-01,=1+1,", "code"),
        ("x1,,,,,perhaps,,,,", "marketing_consent"),
        ("x1,,,,,,,morgen,,", "ambassador_since"),
        (",,,,,,,,,", "id"),
    ],
)
def test_a_row_that_makes_no_sense_names_its_column(cells: str, column: str) -> None:
    with pytest.raises(Refused) as caught:
        list(read(f"{HEAD}\n{cells}"))
    assert caught.value.column == column


def test_a_file_never_turns_a_no_into_a_yes(database: Database) -> None:
    """Rule 28: what somebody said since then stands."""
    shop = Shop(database)
    bring(shop, "b1,,,Bram,,no,,,,")
    assert bring(shop, "b1,,,Bram,,yes,,,,") == ["unchanged"]
    assert shop.rows(Customer)[0]["marketing_consent"] is False


def test_old_orders_and_old_codes_lead_to_no_ask(database: Database) -> None:
    """Rules 28, 30: with a chat, consent and a past of years, no play finds a cause in what was imported."""
    shop = Shop(database)
    bring(shop, ANNA)
    (anna,) = [row["id"] for row in shop.rows(Customer)]
    past = [order(n, replace(BRAM, id="a1"), at=NOON - timedelta(days=250 + n)) for n in range(3)]
    shop.database.run(import_orders, past, programme=shop.programme, now=NOON)
    shop.database.run(_connect, anna)
    known: dict[str, Any] = {"programme": shop.programme, "now": NOON + timedelta(days=4), "limit": 10}
    asked = {name for name, play in PLAYS.items() if shop.database.look(play.candidates, **known)}
    assert asked <= {"reference"}  # which her years with the shop make due, and nothing that was imported just now


def _connect(session: Session, customer_id: int) -> None:
    meet(session, telegram_id=1, chat_id=1, first_name="Anna", language_code="nl", at=NOON, now=NOON)
    (identity,) = session.exec(select(Identity).where(Identity.kind == TELEGRAM))
    (chat,) = session.exec(select(Chat))
    identity.customer_id = chat.customer_id = customer_id


def written(shop: Shop) -> str:
    parts: list[str] = []
    shop.database.look(
        export, "customers", form="csv", period="all", programme=shop.programme, now=NOON, write=parts.append
    )
    return "".join(parts)


def test_an_export_of_customers_comes_back_in_an_empty_programme(database: Database, tmp_path: Path) -> None:
    """The names, words, codes and dates; a name that would be a formula is safe in between and whole again after."""
    shop = Shop(database)
    bring(shop, ANNA, "'-7,,,'=2+3,en,no,,,,", 'c1,c@example.nl,,"Chris, ""de\nlange""",,,yes,2025-01-01,,')
    text = written(shop)
    assert "'=2+3" in text
    with closing(Database.open(lent_url("sqlite", tmp_path))) as empty:
        other = Shop(empty)
        found = empty.run(import_customers, list(read(text)), programme=other.programme, now=NOON)

        assert found == ["applied"] * 3
        assert facts(other) == facts(shop)
        assert {row["first_name"] for row in other.rows(Customer)} == {"Anna", "=2+3", 'Chris, "delange"'}


def facts(shop: Shop) -> list[list[str]]:
    """The export without the numbers, which every programme makes anew."""
    return sorted(line.split(",")[1:] for line in written(shop).splitlines())


def test_people_without_an_account_are_exported_and_say_so(database: Database) -> None:
    shop = Shop(database)
    shop.database.run(meet, telegram_id=1, chat_id=1, first_name="Bram", language_code="nl", at=NOON, now=NOON)
    (line,) = written(shop).splitlines()[1:]
    assert line.startswith(f"{shop.programme.number('customer', shop.rows(Customer)[0]['id'])},,,")
    assert line.endswith(",active,True")
    assert shop.database.look(find_customers, [(SHOP, WEBSHOP, "")]) == {}
