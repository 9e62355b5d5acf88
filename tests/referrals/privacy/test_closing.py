"""When the years of the books are over."""

from __future__ import annotations

from datetime import timedelta

from referrals.jobs.registry import run_job
from referrals.people.persons import set_state
from storage.auditlog import AuditEvent
from storage.customers import Customer
from storage.database import Database
from storage.orders import Order
from storage.privacy import ConsentWord
from tests.builders import NOON, Shop, friend, order

YEAR = timedelta(days=365.25)


async def years_later(shop: Shop, years: float) -> None:
    shop.now = NOON + years * YEAR
    await run_job(shop.database, "retention", programme=shop.programme, now=shop.now)


def states(shop: Shop) -> dict[int, str]:
    return {row["id"]: row["state"] for row in shop.rows(Customer)}


async def test_who_has_been_away_for_all_the_years_of_the_books_is_forgotten(database: Database) -> None:
    """Rule 41: Bram comes once; Chris comes back; the books stay."""
    shop = Shop(database, privacy__ledger_years=2)
    bram = shop.deliver(order("b", friend(2), at=NOON))[0].customer_id
    chris = shop.deliver(order("c", friend(3), at=NOON))[0].customer_id
    assert bram is not None
    assert chris is not None
    await years_later(shop, 1.9)
    assert set(states(shop).values()) == {"active"}
    shop.deliver(order("c2", friend(3), at=NOON + 1.9 * YEAR))
    await years_later(shop, 2.1)
    assert (states(shop)[bram], states(shop)[chris]) == ("erased", "active")
    numbers = {row["external_id"] for row in shop.rows(Order) if row["customer_id"] == bram}
    assert len(numbers) == 1
    assert "b" not in numbers
    assert {row["external_id"] for row in shop.rows(Order) if row["customer_id"] == chris} == {"c", "c2"}


async def test_whom_the_programme_owes_something_is_not_forgotten_unasked(database: Database) -> None:
    """Rule 9: credit ends by its own date only."""
    shop = Shop(database, privacy__ledger_years=2, expiry__credit_days="none")
    anna, code = shop.ambassador("Anna")
    shop.deliver(order("1", code=code, at=NOON))
    shop.pass_days(30)
    await years_later(shop, 3)
    assert states(shop)[anna] == "active"


async def test_the_log_of_colleagues_and_the_words_of_erased_people_end_with_the_years(database: Database) -> None:
    shop = Shop(database, privacy__ledger_years=2)
    bram = shop.deliver(order("b", friend(2, marketing_consent=True), at=NOON))[0].customer_id or 0
    database.run(set_state, bram, state="excluded", why="asked", actor="owner:1", now=NOON)
    await years_later(shop, 1.9)
    assert len(shop.rows(ConsentWord)) == 1
    assert [row["action"] for row in shop.rows(AuditEvent)] == ["customer:state"]
    await years_later(shop, 2.1)
    assert shop.rows(ConsentWord) == []
    assert [row["action"] for row in shop.rows(AuditEvent)] == ["customer:erase"]
