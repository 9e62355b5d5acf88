"""A person is forgotten: no table names them, and the books do not change (rules 20, 41)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from bot.inbox import incoming, store_updates
from referrals.codes import CodeHit, find_codes
from referrals.errors import UnknownCustomer
from referrals.figures.board import board
from referrals.people.customers import access_of, enrol_ambassador, meet
from referrals.privacy.erasure import Erased, erase
from referrals.recruiting.joining import join
from referrals.rewarding.balances import Balance
from storage.auditlog import AuditEvent
from storage.cases import Case
from storage.codes import Code
from storage.customers import Customer, Identity
from storage.database import Database
from storage.ledger import Bonus, Entry, Posting
from storage.mailbox import Chat, Inbox, Outbox
from storage.orders import Order
from storage.references import Consent, Reference
from storage.surveys import Survey
from tests.builders import NOON, Shop, friend, later, order
from tests.referrals.asking import telling
from tests.referrals.privacy import person
from tests.referrals.privacy.person import EMAIL, OLGA, TELEGRAM, anna, known, planted, rows, shop_of


def gone(shop: Shop, number: int, **more: Any) -> Erased:
    erased = shop.database.run(erase, number, actor="key:till", programme=shop.programme, now=shop.now, **more)
    assert isinstance(erased, Erased)
    return erased


def books_of(shop: Shop) -> list[Any]:
    return [shop.rows(table) for table in (Posting, Entry)]


def test_no_table_holds_anything_of_somebody_who_was_erased(database: Database) -> None:
    """Rule 41: every text and every number of every table is looked at for what was planted."""
    shop = shop_of(database)
    number, _ = anna(shop)
    tables = {place.partition(".")[0] for place in planted(database)}
    assert {"customer", "identity", "inbox", "outbox", "survey", "case_message", "reference", "consent", "chat",
            "connect_token", "tally", "audit_event", "idempotency_key", "shop_order"} <= tables  # fmt: skip
    gone(shop, number)
    assert planted(database) == []


def test_the_books_keep_every_entry_under_a_number(database: Database) -> None:
    """Rule 41: credit stays where nobody can spend it; no figure changes, and the audit finds nothing."""
    shop = shop_of(database)
    number, _ = known(shop)
    shop.pass_days(22)
    before, bonuses = books_of(shop), shop.rows(Bonus)
    gone(shop, number)
    assert (books_of(shop), shop.rows(Bonus)) == (before, bonuses)
    assert shop.balance(number).available_minor == 1500
    assert shop.faults() == []


def test_what_still_waits_is_taken_back_and_nobody_is_told(database: Database) -> None:
    """Rules 7 and 41: at once, not when the shop happens to tell the order again; nothing is edited."""
    shop = shop_of(database)
    number, _ = known(shop)
    before = books_of(shop)
    gone(shop, number)
    postings, entries = books_of(shop)
    assert (postings[:1], entries[:2]) == (before[0], before[1])
    assert [(row["kind"], row["reason"]) for row in postings] == [
        ("credit", "approved"),
        ("reverse", "excluded_customer"),
    ]
    assert shop.balance(number).held_minor == 0
    assert rows(shop, Outbox, customer_id=number) == []
    shop.pass_days(22)
    assert shop.balance(number).available_minor == 0
    assert shop.faults() == []


def test_credit_stays_whatever_is_decided_again(database: Database) -> None:
    """Rule 41: one order of the friend is credit, the next one waits; only what waits is taken back."""
    shop = shop_of(database, bonus__ambassador__when="every_order", bonus__ambassador__min_order="0.00")
    number, code = shop.ambassador("Anna")
    shop.deliver(order("first", code=code))
    shop.pass_days(22)
    bought = order("second", at=shop.now)
    shop.deliver(bought)
    gone(shop, number)
    shop.deliver(later(bought, status="completed"))
    assert shop.balance(number) == Balance(available_minor=1500)
    shop.deliver(later(order("first", code=code), minutes=99_999, status="refunded", refunded_minor=9000))
    assert shop.balance(number) == Balance()
    assert shop.faults() == []


def test_the_places_that_come_free_in_a_full_month_are_nobodys(database: Database) -> None:
    """Rules 6b and 41: a friend who was over the cap takes no place of those that are taken back."""
    shop = shop_of(database, bonus__ambassador__per_month=1)
    number, code = shop.ambassador("Anna")
    shop.deliver(*[order(n, friend(n), code=code, at=NOON + timedelta(hours=n)) for n in range(3)])
    shop.now += timedelta(days=1)
    gone(shop, number)
    shop.pass_days(30)
    assert shop.balance(number) == Balance()
    assert {row["amount_minor"] for row in shop.rows(Bonus)} == {0}
    assert shop.faults() == []


def test_once_more_changes_nothing(database: Database) -> None:
    shop = shop_of(database)
    number, _ = anna(shop)
    assert not gone(shop, number).again
    tables = (Customer, Inbox, Outbox, AuditEvent, Reference, Case, Order)
    before = [shop.rows(table) for table in tables]
    assert gone(shop, number).again
    assert [shop.rows(table) for table in tables] == before
    with pytest.raises(UnknownCustomer):
        gone(shop, 10**6)


def test_what_stays_is_numbers_and_dates(database: Database) -> None:
    """Rule 41: scores count on, the case is closed, the yes and its end are on record, the log says who did it."""
    shop = shop_of(database)
    number, _ = anna(shop)
    assert len(telling.on_the_wall(shop)) == 1
    gone(shop, number)
    assert telling.on_the_wall(shop) == []
    assert [(row["score"], row["why"]) for row in shop.rows(Survey)] == [(9, None)]
    assert [row["status"] for row in shop.rows(Case)] == ["solved"]
    assert [row["status"] for row in shop.rows(Reference)] == ["withdrawn"]
    assert all(row["withdrawn_at"] == shop.now and row["text_hash"] for row in shop.rows(Consent))
    (event,) = rows(shop, AuditEvent, action="customer:erase")
    assert (event["actor"], event["before"], event["after"]) == ("key:till", {"state": "active"}, {"state": "erased"})


def test_the_code_stays_taken_and_leads_to_nobody(database: Database) -> None:
    """Rule 17: a code is never issued again; an order with it earns nothing."""
    shop = shop_of(database)
    number, code = known(shop)
    gone(shop, number)
    found = database.look(find_codes, [code])[code]
    assert isinstance(found, CodeHit)
    assert found.customer_id == number
    assert [row["customer_id"] for row in shop.rows(Code)] == [number]
    shop.deliver(order("new", friend(5), code=code))
    assert shop.reasons("new") == ["excluded_customer"]
    assert shop.balance(number).held_minor == 0


def test_an_order_that_is_told_again_makes_nobody_anew_and_is_not_kept(database: Database) -> None:
    """Rule 41: neither an older state nor a newer one brings back who bought."""
    shop = shop_of(database)
    number, _ = known(shop)
    gone(shop, number)
    people = len(shop.rows(Customer))
    person.again(shop, "anna-2")
    person.again(shop, "anna-2", status="refunded", minutes=60)
    assert planted(database) == []
    assert len(shop.rows(Customer)) == people
    assert [row["status"] for row in rows(shop, Order, external_id="anna-2")] == ["refunded"]


def test_a_new_order_of_the_same_address_is_somebody_new(database: Database) -> None:
    """Rule 41: the fingerprint is gone, so nothing joins the two."""
    shop = shop_of(database)
    number, _ = known(shop)
    gone(shop, number)
    person.again(shop, "anna-3")
    (bought,) = rows(shop, Order, external_id="anna-3")
    assert bought["customer_id"] != number
    assert rows(shop, Customer, id=bought["customer_id"])[0]["state"] == "active"


def test_a_friend_who_is_erased_takes_no_bonus_away(database: Database) -> None:
    """Rule 41: the order goes on as it was decided; a refund still takes the bonus back."""
    shop = shop_of(database)
    ambassador, code = shop.ambassador("Olivia")
    bought = order("b-1", code=code)
    shop.deliver(bought)
    bram = rows(shop, Order, external_id="b-1")[0]["customer_id"]
    gone(shop, bram)
    shop.deliver(later(bought, status="completed"))
    assert shop.balance(ambassador).held_minor == 1500
    shop.deliver(later(bought, minutes=120, status="refunded", refunded_minor=9000))
    assert shop.balance(ambassador).held_minor == 0
    assert shop.faults() == []


def test_who_was_refused_by_a_fingerprint_does_not_earn_by_erasing_it(database: Database) -> None:
    """Rule 16: Mats buys under another address with his own phone, and has that buyer erased."""
    shop = shop_of(database)
    mats, code = shop.ambassador("Mats")
    shop.deliver(order("own", friend(1, id="Mats", email="mats@example.nl", phone="0612345678")))
    bought = order("other", friend(2, phone="+31612345678"), code=code)
    shop.deliver(bought)
    assert shop.reasons("other") == ["own_order"]
    gone(shop, rows(shop, Order, external_id="other")[0]["customer_id"])
    shop.deliver(later(bought, status="completed"))
    assert shop.reasons("other") == ["own_order"]
    assert shop.balance(mats).held_minor == 0


def test_everybody_who_was_merged_into_them_is_gone_too(database: Database) -> None:
    """Rules 15 and 41: asked by either number."""
    shop = shop_of(database)
    number, _ = anna(shop)
    other = database.run(chat_person, shop)
    database.run(join, number, other, programme=shop.programme, now=shop.now)
    assert gone(shop, other).customer_id == number
    assert {row["state"] for row in shop.rows(Customer) if row["id"] in (number, other)} == {"erased"}
    assert rows(shop, Identity, customer_id=number) == []
    assert rows(shop, Chat, chat_id=55) == []
    assert planted(database) == []


def test_nobody_writes_to_them_and_the_chat_begins_anew(database: Database) -> None:
    """Rule 28: what waits is dropped; a later START is somebody who was never here."""
    shop = shop_of(database)
    number, _ = anna(shop)
    gone(shop, number)
    assert rows(shop, Outbox, customer_id=number) == []
    assert database.look(access_of, telegram_id=TELEGRAM) is None
    assert database.run(_meet, shop, TELEGRAM) != number
    with pytest.raises(Exception, match="excluded_customer"):
        database.run(enrol_ambassador, number, programme=shop.programme, now=shop.now)


def test_what_they_said_and_nobody_heard_is_not_heard(database: Database) -> None:
    shop = shop_of(database)
    number, _ = anna(shop)
    assert [row["status"] for row in rows(shop, Inbox, kind="telegram")] == ["new"]
    gone(shop, number)
    (update,) = rows(shop, Inbox, kind="telegram")
    assert (update["status"], update["result"], update["body"]) == ("done", "ignored", None)
    assert update["digest"]


def test_others_keep_what_is_theirs(database: Database) -> None:
    """Nothing of a friend, of an owner's chat or of another shop's order with the same number goes with her."""
    shop = shop_of(database)
    number, _ = anna(shop)
    body = b'{"type":"order.state","data":{"id":"c-1","status":"nonsense","customer":{"email":"other@example.nl"}}}'
    person.hook(shop, body)
    database.run(_update, shop, OLGA)
    bram = rows(shop, Order, external_id="bram-1")[0]["customer_id"]
    before = [rows(shop, table, **{name: bram}) for table, name in ((Customer, "id"), (Identity, "customer_id"))]
    gone(shop, number)
    after = [rows(shop, table, **{name: bram}) for table, name in ((Customer, "id"), (Identity, "customer_id"))]
    assert before == after
    assert any(row["body"] == body for row in shop.rows(Inbox))
    assert rows(shop, Inbox, chat_id=OLGA)[0]["body"] is not None


def test_the_board_shows_them_no_more(database: Database) -> None:
    """Rule 33: the others keep their places and their sums."""
    shop = shop_of(database)
    number, _ = known(shop)
    shop.pass_days(22)
    names = [row.name for row in _board(shop).rows]
    assert names
    gone(shop, number)
    assert [row.name for row in _board(shop).rows] == []
    assert EMAIL not in str(_board(shop))


def _board(shop: Shop) -> Any:
    at = shop.now
    return shop.database.look(board, period="all", at=at, top=20, programme=shop.programme, now=at)


def _meet(session: Session, shop: Shop, chat_id: int) -> int:
    who: dict[str, Any] = {"telegram_id": chat_id, "chat_id": chat_id, "first_name": "A", "language_code": "nl"}
    return meet(session, **who, at=shop.now, now=shop.now)


def chat_person(session: Session, shop: Shop) -> int:
    return _meet(session, shop, 55)


def _update(session: Session, shop: Shop, chat_id: int) -> None:
    chat = {"id": chat_id, "type": "private"}
    update = {"update_id": 7, "message": {"chat": chat, "text": "x"}}
    store_updates(session, [incoming(update, received_at=NOON + timedelta(hours=1))])
