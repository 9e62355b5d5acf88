"""Until when credit stands: the line below a balance, and the warnings with their last chance."""

from __future__ import annotations

from typing import Any

from aiogram.types import InlineKeyboardButton
from sqlmodel import Session

from bot.keyboards import to_view
from bot.screens.notices import said
from bot.screens.vouchers import make_button
from bot.voice import OutMessage, Voice, lines
from referrals.notices import CREDIT_ENDS
from referrals.programme import Programme
from referrals.rewarding.credit_terms import first_ending
from storage.vouchers import POOL


def gather_ending(session: Session, customer_id: int, *, programme: Programme) -> dict[str, Any] | None:
    """What of a customer's credit ends first, and when."""
    found = first_ending(session, customer_id, programme=programme)
    return None if found is None else {"sums": dict(found.sums), "until_at": found.from_at.isoformat()}


def say_ending(voice: Voice, ending: dict[str, Any] | None) -> str | None:
    """The line below the balance; with its year, for it may be a year away."""
    if ending is None:
        return None
    year = voice.year(ending["until_at"])
    return voice.say("credit.ends", ending=voice.sums(ending["sums"]), until_at=ending["until_at"], year=year)


def render_ends(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A warning; the last one with a button that makes a voucher of it."""
    one_day = voice.day(data["from_at"]) == voice.day(data["until_at"])
    shown = {name: value for name, value in data.items() if name != "lots"}
    text = said(voice, CREDIT_ENDS if one_day else f"{CREDIT_ENDS}.span", shown)
    use = [to_view(voice, "button.use_credit", "rewards")]
    if not data["last"]:
        return OutMessage(text, [use])
    last = voice.say(f"notice.{CREDIT_ENDS}.last")
    made = [] if voice.programme.config.vouchers.source == POOL else [[_last_chance(voice, data)]]
    return OutMessage(lines(text, last), [*made, use])


def _last_chance(voice: Voice, data: dict[str, Any]) -> InlineKeyboardButton:
    return make_button(voice, data["amount_minor"], data["currency"])


RENDER = {CREDIT_ENDS: render_ends}
