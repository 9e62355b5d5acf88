"""What the programme says of its own accord: money, each with its number, and news of the account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.keyboards import to_do, to_view
from bot.voice import OutMessage, Voice, lines
from referrals.notices import (
    BONUS_AVAILABLE,
    BONUS_REVERSED,
    BONUSES,
    CLAIM_ENDED,
    CODE_RENEWED,
    GOODWILL_GIVEN,
    MILESTONE_REACHED,
    NOT_COUNTED,
    TOKEN_USED_ELSEWHERE,
)

MOST_LINES = 15
MERGED = "merged"
# Credit now; the balance is named to whoever may see it.
ARRIVED = frozenset({BONUS_AVAILABLE, MILESTONE_REACHED, GOODWILL_GIVEN})


def said(voice: Voice, kind: str, data: dict[str, Any], *, line: bool = False) -> str:
    """A notice in words; as one ``line`` of several, or to somebody who may not see their balance."""
    filled = {name: value for name, value in data.items() if name not in ("bonus", "reason")}
    if "bonus" in data:
        filled["number"] = voice.programme.number("bonus", data["bonus"])
    if "reason" in data:
        filled["reason"] = voice.unescaped([data["reason"]])
    if kind == BONUS_REVERSED:
        filled["amount_minor"] = data["before_minor"]
    return voice.say(f"notice.{kind}.line" if line else f"notice.{kind}", **filled)


def render_money(kind: str) -> Any:
    """How a notice of this kind becomes a message."""

    def render(voice: Voice, data: dict[str, Any]) -> OutMessage:
        text = said(voice, kind, data, line=not voice.sees_history and kind in ARRIVED)
        thanks = _thanks(voice, data) if kind == BONUS_AVAILABLE and voice.sees_history else None
        first = to_view(voice, "button.use_credit", "rewards") if kind in ARRIVED else None
        rows = [[first or to_view(voice, "button.see_status", "status")]]
        if kind in (NOT_COUNTED, BONUS_REVERSED):
            rows = [[to_view(voice, "button.why", "why")]]
        return OutMessage(lines(text, thanks), rows)

    return render


def render_merged(voice: Voice, data: Sequence[dict[str, Any]]) -> OutMessage:
    """Several money notices as one message (rules 27); of one bonus only the last news counts."""
    news: dict[Any, str] = {}
    for place, one in enumerate(data):
        key = one["data"].get("bonus", f"place:{place}")
        news.pop(key, None)
        news[key] = said(voice, one["kind"], one["data"], line=True)
    shown = list(news.values())[:MOST_LINES]
    rest = len(news) - len(shown)
    more = voice.say("notice.merged.more", count=rest) if rest else None
    rows = [[to_view(voice, "button.balance", "balance"), to_view(voice, "button.see_status", "status")]]
    return OutMessage(lines(voice.say("notice.merged"), *shown, more), rows)


def render_used_elsewhere(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """Another chat held a link that connects to this account."""
    return OutMessage(voice.say(f"notice.{TOKEN_USED_ELSEWHERE}"))


def render_claim_ended(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """The account that this chat had claimed is connected by its own link now."""
    return OutMessage(voice.say(f"notice.{CLAIM_ENDED}"), [[to_do(voice, "button.connect", "connect")]])


def render_renewed(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The code they had leaked: a new one, and what becomes of the old link."""
    text = voice.say(f"notice.{CODE_RENEWED}", code=data["code"])
    return OutMessage(text, [[to_view(voice, "button.link", "link")]])


def _thanks(voice: Voice, data: dict[str, Any]) -> str | None:
    count = data.get("friends")
    if not count:
        return None
    if voice.name:
        return voice.say("notice.bonus_available.thanks", count=count, name=voice.name)
    return voice.say("notice.bonus_available.thanks_nameless", count=count)


RENDER = {
    **{kind: render_money(kind) for kind in sorted(BONUSES)},
    MERGED: render_merged,
    TOKEN_USED_ELSEWHERE: render_used_elsewhere,
    CLAIM_ENDED: render_claim_ended,
    CODE_RENEWED: render_renewed,
}
