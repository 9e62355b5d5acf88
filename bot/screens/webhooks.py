"""What owners hear of webhooks: that one is switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.voice import OutMessage, Voice
from referrals.notices import WEBHOOK_OFF


def render_off(voice: Voice, data: Mapping[str, Any]) -> OutMessage:
    """Nothing is sent there any more, and why."""
    number = voice.programme.number("webhook", data["webhook"])
    return OutMessage(voice.say(f"notice.{WEBHOOK_OFF}.{data['why']}", number=number, host=data["host"]))


RENDER = {WEBHOOK_OFF: render_off}
