from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from referrals.asking import approval, references
from referrals.asking.play import Candidate
from referrals.asking.plays.reference import PLAY, RENEWAL_PLAY
from referrals.asking.reference_list import COLUMNS, reference_pages, reference_views
from referrals.figures.exports import write_pages
from referrals.people.customers import get_customer
from referrals.recruiting.joining import join
from storage.contacts import Contact
from storage.database import Database
from storage.mailbox import Outbox
from storage.references import Consent, Reference
from storage.surveys import Survey
from tests.builders import Shop, friend, order
from tests.referrals.asking.telling import (
    OLGA,
    TEXT,
    agreed,
    ask,
    buy,
    can_be_written_to,
    drafted,
    glad,
    invited,
    published,
    row,
    step,
)


def anna(shop: Shop, name: str = "Anna") -> int:
    """A customer with a link, whose chat can be written to."""
    customer, _ = shop.ambassador(name)
    shop.database.run(can_be_written_to, customer, now=shop.now)
    return customer


def candidates(shop: Shop) -> list[Candidate]:
    return shop.database.look(PLAY.candidates, programme=shop.programme, now=shop.now, limit=100)


def subjects(shop: Shop) -> list[str]:
    return [each.subject.partition(":")[0] for each in candidates(shop)]


def test_a_ten_of_somebody_who_is_a_customer_for_half_a_year_is_a_reason_to_ask(database: Database) -> None:
    """Playbook 3.1: the ten, the tenure, and a day in which it can still be changed."""
    shop = Shop(database)
    person = anna(shop)
    glad(shop, "Anna", days_ago=300)
    (found,) = candidates(shop)
    assert (found.customer_id, found.subject.partition(":")[0]) == (person, "survey")
    assert found.due_at == found.cause_at + timedelta(days=1) <= shop.now < found.expires_at


@pytest.mark.parametrize("days_ago, score, asked", [(300, 9, 0), (300, 10, 1), (179, 10, 0), (180.5, 10, 1)])
def test_tenure_and_score_at_their_edges(database: Database, days_ago: float, score: int, asked: int) -> None:
    """Requirement B19: a nine makes an ambassador, a ten a reference."""
    shop = Shop(database)
    anna(shop)
    glad(shop, "Anna", days_ago=days_ago, score=score)
    assert len(candidates(shop)) == asked


def test_a_ten_that_came_too_early_counts_once_the_half_year_is_over(database: Database) -> None:
    shop = Shop(database)
    anna(shop)
    glad(shop, "Anna", days_ago=100)
    assert candidates(shop) == []
    expected = shop.now + timedelta(days=80)
    assert database.look(PLAY.next_at, programme=shop.programme, now=shop.now) == expected
    shop.now = expected
    assert subjects(shop) == ["customer"]


def test_an_invitation_is_made_once_and_rests_half_a_year(database: Database) -> None:
    """`references.ask_every_days`: nobody is invited while an invitation is out, or lately was."""
    shop = Shop(database)
    anna(shop)
    glad(shop, "Anna", days_ago=300)
    assert ask(shop) == [None]
    (made,) = shop.rows(Reference)
    assert (made["status"], made["contact_key"]) == ("invited", shop.rows(Contact)[0]["key"])
    database.run(_sent, shop.now)
    for days in (20, 100):
        shop.now += timedelta(days=days)
        glad(shop, f"Anna-{days}", days_ago=300)
        assert candidates(shop) == []
    database.run(_score_again, made["customer_id"], shop.now)
    assert database.look(PLAY.next_at, programme=shop.programme, now=shop.now) == shop.now + timedelta(days=60)
    shop.now += timedelta(days=60)
    assert subjects(shop) == ["contact"]
    ask(shop)
    assert candidates(shop) == []


