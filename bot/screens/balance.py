"""/tegoed: what is available, what waits and until when, what was used."""

from __future__ import annotations

from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Look, Turn
from bot.keyboards import back, to_view
from bot.screens.credit import gather_ending, say_ending
from bot.voice import OutMessage, Voice, lines
from referrals.people.customers import get_customer
from referrals.programme import Programme
from referrals.rewarding.balances import BonusView, balances, bonuses_of
from storage.ledger import HELD

MOST = 100
SHOWN = 10
ACCOUNTS = ("available", "held", "reserved", "redeemed", "debt")


def router() -> Router:
    """The command in both languages."""
    own = Router(name="balance")
    own.message.register(on_balance, Command("tegoed", "balance"))
    return own


async def on_balance(_message: Message, turn: Turn) -> None:
    """They asked what they have."""
    await turn.show("balance")


def gather_balance(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """The accounts and the bonuses that wait; of a claimed account nothing (rules 20)."""
    if not look.sees_history:
        return {"claimed": True}
    customer = get_customer(session, look.customer_id)
    accounts = balances(session, customer.id)
    held = [one for one in bonuses_of(session, customer.id, limit=MOST) if one.status == HELD and one.amount_minor]
    held.sort(key=lambda one: (one.available_at, one.id))
    sums = {
        account: {currency: getattr(one, f"{account}_minor") for currency, one in accounts.items()}
        for account in ACCOUNTS
    }
    ending = gather_ending(session, customer.id, programme=programme)
    return {
        **sums,
        "ending": ending,
        "bonuses": [_line(one, programme) for one in held[:SHOWN]],
        "more": len(held[SHOWN:]),
    }


def render_balance(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """Each account that holds something, then the waiting bonuses with their dates."""
    if data.get("claimed"):
        return OutMessage(voice.say("home.claimed"), [back(voice)])
    use = [to_view(voice, "button.rewards", "rewards")]
    rows = [use, [to_view(voice, "button.status", "status")], back(voice)]
    held = [account for account in ACCOUNTS if any(data[account].values())]
    if not held:
        return OutMessage(lines(voice.say("balance.title"), voice.say("balance.none")), rows)
    sums = [voice.say(f"balance.{account}", **{account: voice.sums(data[account])}) for account in held]
    sums[1:1] = filter(None, [say_ending(voice, data["ending"])])
    bonuses = [
        voice.say("balance.line_review" if bonus["under_review"] else "balance.line", **bonus)
        for bonus in data["bonuses"]
    ]
    more = voice.say("balance.more", count=data["more"]) if data["more"] else None
    return OutMessage(lines(voice.say("balance.title"), *sums, *bonuses, more), rows)


def _line(bonus: BonusView, programme: Programme) -> dict[str, Any]:
    return {
        "amount_minor": bonus.amount_minor,
        "currency": bonus.currency,
        "available_at": bonus.available_at.isoformat(),
        "under_review": bonus.under_review,
        "number": programme.number("bonus", bonus.id),
    }


GATHER = {"balance": gather_balance}
RENDER = {"view.balance": render_balance}
