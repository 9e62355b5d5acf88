"""Referral codes: how they are made, read back from any spelling, and found (rules 17).

A made code has seven random symbols and one that checks them. What people type is folded before it is
compared: shops change the case, people read O for 0 and I or L for 1.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from referrals.chance import Maker
from referrals.reasons import CODE_TYPING_ERROR, UNKNOWN_CODE
from storage.bulk import fetch_in
from storage.codes import Code

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # A-Z and 2-9 without I, L, O: 31 symbols, a prime
RANDOM_SYMBOLS = 7
LENGTH = RANDOM_SYMBOLS + 1
LONGEST_TYPED = 100  # characters that are looked at; the longest code has 24

VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}
CHECK_FACTOR = pow(-LENGTH, -1, len(ALPHABET))  # makes the last symbol cancel the weighted sum of the others

KEPT = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
FOLDING = {**{ord(symbol): symbol for symbol in KEPT}, ord("O"): "0", ord("I"): "1", ord("L"): "1"}


class CodeHit(NamedTuple):
    """A code that is somebody's."""

    code_id: int
    customer_id: int
    display: str
    retired_at: datetime | None = None  # typed from then on it brings nobody; in a link it still does

    def is_retired(self, at: datetime) -> bool:
        """Whether somebody who types it at this moment was sent by nobody."""
        return self.retired_at is not None and at >= self.retired_at


@dataclass(frozen=True, slots=True)
class CodeMiss:
    """What was typed is nobody's code; the reason says whether it looks like a typing error."""

    reason: str  # unknown_code or code_typing_error
    typed: str


def normalise(text: str) -> str:
    """The code as it is compared: capitals and digits only, O as 0, I and L as 1."""
    text = text[:LONGEST_TYPED]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return "".join([FOLDING[place] for place in map(ord, text.upper()) if place in FOLDING])


def is_typing_error(normalised: str) -> bool:
    """Could it have been a made code, had every symbol been typed right?"""
    if len(normalised) != LENGTH or any(symbol not in VALUES for symbol in normalised):
        return False
    return weighted(normalised) % len(ALPHABET) != 0


def make_code(maker: Maker) -> str:
    """A fresh code as it is shown; whether somebody has it already is for the unique key to say."""
    symbols = maker.symbols(ALPHABET, RANDOM_SYMBOLS)
    return symbols + ALPHABET[weighted(symbols) * CHECK_FACTOR % len(ALPHABET)]


def find_codes(session: Session, typed: Collection[str]) -> dict[str, CodeHit | CodeMiss]:
    """Every spelling with the code that it names, or with why it names none."""
    spellings = {text: normalise(text) for text in typed}
    rows = fetch_in(
        session,
        Code,
        "normalised",
        {name for name in spellings.values() if name},
        columns=("normalised", "id", "customer_id", "display", "retired_at"),
    )
    hits = {
        row["normalised"]: CodeHit(row["id"], row["customer_id"], row["display"], row["retired_at"]) for row in rows
    }
    return {text: hits.get(name) or _miss(text, name) for text, name in spellings.items()}


def weighted(symbols: str) -> int:
    """The sum of place times value, places counted from one."""
    return sum(place * VALUES[symbol] for place, symbol in enumerate(symbols, start=1))


def _miss(typed: str, normalised: str) -> CodeMiss:
    return CodeMiss(CODE_TYPING_ERROR if is_typing_error(normalised) else UNKNOWN_CODE, typed[:LONGEST_TYPED])
