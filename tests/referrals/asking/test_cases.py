"""Cases between two colleagues, two workers and the clock (rule 31)."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from referrals.asking import cases
from referrals.asking.cases import BEFORE, DONE, MOST_UNANSWERED, SOMEBODYS, TOOK, UNKNOWN, YOURS, Colleague
from referrals.asking.facts import load_facts
from referrals.asking.staff import case_of_message, hand_to_owners, send_alarm, split
from referrals.notices import REFERENCE_CARD
from storage.auditlog import AuditEvent
from storage.bulk import insert_rows, update_rows
from storage.cases import QUESTION, Case, CaseMessage
from storage.customers import CustomerAlias
from storage.database import Database
from storage.mailbox import Chat, Outbox, to_chat
from tests.builders import NOON, Shop
from tests.referrals.asking.asked import OLGA, PIET

GROUP = -1001
OWNER, SECOND = Colleague(OLGA, "Olga", is_owner=True), Colleague(PIET, "Piet", is_owner=True)
JORIS = Colleague(7, "Joris")
HOUR = timedelta(hours=1)


def shop_of(database: Database, **keys: Any) -> tuple[Shop, int]:
    """Olga's shop and Anna, its customer."""
    shop = Shop(database, **{"telegram__owner_ids": [OLGA, PIET], **keys})
    return shop, shop.ambassador("Anna")[0]


def opened(shop: Shop, customer_id: int, text: str = "Waar blijft mijn tafel?") -> int:
    """The customer asked this; the number of the case."""
    number: int = shop.database.run(_open, customer_id, text, shop)
    return number


def _open(session: Session, customer_id: int, text: str, shop: Shop) -> int:
    case = cases.open_case(session, customer_id, kind=QUESTION, text=text, programme=shop.programme, now=shop.now)
    assert case.id is not None
    return case.id


def says(shop: Shop, customer_id: int, text: str) -> None:
    shop.database.run(_says, customer_id, text, shop)


def _says(session: Session, customer_id: int, text: str, shop: Shop) -> None:
    case = cases.open_case_of(session, customer_id)
    assert case is not None
    cases.customer_says(session, case, text=text, programme=shop.programme, now=shop.now)


def act(shop: Shop, what: Any, case: int, colleague: Colleague = OWNER, **more: Any) -> Any:
    return shop.database.run(what, case, colleague=colleague, programme=shop.programme, now=shop.now, **more)


def again(shop: Shop, case: int, customer_id: int) -> str | None:
    status: str | None = shop.database.run(_again, case, customer_id, shop)
    return status


def _again(session: Session, case: int, customer_id: int, shop: Shop) -> str | None:
    found = cases.reopen(session, case, customer_id=customer_id, programme=shop.programme, now=shop.now)
    return found.status if found else None


def told(shop: Shop, kind: str) -> list[dict[str, Any]]:
    return [row for row in shop.rows(Outbox) if row["kind"] == kind]


def test_a_question_has_a_promise_and_a_card_for_every_owner(database: Database) -> None:
    shop, anna = shop_of(database)
    opened(shop, anna)
    (case,) = shop.rows(Case)
    assert (case["promised_at"], case["waiting_since"]) == (NOON + 4 * HOUR, NOON)
    assert [card["chat_id"] for card in told(shop, "case_card")] == [OLGA, PIET]


def test_with_a_group_the_card_goes_there_and_the_group_is_nobodys(database: Database) -> None:
    shop, anna = shop_of(database, telegram__staff_chat_id=GROUP)
    opened(shop, anna)
    assert [card["chat_id"] for card in told(shop, "case_card")] == [GROUP]
    (chat,) = [row for row in shop.rows(Chat) if row["chat_id"] == GROUP]
    assert chat["customer_id"] is None


def test_what_waits_for_a_lost_group_goes_to_the_owners_at_its_own_moment(database: Database) -> None:
    """Rule 31: the card at once, and an alarm that waits for the morning in the morning."""
    shop, anna = shop_of(database, telegram__staff_chat_id=GROUP)
    case, morning = opened(shop, anna), NOON + 20 * HOUR
    database.run(_alarm, case, shop, due_at=morning)
    database.run(hand_to_owners, group=GROUP, programme=shop.programme, now=NOON + HOUR)
    rows = [row for row in shop.rows(Outbox) if row["chat_id"] != GROUP]
    assert {(row["kind"], row["chat_id"], row["status"], row["due_at"]) for row in rows} == {
        (kind, owner, "due", at)
        for owner in (OLGA, PIET)
        for kind, at in (("case_card", NOON), ("case_alarm", morning))
    }


