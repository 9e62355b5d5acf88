"""/gegevens in the chat: what is kept, all of it as a file, and being forgotten (rules 20, 41)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.sandbox.people import Person
from storage.auditlog import AuditEvent
from storage.customers import Customer, Identity
from storage.mailbox import Chat, Inbox, Outbox
from tests.bot.chat import OLGA, Play
from tests.builders import friend, order


def state(play: Play, number: int) -> str:
    return next(str(row["state"]) for row in play.shop.rows(Customer) if row["id"] == number)


async def asked(play: Play, person: Person) -> None:
    """They read what is kept, and are asked whether they are sure."""
    await play.say(person, "/gegevens")
    await play.press(person, "Wis alles")


@pytest.mark.parametrize("command", ["/gegevens", "/data"])
async def test_the_command_says_in_short_what_is_kept(play: Play, command: str) -> None:
    """Rule 41: what, and for how long; both commands."""
    anna, _, code = await play.connected("Anna")
    await play.deliver(order(1, code=code))
    said = await play.say(anna, command)
    assert "Je voornaam: Anna" in said.words
    assert "1 vriend die via jou kwam: wanneer, niet wie" in said.words
    assert "wissen we na 30 dagen" in said.words
    assert "De boekhouding bewaren we 7 jaar" in said.words
    assert said.buttons[:2] == ["Stuur mijn gegevens", "Wis alles"]


async def test_everything_comes_as_a_file_and_is_not_kept_twice(play: Play) -> None:
    """Rule 41: what was handed out lies in the chat, and not in the outbox as well."""
    anna, number, code = await play.connected("Anna")
    await play.say(anna, "/gegevens")
    assert await play.press(anna, "Stuur mijn gegevens") == "Het bestand komt eraan."
    file = anna.last.document
    assert file is not None
    assert file.name == "mijn-gegevens.json"
    kept: dict[str, Any] = json.loads(file.content)
    assert kept["customer"] == play.programme.number("customer", number)
    assert kept["codes"][0]["display"] == code
    assert kept["chats"][0]["chat_id"] == anna.id
    (row,) = play.outbox(kind="screen.data_file")
    assert (row["status"], row["data"]["answer"]) == ("sent", {})
    assert [row["action"] for row in play.shop.rows(AuditEvent)] == ["customer:export"]


async def test_before_anything_is_wiped_it_is_said_what_is_lost_and_no_is_a_button(play: Play) -> None:
    """Rule 41: credit, waiting bonuses, the link; nothing happens without a yes."""
    anna, number, code = await play.connected("Anna")
    await play.deliver(order(1, code=code))
    await play.pass_days(22)
    await play.deliver(order(2, friend(9), code=code, at=play.shop.now))
    await asked(play, anna)
    assert "Je tegoed van €\N{NO-BREAK SPACE}15 ben je kwijt." in anna.last.words
    assert "Wat nog wacht (€\N{NO-BREAK SPACE}15) krijg je niet meer." in anna.last.words
    assert anna.last.buttons == ["Ja, wis alles", "Nee, laat staan"]
    await play.press(anna, "Nee, laat staan")
    assert "Wat we van je bewaren" in anna.last.words
    assert state(play, number) == "active"


async def test_yes_wipes_everything_says_so_and_the_chat_is_gone(play: Play) -> None:
    """Rule 41: the last word is in the language they chose, the old home loses its buttons, no table knows the chat."""
    anna, number, code = await play.connected("Anna")
    await play.deliver(order(1, code=code))
    await play.start(anna)
    await play.say(anna, "/taal")
    await play.press(anna, "English")
    (chat,) = [row for row in play.shop.rows(Chat) if row["chat_id"] == anna.id]
    home = play.sandbox.world.chats[anna.id].messages[chat["home_message_id"]]
    assert home.buttons
    await play.say(anna, "/data")
    await play.press(anna, "Erase everything")
    await play.press(anna, "Yes, erase everything")
    assert anna.last.words.startswith("Done: everything is erased.")
    assert anna.last.buttons == []
    assert home.buttons == []
    assert state(play, number) == "erased"
    assert [row for row in play.shop.rows(Identity) if row["kind"] == "telegram"] == []
    assert [row for row in play.shop.rows(Chat) if row["chat_id"] == anna.id] == []
    assert [row for row in play.shop.rows(Outbox) if row["chat_id"] == anna.id or row["customer_id"] == number] == []
    assert all(row["body"] is None and row["chat_id"] is None for row in play.shop.rows(Inbox))
    assert play.shop.faults() == []


async def test_whoever_writes_again_is_somebody_new(play: Play) -> None:
    """Rule 41: and so is whoever presses a button of before."""
    anna, number, _ = await play.connected("Anna")
    await asked(play, anna)
    await play.press(anna, "Ja, wis alles")
    assert "Anna" in (await play.start(anna)).words
    (again,) = [row for row in play.shop.rows(Identity) if row["kind"] == "telegram"]
    assert again["customer_id"] != number
    await play.pass_days(40)
    assert play.shop.faults() == []


async def test_a_claimed_account_sees_nothing_and_wipes_nothing(play: Play) -> None:
    """Rule 20: an order number and an address are no proof; the personal link is."""
    anna, number, _ = await play.connected("Anna")
    play.database.run(lambda session: _claim(session, number))
    said = await play.say(anna, "/gegevens")
    assert "weten we nog niet zeker" in said.words
    assert said.buttons == ["Naar het overzicht"]
    button = said.rows[0][0]
    for data in ("a1:data_erase", "a1:data_send"):
        button["callback_data"] = data
        await play.press(anna, button["text"], message=said)
        assert "weten we nog niet zeker" in anna.last.words
        assert anna.last.document is None
    assert state(play, number) == "active"


async def test_an_owner_who_is_forgotten_as_a_customer_keeps_the_owners_chat(play: Play) -> None:
    """What others asked stands there."""
    olga = play.person("Olga", id=OLGA)
    await play.start(olga)
    await asked(play, olga)
    await play.press(olga, "Ja, wis alles")
    assert olga.last.words.startswith("Gedaan: alles is gewist.")
    (chat,) = [row for row in play.shop.rows(Chat) if row["chat_id"] == OLGA]
    assert chat["customer_id"] is None


def _claim(session: Session, number: int) -> None:
    for identity in session.exec(select(Identity).where(Identity.customer_id == number, Identity.kind == "telegram")):
        identity.level = "claimed"
