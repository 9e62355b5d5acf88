"""Cases in the chat: what colleagues see and press, their words to the customer and back (rule 31, G1, G2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.sandbox.groups import Group
from bot.sandbox.people import Person
from bot.sandbox.sandbox import FIRST_GROUP
from storage.auditlog import AuditEvent
from storage.cases import Case, CaseMessage
from storage.customers import Customer
from storage.database import Database
from storage.mailbox import Chat
from tests.bot.chat import OLGA, Play, staged
from tests.bot.screens.asked import asked, bot_said, olga, seen

TAKE, SOLVE, AGAIN = "Pak ik op", "Opgelost", "Toch niet"
PIET = 9_000_002


@pytest.fixture
async def grouped(database: Database) -> AsyncIterator[Play]:
    """The bot of a shop whose staff have a group."""
    async with staged(database, telegram__staff_chat_id=FIRST_GROUP) as play:
        yield play


async def test_a_low_score_reaches_the_owner_with_whose_it_is_and_since_when(play: Play) -> None:
    """Rule 31: without a group it goes to every owner; no ledger, the promise in words."""
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    card = seen(owner, "Een 3 van een klant")
    number = play.programme.number("customer", play.shop.rows(Case)[0]["customer_id"])
    assert f"Anna · {number}" in card.words
    assert "Klant sinds november 2026" in card.words
    assert "Beloofd: antwoord dinsdag 24 november vóór 16.00 uur" in card.words
    assert "€" not in card.words
    assert card.buttons == [TAKE, SOLVE]
    assert "antwoordt vandaag vóór 16.00 uur" in seen(anna, "beter gemoeten").words


async def test_words_go_both_ways_while_the_case_is_open(play: Play) -> None:
    """Rule 31: reply-to-answer both ways; rule 23: nothing of it is lost or written to the log."""
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    assert "antwoordt vandaag vóór 16.00 uur" in (await play.say(anna, "De la <klemt> & piept")).words
    told = seen(owner, "klemt")
    assert "De la <klemt> & piept" in told.words
    owner.say("Wat vervelend. Ik stuur een monteur & een bloemetje.", reply_to=told)
    await play.turn()
    assert "Een collega antwoordt:\nWat vervelend. Ik stuur een monteur & een bloemetje." in anna.last.words
    assert "Doorgestuurd naar de klant." in owner.last.words
    assert "Beantwoord door Olga" in seen(owner, "Een 3 van een klant").words
    assert "Doorgegeven. Een collega antwoordt vandaag vóór 16.00 uur" in (await play.say(anna, "Fijn!")).words
    assert "Fijn!" in seen(owner, "schrijft").words
    assert [row["text"] for row in play.shop.rows(CaseMessage)] == [
        "De la <klemt> & piept", "Wat vervelend. Ik stuur een monteur & een bloemetje.", "Fijn!",
    ]  # fmt: skip


async def test_a_question_needs_no_order_and_gets_an_answer(play: Play) -> None:
    """Requirement G1: a question is in every menu, the message reaches a colleague and the reply comes back."""
    owner, bram = await olga(play), play.person("Bram")
    await play.start(bram)
    await play.press(bram, "Meer")
    await play.press(bram, "Stel een vraag")
    assert "antwoordt vandaag vóór 16.00 uur" in seen(bram, "Wat is je vraag").words
    assert "Je vraag is binnen." in (await play.say(bram, "Zijn jullie zaterdag open?")).words
    card = seen(owner, "Vraag van een klant")
    assert "Zijn jullie zaterdag open?" in card.words
    assert "nog geen bestelling" in card.words
    owner.say("Ja, tot vijf uur.", reply_to=card)
    await play.turn()
    assert "Ja, tot vijf uur." in bram.last.words
    assert "Je praat al met een collega" in (await play.say(bram, "/ask")).words


async def test_a_question_behind_the_command_is_taken_at_once(play: Play) -> None:
    owner, bram = await olga(play), play.person("Bram")
    await play.start(bram)
    assert "Je vraag is binnen." in (await play.say(bram, "/vraag Waar blijft mijn tafel?")).words
    assert "Waar blijft mijn tafel?" in seen(owner, "Vraag van een klant").words


async def test_outside_working_hours_the_answer_says_honestly_when(play: Play) -> None:
    """Requirement G6: an honest automatic answer with the expected time; on Saturday evening that is Monday."""
    await olga(play)
    bram = play.person("Bram")
    await play.start(bram)
    play.shop.now += timedelta(days=4, hours=9)  # Saturday, 21.00
    said = (await play.say(bram, "/vraag Waar blijft mijn tafel?")).words
    assert "We zijn er nu even niet; een collega antwoordt maandag vóór 13.00 uur." in said


async def test_two_colleagues_cannot_take_the_same_one(database: Database) -> None:
    """Requirement G2: the second press says that a colleague has it, and the card says who."""
    async with staged(database, telegram__owner_ids=[OLGA, PIET]) as play:
        owner, piet = await olga(play), play.person("Piet", id=PIET)
        await play.start(piet)
        anna, question = await asked(play)
        await play.press(anna, "2", message=question)
        pressed = [person.press(TAKE) for person in (owner, piet)]
        await play.turn()
        said = {str((await one.answered())["text"]) for one in pressed}
        assert said == {"Jij pakt dit op", "Een collega heeft dit al opgepakt"}
        taken = {OLGA: "Olga", PIET: "Piet"}[play.shop.rows(Case)[0]["taken_by"]]
        assert f"Opgepakt door {taken}" in seen(owner, "Een 2 van een klant").words
        assert f"Opgepakt door {taken}" in seen(piet, "Een 2 van een klant").words


async def test_what_the_customer_says_next_goes_to_the_owner_who_took_it(database: Database) -> None:
    async with staged(database, telegram__owner_ids=[OLGA, PIET]) as play:
        owner, piet = await olga(play), play.person("Piet", id=PIET)
        await play.start(piet)
        anna, question = await asked(play)
        await play.press(anna, "2", message=question)
        await play.press(piet, TAKE)
        await play.say(anna, "De la klemt")
        assert "De la klemt" in piet.last.words
        assert not any("De la klemt" in words for words in bot_said(owner))


async def test_solved_is_told_and_can_be_denied(play: Play) -> None:
    """Rule 31: [Opgelost] tells the customer; their no opens it again, with a new promise and a card below."""
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    assert await play.press(owner, SOLVE) == "Opgelost; de klant hoort het"
    assert seen(owner, "Een 3 van een klant").buttons == []
    told = seen(anna, "Volgens een collega is dit opgelost")
    play.shop.now += timedelta(hours=1)
    assert await play.press(anna, AGAIN, message=told) == "We pakken het weer op"
    assert "Wat is er nog niet opgelost?" in anna.last.words
    assert told.buttons == []
    card = seen(owner, "toch niet opgelost")
    assert card.buttons == [TAKE, SOLVE]
    (case,) = play.shop.rows(Case)
    assert (case["status"], case["solved_at"]) == ("open", None)
    await play.say(anna, "De la klemt nog")
    assert "De la klemt nog" in owner.last.words


async def test_after_a_fortnight_it_stays_solved(play: Play) -> None:
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    await play.press(owner, SOLVE)
    play.shop.now += timedelta(days=14, seconds=1)
    assert "nieuwe vraag" in await play.press(anna, AGAIN, message=seen(anna, "Volgens een collega"))
    assert play.shop.rows(Case)[0]["status"] == "solved"


async def test_a_reply_to_a_case_that_is_solved_still_arrives(play: Play) -> None:
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    await play.press(owner, SOLVE)
    owner.say("Het pakje komt morgen.", reply_to=seen(owner, "Een 3 van een klant"))
    await play.turn()
    assert "Het pakje komt morgen." in anna.last.words
    assert anna.last.buttons == [AGAIN]
    assert "was al opgelost" in owner.last.words
    assert play.shop.rows(Case)[0]["status"] == "solved"


async def test_a_customer_can_do_nothing_with_a_colleagues_button(play: Play) -> None:
    """A button carries no right: whoever presses is judged again, whatever message it came in."""
    await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    mats = play.person("Mats")
    await play.start(mats)
    (case,) = play.shop.rows(Case)
    for phone in (anna, mats):
        for what in ("take", "solve", "again", "burn"):
            pressed = phone.press_on(phone.last, {"text": "?", "callback_data": f"k1:{what}:{case['id']}"})
            await play.turn()
            assert await pressed.answered()
    assert play.shop.rows(Case)[0] | {"taken_at": None} == case
    assert play.shop.rows(AuditEvent) == []


async def test_a_customer_who_replies_to_a_message_answers_no_case(play: Play) -> None:
    await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    mats = play.person("Mats")
    await play.start(mats)
    for message in list(mats.chat):
        mats.say("Ik ben een collega", reply_to=message)
    await play.turn()
    assert play.shop.rows(CaseMessage) == []


async def test_every_step_of_a_colleague_is_in_the_audit_log(play: Play) -> None:
    """Contract 6: every staff action, with before and after; no customer's words in it."""
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    await play.press(owner, TAKE)
    owner.say("Ik kijk.", reply_to=seen(owner, "Een 3 van een klant"))
    await play.turn()
    await play.press(owner, SOLVE)
    events = play.shop.rows(AuditEvent)
    assert [(event["action"], event["actor"]) for event in events] == [
        ("case:take", f"owner:{OLGA}"), ("case:answer", f"owner:{OLGA}"), ("case:solve", f"owner:{OLGA}"),
    ]  # fmt: skip
    assert (events[0]["before"]["status"], events[0]["after"]["status"]) == ("open", "taken")
    assert (events[2]["before"]["status"], events[2]["after"]["status"]) == ("taken", "solved")
    assert "Ik kijk" not in str(events)


