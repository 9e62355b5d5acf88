"""For tests of the score and of cases: people with a chat who have just read the question, and who answers them."""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.people import Person
from bot.sandbox.world import Message
from referrals.jobs.registry import run_job
from referrals.recruiting.shops import Buyer
from storage.orders import Order
from tests.bot.chat import OLGA, Play
from tests.builders import order

QUESTION = "hoe waarschijnlijk"
DELIVERED = timedelta(days=10)  # after a payment a delivery is assumed in 3 days, and asked about 7 days later


async def asked(play: Play, name: str = "Anna", *, number: int = 1, code: str | None = None) -> tuple[Person, Message]:
    """They ordered ten days ago, connected their chat, and are asked now: their phone, and the question."""
    play.shop.deliver(order(number, buyer(name), code=code, at=play.shop.now - DELIVERED))
    customer_id = next(row["customer_id"] for row in play.shop.rows(Order) if row["external_id"] == str(number))
    phone = play.person(name)
    await play.start(phone, play.connect_link(customer_id))
    await play.press(phone, "Ja, dat ben ik")
    await run_job(play.database, "ask-scores", programme=play.programme, now=play.shop.now)
    await play.turn()
    return phone, seen(phone, QUESTION)


def buyer(name: str) -> Buyer:
    """Who has an account in the shop."""
    return Buyer(name, f"{name.lower()}@example.nl", first_name=name, orders=1)


async def olga(play: Play) -> Person:
    """The owner, with a chat of her own."""
    person = play.person("Olga", id=OLGA)
    await play.start(person)
    return person


def bot_said(phone: Person) -> list[str]:
    """The bot's words in this chat, the oldest first."""
    return [message.words for message in phone.chat if message.sender.is_bot]


def seen(phone: Person, words: str) -> Message:
    """The newest message of the bot that holds these words.

    Raises:
        AssertionError: There is none.
    """
    found = [message for message in phone.chat if message.sender.is_bot and words in message.words]
    assert found, (words, bot_said(phone))
    return found[-1]
