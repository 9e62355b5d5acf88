"""What a shop asks about its customers' data: forgotten at once, or told to the owners."""

from __future__ import annotations

from typing import Any

import pytest

from referrals.jobs.registry import run_job
from referrals.recruiting.events import HOOK, Delivery, apply_deliveries
from referrals.recruiting.shops import PrivacyWish
from storage.customers import Customer
from storage.database import Database
from storage.mailbox import Chat, Outbox
from storage.privacy import PrivacyRequest
from tests.builders import NOON, SHOP, Shop
from tests.referrals.privacy import person
from tests.referrals.privacy.person import ACCOUNT, OLGA, planted, shop_of


def ask(shop: Shop, kind: str, account: str | None = ACCOUNT) -> str:
    item = Delivery(HOOK, SHOP, b"{}", PrivacyWish(SHOP, kind, account), NOON)
    return shop.database.run(apply_deliveries, [item], programme=shop.programme)[0].status


async def look(shop: Shop) -> dict[str, Any]:
    return dict(await run_job(shop.database, "retention", programme=shop.programme, now=NOON))


def with_owner(shop: Shop) -> None:
    """Olga pressed START."""
    shop.database.run(lambda session: session.add(Chat(chat_id=OLGA, created_at=NOON, last_seen_at=NOON)))


def told(shop: Shop) -> list[tuple[str, int, dict[str, Any]]]:
    return [(row["kind"], row["chat_id"], row["data"]) for row in shop.rows(Outbox) if row["chat_id"] == OLGA]


async def test_who_asked_a_shop_to_be_forgotten_is_in_no_table_any_more(database: Database) -> None:
    """Rule 41: also where the request itself stood; a repeat of it finds nobody."""
    shop = shop_of(database)
    number, _ = person.known(shop)
    assert ask(shop, "redact") == "applied"
    assert (await look(shop))["done"] >= 1
    assert planted(database) == []
    assert [row["state"] for row in shop.rows(Customer) if row["id"] == number] == ["erased"]
    ask(shop, "redact")
    await look(shop)
    assert [(row["status"], row["account"] == ACCOUNT) for row in shop.rows(PrivacyRequest)][:1] == [("done", False)]


async def test_an_account_that_nobody_has_is_answered_and_not_kept(database: Database) -> None:
    shop = shop_of(database)
    ask(shop, "redact", "4711")
    await look(shop)
    assert [row["status"] for row in shop.rows(PrivacyRequest)] == ["nobody"]
    assert "4711" not in {row["account"] for row in shop.rows(PrivacyRequest)}


@pytest.mark.parametrize("kind, notice", [("data_request", "data_requested"), ("shop_redact", "shop_leaves")])
async def test_what_only_an_owner_can_do_waits_until_one_can_be_told(
    database: Database, kind: str, notice: str
) -> None:
    """Nobody is erased for it, and the owner hears it once, with a customer's number and no name."""
    shop = shop_of(database)
    number, _ = person.known(shop)
    ask(shop, kind, ACCOUNT if kind == "data_request" else None)
    await look(shop)
    assert [row["status"] for row in shop.rows(PrivacyRequest)] == ["open"]
    with_owner(shop)
    for _ in range(2):
        await look(shop)
    data = {"shop": SHOP, "until_at": "2026-12-24T11:00:00+00:00"}
    assert told(shop) == [(notice, OLGA, data | ({"customer": number} if kind == "data_request" else {}))]
    assert [row["state"] for row in shop.rows(Customer) if row["id"] == number] == ["active"]
