"""What is kept no longer than the configuration says, and what stays all the same (rule 41)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import Session

from referrals.jobs.registry import run_job
from referrals.people.tokens import make_connect_token
from referrals.privacy import retention
from referrals.recruiting.clicks import ClickItem, record_clicks
from storage.bulk import insert_rows
from storage.codes import Click
from storage.customers import ConnectToken
from storage.database import Database
from storage.installation import ApiKey, IdempotencyKey
from storage.mailbox import Chat, Inbox, Outbox
from storage.orders import Order
from tests.builders import NOON, SHOP, Shop, order
from tests.referrals.privacy import person
from tests.referrals.privacy.person import anna, rows, shop_of

DAY = timedelta(days=1)


async def retain(shop: Shop, days: float = 0) -> int:
    """The job looks so many days later; how much it took away."""
    shop.now = NOON + timedelta(days=days)
    result = await run_job(shop.database, "retention", programme=shop.programme, now=shop.now)
    assert (result["skipped"], result["failed"]) == (0, 0)
    return int(result["done"])


def bodies(shop: Shop) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for row in shop.rows(Inbox):
        if row["body"] is not None:
            found[row["status"]] = found.get(row["status"], 0) + 1
    return found


async def test_bodies_go_after_their_days_and_what_came_of_them_stays(database: Database) -> None:
    """Rule 41: success plus inbox_days, quarantine at most 30 days; an update that nobody heard is kept."""
    shop = shop_of(database, privacy__inbox_days=10)
    anna(shop)
    before = {row["id"]: (row["digest"], row["result"]) for row in shop.rows(Inbox)}
    assert bodies(shop) == {"done": 2, "quarantined": 1, "new": 1}
    assert await retain(shop, 9.9) == 0
    assert await retain(shop, 11) == 2
    assert bodies(shop) == {"quarantined": 1, "new": 1}
    assert await retain(shop, 31) == 1
    assert bodies(shop) == {"new": 1}
    assert {row["id"]: (row["digest"], row["result"]) for row in shop.rows(Inbox)} == before
    assert {row["subject"] for row in shop.rows(Inbox)} == {"order:anna-2", "order:x", None, f"chat:{person.TELEGRAM}"}


async def test_a_delivery_that_was_replayed_late_is_kept_from_its_success_on(database: Database) -> None:
    """Rule 41: the days count from when it was worked."""
    shop = shop_of(database)
    person.again(shop, "late")
    database.run(lambda session: session.execute(update(Inbox).values(done_at=NOON + 25 * DAY)))
    assert await retain(shop, 31) == 0
    assert await retain(shop, 56) == 1


async def test_clicks_go_when_no_order_can_name_them_and_the_evidence_stays(database: Database) -> None:
    """Rules 12, 21 and 41: the configuration lets click_days not end before the window."""
    shop = shop_of(database, privacy__click_days=40, attribution__window_days=40)
    _, code = shop.ambassador("Anna")
    token = database.run(record_clicks, [ClickItem(code, SHOP, NOON)], programme=shop.programme)[0].token
    shop.deliver(order(1, at=NOON, click=token, ref=code))
    assert await retain(shop, 39) == 0
    assert await retain(shop, 41) == 1
    assert shop.rows(Click) == []
    assert [each["kind"] for each in rows(shop, Order, external_id="1")[0]["evidence"]] == ["click"]


async def test_old_messages_lose_their_words_and_are_not_said_again(database: Database) -> None:
    """Rule 41: the key stays, and the number of the case by which a reply is understood; what waits stays whole."""
    shop = shop_of(database)
    insert = [
        _message("a", "sent", {"case": 3, "text": "Waar blijft mijn tafel?"}),
        _message("b", "due", {"text": "Wacht nog"}),
        _message("c", "dropped", {"name": "Anna"}),
    ]
    database.run(insert_rows, Outbox, insert)
    assert await retain(shop, 300) == 0
    assert await retain(shop, 366) == 2
    assert [row["data"] for row in shop.rows(Outbox)] == [{"case": 3}, {"text": "Wacht nog"}, {}]
    assert [row["unique_key"] for row in shop.rows(Outbox)] == ["a", "b", "c"]


async def test_links_replies_and_nobodys_chats_go(database: Database) -> None:
    """Rules 19, 40 and 41: by the machine's clock; an owner's chat stays, and one that was answered."""
    shop = shop_of(database)
    number, _ = shop.ambassador("Anna")
    database.run(_machine_rows, shop, number)
    assert await retain(shop, 31) == 3
    assert (shop.rows(ConnectToken), shop.rows(IdempotencyKey)) == ([], [])
    assert [row["chat_id"] for row in shop.rows(Chat)] == [78, person.OLGA]


async def test_it_works_in_chunks_and_once_a_day(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule 36: a second look on the same day finds it done."""
    monkeypatch.setattr(retention, "CHUNK", 2)
    shop = shop_of(database)
    _, code = shop.ambassador("Anna")
    database.run(record_clicks, [ClickItem(code, SHOP, NOON)] * 5, programme=shop.programme)
    assert await retain(shop, 91) == 5
    database.run(record_clicks, [ClickItem(code, SHOP, NOON)], programme=shop.programme)
    assert await retain(shop, 91) == 0
    assert await retain(shop, 92) == 1


def test_kept_bodies_are_found_along_their_index(database: Database, engine: str) -> None:
    """The writer is not held: what is looked for is a corner of a table that grows for ever."""
    if engine == "postgresql":  # of an empty table any plan costs as much: there is only this index to be used
        with pytest.raises(_Planned) as planned:
            database.run(_plan_alone)
        plan = str(planned.value)
    else:
        plan = database.look(_plan, "SELECT 1", "EXPLAIN QUERY PLAN ")
    assert "ix_inbox_bodies" in plan


class _Planned(Exception):
    """The plan; with it the transaction that dropped an index for it is undone."""


def _plan_alone(session: Session) -> None:
    session.execute(text("DROP INDEX ix_inbox_status_received_at"))
    raise _Planned(_plan(session, "SET LOCAL enable_seqscan = off", "EXPLAIN "))


def _plan(session: Session, before: str, explain: str) -> str:
    session.execute(text(before))
    where = ("subject = 'order:1'", "received_at < '2026-11-24'")
    query = "SELECT id FROM inbox WHERE body IS NOT NULL AND "
    plans = [str(session.execute(text(explain + query + each)).all()) for each in where]
    return min(plans, key=lambda plan: "ix_inbox_bodies" in plan)


def _message(key: str, status: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "unique_key": key, "chat_id": 1, "kind": "case_said", "data": data, "message_class": "at_least_once",
        "as_of": NOON, "due_at": NOON, "created_at": NOON, "status": status,
    }  # fmt: skip


def _machine_rows(session: Session, shop: Shop, number: int) -> None:
    long_ago = NOON - 365 * DAY
    make_connect_token(session, number, programme=shop.programme, machine_now=long_ago)
    session.add(ApiKey(id=1, name="till", key_hash="h", created_at=long_ago))
    session.flush()
    session.add(
        IdempotencyKey(
            api_key_id=1, method="POST", path="/", value="v", body_hash="b", status=201, reply="{}", created_at=long_ago
        )
    )
    chats = [{"chat_id": each, "created_at": NOON} for each in (77, 78, person.OLGA)]
    insert_rows(session, Chat, chats)
    insert_rows(session, Outbox, [_message("waits", "due", {}) | {"chat_id": 78}])