@pytest.mark.parametrize("answer, rest", [("decline", 365), ("withdraw", 365), ("refuse", 180)])
def test_after_a_no_it_is_quiet_for_as_long_as_is_configured(database: Database, answer: str, rest: int) -> None:
    shop = Shop(database)
    person = anna(shop)
    glad(shop, "Anna", days_ago=300)
    if answer == "decline":
        step(shop, invited(shop, person), references.decline, programme=shop.programme)
    elif answer == "withdraw":
        step(shop, published(shop, person), references.withdraw, use=None, programme=shop.programme)
    else:
        step(shop, published(shop, person), approval.refuse, owner=OLGA, programme=shop.programme)
    shop.now += timedelta(days=rest - 1)
    database.run(_score_again, person, shop.now - timedelta(days=2))
    assert candidates(shop) == []
    shop.now += timedelta(days=1.5)
    assert len(candidates(shop)) == 1


def test_later_comes_back_after_a_month_as_the_same_reference(database: Database) -> None:
    shop = Shop(database)
    person = anna(shop)
    glad(shop, "Anna", days_ago=300)
    number = invited(shop, person)
    step(shop, number, references.snooze)
    assert candidates(shop) == []
    shop.now += timedelta(days=30)
    assert subjects(shop) == ["snoozed"]
    assert ask(shop) == [None]
    assert (row(shop, number)["status"], len(shop.rows(Reference))) == ("invited", 1)


def test_a_nomination_needs_no_ten_and_goes_through_the_same_gates(database: Database) -> None:
    shop = Shop(database)
    person = anna(shop)
    glad(shop, "Anna", days_ago=300, score=6)
    database.run(approval.nominate, person, actor="owner:1", programme=shop.programme, now=shop.now)
    assert subjects(shop) == ["nominated"]
    assert ask(shop) == ["low_score"]
    assert [each["status"] for each in shop.rows(Reference)] == ["nominated"]
    assert candidates(shop) == []


def test_a_friend_who_brought_credit_is_a_reason_to_ask(database: Database) -> None:
    shop = Shop(database)
    person, code = shop.ambassador("Anna")
    database.run(can_be_written_to, person, now=shop.now)
    glad(shop, "Anna", days_ago=300, score=9)
    shop.deliver(order("f1", friend(1), code=code))
    assert candidates(shop) == []
    shop.pass_days(22.5)
    assert subjects(shop) == ["bonus"]


def test_two_people_who_turn_out_to_be_one_are_asked_once(database: Database) -> None:
    """Rule 15: what the merged one answered counts for the one who stays."""
    shop = Shop(database)
    older, newer = anna(shop), anna(shop, "Bram")
    glad(shop, "Anna", days_ago=300)
    glad(shop, "Bram", days_ago=300)
    step(shop, invited(shop, newer), references.decline, programme=shop.programme)
    assert [each.customer_id for each in candidates(shop)] == [older]
    database.run(join, older, newer, programme=shop.programme, now=shop.now)
    assert candidates(shop) == []


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("how_far", [drafted, agreed, published])
def test_who_has_one_is_invited_to_no_second(database: Database, how_far: Callable[..., int], *, merged: bool) -> None:
    """However long it waits for them or for an owner, and whatever else would be a cause (rule 15: also by a merge)."""
    shop = Shop(database)
    person = anna(shop)
    other = anna(shop, "Bram") if merged else person
    shop.database.run(_nominate, person, shop.now)
    number = how_far(shop, other)
    if merged:
        assert subjects(shop) == ["nominated"]
        database.run(join, person, other, programme=shop.programme, now=shop.now)
    glad(shop, "Anna", days_ago=300)
    shop.database.run(_rested, number)
    assert candidates(shop) == []
    outcome, _ = database.run(approval.nominate, person, actor="owner:1", programme=shop.programme, now=shop.now)
    assert outcome == "has_one"
    step(shop, number, references.reopen)
    step(shop, number, references.decline, programme=shop.programme)
    assert subjects(shop) == ["nominated"]


def test_of_two_invitations_of_what_is_one_person_the_later_does_not_go(database: Database) -> None:
    """Rules 15 and 29: it waited for its turn, and meanwhile the first one became a draft."""
    shop = Shop(database)
    older, newer = anna(shop), anna(shop, "Bram")
    glad(shop, "Anna", days_ago=300)
    ask(shop)
    (waiting,) = (each["id"] for each in shop.rows(Outbox) if each["kind"] == "reference_invited")
    drafted(shop, newer)
    assert database.look(_so, waiting, shop.now)
    database.run(join, older, newer, programme=shop.programme, now=shop.now)
    assert not database.look(_so, waiting, shop.now)


