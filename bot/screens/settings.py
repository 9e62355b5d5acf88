"""What a customer wants to hear, and when: kinds of messages, /pauze, quiet hours, stop (rules 28, 29).

Everything is changed by a button, in the message that shows it; opting out takes as many presses as opting in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message
from sqlmodel import Session

from bot.conversation import Home, Look, Press, Reply, Turn, View, Visitor
from bot.keyboards import Wish, back, to_view
from bot.screens.home import old_button
from bot.screens.stop import stop_messages
from bot.voice import OutMessage, Voice, lines, paragraphs
from referrals.asking.wishes import KINDS, PAUSES, pause_for, set_quiet_hours, set_wish, wishes_of
from referrals.people.customers import get_customer, is_connected, pause, resume
from referrals.programme import Programme

VIEW = "settings"
PAUSE, HOURS = "pause", "hours"  # its pages
ON, OFF, END, SHOPS = "on", "off", "end", "shop"
# When they may be written to, as the hours in between are quiet: by day, long days, not early, evenings only.
PRESETS = {
    "day": (time(18), time(9)),
    "long": (time(22), time(8)),
    "late": (time(20), time(11)),
    "evening": (time(21), time(17)),
}


def router() -> Router:
    """The command in both languages, and the buttons."""
    own = Router(name="settings")
    own.message.register(on_pause, Command("pauze", "pause"))
    own.callback_query.register(on_wish, Wish.filter())
    return own


async def on_pause(_message: Message, turn: Turn) -> None:
    """They want to hear nothing for a while."""
    await turn.show(f"{VIEW}.{PAUSE}")


async def on_wish(_press: CallbackQuery, turn: Turn, callback_data: Wish) -> None:
    """They chose something."""
    await turn.write(choose, what=callback_data.what, value=callback_data.value)


def choose(session: Session, visitor: Visitor, *, programme: Programme, what: str, value: str) -> Sequence[Reply]:
    """It holds from now on, and the message that was pressed shows how everything stands."""
    if what == "stop" and value == ON:
        return [*stop_messages(session, visitor, programme=programme), *_shown(visitor)]
    if not _change(session, visitor, what, value, programme=programme):
        return old_button(visitor)
    return [Press("press.saved"), *_shown(visitor)]


def gather_settings(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """Their wishes, and what the programme keeps to whatever they wish."""
    customer = get_customer(session, look.customer_id)
    wished = wishes_of(session, customer.id)
    paused = customer.paused_until if customer.paused_until and customer.paused_until > look.now else None
    return {
        "page": look.argument,
        **{kind: getattr(wished, kind) for kind in KINDS},
        "hours": [each.isoformat("minutes") for each in (wished.quiet_from, wished.quiet_until) if each],
        "until_at": paused.isoformat() if paused else None,
        "stopped": customer.stopped_at is not None,
        "refused": customer.marketing_consent is False,
        "connected": is_connected(session, customer.id),
    }


def render_settings(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The page that was asked for; without a name, the one with everything on it."""
    pages = {PAUSE: _render_pause, HOURS: _render_hours}
    return pages.get(data["page"], _render_all)(voice, data)


def _render_all(voice: Voice, data: dict[str, Any]) -> OutMessage:
    if data["stopped"]:
        text = lines(voice.say("settings.title"), voice.say("home.stopped"))
        return OutMessage(text, [[_wish(voice, "button.resume", "stop", OFF)], back(voice)])
    switches = [_switch(voice, kind, is_on=data[kind]) for kind in KINDS]
    kinds = lines(*(voice.say(f"settings.{kind}_{ON if data[kind] else OFF}") for kind in KINDS))
    text = paragraphs(
        voice.say("settings.title"),
        lines(promise(voice), _when(voice, data)),
        _nothing_asked(voice, data),
        kinds,
        voice.say("settings.always"),
    )
    pause_ = [to_view(voice, "button.pause_page", f"{VIEW}.{PAUSE}"), to_view(voice, "button.hours", f"{VIEW}.{HOURS}")]
    return OutMessage(text, [*switches, pause_, [_wish(voice, "button.stop", "stop", ON)], back(voice)])


