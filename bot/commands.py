"""The menu of commands, told to Telegram once for each deploy and not at each start: that is rate limited."""

from __future__ import annotations

import hashlib
import json

import structlog
from aiogram.exceptions import TelegramAPIError
from sqlmodel import Session

from bot.telegram import Telegram
from bot.texts import LOCALES, Texts
from storage.database import Database
from storage.installation import Setting

log = structlog.get_logger()

SETTING = "bot_commands"
# A name in each language; all of them work whatever the menu shows.
NAMES = {
    "start": {"nl": "start", "en": "start"},
    "link": {"nl": "link", "en": "link"},
    "balance": {"nl": "tegoed", "en": "balance"},
    "rewards": {"nl": "beloningen", "en": "rewards"},
    "status": {"nl": "status", "en": "status"},
    "why": {"nl": "waarom", "en": "why"},
    "board": {"nl": "ranglijst", "en": "leaderboard"},
    "terms": {"nl": "voorwaarden", "en": "terms"},
    "ask": {"nl": "vraag", "en": "ask"},
    "reference": {"nl": "referentie", "en": "reference"},
    "language": {"nl": "taal", "en": "language"},
    "data": {"nl": "gegevens", "en": "data"},
    "pause": {"nl": "pauze", "en": "pause"},
    "help": {"nl": "help", "en": "help"},
    "stop": {"nl": "stop", "en": "stop"},
}
OWNERS = {"today": {"nl": "vandaag", "en": "today"}, "review": {"nl": "controle", "en": "review"}}

Menu = tuple[int | None, str | None, list[tuple[str, str]]]  # owner's chat, language, commands


def menus(texts: Texts, *, owners: tuple[int, ...], default: str) -> list[Menu]:
    """Every menu: for everybody and for each owner, in each language and in the programme's for all others."""
    found: list[Menu] = []
    for chat in (None, *owners):
        names = NAMES if chat is None else {**OWNERS, **NAMES}
        for language in (None, *LOCALES):
            spoken = language or default
            found.append(
                (chat, language, [(name[spoken], texts.say(f"command.{key}", spoken)) for key, name in names.items()])
            )
    return found


async def tell_commands(
    telegram: Telegram, database: Database, *, texts: Texts, owners: tuple[int, ...], default: str
) -> None:
    """Telegram shows these menus; nothing is asked of it when it has been told the same before."""
    listed = menus(texts, owners=owners, default=default)
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    if await database.read(_told) == digest:
        return
    try:
        for chat, language, commands in listed:
            await telegram.set_commands(commands, language=language, chat_id=chat)
    except TelegramAPIError as error:
        log.warning("commands.not_told", error=type(error).__name__)  # an owner who never pressed START has no chat
        return
    await database.write(_remember, digest)


def _told(session: Session) -> str | None:
    row = session.get(Setting, SETTING)
    return row.value if row else None


def _remember(session: Session, digest: str) -> None:
    session.merge(Setting(key=SETTING, value=digest))
