from __future__ import annotations

from bot.sandbox.people import Person
from bot.sandbox.world import Message
from storage.mailbox import Chat
from tests.bot.chat import Play
from tests.builders import order


def bot_messages(person: Person) -> list[Message]:
    return [message for message in person.chat if message.sender.is_bot]


async def test_the_home_message_turns_to_its_views_in_place(play: Play) -> None:
    """Rule 25."""
    anna = play.person("Anna")
    home = await play.start(anna)
    walk = {"h1:status": "Je vrienden", "h1:more": "Wat wil je zien?", "h1:balance": "Je tegoed", "h1:link": "/r/"}
    for view, words in walk.items():
        if view not in str(home.rows):
            assert await play.press(anna, "h1:home") == ""
        assert await play.press(anna, view) == ""
        assert words in home.words
    assert bot_messages(anna) == [home]


async def test_home_shows_credit_and_what_waits(play: Play) -> None:
    anna, _, code = await play.connected("Anna")
    await play.deliver(order(1, code=code))
    home = await play.start(anna)
    assert "In afwachting: € 15. Die bonus komt op 15 december bij je tegoed." in home.words.replace("\xa0", " ")
    await play.pass_days(22)
    assert "Je tegoed: € 15" in home.words.replace("\xa0", " ")
    assert "Er kwam 1 vriend via jou." in home.words


async def test_a_press_on_an_older_home_message_says_so_and_brings_home_anew(play: Play) -> None:
    """Rule 25: the old one loses its buttons."""
    anna = play.person("Anna")
    old = await play.start(anna)
    button = old.rows[0][0]
    await play.start(anna)
    assert old.rows == []
    pressed = anna.press_on(old, button)
    await play.turn()
    assert (await pressed.answered(within=1))["text"] == "Deze knop is van eerder. Hieronder staat je overzicht."
    assert anna.last.words.startswith("Jouw overzicht")
    assert [message.id for message in bot_messages(anna) if message.rows] == [anna.last.id]


async def test_a_button_that_no_version_knows_is_answered_too(play: Play) -> None:
    """Rule 25: from before an update, or made up."""
    anna = play.person("Anna")
    await play.start(anna)
    for data in ("h0:old", "a1:fly", "zomaar", "c1:x", "s1:9:home"):
        pressed = anna.press_on(anna.last, {"text": "?", "callback_data": data})
        await play.turn()
        assert "van eerder" in (await pressed.answered(within=1))["text"]


async def test_a_view_that_is_gone_shows_the_overview(play: Play) -> None:
    anna = play.person("Anna")
    home = await play.start(anna)
    anna.press_on(home, {"text": "?", "callback_data": "h1:gone"})
    await play.turn()
    assert home.words.startswith("Jouw overzicht")


async def test_a_home_message_that_was_deleted_comes_anew(play: Play) -> None:
    """Rule 25."""
    anna = play.person("Anna")
    home = await play.start(anna)
    home.deleted = True
    anna.press_on(home, home.rows[0][1])
    await play.turn()
    assert anna.last.words.startswith("Je vrienden")
    assert play.shop.rows(Chat)[0]["home_message_id"] == anna.last.id


async def test_presses_that_come_together_are_one_edit(play: Play) -> None:
    """Rule 25: the flag is rendered when it is sent; edits coalesce."""
    anna = play.person("Anna")
    home = await play.start(anna)
    pressed = [anna.press_on(home, home.rows[0][1]) for _ in range(3)]
    await play.turn()
    assert len(play.sandbox.calls_of("editMessageText")) == 1
    for each in pressed:
        await each.answered(within=1)


async def test_an_edit_that_changes_nothing_is_no_fault(play: Play) -> None:
    """Rule 25."""
    anna = play.person("Anna")
    home = await play.start(anna)
    await play.press(anna, "Mijn vrienden")
    anna.press_on(home, {"text": "?", "callback_data": "h1:status"})
    await play.turn()
    assert play.shop.rows(Chat)[0]["home_dirty"] is False
    assert bot_messages(anna) == [home]


async def test_a_notices_button_leaves_the_notice_as_it_is(play: Play) -> None:
    anna, _, code = await play.connected("Anna")
    await play.deliver(order(1, code=code))
    notice = anna.last
    await play.press(anna, "Bekijk status")
    assert "Je bonus van" in notice.words
    assert anna.last.words.startswith("Je vrienden")


async def test_a_press_is_answered_although_the_answer_comes_late(play: Play) -> None:
    """Rule 24: answerCallbackQuery is best effort; losing it loses nothing."""
    anna = play.person("Anna")
    home = await play.start(anna)
    play.sandbox.inject("400", method="answerCallbackQuery", description="query is too old")
    anna.press("Mijn vrienden")
    await play.turn()
    assert home.words.startswith("Je vrienden")
