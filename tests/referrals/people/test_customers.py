from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from referrals.errors import UnknownCustomer
from referrals.people import customers
from referrals.people.persons import clean_name, read_locale
from storage.auditlog import AuditEvent
from storage.customers import Customer
from storage.database import Database
from storage.mailbox import Chat
from tests.referrals.recruiting.cast import ANNA_CHAT, BRAM_CHAT, HOUR, TUESDAY, Cast, make_programme


@pytest.fixture
def cast(database: Database) -> Cast:
    return Cast(database, make_programme())


def row(session: Session, customer_id: int) -> dict[str, Any]:
    return session.get_one(Customer, customer_id).model_dump()


def chat(session: Session, chat_id: int) -> dict[str, Any]:
    return session.get_one(Chat, chat_id).model_dump()


def audit_log(session: Session) -> list[tuple[str, str, Any, Any]]:
    return [(each.actor, each.action, each.before, each.after) for each in session.exec(select(AuditEvent))]


def lose(session: Session, chat_id: int) -> None:
    session.get_one(Chat, chat_id).reachable = False


def test_somebody_who_writes_is_one_person_for_ever_and_reachable(cast: Cast) -> None:
    bram = cast.chat(BRAM_CHAT)
    cast.database.run(lose, BRAM_CHAT)
    cast.now += HOUR
    assert cast.chat(BRAM_CHAT) == bram
    found = cast.database.look(chat, BRAM_CHAT)
    assert (found["customer_id"], found["reachable"], found["last_seen_at"]) == (bram, True, TUESDAY + HOUR)


def test_a_chat_alone_has_no_name(cast: Cast) -> None:
    """Rule 41: names only of connected customers."""
    bram = cast.chat(BRAM_CHAT, "Bram")
    assert cast.database.look(row, bram)["first_name"] is None


def test_a_connected_chat_brings_the_name_that_the_shop_did_not_say(cast: Cast) -> None:
    """Rule 41."""
    anna = cast.customer("77", email="anna@example.com")
    cast.connect(ANNA_CHAT, cast.token(anna))
    cast.chat(ANNA_CHAT, "Anna")
    assert cast.database.look(row, anna)["first_name"] == "Anna"
    cast.account("77", first_name="Annabel")
    cast.chat(ANNA_CHAT, "Anna")
    assert cast.database.look(row, anna)["first_name"] == "Annabel"


def test_a_claimed_account_takes_no_name_and_shows_no_history(cast: Cast) -> None:
    """Rules 20 and 41."""
    cast.order("1001", email="anna@example.com")
    anna = cast.claim(ANNA_CHAT, "1001", "anna@example.com").customer_id or 0
    cast.chat(ANNA_CHAT, "Anna")
    assert cast.database.look(row, anna)["first_name"] is None
    access = cast.database.look(customers.access_of, telegram_id=ANNA_CHAT)
    assert access is not None
    assert (access.customer_id, access.level, access.sees_history) == (anna, "claimed", False)


def test_access_says_how_sure_a_chat_is(cast: Cast) -> None:
    """Rule 20: chat only, claimed, verified."""
    assert cast.database.look(customers.access_of, telegram_id=BRAM_CHAT) is None
    cast.chat(BRAM_CHAT)
    access = cast.database.look(customers.access_of, telegram_id=BRAM_CHAT)
    assert access is not None
    assert (access.level, access.sees_history) == ("chat_only", True)
    cast.connect(BRAM_CHAT, cast.token(cast.customer("78")))
    access = cast.database.look(customers.access_of, telegram_id=BRAM_CHAT)
    assert access is not None
    assert access.level == "verified"


def test_choices_are_kept(cast: Cast) -> None:
    anna = cast.chat(ANNA_CHAT)
    run = cast.database.run
    run(customers.set_locale, anna, locale="en")
    assert run(customers.set_nickname, anna, nickname="  An\u202ena\n de  eerste ") == "Anna de eerste"
    run(customers.set_link_consent, anna, consent=True, now=TUESDAY)
    run(customers.stop, anna, now=TUESDAY)
    run(customers.stop, anna, now=TUESDAY + HOUR)
    run(customers.pause, anna, until=TUESDAY + HOUR)
    found = cast.database.look(row, anna)
    assert (found["locale"], found["nickname"], found["link_consent"]) == ("en", "Anna de eerste", True)
    assert (found["stopped_at"], found["paused_until"]) == (TUESDAY, TUESDAY + HOUR)
    run(customers.resume, anna, now=TUESDAY)
    assert cast.database.look(row, anna)["stopped_at"] is None


def test_who_is_excluded_and_why_is_in_the_audit_log_once(cast: Cast) -> None:
    mats = cast.chat(109)
    for _ in range(2):
        cast.database.run(customers.set_state, mats, state="excluded", why="fraud", actor="owner:1", now=TUESDAY)
    logged = cast.database.look(audit_log)
    assert logged == [
        ("owner:1", "customer:state", {"state": "active"}, {"state": "excluded", "why": "fraud"}),
    ]


def test_nobody_is_found_under_a_number_that_was_never_given(cast: Cast) -> None:
    with pytest.raises(UnknownCustomer):
        cast.database.run(customers.stop, 4711, now=TUESDAY)


@pytest.mark.parametrize(
    "said, read", [("nl_NL", "nl"), ("EN-gb", "en"), ("de", None), ("", None), (None, None), ("nl", "nl")]
)
def test_a_language_is_read_from_what_shops_and_apps_write(said: str | None, read: str | None) -> None:
    assert read_locale(said) == read


@pytest.mark.parametrize(
    "said, shown", [("\u202e\x00", None), ("a" * 99, "a" * 64), (" Anna  M. ", "Anna M."), (None, None)]
)
def test_a_name_is_cleaned_before_it_is_kept(said: str | None, shown: str | None) -> None:
    assert clean_name(said) == shown


def test_a_message_from_the_future_was_seen_now(cast: Cast, now: datetime) -> None:
    cast.database.run(
        customers.meet, telegram_id=1, chat_id=1, first_name=None, language_code=None, at=now + HOUR, now=now
    )
    assert cast.database.look(chat, 1)["last_seen_at"] == now
