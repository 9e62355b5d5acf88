"""What owners hear of their pool of codes: an amount that is running out, or has."""

from __future__ import annotations

from typing import Any

from bot.voice import OutMessage, Voice, lines
from referrals.notices import POOL_EMPTY, POOL_LOW


def say_pool(voice: Voice, stocks: list[dict[str, Any]]) -> str | None:
    """A line for each amount that needs more codes."""
    return lines(*(voice.say("today.pool" if one["count"] else "today.pool_empty", **one) for one in stocks)) or None


def render_stock(kind: str) -> Any:
    """How such a notice becomes a message."""

    def render(voice: Voice, data: dict[str, Any]) -> OutMessage:
        return OutMessage(voice.say(f"notice.{kind}", **data))

    return render


RENDER = {kind: render_stock(kind) for kind in (POOL_LOW, POOL_EMPTY)}
