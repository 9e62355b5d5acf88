"""/controle, for owners: bonuses that wait for a look, a card for each ambassador and cause, decided by one press.

``/controle K7QX3`` shows what of that ambassador was refused, and gives goodwill. Staff see none of it: it is money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery
from aiogram.types import Message as Said
from sqlmodel import Session

from bot.conversation import Answer, Press, Reply, Turn, Visitor
from bot.keyboards import RowId
from bot.screens.home import old_button
from bot.screens.review_cards import card_of, render_card, render_goodwill, render_leaked, render_note, render_waiting
from referrals.errors import CustomerExcluded, GoodwillGiven, GoodwillSpent, NothingToGive, UnknownCustomer
from referrals.notices import CODE_LEAKED, REVIEW_WAITING
from referrals.programme import Programme
from referrals.reviewing.codes import retire_leaked
from referrals.reviewing.decide import WHY, decide, distrust, trust
from referrals.reviewing.goodwill import give_goodwill
from referrals.reviewing.queue import Group, turned_down_group, waiting_group, waiting_groups
from referrals.reviewing.refusals import refusals_of
from storage.ledger import PASSED, TURNED_DOWN

MOST = 5  # cards at once
IN_CHAT = "chat"


class ReviewButton(CallbackData, prefix="v1"):
    """A button of a card: what to do with this ambassador's bonuses of this cause, up to the last that was shown."""

    what: str
    customer: RowId
    cause: str
    last: RowId


class GoodwillButton(CallbackData, prefix="g1"):
    """Give goodwill for this order."""

    customer: RowId
    order: RowId


def router() -> Router:
    """The command in both languages, and the buttons below the cards."""
    own = Router(name="review")
    own.message.register(on_review, Command("controle", "review"))
    own.callback_query.register(on_button, ReviewButton.filter())
    own.callback_query.register(on_goodwill, GoodwillButton.filter())
    return own


async def on_review(_message: Said, turn: Turn, command: CommandObject) -> None:
    """An owner asked what waits, or what one ambassador was refused."""
    await turn.write(show_review, named=(command.args or "").strip())


async def on_button(_press: CallbackQuery, turn: Turn, callback_data: ReviewButton) -> None:
    """An owner decides."""
    data = callback_data
    await turn.write(press, what=data.what, customer=data.customer, cause=data.cause, last=data.last)


async def on_goodwill(_press: CallbackQuery, turn: Turn, callback_data: GoodwillButton) -> None:
    """An owner gives."""
    await turn.write(give, customer=callback_data.customer, order=callback_data.order)


def show_review(session: Session, visitor: Visitor, *, programme: Programme, named: str) -> Sequence[Reply]:
    """A card for each of those that wait longest; for anybody but an owner there is no such command."""
    if not visitor.is_owner:
        return [Answer("not_understood")]
    if named:
        return _refused(session, visitor, named, programme=programme)
    groups, more = waiting_groups(session, limit=MOST)
    if not groups:
        return [Answer("review_note", {"key": "review.none"})]
    rest = [Answer("review_note", {"key": "review.more", "count": more})] if more else []
    return [*(Answer("review_card", card_of(session, group, state="waiting")) for group in groups), *rest]


def press(
    session: Session, visitor: Visitor, *, programme: Programme, what: str, customer: int, cause: str, last: int
) -> Sequence[Reply]:
    """The owner's word, once: of two who press at the same time the second sees what the first one did."""
    if not visitor.is_owner or what not in ACTS:
        return old_button(visitor)
    find = turned_down_group if what == "u" else waiting_group
    group = find(session, customer, cause=cause, last_id=last)
    if group is None and what not in ALWAYS:
        return [Press("review.moved"), Answer("review_note", {"key": "review.moved"}, edit=visitor.message_id)]
    group = group or Group(customer, cause, last, (), {}, visitor.now, 0, ())
    return ACTS[what](session, visitor, group, programme=programme)


def give(session: Session, visitor: Visitor, *, programme: Programme, customer: int, order: int) -> Sequence[Reply]:
    """Goodwill for one order, within the year's cap."""
    if not visitor.is_owner:
        return old_button(visitor)
    how: dict[str, Any] = {"actor": _actor(visitor), "programme": programme, "now": visitor.now}
    try:
        give_goodwill(session, customer, order_id=order, why=IN_CHAT, **how)
    except (CustomerExcluded, GoodwillGiven, GoodwillSpent, NothingToGive) as refused:
        return [Press(f"error.{refused.code}")]
    return [Press("review.given"), Answer("review_note", {"key": "review.given"}, edit=visitor.message_id)]