@pytest.mark.parametrize("state", ["excluded", "staff", "erased"])
def test_who_does_not_take_part_is_not_asked(database: Database, state: str) -> None:
    shop = Shop(database)
    person = anna(shop)
    glad(shop, "Anna", days_ago=300)
    database.run(_state, person, state)
    assert candidates(shop) == []


def test_a_reference_whose_time_is_over_is_asked_about_once(database: Database) -> None:
    shop = Shop(database, references__valid_months=2)
    person = anna(shop)
    buy(shop, person)
    published(shop, person)
    over = database.look(RENEWAL_PLAY.next_at, programme=shop.programme, now=shop.now)
    assert over is not None
    shop.now = over
    (found,) = database.look(RENEWAL_PLAY.candidates, programme=shop.programme, now=shop.now, limit=10)
    assert (found.customer_id, found.data["months"], found.due_at) == (person, 2, over)
    ask(shop)
    assert database.look(RENEWAL_PLAY.candidates, programme=shop.programme, now=shop.now, limit=10) == []


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_export_has_all_of_them_and_words_only_while_they_are_allowed(database: Database, form: str) -> None:
    """Contract 1: cells that a spreadsheet may open."""
    shop = Shop(database)
    placed = published(shop, anna(shop), uses=("website", "print"))
    gone = published(shop, anna(shop, "=Mats"), name="first_name")
    step(shop, placed, references.reopen)
    step(shop, placed, references.rewrite, words="=HYPERLINK(1)")
    written: list[str] = []
    database.look(_export, shop, form, written)
    text = "".join(written)
    rows = json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
    assert [each["reference"] for each in rows] == [shop.programme.number("reference", each) for each in (placed, gone)]
    assert [each["status"] for each in rows] == ["draft", "published"]
    assert not rows[0]["text"]
    assert rows[1]["name"] == ("=Mats" if form == "json" else "'=Mats")
    assert tuple(rows[0]) == COLUMNS


@pytest.mark.parametrize("ended", ["never", "in time", "by an owner"])
def test_words_and_uses_are_given_out_until_the_yes_is_over(database: Database, ended: str) -> None:
    """Requirement F5: what may be printed is what is said yes to now, and nothing says so for ever."""
    shop = Shop(database)
    number = published(shop, anna(shop), uses=("website", "print"))
    shop.now = row(shop, number)["expires_at"] - timedelta(seconds=ended != "in time")
    if ended == "by an owner":
        step(shop, number, approval.refuse, owner=OLGA, programme=shop.programme)
    (view,) = database.look(reference_views, programme=shop.programme, now=shop.now, limit=10)
    given = (TEXT, "Anna", ["website", "print"]) if ended == "never" else (None, None, [])
    assert (view["text"], view["name"], view["uses"]) == given
    assert (shop.rows(Consent)[0]["withdrawn_at"] is not None) == (ended == "by an owner")


def _export(session: Session, shop: Shop, form: str, written: list[str]) -> None:
    pages = reference_pages(session, programme=shop.programme, now=shop.now)
    write_pages(COLUMNS, pages, form=form, write=written.append)


def _nominate(session: Session, customer_id: int, now: datetime) -> None:
    session.add(
        Reference(customer_id=customer_id, status="nominated", nominated_at=now, created_at=now, updated_at=now)
    )


def _rested(session: Session, number: int) -> None:
    session.get_one(Reference, number).rest_until = None


def _so(session: Session, row_id: int, now: datetime) -> bool:
    return references.still_so(session, session.get_one(Outbox, row_id), now=now)


def _sent(session: Session, now: datetime) -> None:
    for contact in session.exec(select(Contact)):
        contact.status, contact.sent_at = "sent", now


def _score_again(session: Session, customer_id: int, at: datetime) -> None:
    session.add(Survey(subject=f"again:{at}", customer_id=customer_id, score=10, scored_at=at, created_at=at))


def _state(session: Session, customer_id: int, state: str) -> None:
    get_customer(session, customer_id).state = state
