"""How a promised moment is said: today before 17.00, on Monday before 12.00."""

from __future__ import annotations

from datetime import datetime

from bot.voice import Voice
from referrals.settings import WEEKDAYS

WEEK = 7  # days after which a weekday's name is not clear any more


def before_when(voice: Voice, promised_at: str, *, said_at: str) -> str:
    """Before when, as one would say it on the day on which it is said; to be filled into another text."""
    local, said = (datetime.fromisoformat(moment).astimezone(voice.programme.zone) for moment in (promised_at, said_at))
    days, hour = (local.date() - said.date()).days, voice.hour(local.time())
    if days <= 0:
        return voice.plain("promise.today", hour=hour)
    if days == 1:
        return voice.plain("promise.tomorrow", hour=hour)
    if days < WEEK:
        weekday = voice.texts.days([WEEKDAYS[local.weekday()]], voice.locale)
        return voice.plain("promise.weekday", weekday=weekday, hour=hour)
    return voice.plain("promise.date", date=local, hour=hour)


def promised(promised_at: datetime, *, said_at: datetime, closed: bool) -> dict[str, object]:
    """What a message needs to say it; ``closed``: nobody is at work now, and it says so."""
    return {"promised_at": promised_at.isoformat(), "said_at": said_at.isoformat(), "closed": closed}


def on_day(voice: Voice, promised_at: str) -> str:
    """The same for a card that stands for days: with its weekday and date."""
    local = datetime.fromisoformat(promised_at).astimezone(voice.programme.zone)
    weekday = voice.texts.days([WEEKDAYS[local.weekday()]], voice.locale)
    return voice.plain("promise.on_day", weekday=weekday, date=local, hour=voice.hour(local.time()))
