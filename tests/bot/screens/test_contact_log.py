"""What an owner sees of one customer, and that nobody else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.texts import Texts
from referrals.asking.plays import PLAYS
from referrals.asking.wishes import pause_for, set_wish
from referrals.recruiting.joining import join
from storage.bulk import insert_rows
from storage.cases import Case, CaseMessage
from storage.contacts import Contact
from storage.database import Database
from storage.mailbox import Outbox
from storage.surveys import Survey
from tests.bot.chat import OLGA, Play, staged
from tests.builders import NOON

WORDS = "de tafel wiebelt"


def contact(customer_id: int, key: str, **more: Any) -> dict[str, Any]:
    """A contact of a play, as the planner writes it."""
    play = key.partition(":")[0]
    return {
        "key": key, "customer_id": customer_id, "play": play, "kind": "referral_ask", "status": "not_sent",
        "reason": None, "cause_at": NOON, "planned_at": NOON, "expires_at": NOON + timedelta(days=7),
        "sent_at": None, "reacted_at": None,
    } | more  # fmt: skip


def write(play: Play, *rows: dict[str, Any]) -> None:
    for row in rows:
        play.database.run(insert_rows, Contact, [row])


def number(play: Play, customer_id: int) -> str:
    return play.programme.number("customer", customer_id)


async def test_an_owner_reads_what_was_sent_what_waits_and_what_not_with_its_reason(play: Play) -> None:
    """Rules 28 to 31: every message that was not sent has its reason, in a sentence with its date."""
    _, anna, _ = await play.connected("Anna")
    write(
        play,
        contact(anna, "score:order:1", kind="score", status="sent", sent_at=NOON, reacted_at=NOON + timedelta(days=1)),
        contact(anna, "t9:year:2026", kind="give", status="sent", sent_at=NOON),
        contact(anna, "t3:order:2", reason="open_case"),
        contact(anna, "t6:bonus:1", status="planned", reason="contact_cap"),
        contact(anna, "t10:campaign:1", status="planned"),
    )
    waiting = {
        "unique_key": "t6:bonus:1", "kind": "tip_share_again", "customer_id": anna, "status": "dropped",
        "message_class": "at_most_once", "as_of": NOON, "due_at": NOON + timedelta(days=3), "created_at": NOON,
    }  # fmt: skip
    play.database.run(insert_rows, Outbox, [waiting])
    olga = play.person("Olga", id=OLGA)
    await play.start(olga)
    said = (await play.say(olga, f"/waarom {number(play, anna).lower()}")).words
    assert said.splitlines()[:1] == [f"Klant {number(play, anna)}"]
    case = "Er stond een zaak open, of die was nog geen 14 dagen opgelost."
    assert said.partition("wat niet:\n")[2].splitlines() == [
        "• 24 november: tip om te delen, gaat op 24 november uit",
        "• 24 november: tip na een bonus, wacht tot 27 november. Er waren in die tijd al genoeg berichten.",
        f"• 24 november: tip na de tweede bestelling, niet verstuurd. {case}",
        "• 24 november: bedankje, verstuurd",
        "• 24 november: de vraag na een levering, verstuurd; reactie op 25 november",
    ]


async def test_scores_and_cases_are_states_without_the_customers_words(play: Play) -> None:
    """What the customer wrote is for whoever answers it, not for the log."""
    _, anna, _ = await play.connected("Anna")
    low = {"kind": "nps", "customer_id": anna, "created_at": NOON}
    play.database.run(
        insert_rows,
        Survey,
        [
            low | {"subject": "order:1", "score": 4, "scored_at": NOON, "why": WORDS},
            low | {"subject": "order:2", "skipped_at": NOON},
            low | {"subject": "order:3"},
        ],
    )
    case = {"customer_id": anna, "opened_at": NOON, "promised_at": NOON + timedelta(hours=5)}
    for more in ({"kind": "low_score"}, {"kind": "question", "status": "taken"},
                 {"kind": "question", "status": "solved", "solved_at": NOON + timedelta(days=2)}):  # fmt: skip
        play.database.run(insert_rows, Case, [case | more])
    first = min(row["id"] for row in play.shop.rows(Case))
    play.database.run(insert_rows, CaseMessage, [{"case_id": first, "said_by": "customer", "text": WORDS, "at": NOON}])
    olga = play.person("Olga", id=OLGA)
    await play.start(olga)
    said = (await play.say(olga, f"/why {number(play, anna)}")).words
    assert "• 24 november: nog geen antwoord\n• 24 november: overgeslagen\n• 24 november: een 4" in said
    assert "(vraag), opgelost op 26 november" in said
    assert "(vraag), opgepakt; antwoord beloofd uiterlijk 24 november" in said
    assert "(lage score), open; antwoord beloofd uiterlijk 24 november" in said
    assert WORDS not in said


async def test_what_they_wish_and_that_they_stopped_is_told(play: Play) -> None:
    """Rule 28."""
    person, anna, _ = await play.connected("Anna")
    play.database.run(set_wish, anna, kind="tips", wanted=False, now=NOON)
    play.database.run(pause_for, anna, months=1, zone=play.programme.zone, now=NOON)
    await play.say(person, "/stop")
    olga = play.person("Olga", id=OLGA)
    await play.start(olga)
    said = (await play.say(olga, f"/waarom {number(play, anna)}")).words
    assert "Afgemeld op 24 november.\nGepauzeerd tot 24 december.\nWil geen tips." in said
    assert "Nog niets." in said


async def test_a_customer_who_names_anybody_reads_their_own(play: Play) -> None:
    """Numbers are no secret and never a right."""
    anna, _, _ = await play.connected("Anna")
    _, other, _ = await play.connected("Mats")
    write(play, contact(other, "t3:order:2", reason="low_score"))
    mine = (await play.say(anna, "/waarom")).words
    assert (await play.say(anna, f"/waarom {number(play, other)}")).words == mine
    button = anna.last.rows[0][0]
    button["callback_data"] = f"s1:1:contacts.{number(play, other)}"
    await play.press(anna, button["text"])
    assert anna.last.words.startswith("Dat begrijp ik niet.")


async def test_an_owner_without_a_number_reads_their_own_and_a_wrong_one_is_unknown(play: Play) -> None:
    olga = play.person("Olga", id=OLGA)
    await play.start(olga)
    assert (await play.say(olga, "/waarom")).words.startswith("Wat niet meetelt")
    for wrong in ("QQQQQ", "een heel verhaal", play.programme.number("customer", 4242)):
        assert (await play.say(olga, f"/waarom {wrong}")).words == "Deze klant kennen we niet."


async def test_earlier_contacts_of_both_old_numbers_are_leafed_through_in_place(database: Database) -> None:
    """Rule 15: after a merge the log is the person's."""
    async with staged(database, programme__locale="en") as play:
        anna, _ = play.shop.ambassador("Anna")
        other, _ = play.shop.ambassador("Anne")
        write(play, *(contact(anna if n % 2 else other, f"t3:order:{n}", planned_at=NOON + timedelta(days=n))
                      for n in range(1, 13)))  # fmt: skip
        play.database.run(join, anna, other, programme=play.programme, now=NOON)
        olga = play.person("Olga", id=OLGA, language_code="en")
        await play.start(olga)
        said = await play.say(olga, f"/why {number(play, other)}")
        assert said.words.startswith(f"Customer {number(play, min(anna, other))}")
        assert "• 6 December" in said.words
        assert "• 26 November" not in said.words
        await play.press(olga, "Show earlier")
        assert said.words.count("• ") == 2
        assert "• 26 November" in said.words


def test_every_play_and_every_reason_has_its_words_for_owners() -> None:
    """Rule 30: a reason is said about the customer, not to them."""
    texts = Texts()
    whys = ("in_hold_out", "stopped", "paused", "quiet_hours", "contact_cap", "open_case", "low_score", "recent_return",
            "too_early", "stale", "unreachable", "no_consent", "unwanted", "unverified", "in_conversation", "no_score",
            "not_sampled", "outcome_unknown", "excluded_customer")  # fmt: skip
    assert [name for name in PLAYS if not texts.has(f"contacts.play.{name}")] == []
    assert [why for why in whys if not texts.has(f"contacts.because.{why}")] == []