def _alarm(session: Session, case: int, shop: Shop, *, due_at: datetime) -> None:
    found = session.get_one(Case, case)
    send_alarm(session, found, number=1, due_at=due_at, programme=shop.programme, now=NOON)


def test_everything_a_customer_says_belongs_to_their_one_open_case(database: Database) -> None:
    shop, anna = shop_of(database)
    assert opened(shop, anna) == opened(shop, anna, "En mijn stoel?")
    assert [row["text"] for row in shop.rows(CaseMessage)] == ["Waar blijft mijn tafel?", "En mijn stoel?"]


def test_a_merged_customers_case_is_theirs(database: Database) -> None:
    """Rule 15: readers resolve the alias."""
    shop, anna = shop_of(database)
    opened(shop, anna)
    bram, _ = shop.ambassador("Bram")
    database.run(insert_rows, CustomerAlias, [{"merged_id": anna, "customer_id": bram, "at": NOON}])
    says(shop, bram, "Hallo?")
    assert len(shop.rows(Case)) == 1
    assert database.look(load_facts, [bram])[bram].open_case


def test_one_colleague_takes_it_and_the_others_hear_so(database: Database) -> None:
    shop, anna = shop_of(database)
    case = opened(shop, anna)
    outcomes = [act(shop, cases.take, case, one) for one in (OWNER, OWNER, SECOND)]
    assert outcomes == [TOOK, YOURS, SOMEBODYS]
    assert act(shop, cases.take, case + 1) == UNKNOWN
    assert {card["data"]["by"] for card in told(shop, "case_card")} == {"Olga"}
    assert len(shop.rows(AuditEvent)) == 1


async def test_of_two_presses_at_once_one_takes_it(database: Database, two: tuple[Database, Database]) -> None:
    """Requirement G2: two operators cannot take the same one, whatever process hears them."""
    shop, anna = shop_of(database)
    for number in range(10):
        case = opened(shop, anna, f"Vraag {number}")
        how: dict[str, Any] = {"programme": shop.programme, "now": NOON}
        outcomes = await asyncio.gather(
            *(worker.write(cases.take, case, colleague=one, **how)
              for worker, one in zip(two, (OWNER, SECOND), strict=True))
        )  # fmt: skip
        assert sorted(outcomes) == [SOMEBODYS, TOOK]
        act(shop, cases.solve, case)


async def test_a_customer_in_two_chats_at_once_has_one_case(database: Database, two: tuple[Database, Database]) -> None:
    shop, anna = shop_of(database)
    await asyncio.gather(*(worker.write(_open, anna, "Hallo?", shop) for worker in two))
    assert len(shop.rows(Case)) == 1
    assert len(shop.rows(CaseMessage)) == 2


@pytest.mark.parametrize(
    "what, more", [(cases.staff_says, {"text": "Morgen."}), (cases.solve, {})], ids=["answer", "solve"]
)
async def test_words_beside_a_colleagues_begin_a_wait_of_their_own(
    database: Database, two: tuple[Database, Database], what: Any, more: dict[str, str]
) -> None:
    """Rule 31: a colleague answers or solves it, and before that is committed the customer writes once more."""
    shop, anna = shop_of(database)
    case = opened(shop, anna)
    begun, heard = threading.Event(), threading.Event()

    def slowly(session: Session) -> None:
        what(session, case, colleague=OWNER, programme=shop.programme, now=NOON, **more)
        begun.set()
        heard.wait(0.3)

    def say(session: Session) -> None:
        found = session.get_one(Case, case)
        cases.customer_says(session, found, text="Hallo?", programme=shop.programme, now=NOON)

    async def meanwhile() -> None:
        await asyncio.to_thread(begun.wait)
        await two[1].write(say)
        heard.set()

    await asyncio.gather(two[0].write(slowly), meanwhile())
    (row,) = shop.rows(Case)
    assert (row["waiting_since"], row["solved_at"]) == (NOON, None)
    assert "Hallo?" in {told["data"].get("words") or told["data"].get("text") for told in shop.rows(Outbox)}


def test_an_answer_ends_the_wait_and_the_next_word_begins_another(database: Database) -> None:
    shop, anna = shop_of(database)
    case = opened(shop, anna)
    shop.now += HOUR
    assert act(shop, cases.staff_says, case, text="Morgen.").outcome == DONE
    (row,) = shop.rows(Case)
    assert (row["status"], row["taken_by"], row["answered_at"], row["waiting_since"]) == (
        "taken", OLGA, NOON + HOUR, None,
    )  # fmt: skip
    shop.now += HOUR
    says(shop, anna, "Hoe laat?")
    (row,) = shop.rows(Case)
    assert (row["waiting_since"], row["promised_at"]) == (NOON + 2 * HOUR, NOON + 6 * HOUR)
    says(shop, anna, "Hallo?")
    assert shop.rows(Case) == [row]
    (answer,) = told(shop, "case_answer")
    assert (answer["customer_id"], answer["message_class"]) == (anna, "at_least_once")


