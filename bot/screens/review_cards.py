"""How a decision looks to an owner: who, how much, since when, and each signal in plain words with its points."""

from __future__ import annotations

from typing import Any

from aiogram.types import InlineKeyboardButton
from sqlmodel import Session

from bot.voice import OutMessage, Rows, Voice, lines, paragraphs
from referrals.notices import CODE_LEAKED, REVIEW_WAITING
from referrals.people.enrolment import code_of
from referrals.people.persons import get_customer
from referrals.reviewing.decide import WHY
from referrals.reviewing.queue import Group
from referrals.screening.score import LEAKED_CODE
from storage.codes import Code

NOBODY = "-"


def card_of(session: Session, group: Group, *, state: str) -> dict[str, Any]:
    """All that a card shows and that its buttons carry."""
    customer = get_customer(session, group.customer_id)
    code: Code | None = code_of(session, customer.id)
    return {
        "customer": customer.id,
        "name": customer.first_name,
        "code": code.display if code else NOBODY,
        "cause": group.cause,
        "last": group.last_id,
        "count": group.count,
        "sums": group.sums,
        "since_at": group.since.isoformat(),
        "score": group.score,
        "signals": list(group.signals),
        "state": state,
    }


def render_card(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The state in a line, the facts, the signals, and the buttons that do something now."""
    number = voice.programme.number("customer", data["customer"])
    who = voice.say("review.who_named" if data["name"] else "review.who", **_of(data, number))
    sums = voice.say("review.sums", count=data["count"], sums=voice.sums(data["sums"]), since_at=data["since_at"])
    signals = [_signal(voice, part) for part in data["signals"]]
    parts = lines(voice.say("review.score", score=data["score"]), *signals) if signals else None
    known = lines(who, sums if data["count"] and data["state"] in ("waiting", "asked") else None)
    return OutMessage(paragraphs(voice.say(f"review.state.{data['state']}"), known, parts), _buttons(voice, data))


def render_goodwill(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """One order that earned nothing, why, and what may be given for it."""
    number = voice.programme.number("customer", data["customer"])
    text = paragraphs(
        voice.say("review.refused_order", number=number, order=data["external_id"], date=data["at"]),
        voice.say("review.refused_why", reason=voice.unescaped(data["reasons"])) if data["reasons"] else None,
        voice.say("review.left", left=voice.money(data["left_minor"])) if data["left_minor"] is not None else None,
    )
    if not data["amount_minor"]:
        return OutMessage(paragraphs(text, voice.say("error.nothing_to_give")))
    amount = voice.money(data["amount_minor"], data["currency"])
    button = f"g1:{data['customer']}:{data['order']}"
    said = voice.plain("button.review.goodwill", amount=amount)
    return OutMessage(text, [[InlineKeyboardButton(text=said, callback_data=button)]])


def render_note(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A line of its own."""
    return OutMessage(voice.say(data["key"], **{name: value for name, value in data.items() if name != "key"}))


def render_waiting(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """So many wait."""
    return OutMessage(voice.say(f"notice.{REVIEW_WAITING}", count=data["count"]))


def render_leaked(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """A code goes around among strangers."""
    number = voice.programme.number("customer", data["customer"])
    return OutMessage(voice.say(f"notice.{CODE_LEAKED}", code=data["code"], number=number))


def _of(data: dict[str, Any], number: str) -> dict[str, Any]:
    named = {"name": data["name"]} if data["name"] else {}
    return {"number": number, "code": data["code"], **named}


def _signal(voice: Voice, part: dict[str, Any]) -> str:
    found = {name: part[name] for name in ("count", "days") if name in part}
    return voice.say("review.signal", what=voice.plain(f"signal.{part['code']}", **found), points=part["points"])


def _buttons(voice: Voice, data: dict[str, Any]) -> Rows:
    def button(key: str, what: str) -> InlineKeyboardButton:
        carried = f"v1:{what}:{data['customer']}:{data['cause']}:{data['last']}"
        return InlineKeyboardButton(text=voice.plain(f"button.review.{key}"), callback_data=carried)

    if data["state"] == "waiting":
        more = button("renew", "c") if data["cause"] == LEAKED_CODE else button("trust", "t")
        return [[button("approve", "y"), button("refuse", "n")], [more]]
    if data["state"] == "asked":
        return [*([button(why, f"n{place}")] for place, why in enumerate(WHY)), [button("back", "b")]]
    if data["state"] == "turned_down":
        return [[button("undo", "u")]]
    return [[button("distrust", "d")]] if data["state"] == "trusted" else []
