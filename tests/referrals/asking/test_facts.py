from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from referrals.asking.facts import AskFacts, Said, load_facts
from referrals.people.merge import merge_people
from storage.contacts import Contact, Wishes
from storage.customers import Identity
from storage.database import Database
from storage.mailbox import Chat
from tests.referrals.asking.somebody import TUESDAY
from tests.referrals.asking.stage import bought, brought, case, credited, linked, person, scored, visited

DAY, NOW = timedelta(days=1), TUESDAY


def told(customer_id: int, key: str, at: datetime, *, reacted_at: datetime | None = None) -> Contact:
    return Contact(
        key=key, customer_id=customer_id, play="t6", kind="referral_ask", status="sent", cause_at=at, planned_at=at,
        expires_at=at + DAY, sent_at=at, reacted_at=reacted_at,
    )  # fmt: skip


def everything(session: Session, anna: int, friend: int) -> None:
    bought(session, anna, NOW - 90 * DAY)
    bought(session, anna, NOW - 40 * DAY)
    bought(session, anna, NOW - 35 * DAY, refunded_minor=9000, updated_at=NOW - 33 * DAY)
    bought(session, anna, NOW - 34 * DAY, status="cancelled", updated_at=NOW - 32 * DAY)
    bought(session, anna, NOW - 33 * DAY, test=True)
    scored(session, anna, 6, NOW - 80 * DAY)
    scored(session, anna, 9, NOW - 20 * DAY, why="Mooi.")
    case(session, anna, NOW - 79 * DAY, solved_at=NOW - 70 * DAY)
    visited(session, linked(session, anna, NOW - 19 * DAY), NOW - 18 * DAY)
    credited(session, anna, NOW - 10 * DAY, friend=friend, told=True)
    session.add(told(anna, "a", NOW - 5 * DAY, reacted_at=NOW - 4 * DAY))
    session.add(told(anna, "b", NOW - 50 * DAY))


def test_the_facts_of_a_customer_are_what_the_tables_say(database: Database) -> None:
    def facts(session: Session) -> AskFacts:
        anna, friend = person(session), person(session, chat=False)
        everything(session, anna, friend)
        return load_facts(session, [anna, 999])[anna]

    found = database.run(facts)

    assert found.paid_at == (NOW - 90 * DAY, NOW - 40 * DAY)
    assert (found.first_paid_at, found.returned_at) == (NOW - 90 * DAY, NOW - 32 * DAY)
    assert (found.score, found.scored_at, found.praised) == (9, NOW - 20 * DAY, True)
    assert (found.open_case, found.solved_at) == (False, NOW - 70 * DAY)
    assert (found.visited_at, found.given_at, found.friends) == (NOW - 18 * DAY, NOW - 10 * DAY, 1)
    assert found.said == (
        Said("t6", "referral_ask", NOW - 50 * DAY),
        Said("t6", "referral_ask", NOW - 5 * DAY, NOW - 4 * DAY),
    )
    assert (found.reachable, found.connected, found.verified, found.stopped) == (True, True, True, False)


def test_of_somebody_of_whom_nothing_is_known_nothing_is_made_up(database: Database) -> None:
    def facts(session: Session) -> AskFacts:
        return load_facts(session, [one := person(session, chat=False)])[one]

    found = database.run(facts)

    assert (found.reachable, found.verified, found.connected) == (False, False, True)
    assert (found.score, found.paid_at, found.first_paid_at, found.said, found.friends) == (None, (), None, (), 0)


def test_what_was_said_to_somebody_who_was_merged_was_said_to_who_they_are_now(database: Database) -> None:
    """Rule 15: caps, scores, cases and wishes of both count, and both old numbers find them."""

    def facts(session: Session) -> tuple[int, dict[int, AskFacts], int]:
        anna, other, third = person(session), person(session), person(session, chat=False)
        everything(session, other, third)
        case(session, other, NOW - DAY)
        session.add(Wishes(customer_id=other, tips=False, updated_at=NOW))
        session.flush()
        merge_people(session, from_id=other, to_id=third, now=NOW)
        merge_people(session, from_id=third, to_id=anna, now=NOW)
        return anna, load_facts(session, [anna, other, third]), other

    anna, found, other = database.run(facts)

    assert {facts.customer_id for facts in found.values()} == {anna}
    assert len(found) == 3
    assert [said.at for said in found[other].said] == [NOW - 50 * DAY, NOW - 5 * DAY]
    assert found[anna].open_case
    assert not found[anna].wished.tips
    assert found[anna].score == 9


def test_a_chat_is_open_while_a_text_is_awaited_and_blocked_when_it_is(database: Database) -> None:
    """Rules 28 and 31."""

    def facts(session: Session) -> list[AskFacts]:
        waiting, blocked, claimed = (person(session) for _ in range(3))
        session.get_one(Chat, 1000 + waiting).awaiting = {"what": "score_why", "since": NOW.isoformat()}
        session.get_one(Chat, 1000 + blocked).reachable = False
        theirs = select(Identity).where(Identity.customer_id == claimed, Identity.kind == "telegram")
        session.exec(theirs).one().level = "claimed"
        session.flush()
        found = load_facts(session, [waiting, blocked, claimed])
        return [found[waiting], found[blocked], found[claimed]]

    waiting, blocked, claimed = database.run(facts)

    assert (waiting.awaiting_since, blocked.awaiting_since) == (NOW, None)
    assert [each.reachable for each in (waiting, blocked, claimed)] == [True, False, True]
    assert [each.verified for each in (waiting, blocked, claimed)] == [True, True, False]


@pytest.mark.parametrize("standing", [True, False])
def test_who_came_through_a_friend_is_known(database: Database, standing: bool) -> None:
    def facts(session: Session) -> AskFacts:
        anna, bram = person(session), person(session)
        brought(session, anna, bram, NOW, standing=standing)
        found = load_facts(session, [anna, bram])
        assert (found[anna].shared, found[bram].shared) == (True, False)
        return found[bram]

    assert database.run(facts).through_friend is standing


def test_the_facts_of_many_cost_as_many_statements_as_those_of_one(database: Database) -> None:
    """Style: facts are loaded for the whole list."""

    def count(session: Session, people: int) -> int:
        statements: list[str] = []
        ids = [person(session, first_name="Anna") for _ in range(people)]
        session.flush()
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
        load_facts(session, ids)
        return len(statements)

    assert database.run(count, 1) == database.run(count, 60) <= 20
