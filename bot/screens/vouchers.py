"""/beloningen: credit becomes a voucher for the shop, or is put back; and what becomes of vouchers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, CopyTextButton, InlineKeyboardButton, Message
from pydantic import Field
from sqlmodel import Session

from bot.conversation import Answer, Look, Press, Reply, Turn, View, Visitor
from bot.keyboards import RowId, back, to_view
from bot.screens.notices import said
from bot.voice import OutMessage, Rows, Voice, lines, paragraphs
from referrals.money import exponent
from referrals.notices import VOUCHER_USED, VOUCHERS
from referrals.people.customers import check_verified, get_customer, takes_part
from referrals.programme import Programme
from referrals.rewarding.balances import balances
from referrals.rewarding.coupon_rows import stages
from referrals.rewarding.pool import offered
from referrals.rewarding.vouchers import VoucherView, issue_voucher, spendable, void_voucher, vouchers_of
from storage.database import books
from storage.vouchers import ENDING, MADE, POOL, STANDING, VOID, WANTED

SHOWN = 5  # vouchers
MOST = 100
CHOICES = (10, 25, 50)  # whole units of the currency that are offered beside all of it


class Make(CallbackData, prefix="v1"):
    """A voucher of so much."""

    minor: Annotated[int, Field(gt=0, lt=2**63)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Return(CallbackData, prefix="v2"):
    """A voucher is put back with the credit."""

    id: RowId


def router() -> Router:
    """The command in both languages, and the buttons."""
    own = Router(name="vouchers")
    own.message.register(on_rewards, Command("beloningen", "rewards"))
    own.callback_query.register(on_make, Make.filter())
    own.callback_query.register(on_return, Return.filter())
    return own


async def on_rewards(_message: Message, turn: Turn) -> None:
    """They asked what they can do with their credit."""
    await turn.show("rewards")


async def on_make(_press: CallbackQuery, turn: Turn, callback_data: Make) -> None:
    """[Maak een tegoedbon van € 10]."""
    await turn.write(make, minor=callback_data.minor, currency=callback_data.currency)


async def on_return(_press: CallbackQuery, turn: Turn, callback_data: Return) -> None:
    """[Zet terug bij mijn tegoed]."""
    await turn.write(put_back, voucher_id=callback_data.id)


@books
def make(session: Session, visitor: Visitor, *, programme: Programme, minor: int, currency: str) -> Sequence[Reply]:
    """So much of their credit is a voucher, in a message of its own.

    Raises:
        NotVerified: Whose chat it is, is not sure (rules 20).
        NotEnoughCredit: They have less by now.
        CustomerExcluded: They take no part.
    """
    check_verified(session, telegram_id=visitor.telegram_id)
    voucher = issue_voucher(
        session, visitor.customer_id, amount_minor=minor, currency=currency, programme=programme, now=visitor.now
    )
    stage = stages(session, [voucher.id]).get(voucher.id)
    return [Answer("voucher_making" if stage == WANTED else "voucher_made", _shown(voucher, stage))]


@books
def put_back(session: Session, visitor: Visitor, *, programme: Programme, voucher_id: int) -> Sequence[Reply]:
    """The voucher is credit again, or is gone already; the message shows what there is now.

    Raises:
        NotVerified: As above.
        UnknownVoucher: It is somebody else's.
    """
    check_verified(session, telegram_id=visitor.telegram_id)
    voucher = void_voucher(session, voucher_id, customer_id=visitor.customer_id, now=visitor.now)
    ending = stages(session, [voucher.id]).get(voucher.id) == ENDING
    press = Press("voucher.returned" if voucher.status == VOID else "voucher.returning" if ending else "voucher.gone")
    return [press, View("rewards", edit=visitor.message_id)]


def gather_rewards(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """What can be spent, what lies in vouchers, and what waits; of a claimed account nothing (rules 20)."""
    if not look.sees_history:
        return {"claimed": True}
    customer = get_customer(session, look.customer_id)
    available = spendable(session, customer.id)
    accounts = balances(session, customer.id)
    found = vouchers_of(session, customer.id, now=look.now, limit=MOST)
    coupons = stages(session, [voucher.id for voucher in found])
    standing = [voucher for voucher in found if voucher.status == STANDING]
    return {
        "available": available,
        "offers": _offers(session, available, programme=programme, now=look.now),
        "held": {currency: one.held_minor for currency, one in accounts.items()},
        "debt": {currency: one.debt_minor for currency, one in accounts.items()},
        "excluded": not takes_part(customer.state),
        "vouchers": [_shown(voucher, coupons.get(voucher.id)) for voucher in standing[:SHOWN]],
        "more": len(standing[SHOWN:]),
    }


def render_rewards(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The credit with its buttons, then the vouchers with theirs."""
    if data.get("claimed"):
        return OutMessage(voice.say("home.claimed"), [back(voice)])
    can_make = any(data["offers"].values()) and not data["excluded"]
    text = paragraphs(voice.say("rewards.title"), lines(*_credit(voice, data)), _standing(voice, data))
    made = [_return(voice, one, "button.voucher.return_one") for one in data["vouchers"] if one["returnable"]]
    rows = [*(_amounts(voice, data["offers"]) if can_make else []), *([each] for each in made)]
    return OutMessage(text, [*rows, [to_view(voice, "button.balance", "balance")], back(voice)])