def test_solved_is_told_once_and_again_after_it_was_denied(database: Database) -> None:
    shop, anna = shop_of(database)
    case = opened(shop, anna)
    assert [act(shop, cases.solve, case), act(shop, cases.solve, case, SECOND)] == [DONE, BEFORE]
    assert act(shop, cases.take, case) == BEFORE
    assert len(told(shop, "case_solved")) == 1
    assert [again(shop, case, anna), again(shop, case, anna)] == ["open", "open"]
    assert act(shop, cases.solve, case) == DONE
    assert len(told(shop, "case_solved")) == 2
    assert act(shop, cases.solve, case + 1) == UNKNOWN


@pytest.mark.parametrize("later, status", [(timedelta(), "open"), (timedelta(seconds=1), "solved")])
def test_it_can_be_denied_for_a_fortnight(database: Database, later: timedelta, status: str) -> None:
    shop, anna = shop_of(database)
    case = opened(shop, anna)
    act(shop, cases.solve, case)
    shop.now += timedelta(days=14) + later
    assert again(shop, case, anna) == status


def test_somebody_elses_case_is_not_opened_again(database: Database) -> None:
    shop, anna = shop_of(database)
    case = opened(shop, anna)
    act(shop, cases.solve, case)
    mats, _ = shop.ambassador("Mats")
    assert again(shop, case, mats) is None
    assert again(shop, case + 1, anna) is None
    assert shop.rows(Case)[0]["status"] == "solved"


def test_a_card_that_was_shown_is_edited_and_not_sent_again(database: Database) -> None:
    shop, anna = shop_of(database)
    case = opened(shop, anna)
    shown = [{"unique_key": card["unique_key"], "status": "sent", "message_id": 12} for card in told(shop, "case_card")]
    database.run(update_rows, Outbox, shown, key=("unique_key",))
    act(shop, cases.take, case)
    cards = told(shop, "case_card")
    assert [(card["status"], card["message_id"], card["data"]["did"]) for card in cards] == [("due", 12, "taken")] * 2
    assert {card["data"]["words"] for card in cards} == {"Waar blijft mijn tafel?"}
    assert database.look(case_of_message, chat_id=OLGA, message_id=12) == case
    assert database.look(case_of_message, chat_id=OLGA, message_id=13) is None


def test_a_references_card_is_about_no_case(database: Database) -> None:
    card = to_chat(OLGA, REFERENCE_CARD, {"reference": 1}, key="card", now=NOON) | {"message_id": 12}
    database.run(insert_rows, Outbox, [card])
    assert database.look(case_of_message, chat_id=OLGA, message_id=12) is None


def test_a_flood_of_words_is_kept_and_not_poured_over_the_staff(database: Database) -> None:
    shop, anna = shop_of(database, telegram__staff_chat_id=GROUP)
    case = opened(shop, anna)
    for number in range(MOST_UNANSWERED + 5):
        says(shop, anna, f"Hallo {number}")
    assert len(shop.rows(CaseMessage)) == MOST_UNANSWERED + 6
    assert len(told(shop, "case_said")) == MOST_UNANSWERED - 1
    shop.now += HOUR
    act(shop, cases.staff_says, case, JORIS, text="Ik ben er.")
    says(shop, anna, "Fijn")
    assert "Fijn" in {row["data"]["text"] for row in told(shop, "case_said")}


def test_an_answer_after_it_was_solved_leaves_it_solved(database: Database) -> None:
    shop, anna = shop_of(database)
    case = opened(shop, anna)
    act(shop, cases.solve, case)
    passed = act(shop, cases.staff_says, case, text="En nog iets.")
    assert (passed.outcome, passed.solved) == (DONE, True)
    assert shop.rows(Case)[0]["status"] == "solved"
    assert told(shop, "case_answer")[0]["data"]["solved"] is True
    assert act(shop, cases.staff_says, case + 1, text="?").outcome == UNKNOWN


@pytest.mark.parametrize("text", ["", "   ", "kort", "woord " * 2000, "x" * 9000, "😀" * 4000, "a\n" * 4000], ids=len)
def test_words_are_cut_between_words_and_none_is_lost(text: str) -> None:
    parts = split(text, first=2500)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(part.encode("utf-16-le")) // 2 <= (2500 if place == 0 else 3500) for place, part in enumerate(parts))
    assert all(part == part.strip() and part for part in parts)
    assert not text.startswith("woord") or all(part.endswith("woord") for part in parts)
