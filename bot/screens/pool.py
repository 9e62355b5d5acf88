"""What owners hear of codes: an amount of the pool that is running out, a coupon that their shop refuses."""

from __future__ import annotations

from typing import Any

from bot.voice import OutMessage, Voice, lines
from referrals.notices import COUPON_FAILED, POOL_EMPTY, POOL_LOW


def say_pool(voice: Voice, stocks: list[dict[str, Any]]) -> str | None:
    """A line for each amount that needs more codes."""
    return lines(*(voice.say("today.pool" if one["count"] else "today.pool_empty", **one) for one in stocks)) or None


def render_stock(kind: str) -> Any:
    """How such a notice becomes a message."""

    def render(voice: Voice, data: dict[str, Any]) -> OutMessage:
        return OutMessage(voice.say(f"notice.{kind}", **data))

    return render


def render_failed(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The shop did not make a coupon, or still knows one that it should not."""
    key = f"notice.{COUPON_FAILED}.ends" if data["ends"] else f"notice.{COUPON_FAILED}"
    return OutMessage(voice.say(key, **{name: value for name, value in data.items() if name != "ends"}))


RENDER = {**{kind: render_stock(kind) for kind in (POOL_LOW, POOL_EMPTY)}, COUPON_FAILED: render_failed}
