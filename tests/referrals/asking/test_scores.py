"""What a score brings: who may give it, until when, and what a change does (rules 18 and 31)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from referrals.asking.cases import Colleague, solve
from referrals.asking.plays.came_via_friend import came_via
from referrals.asking.plays.promoter import may_offer
from referrals.asking.scores import say_why, skip_score
from referrals.people.customers import stop
from storage.bulk import insert_rows, update_rows
from storage.cases import Case, CaseMessage
from storage.contacts import Contact
from storage.customers import Customer, CustomerAlias
from storage.database import Database
from storage.mailbox import Outbox
from storage.surveys import Survey
from tests.builders import NOON, Shop
from tests.referrals.asking.asked import OLGA, asked, give, ordered
from tests.referrals.asking.asked import planned as not_asked_yet

HOUR = timedelta(hours=1)


def planned(shop: Shop, customer_id: int, kind: str, play: str) -> None:
    """An ask waits for its morning."""
    key = f"{play}:test"
    contact = {
        "key": key, "customer_id": customer_id, "play": play, "kind": kind, "status": "planned", "cause_at": NOON,
        "planned_at": NOON, "expires_at": NOON + 99 * HOUR,
    }  # fmt: skip
    notice = {
        "unique_key": key, "customer_id": customer_id, "kind": "tip_share_again", "message_class": "at_most_once",
        "as_of": NOON, "due_at": NOON + 9 * HOUR, "created_at": NOON,
    }  # fmt: skip
    shop.database.run(insert_rows, Contact, [contact])
    shop.database.run(insert_rows, Outbox, [notice])


def fate(shop: Shop, key: str) -> tuple[str, str | None, str, str | None]:
    (contact,) = [row for row in shop.rows(Contact) if row["key"] == key]
    (notice,) = [row for row in shop.rows(Outbox) if row["unique_key"] == key]
    return contact["status"], contact["reason"], notice["status"], notice["dropped_because"]


@pytest.mark.parametrize(
    "score, kind, stays",
    [
        (6, "referral_ask", False),
        (6, "reference_ask", False),
        (6, "score", False),
        (8, "referral_ask", False),
        (8, "score", True),
        (9, "referral_ask", True),
        (6, "give", True),
    ],
)
def test_a_change_for_the_worse_takes_back_what_was_planned_to_be_asked(
    database: Database, score: int, kind: str, stays: bool
) -> None:
    """Rule 31: down cancels pending asks, each with its reason; and B19: 7 and 8 get no recruiting push."""
    shop = Shop(database)
    anna, survey = asked(shop)
    give(shop, survey, anna, 10)
    planned(shop, anna, kind, "t6")
    give(shop, survey, anna, score)
    gone = ("not_sent", "low_score", "dropped", "low_score")
    assert fate(shop, "t6:test") == (("planned", None, "due", None) if stays else gone)


def test_the_first_answer_counts_from_its_moment_and_later_ones_do_not_move_it(database: Database) -> None:
    shop = Shop(database)
    anna, survey = asked(shop)
    assert give(shop, survey, anna, 9) == ("given", "promoter")
    shop.now += 24 * HOUR
    assert give(shop, survey, anna, 7) == ("given", "passive")
    shop.now += timedelta(seconds=1)
    assert give(shop, survey, anna, 10) == ("fixed", "passive")
    (row,) = shop.rows(Survey)
    assert (row["score"], row["scored_at"], row["changed_at"]) == (7, NOON, NOON + 24 * HOUR)


def test_the_same_number_again_changes_nothing(database: Database) -> None:
    shop = Shop(database)
    anna, survey = asked(shop)
    give(shop, survey, anna, 2)
    before = shop.rows(Survey), shop.rows(Case), shop.rows(Outbox)
    shop.now += HOUR
    assert give(shop, survey, anna, 2) == ("same", "detractor")
    assert (shop.rows(Survey), shop.rows(Case), shop.rows(Outbox)) == before


def test_only_who_was_asked_can_answer_also_after_a_merge(database: Database) -> None:
    """Rule 15: readers resolve the number that somebody had before."""
    shop = Shop(database)
    anna, survey = asked(shop)
    mats, _ = shop.ambassador("Mats")
    assert give(shop, survey, mats, 0) is None
    assert database.run(skip_score, survey, customer_id=mats, now=NOON) is False
    database.run(insert_rows, CustomerAlias, [{"merged_id": anna, "customer_id": mats, "at": NOON}])
    assert give(shop, survey, mats, 9) == ("given", "promoter")


def test_a_question_that_was_not_put_yet_has_no_answer(database: Database) -> None:
    """Rules 23 and 31: whoever makes up the number of their own question says nothing with it; it is still asked."""
    shop = Shop(database)
    anna, survey = not_asked_yet(shop)
    assert give(shop, survey, anna, 10) is None
    assert database.run(skip_score, survey, customer_id=anna, now=NOON) is False
    assert [(row["score"], row["skipped_at"]) for row in shop.rows(Survey)] == [(None, None)]
    assert fate(shop, shop.rows(Contact)[0]["key"]) == ("planned", None, "due", None)


@pytest.mark.parametrize("score", [-1, 11, 100])
def test_there_are_eleven_answers(database: Database, score: int) -> None:
    shop = Shop(database)
    anna, survey = asked(shop)
    assert give(shop, survey, anna, score) is None


def test_a_tap_shows_that_the_question_was_seen(database: Database) -> None:
    shop = Shop(database)
    anna, survey = asked(shop)
    shop.now += HOUR
    give(shop, survey, anna, 8)
    assert shop.rows(Contact)[0]["reacted_at"] == NOON + HOUR


def test_a_score_that_changes_down_up_and_down_has_one_case(database: Database) -> None:
    """Rule 31: up leaves the case; down again finds it."""
    shop = Shop(database)
    anna, survey = asked(shop)
    for score in (3, 9, 0, 10, 6):
        give(shop, survey, anna, score)
    (case,) = shop.rows(Case)
    assert (case["kind"], case["survey_id"], case["status"]) == ("low_score", survey, "open")


def why(shop: Shop, survey: int, customer_id: int, text: str) -> None:
    """They say why."""
    shop.database.run(_why, survey, customer_id=customer_id, text=text, programme=shop.programme, now=shop.now)


def test_words_are_kept_with_the_score_and_in_the_case_while_it_is_open(database: Database) -> None:
    """Rule 31: up leaves the case, and whoever answers it reads what is said meanwhile."""
    shop = Shop(database, telegram__owner_ids=[OLGA])
    anna, survey = asked(shop)
    give(shop, survey, anna, 3)
    why(shop, survey, anna, "De la klemt")
    give(shop, survey, anna, 9)
    why(shop, survey, anna, "Maar mooi!")
    assert shop.rows(Survey)[0]["why"] == "De la klemt\nMaar mooi!"
    assert [row["text"] for row in shop.rows(CaseMessage)] == ["De la klemt", "Maar mooi!"]
    assert [row["data"]["text"] for row in shop.rows(Outbox) if row["kind"] == "case_said"] == [
        "De la klemt", "Maar mooi!",
    ]  # fmt: skip


@pytest.mark.parametrize("score, status", [(6, "open"), (8, "solved"), (10, "solved")])
def test_a_detractors_words_open_the_case_again_that_was_solved_before_them(
    database: Database, score: int, status: str
) -> None:
    """Rule 31: [Opgelost] may come before the words that were asked for; a person reads them all the same."""
    shop = Shop(database, telegram__owner_ids=[OLGA])
    anna, survey = asked(shop)
    give(shop, survey, anna, 3)
    (case,) = shop.rows(Case)
    olga = Colleague(OLGA, "Olga", is_owner=True)
    database.run(solve, case["id"], colleague=olga, programme=shop.programme, now=NOON)
    database.run(update_rows, Survey, [{"id": survey, "score": score}], key=("id",))
    shop.now += HOUR
    why(shop, survey, anna, "De la klemt")
    (case,) = shop.rows(Case)
    assert (case["status"], case["waiting_since"]) == (status, shop.now if status == "open" else None)
    cards = [row["data"] for row in shop.rows(Outbox) if row["kind"] == "case_card"]
    assert [card["words"] for card in cards] == ([""] if status == "solved" else ["", "De la klemt"])


def _why(session: Session, /, survey: int, **how: Any) -> None:
    assert say_why(session, survey, **how) is not None


def test_without_a_score_there_is_no_why(database: Database) -> None:
    shop = Shop(database)
    anna, survey = asked(shop)
    how: dict[str, Any] = {"text": "Mooi", "programme": shop.programme, "now": NOON}
    assert database.run(say_why, survey, customer_id=anna, **how) is None
    assert database.run(say_why, survey, customer_id=anna + 1, **how) is None
    assert shop.rows(Survey)[0]["why"] is None


@pytest.mark.parametrize(
    "back, offered",
    [(timedelta(days=30) - HOUR, False), (timedelta(days=30), True)],
    ids=["within thirty days", "after thirty days"],
)
def test_the_offer_waits_for_thirty_days_after_a_return(database: Database, back: timedelta, offered: bool) -> None:
    """Rule 18: no open case, no return in 30 days, not stopped; nothing else is needed."""
    shop = Shop(database)
    returned: datetime = NOON - back
    anna = ordered(shop, "Anna", 1, at=returned, updated_at=returned, status="refunded", refunded_minor=9000)
    assert database.look(may_offer, anna, now=NOON) is offered


def test_the_offer_is_not_made_during_a_case_after_a_stop_or_to_who_is_excluded(database: Database) -> None:
    """Rule 18, each of its conditions."""
    shop = Shop(database)
    anna, survey = asked(shop)
    bram, _ = asked(shop, "Bram")
    chris, _ = asked(shop, "Chris")
    assert [database.look(may_offer, one, now=NOON) for one in (anna, bram, chris)] == [True, True, True]
    give(shop, survey, anna, 1)
    database.run(stop, bram, now=NOON)
    database.run(update_rows, Customer, [{"id": chris, "state": "excluded"}], key=("id",))
    assert [database.look(may_offer, one, now=NOON) for one in (anna, bram, chris)] == [False, False, False]


def test_who_came_through_somebody_is_told_a_name_only_with_that_persons_consent(database: Database) -> None:
    """T7: a first name where the ambassador lets it be shown, else somebody; None for who came alone."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    bram = ordered(shop, "Bram", 1, at=NOON, codes=(code,))
    chris = ordered(shop, "Chris", 2, at=NOON)
    assert (database.look(came_via, bram), database.look(came_via, chris)) == ("", None)
    database.run(update_rows, Customer, [{"id": anna, "link_consent": True}], key=("id",))
    assert database.look(came_via, bram) == "Anna"
    database.run(update_rows, Customer, [{"id": anna, "state": "excluded"}], key=("id",))
    assert database.look(came_via, bram) == ""