def approve(session: Session, visitor: Visitor, group: Group, *, programme: Programme) -> list[Reply]:
    """[Goedkeuren], also after a no."""
    decide(session, group, review=PASSED, actor=_actor(visitor), programme=programme, now=visitor.now)
    return [Press("review.state.passed"), _card(session, visitor, group, "passed")]


def ask_why(session: Session, visitor: Visitor, group: Group, *, programme: Programme) -> list[Reply]:
    """[Afwijzen]: first, why."""
    return [_card(session, visitor, group, "asked")]


def show_again(session: Session, visitor: Visitor, group: Group, *, programme: Programme) -> list[Reply]:
    """[Toch niet]: nothing is decided."""
    return [_card(session, visitor, group, "waiting")]


def turn_down(why: str) -> Callable[..., list[Reply]]:
    """[Afwijzen] for this reason."""

    def act(session: Session, visitor: Visitor, group: Group, *, programme: Programme) -> list[Reply]:
        how: dict[str, Any] = {"actor": _actor(visitor), "programme": programme, "now": visitor.now}
        decide(session, group, review=TURNED_DOWN, why=why, **how)
        return [Press("review.state.turned_down"), _card(session, visitor, group, "turned_down")]

    return act


def trust_them(session: Session, visitor: Visitor, group: Group, *, programme: Programme) -> list[Reply]:
    """[Vertrouw deze ambassadeur]: what waits passes, and what comes skips the queue."""
    trust(session, group.customer_id, actor=_actor(visitor), programme=programme, now=visitor.now)
    return [Press("review.state.trusted"), _card(session, visitor, group, "trusted")]


def distrust_them(session: Session, visitor: Visitor, group: Group, *, programme: Programme) -> list[Reply]:
    """[Niet meer vertrouwen]: later ones wait again."""
    distrust(session, group.customer_id, actor=_actor(visitor), now=visitor.now)
    return [Press("review.state.distrusted"), _card(session, visitor, group, "distrusted")]


def renew_code(session: Session, visitor: Visitor, group: Group, *, programme: Programme) -> list[Reply]:
    """[Nieuwe code]: the leaked one brings nobody any more; what waits goes on waiting."""
    retire_leaked(session, group.customer_id, actor=_actor(visitor), programme=programme, now=visitor.now)
    return [Press("review.renewed"), _card(session, visitor, group, "waiting")]


def _refused(session: Session, visitor: Visitor, named: str, *, programme: Programme) -> list[Reply]:
    customer_id = programme.identifier("customer", named)
    if customer_id is None:
        raise UnknownCustomer
    found = refusals_of(session, customer_id, programme=programme, now=visitor.now, limit=MOST)
    if not found:
        return [Answer("review_note", {"key": "review.nothing_refused"})]
    return [
        Answer(
            "review_goodwill",
            {
                "customer": customer_id,
                "order": one.order_id,
                "external_id": one.external_id,
                "at": one.at.isoformat(),
                "amount_minor": one.amount_minor,
                "currency": one.currency,
                "reasons": list(one.reasons),
                "left_minor": one.left_minor,
            },
        )
        for one in found
    ]


def _card(session: Session, visitor: Visitor, group: Group, state: str) -> Answer:
    return Answer("review_card", card_of(session, group, state=state), edit=visitor.message_id)


def _actor(visitor: Visitor) -> str:
    return f"owner:{visitor.telegram_id}"


Act = Callable[..., list[Reply]]
ALWAYS = frozenset({"d"})  # about the ambassador, whatever became of the bonuses
ACTS: Mapping[str, Act] = {
    "y": approve,
    "u": approve,
    "n": ask_why,
    "b": show_again,
    **{f"n{number}": turn_down(why) for number, why in enumerate(WHY)},
    "t": trust_them,
    "d": distrust_them,
    "c": renew_code,
}
RENDER = {
    "review_card": render_card,
    "review_goodwill": render_goodwill,
    "review_note": render_note,
    REVIEW_WAITING: render_waiting,
    CODE_LEAKED: render_leaked,
}
