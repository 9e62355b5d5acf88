"""How references are said to their customers: at each stage, and when something became of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiogram.types import InlineKeyboardButton

from bot.keyboards import copy_text, to_do, to_url, to_view
from bot.screens.reference_words import button, exactly, fits_copy, full_day, ticked, uses_in_words, wall_link
from bot.voice import OutMessage, Rows, Voice, lines, paragraphs
from referrals.asking import references as core
from referrals.asking.shown import LONGEST_ANSWER, LONGEST_TEXT, USES, WEBSITE
from referrals.asking.wall import OVER, PUBLISHED
from referrals.notices import (
    REFERENCE_INVITED,
    REFERENCE_PUBLISHED,
    REFERENCE_REFUSED,
    REFERENCE_RENEWAL,
    REFERENCE_TEXT,
)

Data = Mapping[str, Any]


def render_invited(voice: Voice, data: Data) -> OutMessage:
    """Why them, what it asks of them, what they decide; no is fine."""
    text = voice.say(f"notice.{REFERENCE_INVITED}", because=_because(voice, data))
    return OutMessage(text, _yes_later_no(voice, data))


def render_snoozed(voice: Voice, data: Data) -> OutMessage:
    """In a month, or now after all."""
    yes, no = button(voice, "button.reference.now", data, "yes"), button(voice, "button.reference.no", data, "no")
    return OutMessage(voice.say("reference.snoozed", date=data["until_at"]), [[yes, no]])


def render_question(voice: Voice, data: Data) -> OutMessage:
    """One question; or, of an answer that does not fit, how long it may be."""
    again = voice.say("reference.answer_again", most=LONGEST_ANSWER) if data.get("again") else None
    text = paragraphs(again, voice.say(f"reference.question.{data['question']}"))
    later, no = (
        button(voice, "button.reference.pause", data, "pause"),
        button(voice, "button.reference.no_more", data, "no"),
    )
    return OutMessage(text, [[later, no]])


def render_paused(voice: Voice, data: Data) -> OutMessage:
    """What was answered stays, and how to go on."""
    return OutMessage(voice.say("reference.paused"), [[button(voice, "button.reference.go_on", data, "go")]])


def render_draft(voice: Voice, data: Data) -> OutMessage:
    """To the letter, with boxes that nobody ticked for them."""
    intro = voice.say("reference.consent.shortened") if data.get("shortened") else voice.say("reference.consent.intro")
    months = voice.programme.config.references.valid_months
    ask = lines(
        voice.say("reference.consent.ask"),
        voice.say("reference.consent.withdraw"),
        voice.say("reference.consent.until", count=months),
    )
    return OutMessage(paragraphs(intro, exactly(voice, data), ask), _boxes(voice, data))


def render_agreed(voice: Voice, data: Data) -> OutMessage:
    """What they said yes to, and that an owner still looks."""
    said = voice.say("reference.said_yes", uses=uses_in_words(voice, data["uses"]))
    text = paragraphs(said, exactly(voice, data), voice.say("reference.owner_looks"))
    adjust = button(voice, "button.reference.adjust", data, "adjust")
    return OutMessage(text, [*_away(voice, data), [adjust]])


def render_public(voice: Voice, data: Data) -> OutMessage:
    """Where it is and until when, and a button for each use to take away."""
    state = voice.say(
        "reference.public", uses=uses_in_words(voice, data["uses"]), until=full_day(voice, data["until_at"])
    )
    see = [[to_url(voice, "button.reference.wall", wall_link(voice))]] if WEBSITE in data["uses"] else []
    adjust = button(voice, "button.reference.adjust", data, "adjust")
    text = paragraphs(state, exactly(voice, data), voice.say("reference.withdraw_any_time"))
    return OutMessage(text, [*see, *_away(voice, data), [adjust]])


def render_over(voice: Voice, data: Data) -> OutMessage:
    """Its time is over; the same words can come back with a new yes."""
    text = (
        paragraphs(voice.say("reference.over"), exactly(voice, data))
        if data.get("text")
        else voice.say("reference.over")
    )
    return OutMessage(text, _again_or_over(voice, data))


def render_closed(voice: Voice, data: Data) -> OutMessage:
    """Expired, declined, withdrawn, or not placed: nothing to do."""
    return OutMessage(voice.say(f"reference.{data['stage']}"), [_overview(voice)])


def render_said(voice: Voice, data: Data) -> OutMessage:
    """A sentence."""
    filled = {name: value for name, value in data.items() if name not in ("key", "until_at")}
    if data.get("until_at"):
        filled["until"] = full_day(voice, data["until_at"])
    return OutMessage(voice.say(data["key"], **filled), [_overview(voice)])


def render_ask(voice: Voice, data: Data) -> OutMessage:
    """Words to be typed: another text, or a town; the text as it is can be copied."""
    rows = [[button(voice, "button.reference.leave", data, "go")]]
    if data.get("copy") and fits_copy(data["text"]):
        rows.insert(0, [copy_text(voice, data["text"])])
    return OutMessage(voice.say(data["key"], most=LONGEST_TEXT), rows)


def render_adjust(voice: Voice, data: Data) -> OutMessage:
    """What changing it means while it is public."""
    yes = button(voice, "button.reference.adjust_yes", data, "adjust_yes")
    return OutMessage(voice.say("reference.adjust_ask"), [[yes], [button(voice, "button.reference.leave", data, "go")]])


def render_published_news(voice: Voice, data: Data) -> OutMessage:
    """An owner placed it: where, until when, and how to take it away."""
    on_wall = WEBSITE in data["uses"]
    key = f"notice.{REFERENCE_PUBLISHED}" if on_wall else f"notice.{REFERENCE_PUBLISHED}_elsewhere"
    text = voice.say(key, uses=uses_in_words(voice, data["uses"]), until=full_day(voice, data["until_at"]))
    see = [[to_url(voice, "button.reference.wall", wall_link(voice))]] if on_wall else []
    return OutMessage(text, [*see, [to_do(voice, "button.reference.mine", "reference")]])


def render_refused_news(voice: Voice, data: Data) -> OutMessage:
    """An owner will not place it, or took it away."""
    key = f"notice.{REFERENCE_REFUSED}_taken" if data.get("published") else f"notice.{REFERENCE_REFUSED}"
    return OutMessage(voice.say(key), [_overview(voice)])


def render_renewal(voice: Voice, data: Data) -> OutMessage:
    """It left the wall as agreed; may it come back?"""
    return OutMessage(voice.say(f"notice.{REFERENCE_RENEWAL}", count=data["months"]), _again_or_over(voice, data))


def _because(voice: Voice, data: Data) -> str:
    years, ten = data.get("years") or 0, bool(data.get("ten"))
    key = {(True, True): "years_ten", (True, False): "years", (False, True): "ten"}.get((years > 0, ten), "else")
    said = voice.plain(f"reference.because.{key}", count=years)
    return f"{voice.name}, {said}" if voice.name else said[:1].upper() + said[1:]


def _yes_later_no(voice: Voice, data: Data) -> Rows:
    return [
        [button(voice, "button.reference.yes", data, "yes")],
        [button(voice, "button.reference.later", data, "later"), button(voice, "button.reference.no", data, "no")],
    ]


def _boxes(voice: Voice, data: Data) -> Rows:
    website, *others = [
        ticked(voice, f"button.reference.{use}", data, "tick", use, is_ticked=use in data["uses"]) for use in USES
    ]
    chosen, town = data["name_shown"], data["town"]
    names = [
        ticked(voice, f"button.reference.{kind}", data, "name", kind, is_ticked=chosen == kind, name=name or "")
        for kind, name in data["names"].items()
    ]
    town_key = "button.reference.town" if town is None else "button.reference.town_set"
    place = ticked(voice, town_key, data, "town", "", is_ticked=town is not None, town=town or "")
    agree = button(voice, "button.reference.agree", data, "agree", data["seal"])
    text, no = (
        button(voice, "button.reference.text", data, "text"),
        button(voice, "button.reference.no_more", data, "no"),
    )
    return [[website], others, *([name] for name in names), [place], [agree], [text, no]]


def _away(voice: Voice, data: Data) -> Rows:
    """A button a use, where there are several, and one for all."""
    several = len(data["uses"]) > 1
    rows = [[button(voice, f"button.reference.away.{use}", data, "gone", use)] for use in USES if use in data["uses"]]
    return [*(rows if several else []), [button(voice, "button.reference.away.all", data, "gone", "all")]]


def _again_or_over(voice: Voice, data: Data) -> Rows:
    yes, no = (
        button(voice, "button.reference.again", data, "again"),
        button(voice, "button.reference.over", data, "over"),
    )
    return [[yes, no]]


def _overview(voice: Voice) -> list[InlineKeyboardButton]:
    return [to_view(voice, "button.overview", "home")]


RENDER = {
    REFERENCE_INVITED: render_invited,
    REFERENCE_TEXT: render_draft,
    REFERENCE_PUBLISHED: render_published_news,
    REFERENCE_REFUSED: render_refused_news,
    REFERENCE_RENEWAL: render_renewal,
    "reference_question": render_question,
    "reference_paused": render_paused,
    "reference_ask": render_ask,
    "reference_adjust": render_adjust,
    "reference_said": render_said,
    f"reference_at_{core.INVITED}": render_invited,
    f"reference_at_{core.SNOOZED}": render_snoozed,
    f"reference_at_{core.DRAFT}": render_draft,
    f"reference_at_{core.CUSTOMER_APPROVED}": render_agreed,
    f"reference_at_{PUBLISHED}": render_public,
    f"reference_at_{OVER}": render_over,
    **{
        f"reference_at_{stage}": render_closed
        for stage in (core.EXPIRED, core.DECLINED, core.WITHDRAWN, core.OWNER_DECLINED)
    },
}
