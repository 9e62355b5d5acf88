"""What both sides get, in words; several screens say it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.texts import percent
from bot.voice import Voice
from referrals.sections import AmbassadorBonus, FriendBonus


def gift_words(voice: Voice, *, whose: str = "your") -> str | None:
    """€ 25 korting op je (``their``: de) eerste bestelling vanaf € 150; None where the friend gets nothing.

    In a campaign with its last day.
    """
    offer = voice.offer
    words = _gift(voice, offer.friend, whose)
    return _until(voice, words, offer.friend_until) if words else None


def bonus_words(voice: Voice) -> str:
    """€ 15 tegoed, or 10% van de bestelling als tegoed, tot € 50; in a campaign with its last day."""
    offer = voice.offer
    return _until(voice, _bonus(voice, offer.ambassador), offer.ambassador_until)


def _until(voice: Voice, words: str, last: date | None) -> str:
    return words if last is None else voice.plain("offer.until", what=words, until=voice.texts.day(last, voice.locale))


def _gift(voice: Voice, friend: FriendBonus, whose: str) -> str | None:
    data: dict[str, Any] = {"order": voice.plain(f"gift.{whose}_order")}
    if friend.kind == "fixed":
        if not friend.amount_minor:
            return None
        data["amount"] = voice.money(friend.amount_minor)
    elif friend.kind == "percent":
        data["percent"] = percent(friend.share_basis_points or 0, voice.locale)
    elif friend.gift:
        data["gift"] = friend.gift
    key = "gift.named" if friend.kind == "gift" and friend.gift else f"gift.{friend.kind}"
    words = _from(voice, key, data, friend.min_order_minor)
    bounded = friend.personal and friend.kind == "percent"
    return voice.plain("gift.at_most", gift=words, max=voice.money(friend.max_minor)) if bounded else words


def made_gift_words(voice: Voice, gift: Mapping[str, Any]) -> str:
    """Likewise, of a gift that somebody has."""
    currency, name = gift["currency"], voice.programme.config.bonus.friend.gift
    data: dict[str, Any] = {"order": voice.plain("gift.your_order")}
    if gift["kind"] == "fixed":
        data["amount"] = voice.money(gift["amount_minor"], currency)
    elif gift["kind"] == "percent":
        data["percent"] = percent(gift["share_basis_points"], voice.locale)
    elif name:
        data["gift"] = name
    key = "gift.named" if gift["kind"] == "gift" and name else f"gift.{gift['kind']}"
    words = _from(voice, key, data, gift["min_order_minor"], currency)
    if gift["kind"] != "percent":
        return words
    return voice.plain("gift.at_most", gift=words, max=voice.money(gift["amount_minor"], currency))


def _from(voice: Voice, key: str, data: dict[str, Any], min_order_minor: int, currency: str | None = None) -> str:
    if not min_order_minor:
        return voice.plain(key, **data)
    return voice.plain(f"{key}_from", min_order=voice.money(min_order_minor, currency), **data)


def _bonus(voice: Voice, bonus: AmbassadorBonus) -> str:
    if bonus.kind == "fixed":
        return voice.plain("bonus.fixed", amount=voice.money(bonus.amount_minor))
    share = percent(bonus.share_basis_points or 0, voice.locale)
    if bonus.max_minor is None:
        return voice.plain("bonus.percent", percent=share)
    return voice.plain("bonus.percent_max", percent=share, max=voice.money(bonus.max_minor))