@pytest.mark.parametrize("text", ["klacht " * 580, "é" * 4096, "😀" * 2048, "<&>" * 1365], ids=len)
async def test_the_longest_words_arrive_whole_within_telegrams_limit(play: Play, text: str) -> None:
    """A customer's 4,000 characters reach the staff, and a colleague's the customer; a longest name fits beside."""
    owner = await olga(play)
    anna, question = await asked(play, "N&" * 32)
    await play.press(anna, "0", message=question)
    await play.say(anna, text)
    told = [message.words for message in owner.chat if message.sender.is_bot and "schrijft" in message.words]
    assert pure("".join(words.partition("schrijft:")[2] for words in told)) == pure(text)
    owner.say(text, reply_to=seen(owner, "schrijft"))
    await play.turn()
    answered = bot_said(anna)[-len(told) :]
    assert pure("".join(words.partition("antwoordt:\n")[2] or words for words in answered)) == pure(text)
    bram = play.person("Bram")
    await play.start(bram)
    await play.say(bram, "/vraag")
    await play.say(bram, text)
    assert "Je vraag is binnen" in bram.last.words


def pure(text: str) -> str:
    return "".join(text.split())


async def test_a_picture_is_not_passed_on_and_the_answer_says_so(play: Play) -> None:
    await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    anna.say("")
    await play.turn()
    assert "alleen tekst doorgeven" in anna.last.words
    assert play.shop.rows(CaseMessage) == []