def render_made(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The code, to be copied, and the way back."""
    copy = InlineKeyboardButton(text=voice.plain("button.voucher.copy"), copy_text=CopyTextButton(text=data["code"]))
    back_again = [[_return(voice, data, "button.voucher.return")]] if data["returnable"] else []
    rows = [[copy], *back_again, [to_view(voice, "button.rewards", "rewards")]]
    return OutMessage(voice.say("voucher.made" if data["expires_at"] else "voucher.made_open", **_words(data)), rows)


def render_making(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The shop is still to learn the code."""
    return OutMessage(voice.say("voucher.making", **_words(data)), [[to_view(voice, "button.rewards", "rewards")]])


def render_news(kind: str) -> Any:
    """How a notice of a voucher becomes a message."""

    def render(voice: Voice, data: dict[str, Any]) -> OutMessage:
        rest = _rest(voice, data) if kind == VOUCHER_USED else None
        return OutMessage(lines(said(voice, kind, data), rest), [[to_view(voice, "button.rewards", "rewards")]])

    return render


def make_button(voice: Voice, minor: int, currency: str) -> InlineKeyboardButton:
    """[Maak een tegoedbon van € 10]."""
    text = voice.plain("button.voucher.of", amount_minor=minor, currency=currency)
    return InlineKeyboardButton(text=text, callback_data=Make(minor=minor, currency=currency).pack())


def _credit(voice: Voice, data: dict[str, Any]) -> list[str]:
    if data["excluded"]:
        return [voice.say("rewards.excluded")]
    some = any(data["available"].values())
    found = [
        voice.say("rewards.spendable", available=voice.sums(data["available"]))
        if some
        else voice.say("rewards.nothing")
    ]
    if some and not any(data["offers"].values()):
        found.append(voice.say("rewards.none_there"))
    if any(data["held"].values()):
        found.append(voice.say("rewards.waiting", held=voice.sums(data["held"])))
    if any(data["debt"].values()):
        found.append(voice.say("rewards.debt", debt=voice.sums(data["debt"])))
    return found


def _standing(voice: Voice, data: dict[str, Any]) -> str | None:
    if not data["vouchers"]:
        return None
    listed = [voice.say(_line(one), **_words(one)) for one in data["vouchers"]]
    more = voice.say("rewards.more", count=data["more"]) if data["more"] else None
    return lines(voice.say("rewards.standing"), *listed, more)


def _line(voucher: dict[str, Any]) -> str:
    """Which text lists it: a code that the shop does not know is not shown."""
    if voucher["stage"] == WANTED:
        return "rewards.voucher_wanted"
    if voucher["stage"] == ENDING:
        return "rewards.voucher_ending"
    return "rewards.voucher" if voucher["expires_at"] else "rewards.voucher_open"


def _offers(
    session: Session, available: dict[str, int], *, programme: Programme, now: datetime
) -> dict[str, list[int]]:
    """The amounts that are offered, by currency: what the pool has; else all credit, and of much also parts of it."""
    if programme.config.vouchers.source == POOL:
        return {name: offered(session, name, most_minor=minor, now=now)[-SHOWN:] for name, minor in available.items()}
    parts = {name: [units * 10 ** exponent(name) for units in CHOICES] for name in available}
    return {
        name: [*(part for part in parts[name] if part < minor), minor] for name, minor in available.items() if minor
    }


def _amounts(voice: Voice, offers: dict[str, list[int]]) -> Rows:
    return [[make_button(voice, part, currency)] for currency, parts in offers.items() for part in parts]


def _return(voice: Voice, voucher: dict[str, Any], key: str) -> InlineKeyboardButton:
    text = voice.plain(key, code=voucher["code"])
    return InlineKeyboardButton(text=text, callback_data=Return(id=voucher["id"]).pack())


def _rest(voice: Voice, data: dict[str, Any]) -> str | None:
    """Where the rest of a used voucher is."""
    if data["returned_minor"]:
        return voice.say("notice.voucher_used.rest", **data)
    return voice.say("notice.voucher_used.kept", **data) if data["kept_minor"] else None


def _shown(voucher: VoucherView, stage: str | None) -> dict[str, Any]:
    return {
        "id": voucher.id,
        "code": voucher.code,
        "amount_minor": voucher.left_minor,
        "currency": voucher.currency,
        "expires_at": voucher.expires_at.isoformat() if voucher.expires_at else None,
        "returnable": voucher.returnable and stage in (None, MADE),
        "stage": stage,
    }


def _words(voucher: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in voucher.items() if name not in ("id", "returnable", "stage")}


GATHER = {"rewards": gather_rewards}
RENDER = {
    "view.rewards": render_rewards,
    "voucher_made": render_made,
    "voucher_making": render_making,
    **{kind: render_news(kind) for kind in sorted(VOUCHERS)},
}
