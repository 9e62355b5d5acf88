"""Suspicious bonuses are made like any other and wait: what is seen in orders, and what is not held against anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import Session, func, select

from referrals.people.customers import meet
from referrals.recruiting.shops import Buyer, CustomerState
from referrals.recruiting.sign_ups import apply_customers
from referrals.screening.telling import IN_QUEUE, waiting_count
from storage.bulk import update_rows
from storage.codes import Code
from storage.customers import Customer, Identity, Phone
from storage.database import Database
from storage.ledger import Bonus
from storage.mailbox import Outbox
from storage.orders import Order
from tests.builders import NOON, SHOP, Shop, friend, later, order

OLGA = 9_000_001
HOUSE = "NL|1012AB|12"
LIMITLESS: dict[str, Any] = {"bonus__ambassador__per_month": "none", "bonus__ambassador__budget_per_month": "none"}


def shop_of(database: Database, **keys: Any) -> Shop:
    return Shop(database, telegram__owner_ids=[OLGA], **{**LIMITLESS, **keys})


def owner_presses_start(shop: Shop) -> None:
    met: dict[str, Any] = {"telegram_id": OLGA, "chat_id": OLGA, "first_name": "Olga", "language_code": "nl"}
    shop.database.run(meet, **met, at=shop.now, now=shop.now)


def bonuses(shop: Shop) -> list[dict[str, Any]]:
    return sorted(shop.rows(Bonus), key=lambda row: row["id"])


def signals(row: dict[str, Any]) -> list[str]:
    return [part["code"] for part in row["signals"]]


def many(shop: Shop, code: str, count: int, **changes: Any) -> None:
    """So many new friends in one minute."""
    shop.deliver(*(order(number, friend(number), code=code, **changes) for number in range(1, count + 1)))


def test_an_ordinary_bonus_has_a_score_and_waits_for_nobody(database: Database) -> None:
    shop = shop_of(database)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    (row,) = bonuses(shop)
    assert (row["score"], row["signals"], row["review"], row["under_review"]) == (0, [], "none", False)
    assert shop.reasons("1") == ["on_hold_until"]


def test_the_excess_of_an_hour_waits_and_the_books_are_the_same(database: Database) -> None:
    """Rule 6: what waits is booked on hold like the rest; rule 33 leaves it out of what is pending."""
    shop = shop_of(database, fraud__friends_per_hour=2)
    anna, code = shop.ambassador("Anna")
    many(shop, code, 3)
    shop.deliver(order(4, friend(4), code=code, at=NOON + timedelta(minutes=10)))
    assert [row["review"] for row in bonuses(shop)] == ["none", "none", "waiting", "waiting"]
    assert bonuses(shop)[3]["signals"] == [{"code": "many_an_hour", "points": 60, "count": 4}]
    assert shop.balance(anna).held_minor == 6000
    assert shop.reasons("4") == ["under_review", "on_hold_until"]
    shop.pass_days(22)
    assert (shop.balance(anna).held_minor, shop.balance(anna).available_minor) == (3000, 3000)
    assert shop.faults() == []


def test_the_ambassador_hears_that_it_is_looked_at_and_nothing_of_why(database: Database) -> None:
    shop = shop_of(database, fraud__friends_per_hour=1)
    anna, code = shop.ambassador("Anna")
    many(shop, code, 2)
    said = [row for row in shop.rows(Outbox) if row["customer_id"] == anna]
    assert sorted(row["kind"] for row in said) == ["bonus_checked", "bonus_held"]
    assert "many_an_hour" not in str(said)


def test_owners_hear_of_the_queue_once_a_day(database: Database) -> None:
    shop = shop_of(database, fraud__friends_per_hour=1)
    owner_presses_start(shop)
    _, code = shop.ambassador("Anna")
    many(shop, code, 2)
    shop.deliver(order(9, friend(9), code=code))
    said = [row for row in shop.rows(Outbox) if row["chat_id"] == OLGA]
    assert [row["kind"] for row in said] == ["review_waiting"]
    assert shop.database.look(waiting_count) == 2
    tomorrow = NOON + timedelta(days=1)
    shop.deliver(*(order(number, friend(number), code=code, at=tomorrow) for number in (10, 11)), now=tomorrow)
    assert sum(row["kind"] == "review_waiting" for row in shop.rows(Outbox)) == 2


def test_how_many_wait_is_counted_along_their_index(database: Database, engine: str) -> None:
    """SQLite looks through all bonuses unless the condition is a constant."""
    explain = "EXPLAIN QUERY PLAN" if engine == "sqlite" else "EXPLAIN"
    query = select(func.count()).select_from(Bonus).where(IN_QUEUE)
    assert "ix_bonus_waiting" in str(database.look(_plan, f"{explain} {query}", small=engine == "postgresql"))


def _plan(session: Session, query: str, *, small: bool) -> list[Any]:
    if small:  # of an empty table any plan costs as much
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
    return list(session.connection().exec_driver_sql(query))


def test_a_code_that_strangers_type_is_marked_and_visitors_through_the_link_go_on(database: Database) -> None:
    """Rule 17 keeps the code an alias for ever; bonuses for it wait, whoever it is of."""
    shop = shop_of(database, fraud__leaked_code_friends=2, fraud__friends_per_hour=99)
    owner_presses_start(shop)
    anna, code = shop.ambassador("Anna")
    shop.database.run(update_rows, Customer, [{"id": anna, "trusted_at": NOON}], key=("id",))
    many(shop, code, 3)
    assert [row["review"] for row in bonuses(shop)] == ["none", "none", "waiting"]
    (stored,) = [row for row in shop.rows(Code) if row["customer_id"] == anna]
    assert stored["leaked_at"] == NOON
    assert {row["kind"] for row in shop.rows(Outbox) if row["chat_id"] == OLGA} == {"code_leaked", "review_waiting"}
    tomorrow = NOON + timedelta(days=1)
    shop.deliver(order(11, friend(11), code=code, at=tomorrow), now=tomorrow)
    shop.deliver(order(12, friend(12), ref=code, at=tomorrow), now=tomorrow)
    assert [row["review"] for row in bonuses(shop)[3:]] == ["waiting", "none"]


def test_one_house_is_flagged_two_signs_of_it_wait_and_nothing_is_kept_in_clear(database: Database) -> None:
    shop = shop_of(database)
    _, code = shop.ambassador("Anna", shop_id="5")
    shop.deliver(order(1, Buyer("5", "anna@example.nl", orders=1, address=HOUSE), at=NOON - timedelta(days=9)))
    shop.deliver(order(2, friend(2, address=HOUSE), code=code), order(3, friend(3, address=HOUSE), code=code))
    one, other = bonuses(shop)
    assert [(signals(row), row["review"]) for row in (one, other)] == [
        (["household", "shared_address"], "waiting"),
        (["household", "shared_address"], "waiting"),
    ]
    _, chris_code = shop.ambassador("Chris")
    shop.deliver(order(4, friend(4, address="NL|9999ZZ|1"), code=chris_code))
    assert bonuses(shop)[2]["score"] == 0
    kept = str([shop.rows(table) for table in (Order, Phone, Identity, Bonus)])
    assert "1012AB" not in kept


def test_a_housemate_alone_is_paid(database: Database) -> None:
    shop = shop_of(database)
    _, code = shop.ambassador("Anna", shop_id="5")
    shop.deliver(order(1, Buyer("5", "anna@example.nl", orders=1, address=HOUSE), at=NOON - timedelta(days=9)))
    shop.deliver(order(2, friend(2, address=HOUSE), code=code))
    (row,) = bonuses(shop)
    assert (signals(row), row["review"]) == (["household"], "none")


def test_friends_with_one_phone_and_one_mailbox_name_are_seen(database: Database) -> None:
    shop = shop_of(database)
    _, code = shop.ambassador("Mats", email="mats.bakker@example.nl")
    shop.deliver(order(1, friend(1, phone="0612345678"), code=code))
    shop.deliver(order(2, friend(2, email="matsbakker@elders.example", phone="+31 6 12345678"), code=code))
    assert [signals(row) for row in bonuses(shop)] == [[], ["similar_email", "shared_phone"]]
    assert bonuses(shop)[1]["review"] == "waiting"


def test_orders_of_one_network_on_one_day_are_counted_and_its_address_is_not_kept(database: Database) -> None:
    shop = shop_of(database, fraud__max_orders_per_ip_per_day=2, fraud__friends_per_hour=99)
    codes = [shop.ambassador(name)[1] for name in ("Anna", "Chris", "Mats")]
    for number, code in enumerate(codes, 1):
        shop.deliver(order(number, friend(number, ip="145.53.1.9"), code=code))
    assert [row["review"] for row in bonuses(shop)] == ["none", "none", "waiting"]
    assert "145.53" not in str(shop.rows(Order))


def test_a_friend_who_gives_back_twice_and_orders_again_is_seen(database: Database) -> None:
    shop = shop_of(database)
    _, code = shop.ambassador("Anna")
    for number in (1, 2):
        shop.now += timedelta(days=1)
        bought = order(number, code=code, at=shop.now)
        shop.deliver(bought)
        shop.deliver(later(bought, status="refunded", refunded_minor=9000))
    shop.now += timedelta(days=1)
    shop.deliver(order(3, code=code, at=shop.now))
    assert [signals(row) for row in bonuses(shop)] == [[], [], ["coupon_cycling"]]


def test_a_circle_of_three_waits(database: Database) -> None:
    """Rule 16 refuses A→B→A; over one more it waits for a person."""
    shop = shop_of(database)
    _, code = shop.ambassador("Anna", shop_id="1")
    shop.deliver(order(1, Buyer("2", "bram@example.nl", orders=1), code=code))
    _, bram_code = shop.ambassador("Bram", shop_id="2", email="bram@example.nl")
    shop.deliver(order(2, Buyer("3", "chris@example.nl", orders=1), code=bram_code, at=NOON + timedelta(hours=1)))
    _, chris_code = shop.ambassador("Chris", shop_id="3", email="chris@example.nl")
    shop.deliver(order(3, Buyer("1", "anna@example.nl", orders=1), code=chris_code, at=NOON + timedelta(hours=2)))
    assert [signals(row) for row in bonuses(shop)] == [[], [], ["circle"]]


def test_a_large_order_for_a_new_ambassador_is_a_signal(database: Database) -> None:
    shop = shop_of(database)
    _, code = shop.ambassador("Mats")
    shop.deliver(order(1, code=code, total=40_000))
    (row,) = bonuses(shop)
    assert row["signals"] == [{"code": "young_account", "points": 40, "days": 0}]


def test_trust_that_was_earned_skips_the_queue_and_keeps_the_score(database: Database) -> None:
    shop = shop_of(database, fraud__trusted_after=1, fraud__friends_per_day=1, fraud__friends_per_hour=1)
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code))
    shop.pass_days(22)
    at = shop.now
    shop.deliver(order(2, friend(2), code=code, at=at), order(3, friend(3), code=code, at=at))
    assert [(row["score"], row["review"]) for row in bonuses(shop)] == [(0, "none"), (0, "none"), (100, "none")]


def test_delivered_again_it_is_not_looked_at_twice(database: Database) -> None:
    shop = shop_of(database, fraud__friends_per_hour=1)
    _, code = shop.ambassador("Anna")
    many(shop, code, 2)
    before = bonuses(shop)
    shop.deliver(order(2, friend(2), code=code), order(1, friend(1), code=code))
    assert bonuses(shop) == before


def test_sign_ups_by_the_dozen_wait_where_sign_ups_earn(database: Database) -> None:
    """Rule 14: a sign-up that earns is looked at as an order is."""
    shop = shop_of(database, bonus__ambassador__when="sign_up", fraud__sign_ups_per_day=2, fraud__friends_per_hour=99)
    _, code = shop.ambassador("Mats")
    accounts = [CustomerState(SHOP, f"f{number}", email=f"f{number}@example.nl", ref=code) for number in range(3)]
    shop.database.run(apply_customers, accounts[:2], programme=shop.programme, now=NOON)
    shop.database.run(apply_customers, accounts, programme=shop.programme, now=NOON + timedelta(hours=1))
    assert [signals(row) for row in bonuses(shop)] == [[], [], ["mass_sign_ups"]]