async def test_a_colleagues_picture_is_not_passed_on_and_the_words_to_send_instead_work(play: Play) -> None:
    owner = await olga(play)
    anna, question = await asked(play)
    await play.press(anna, "3", message=question)
    card = seen(owner, "Een 3 van een klant")
    owner.say("", reply_to=card)
    await play.turn()
    assert "Beantwoord het bericht van de klant met tekst." in owner.last.words
    owner.say("Ik kijk.", reply_to=card)
    await play.turn()
    assert "Ik kijk." in anna.last.words


async def test_the_group_answers_and_belongs_to_nobody(grouped: Play) -> None:
    """Rule 31: to the staff's group, with buttons and replies; no person is bound to it."""
    group, joris = grouped.sandbox.group("Atelier Noord: klanten"), grouped.person("Joris")
    anna, question = await asked(grouped)
    await grouped.press(anna, "3", message=question)
    await grouped.say(anna, "De la klemt")
    card, words = group.chat[-2], group.chat[-1]
    assert "Een 3 van een klant" in card.words
    assert "De la klemt" in words.words
    people = len(grouped.shop.rows(Customer))
    assert await press(grouped, group, joris, TAKE) == "Jij pakt dit op"
    assert await press(grouped, group, grouped.person("Kim"), TAKE) == "Een collega heeft dit al opgepakt"
    group.say(joris, "Ik stuur een monteur.", reply_to=words)
    await grouped.turn()
    assert "Ik stuur een monteur." in anna.last.words
    assert "Beantwoord door Joris" in card.words
    assert await press(grouped, group, joris, SOLVE) == "Opgelost; de klant hoort het"
    assert len(grouped.shop.rows(Customer)) == people
    (chat,) = [row for row in grouped.shop.rows(Chat) if row["chat_id"] == group.id]
    assert (chat["customer_id"], chat["reachable"]) == (None, True)
    assert [event["actor"] for event in grouped.shop.rows(AuditEvent)] == [f"staff:{joris.id}"] * 3


async def press(play: Play, group: Group, person: Person, button: str) -> str:
    card = next(message for message in group.chat if message.rows or button == TAKE)
    if button not in card.buttons:
        number = play.shop.rows(Case)[0]["id"]
        pressed = person.press_on(card, {"text": button, "callback_data": f"k1:take:{number}"})
    else:
        pressed = group.press(person, button, message=card)
    await play.turn()
    return str((await pressed.answered(within=1.0)).get("text") or "")


