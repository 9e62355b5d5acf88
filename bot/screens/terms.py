"""/voorwaarden: the rules of this programme in plain words, read from its configuration."""

from __future__ import annotations

from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Look, Turn
from bot.keyboards import back
from bot.screens.gift import bonus_words, gift_words
from bot.texts import percent
from bot.voice import OutMessage, Voice, lines
from referrals.campaigns import last_day
from referrals.programme import Programme
from referrals.sections import Milestone


def router() -> Router:
    """The command in both languages."""
    own = Router(name="terms")
    own.message.register(on_terms, Command("voorwaarden", "terms"))
    return own


async def on_terms(_message: Message, turn: Turn) -> None:
    """They asked how it works."""
    await turn.show("terms")


def gather_terms(_session: Session, _look: Look, *, programme: Programme) -> dict[str, Any]:
    """Nothing: it all stands in the configuration."""
    return {}


def render_terms(voice: Voice, _data: dict[str, Any]) -> OutMessage:
    """What is earned, for what, with which limits, and what nobody hears."""
    config = voice.programme.config
    gift = gift_words(voice, whose="their")
    text = lines(
        voice.say("terms.title"),
        *_bonus(voice),
        voice.say("terms.gift", gift=gift) if gift else None,
        _campaign(voice),
        *_limits(voice),
        voice.say("terms.window", count=config.attribution.window_days),
        voice.say("terms.hold", count=config.hold.days) if config.hold.days else None,
        voice.say("terms.refund"),
        voice.say("terms.new_only"),
        voice.say("terms.privacy"),
        voice.say("terms.url", url=config.programme.terms_url) if config.programme.terms_url else None,
    )
    return OutMessage(text, [back(voice)])


def _bonus(voice: Voice) -> list[str]:
    bonus = voice.offer.ambassador
    said = [voice.say(f"terms.{bonus.when}", bonus=bonus_words(voice), count=bonus.nth)]
    if bonus.min_order_minor and bonus.when != "sign_up":
        said.append(voice.say("terms.min_order", min_order=voice.money(bonus.min_order_minor)))
    return [*said, *(_milestone(voice, each) for each in voice.programme.config.bonus.milestones)]


def _limits(voice: Voice) -> list[str]:
    bonus, said = voice.offer.ambassador, []
    most = voice.programme.config.bonus.most_basis_points
    if most is not None:
        said.append(voice.say("terms.margin", percent=percent(most, voice.locale)))
    if bonus.per_friend is not None:
        said.append(voice.say("terms.per_friend", count=bonus.per_friend))
    if bonus.per_month is not None:
        said.append(voice.say("terms.per_month", count=bonus.per_month))
    if bonus.budget_per_month_minor is not None:
        said.append(voice.say("terms.budget", budget=voice.money(bonus.budget_per_month_minor)))
    return said


def _campaign(voice: Voice) -> str | None:
    campaign = voice.offer.campaign
    if campaign is None:
        return None
    return voice.say("terms.campaign", name=campaign.name, until=voice.texts.day(last_day(campaign), voice.locale))


def _milestone(voice: Voice, each: Milestone) -> str:
    key = "terms.milestone_repeats" if each.repeat else "terms.milestone"
    return voice.say(key, count=each.friends, amount=voice.money(each.amount_minor))


GATHER = {"terms": gather_terms}
RENDER = {"view.terms": render_terms}
