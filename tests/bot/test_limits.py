"""Every message fits Telegram's limits with the longest that it can hold, is well formed, and can be answered."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.registry import RENDER
from bot.sandbox.markup import check_markup
from bot.sandbox.texts_in import read_caption, read_text
from bot.texts import LOCALES, Texts
from bot.turn import SCREEN
from bot.voice import ANSWER, HOME, NOTICE, OutMessage, Voice
from referrals.chance import Maker
from referrals.config import parse_config
from referrals.notices import UNASKED
from referrals.programme import Programme
from storage.bulk import insert_rows
from storage.mailbox import AT_LEAST_ONCE, Outbox
from tests.bot.chat import Play
from tests.bot.extremes import EXTREMES, FIRST_NAME, SHOP
from tests.builders import NOON
from tests.referrals.configs import with_keys

AMOUNT = "99999999999.99"
KEYS: dict[str, Any] = {
    "programme__name": SHOP,
    "programme__contact": "&" * 200,
    "programme__terms_url": "https://shop.example/" + "a" * 300,
    "programme__base_url": "https://friends.example",
    "bonus__ambassador__amount": AMOUNT,
    "bonus__ambassador__min_order": AMOUNT,
    "bonus__ambassador__max": AMOUNT,
    "bonus__ambassador__budget_per_month": AMOUNT,
    "bonus__friend__amount": AMOUNT,
    "bonus__friend__min_order": AMOUNT,
    "cadence__quiet_days": ["monday", "tuesday", "wednesday", "thursday", "12-25", "12-26", "01-01", "2027-04-26"],
}
CASES = [(name, place) for name, found in sorted(EXTREMES.items()) for place in range(len(found))]


@pytest.fixture(scope="module")
def programme() -> Programme:
    """A programme with the longest of everything that its owner may choose."""
    return Programme(parse_config(with_keys(**KEYS), {}), b"key", "salt", maker=Maker())


def keyboard(message: OutMessage) -> dict[str, Any]:
    return {"inline_keyboard": [[button.model_dump(exclude_none=True) for button in row] for row in message.rows]}


def test_every_message_has_its_longest_form_here() -> None:
    assert set(EXTREMES) == set(RENDER)


@pytest.mark.parametrize("name,place", CASES, ids=[f"{name}-{place}" for name, place in CASES])
@pytest.mark.parametrize("locale", LOCALES)
def test_a_message_fits_with_the_longest_that_it_can_hold(
    programme: Programme, name: str, place: int, locale: str
) -> None:
    """4096 characters, 1024 below a picture, 64 bytes a button, 256 to copy, HTML as Telegram reads it."""
    texts = Texts(default=locale)
    for where, is_owner, sees in itertools.product((HOME, ANSWER, NOTICE), (True, False), (True, False)):
        voice = Voice(texts, locale, programme, place=where, is_owner=is_owner, sees_history=sees, name=FIRST_NAME)
        with capture_logs() as logs:
            message = RENDER[name](voice, EXTREMES[name][place])
        words = {"text": message.text, "caption": message.text, "parse_mode": "HTML"}
        said = read_caption(words)[0] if message.photo or message.document else read_text(words)[0]
        check_markup(keyboard(message))
        assert (bool(said), logs) == (True, []), "a name that the words hold was not filled in"


@pytest.mark.parametrize("kind", sorted(UNASKED))
async def test_whatever_is_said_unasked_can_be_answered(play: Play, kind: str) -> None:
    """A6: a text in answer to any of them is heard, and gets an answer with a way on."""
    anna, _, _ = await play.connected("Anna")
    row = {
        "unique_key": f"answer:{kind}", "chat_id": anna.id, "kind": SCREEN + kind, "message_class": AT_LEAST_ONCE,
        "data": {"answer": EXTREMES[kind][0], "edit": None, "waited": False},
        "as_of": NOON, "due_at": NOON, "created_at": NOON,
    }  # fmt: skip
    play.database.run(insert_rows, Outbox, [row])
    await play.turn()
    asked = anna.last
    answered = await play.say(anna, "Dank je wel, maar hoe zit het met mijn tafel?")
    assert answered.id > asked.id
    assert answered.buttons