async def test_one_colleagues_own_chat_can_stand_for_a_group(database: Database) -> None:
    """A number above nought is a chat like any other, whose owner answers cases."""
    async with staged(database, telegram__staff_chat_id=PIET) as play:
        piet = play.person("Piet", id=PIET)
        await play.start(piet)
        assert "Piet" in piet.last.words
        anna, question = await asked(play)
        await play.press(anna, "3", message=question)
        piet.say("Ik kijk.", reply_to=seen(piet, "Een 3 van een klant"))
        await play.turn()
        assert "Ik kijk." in anna.last.words
        assert [event["actor"] for event in play.shop.rows(AuditEvent)] == [f"staff:{PIET}"]


async def test_a_symbol_that_no_database_keeps_harms_nobody(play: Play) -> None:
    """Rule 24: whatever is typed, no update is set aside for it."""
    owner, bram = await olga(play), play.person("Bram")
    await play.start(bram)
    await play.say(bram, "/vraag Waar\x00 blijft hij?")
    await play.say(bram, "Hallo\x00?")
    assert "Hallo?" in owner.last.words
    assert "Waar blijft hij?" in seen(owner, "Vraag van een klant").words
    assert {row["status"] for row in play.inbox()} == {"done"}


async def test_what_colleagues_say_to_each_other_is_heard_by_nobody(grouped: Play) -> None:
    group, joris = grouped.sandbox.group("Atelier Noord: klanten"), grouped.person("Joris")
    anna, question = await asked(grouped)
    await grouped.press(anna, "3", message=question)
    heard, said = len(bot_said(anna)), len(group.chat)
    between = group.say(joris, "/link wat een lastige")
    group.say(joris, "Wie pakt dit op?", reply_to=between)
    await grouped.turn()
    assert (len(bot_said(anna)), len(group.chat)) == (heard, said + 2)
    assert [row["status"] for row in grouped.inbox() if row["chat_id"] == group.id] == ["done"]


async def test_another_group_is_not_heard(grouped: Play) -> None:
    """Only the group of the configuration answers cases."""
    group = grouped.sandbox.group("Atelier Noord: klanten")
    other, mats = grouped.sandbox.group("Van Mats", id=FIRST_GROUP - 1), grouped.person("Mats")
    anna, question = await asked(grouped)
    await grouped.press(anna, "3", message=question)
    copied = other.say(mats, "gekopieerd")
    pressed = mats.press_on(copied, {"text": TAKE, "callback_data": f"k1:take:{grouped.shop.rows(Case)[0]['id']}"})
    other.say(mats, "Ik ben een collega", reply_to=group.chat[-1])
    await grouped.turn()
    assert pressed.query is not None
    assert grouped.shop.rows(CaseMessage) == []
    assert grouped.shop.rows(Case)[0]["taken_by"] is None
    assert [row["result"] for row in grouped.inbox() if row["chat_id"] is None] == ["ignored"] * 3


async def test_a_group_that_threw_the_bot_out_leaves_cases_to_the_owners(grouped: Play) -> None:
    """Rule 31: to the group, else to every owner; what was under way is not lost."""
    grouped.sandbox.group("Atelier Noord: klanten")
    owner = await olga(grouped)
    anna, question = await asked(grouped)
    grouped.sandbox.inject("403", chat_id=FIRST_GROUP, description="bot was kicked from the supergroup chat")
    await grouped.press(anna, "3", message=question)
    assert seen(owner, "Een 3 van een klant").buttons == [TAKE, SOLVE]
    mats, asked_too = await asked(grouped, "Mats", number=2)
    await grouped.press(mats, "1", message=asked_too)
    assert "Een 1 van een klant" in owner.last.words


async def test_a_card_that_waits_for_a_group_goes_to_the_owners_when_the_bot_is_thrown_out(grouped: Play) -> None:
    """Rule 31: Telegram holds the card back, and then reports that the bot is no member any more."""
    group, owner = grouped.sandbox.group("Atelier Noord: klanten"), await olga(grouped)
    anna, question = await asked(grouped)
    grouped.sandbox.inject("429", chat_id=FIRST_GROUP, retry_after=30)
    await grouped.press(anna, "3", message=question)
    assert group.chat == []
    throw_out(grouped, group, owner)
    grouped.forget_waits()
    await grouped.turn()
    assert seen(owner, "Een 3 van een klant").buttons == [TAKE, SOLVE]


def throw_out(play: Play, group: Group, who: Person) -> None:
    """A member removes the bot; Telegram tells it so."""
    world = play.sandbox.world
    bot, chat = world.bot.to_json(), world.chats[group.id].to_json()
    body = {
        "chat": chat, "from": who.user.to_json(), "date": world.date(),
        "old_chat_member": {"user": bot, "status": "member"}, "new_chat_member": {"user": bot, "status": "left"},
    }  # fmt: skip
    play.sandbox.updates.add("my_chat_member", body, subject=group.id)
