"""All screens: their routers for the dispatcher, their views and messages for the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from aiogram import Router
from sqlmodel import Session

from bot.conversation import Look
from bot.screens import (
    balance,
    board,
    case,
    connect,
    contact_log,
    credit,
    help,  # noqa: A004 - the screen of /help
    home,
    invitation,
    language,
    link,
    membership,
    nickname,
    notices,
    old,
    pool,
    privacy,
    question,
    reference,
    reference_consent,
    reference_owner,
    reference_views,
    review,
    score,
    settings,
    start,
    status,
    stop,
    terms,
    tips,
    today,
    unknown,
    vouchers,
    webhooks,
    welcome,
    why,
)
from bot.voice import OutMessage, Voice
from referrals.programme import Programme

# The order in which the dispatcher asks them; those that take whatever is left come last.
SCREENS: tuple[ModuleType, ...] = (
    start, connect, invitation, home, link, balance, vouchers, credit, welcome, status, why, board, nickname, terms,
    language, stop, help, today, review, pool, reference, reference_consent, reference_owner, reference_views, settings,
    privacy, score, tips, case, question, contact_log, notices, webhooks, membership, unknown, old,
)  # fmt: skip

Gather = Callable[..., dict[str, Any]]
Render = Callable[[Voice, Any], OutMessage]


def _all(name: str) -> dict[str, Any]:
    return {key: found for screen in SCREENS for key, found in getattr(screen, name, {}).items()}


GATHER: Mapping[str, Gather] = _all("GATHER")
RENDER: Mapping[str, Render] = _all("RENDER")


def routers() -> list[Router]:
    """A fresh router of every screen that hears something."""
    return [screen.router() for screen in SCREENS if hasattr(screen, "router")]


def gather(session: Session, view: str, look: Look, *, programme: Programme) -> dict[str, Any]:
    """What the view shows, as things are now; an unknown one (a button of an older version) shows the overview."""
    name, _, argument = view.partition(".")
    chosen = GATHER.get(name, GATHER["home"])
    return chosen(session, _with_argument(look, argument), programme=programme)


def render(kind: str, data: Any, voice: Voice) -> OutMessage:
    """The message of a screen, a view or a notice. Raises: KeyError for one that nobody knows."""
    known = kind.partition(".")[0] == "view"
    name = kind.split(".")[1] if known else kind
    if known:
        return RENDER[f"view.{name}"](voice, data) if f"view.{name}" in RENDER else RENDER["view.home"](voice, data)
    return RENDER[name](voice, data)


def _with_argument(look: Look, argument: str) -> Look:
    return Look(look.customer_id, look.chat_id, look.is_owner, look.sees_history, look.now, argument)
