"""/ranglijst: for customers their own place and their neighbours, for owners the whole board (rules 33)."""

from __future__ import annotations

from datetime import date
from typing import Any

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message
from sqlmodel import Session

from bot.conversation import Look, Turn
from bot.keyboards import back, to_do, to_view
from bot.texts import month_name
from bot.voice import OutMessage, Voice, lines, paragraphs
from referrals.figures.board import board
from referrals.figures.periods import KINDS, MONTH, period_named, period_of
from referrals.figures.place import own_place
from referrals.people.customers import get_customer
from referrals.programme import Programme

OWNERS_TOP = 20
CUSTOMERS_TOP = 3
LONGEST_SHOWN = 40  # characters of a name on the owner's board
UP, DOWN = "▲", "▼"


def router() -> Router:
    """The command in both languages."""
    own = Router(name="board")
    own.message.register(on_board, Command("ranglijst", "leaderboard"))
    return own


async def on_board(_message: Message, turn: Turn) -> None:
    """They asked how it stands."""
    await turn.show("board")


def gather_board(session: Session, look: Look, *, programme: Programme) -> dict[str, Any]:
    """The owner's board, or the customer's own place, in one of the five kinds of period."""
    period = look.argument if look.argument in KINDS else MONTH
    if look.is_owner:
        found = board(session, period=period, programme=programme, now=look.now, top=OWNERS_TOP)
        return {"owner": True, **found.as_dict()}
    customer = get_customer(session, look.customer_id)
    place = own_place(
        session, customer.id, period=period, programme=programme, now=look.now, top=CUSTOMERS_TOP
    ).as_dict()
    end = period_of(period, look.now, zone=programme.zone).end
    return {"owner": False, **place, "restart": end.isoformat() if end else None, "nickname": customer.nickname}


def render_board(voice: Voice, data: dict[str, Any]) -> OutMessage:
    """The board, with a button for every other period."""
    text = _owners(voice, data) if data["owner"] else _customers(voice, data)
    periods = [to_view(voice, f"button.period.{kind}", f"board.{kind}") for kind in KINDS if kind != data["period"]]
    rows = [periods[:2], periods[2:]]  # four in a row are too narrow for a telephone
    if not data["owner"]:
        rows.append([to_do(voice, "button.nickname", "nickname")])
        if data["nickname"]:
            rows[-1].append(to_do(voice, "button.nickname_remove", "nickname_remove"))
    return OutMessage(text, [*rows, back(voice)])


def period_words(voice: Voice, key: str) -> str:
    """2026-11 as november, 2026-W47 as week 47, 2026-Q4 as kwartaal 4."""
    period = period_named(key, zone=voice.programme.zone)
    first = period.first or date.min
    month = month_name(first, voice.locale)
    number = {"week": key[-2:].lstrip("0"), "quarter": key[-1:]}.get(period.kind, "")
    return voice.plain(f"period.{period.kind}", number=number, name=month, year=str(first.year))


def _owners(voice: Voice, data: dict[str, Any]) -> str:
    rows = [
        voice.say(
            "board.full_row",
            place=row["place"],
            move=_move(row["move"]),
            name=_short(row["name"] or row["code"] or row["customer"]),
            friends=row["friends"],
            pending=row["pending"],
            revenue=voice.money(row["revenue_minor"], row["currency"]),
            bonus=voice.money(row["bonus_minor"], row["currency"]),
        )
        for row in data["rows"]
    ]
    title = voice.say("board.full", period=period_words(voice, data["key"]))
    if not rows:
        return paragraphs(title, voice.say("board.empty"))
    left_out = data["excluded"] + data["under_review"]
    hidden = voice.say("board.hidden", count=left_out) if left_out else None
    return paragraphs(title, lines(*rows), lines(voice.say("board.legend"), hidden))


def _customers(voice: Voice, data: dict[str, Any]) -> str:
    period = period_words(voice, data["key"])
    said = {"period": period[:1].upper() + period[1:], "friends": data["friends"]}
    if data["place"] is None:
        own, ahead = voice.say("board.none", **said), None
    else:
        own = voice.say("board.own", place=data["place"], move=_move(data["move"], " ({})"), **said)
        ahead = _ahead(voice, data)
    around = data["neighbours"] or data["top"]
    rows = [_line(voice, line) for line in around] if len(around) > 1 or data["place"] is None else []
    restart = voice.say("board.restart", date=data["restart"]) if data["restart"] else None
    nickname = data["nickname"]
    known = voice.say("board.nickname", nickname=nickname) if nickname else voice.say("board.no_nickname")
    return paragraphs(lines(own, ahead, restart), lines(*rows), known)


def _ahead(voice: Voice, data: dict[str, Any]) -> str:
    if not data["distance_to_next"]:
        return voice.say("board.first")
    better = [line["place"] for line in data["neighbours"] if line["place"] < data["place"]]
    place = better[-1] if better else data["place"] - 1
    return voice.say("board.next", count=data["distance_to_next"], place=place)


def _line(voice: Voice, line: dict[str, Any]) -> str:
    name = voice.plain("board.you") if line["own"] else line["nickname"] or voice.plain("board.somebody")
    return voice.say("board.row", place=line["place"], name=name, friends=line["friends"])


def _short(name: str) -> str:
    """Twenty rows have to fit into one message."""
    return name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}…"


def _move(move: int | None, form: str = " {}") -> str:
    if not move:
        return ""
    return form.format(f"{UP if move > 0 else DOWN}{abs(move)}")


GATHER = {"board": gather_board}
RENDER = {"view.board": render_board}
