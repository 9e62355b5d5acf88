"""A friend's welcome gift in the chat: the code to be used, what is said of it, and what the owners hear."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.screens.gift import made_gift_words
from bot.voice import OutMessage, Voice, lines
from referrals.notices import GIFTS_GONE, VOUCHER_TWICE
from referrals.rewarding.gifts import gift_of
from referrals.rewarding.vouchers import view_of
from storage.vouchers import NEVER, STANDING


def gather_gift(session: Session, customer_id: int, *, now: datetime) -> dict[str, Any] | None:
    """The customer's own gift, as long as it can be used."""
    gift = gift_of(session, customer_id)
    view = view_of(gift, now=now) if gift is not None else None
    if view is None or view.status != STANDING:
        return None
    return {
        "code": view.code,
        "kind": view.kind,
        "amount_minor": view.amount_minor,
        "currency": view.currency,
        "share_basis_points": view.share_basis_points,
        "min_order_minor": view.min_order_minor,
        "expires_at": (view.expires_at or NEVER).isoformat(),
    }


def gift_lines(voice: Voice, gift: Mapping[str, Any] | None) -> str | None:
    """What it is and until when, then its code."""
    if gift is None:
        return None
    said = voice.say("welcome.gift", gift=made_gift_words(voice, gift), expires_at=gift["expires_at"])
    return lines(said, voice.say("welcome.code", code=gift["code"]))


def render_twice(voice: Voice, data: Mapping[str, Any]) -> OutMessage:
    """An order got something off with a code that was not good any more."""
    key = "notice.voucher_twice" if data["twice"] else "notice.voucher_twice.unusable"
    return OutMessage(voice.say(key, **{name: data[name] for name in ("ending", "order", "shop_name")}))


def render_gone(voice: Voice, data: Mapping[str, Any]) -> OutMessage:
    """The last piece is given."""
    return OutMessage(voice.say("notice.gifts_gone", gift=data["gift"], count=data["count"]))


RENDER = {VOUCHER_TWICE: render_twice, GIFTS_GONE: render_gone}
