"""/beloningen: credit becomes a voucher for the shop, or is put back; and what becomes of vouchers."""

from __future__ import annotations

from collections.abc import Sequence
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
from referrals.rewarding.vouchers import VoucherView, issue_voucher, spendable, void_voucher, vouchers_of
from storage.database import books
from storage.vouchers import STANDING, VOID

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
    return [Answer("voucher_made", _shown(voucher))]


@books
def put_back(session: Session, visitor: Visitor, *, programme: Programme, voucher_id: int) -> Sequence[Reply]:
    """The voucher is credit again, or is gone already; the message shows what there is now.

    Raises:
        NotVerified: As above.
        UnknownVoucher: It is somebody else's.
    """
    check_verified(session, telegram_id=visitor.telegram_id)
    voucher = void_voucher(session, voucher_id, customer_id=visitor.customer_id, now=visitor.now)
    press = Press("voucher.returned" if voucher.status == VOID else "voucher.gone")
    return [press, View("rewards", edit=visitor.message_id)]


def gather_rewards(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """What can be spent, what lies in vouchers, and what waits; of a claimed account nothing (rules 20)."""
    if not look.sees_history:
        return {"claimed": True}
    customer = get_customer(session, look.customer_id)
    accounts = balances(session, customer.id)
    found = vouchers_of(session, customer.id, now=look.now, limit=MOST)
    standing = [voucher for voucher in found if voucher.status == STANDING]
    return {
        "available": spendable(session, customer.id),
        "held": {currency: one.held_minor for currency, one in accounts.items()},
        "debt": {currency: one.debt_minor for currency, one in accounts.items()},
        "excluded": not takes_part(customer.state),
        "vouchers": [_shown(voucher) for voucher in standing[:SHOWN]],
        "more": len(standing[SHOWN:]),
    }


def render_rewards(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The credit with its buttons, then the vouchers with theirs."""
    if data.get("claimed"):
        return OutMessage(voice.say("home.claimed"), [back(voice)])
    can_make = any(data["available"].values()) and not data["excluded"]
    text = paragraphs(voice.say("rewards.title"), lines(*_credit(voice, data)), _standing(voice, data))
    made = [_return(voice, one, "button.voucher.return_one") for one in data["vouchers"]]
    rows = [*(_amounts(voice, data["available"]) if can_make else []), *([each] for each in made)]
    return OutMessage(text, [*rows, [to_view(voice, "button.balance", "balance")], back(voice)])


def render_made(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The code, to be copied, and the way back."""
    copy = InlineKeyboardButton(text=voice.plain("button.voucher.copy"), copy_text=CopyTextButton(text=data["code"]))
    rows = [[copy], [_return(voice, data, "button.voucher.return")], [to_view(voice, "button.rewards", "rewards")]]
    return OutMessage(voice.say("voucher.made", **_words(data)), rows)


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
    if any(data["held"].values()):
        found.append(voice.say("rewards.waiting", held=voice.sums(data["held"])))
    if any(data["debt"].values()):
        found.append(voice.say("rewards.debt", debt=voice.sums(data["debt"])))
    return found


def _standing(voice: Voice, data: dict[str, Any]) -> str | None:
    if not data["vouchers"]:
        return None
    listed = [voice.say("rewards.voucher", **_words(one)) for one in data["vouchers"]]
    more = voice.say("rewards.more", count=data["more"]) if data["more"] else None
    return lines(voice.say("rewards.standing"), *listed, more)


def _amounts(voice: Voice, available: dict[str, int]) -> Rows:
    """All of each currency's credit; of more than the least choice also parts of it."""
    rows = []
    for currency, minor in available.items():
        parts = [units * 10 ** exponent(currency) for units in CHOICES]
        choices = [part for part in parts if part < minor]
        rows += [[make_button(voice, part, currency)] for part in (*choices, minor) if part]
    return rows


def _return(voice: Voice, voucher: dict[str, Any], key: str) -> InlineKeyboardButton:
    text = voice.plain(key, code=voucher["code"])
    return InlineKeyboardButton(text=text, callback_data=Return(id=voucher["id"]).pack())


def _rest(voice: Voice, data: dict[str, Any]) -> str | None:
    """Where the rest of a used voucher is."""
    if data["returned_minor"]:
        return voice.say("notice.voucher_used.rest", **data)
    return voice.say("notice.voucher_used.kept", **data) if data["kept_minor"] else None


def _shown(voucher: VoucherView) -> dict[str, Any]:
    return {
        "id": voucher.id,
        "code": voucher.code,
        "amount_minor": voucher.left_minor,
        "currency": voucher.currency,
        "expires_at": voucher.expires_at.isoformat(),
    }


def _words(voucher: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in voucher.items() if name != "id"}


GATHER = {"rewards": gather_rewards}
RENDER = {
    "view.rewards": render_rewards,
    "voucher_made": render_made,
    **{kind: render_news(kind) for kind in sorted(VOUCHERS)},
}