def _render_pause(voice: Voice, data: dict[str, Any]) -> OutMessage:
    rows = [[_wish(voice, f"button.pause.{months}", PAUSE, str(months)) for months in PAUSES]]
    if data["until_at"]:
        rows.append([_wish(voice, "button.pause_end", PAUSE, END)])
        state = voice.say("settings.paused", until_at=data["until_at"])
    else:
        state = voice.say("home.stopped") if data["stopped"] else voice.say("settings.pause_ask")
    return OutMessage(paragraphs(state, voice.say("settings.always")), [*rows, *_ways_back(voice)])


def _render_hours(voice: Voice, data: dict[str, Any]) -> OutMessage:
    presets = [
        [_wish(voice, "button.hours_between", HOURS, name, first=voice.hour(end), last=voice.hour(start))]
        for name, (start, end) in PRESETS.items()
    ]
    shops = [_wish(voice, "button.hours_shop", HOURS, SHOPS)] if data["hours"] else None
    text = paragraphs(_when(voice, data), voice.say("settings.hours_ask"))
    return OutMessage(text, [*presets, *([shops] if shops else []), *_ways_back(voice)])


def promise(voice: Voice) -> str:
    """How often anybody is written to unasked, as the owner configured it."""
    cadence = voice.programme.config.cadence
    if not cadence.per_week or not cadence.per_month:
        return voice.say("settings.never")
    return lines(
        voice.say("settings.per_week", count=cadence.per_week),
        voice.say("settings.per_month", count=cadence.per_month) if cadence.per_month < 4 * cadence.per_week else None,
    )


def _when(voice: Voice, data: dict[str, Any]) -> str:
    cadence = voice.programme.config.cadence
    own = [time.fromisoformat(each) for each in data["hours"]]
    start, end = own or (cadence.quiet_from, cadence.quiet_until)
    said = voice.say("settings.hours_own" if own else "settings.hours", start=voice.hour(start), end=voice.hour(end))
    if not cadence.quiet_days:
        return said
    return f"{said} {voice.say('settings.quiet_days', names=voice.texts.days(cadence.quiet_days, voice.locale))}"


def _nothing_asked(voice: Voice, data: dict[str, Any]) -> str | None:
    """Why nothing is asked at the moment, whatever the switches say."""
    if data["until_at"]:
        return voice.say("settings.paused", until_at=data["until_at"])
    if data["refused"]:
        return voice.say("settings.refused")
    return None if data["connected"] else voice.say("settings.not_connected")


def _switch(voice: Voice, kind: str, *, is_on: bool) -> list[InlineKeyboardButton]:
    return [_wish(voice, f"button.{kind}_{OFF if is_on else ON}", kind, OFF if is_on else ON)]


def _wish(voice: Voice, key: str, what: str, value: str, **data: Any) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=voice.plain(key, **data), callback_data=Wish(what=what, value=value).pack())


def _ways_back(voice: Voice) -> list[list[InlineKeyboardButton]]:
    return [[to_view(voice, "button.settings", VIEW)], back(voice)]


def _shown(visitor: Visitor) -> list[Reply]:
    if visitor.message_id is not None and visitor.message_id == visitor.home_message_id:
        return [Home(VIEW)]
    return [View(VIEW, edit=visitor.message_id)]


def _change(session: Session, visitor: Visitor, what: str, value: str, *, programme: Programme) -> bool:
    """What was chosen is stored; False for what nobody could choose."""
    person, now = visitor.customer_id, visitor.now
    if what in KINDS and value in (ON, OFF):
        set_wish(session, person, kind=what, wanted=value == ON, now=now)
    elif what == "stop" and value == OFF:
        resume(session, person, now=now)
    elif what == PAUSE and value in map(str, PAUSES):
        pause_for(session, person, months=int(value), zone=programme.zone, now=now)
    elif what == PAUSE and value == END:
        pause(session, person, until=None)
    elif what == HOURS and (value in PRESETS or value == SHOPS):
        start, end = PRESETS.get(value, (None, None))
        set_quiet_hours(session, person, quiet_from=start, quiet_until=end, now=now)
    else:
        return False
    return True


GATHER = {VIEW: gather_settings}
RENDER = {f"view.{VIEW}": render_settings}
