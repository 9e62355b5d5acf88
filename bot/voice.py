"""How a screen speaks: the words of one reader's language, and the message that comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from aiogram.types import InlineKeyboardButton

from bot.texts import Texts
from referrals.campaigns import Offer, offer_at
from referrals.programme import Programme
from referrals.reasons import Reason

HOME, ANSWER, NOTICE = "home", "answer", "notice"

Rows = Sequence[Sequence[InlineKeyboardButton]]


@dataclass(frozen=True, slots=True)
class Photo:
    """A QR code of an address; ``name`` is what its file is remembered by at Telegram."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file, named as it is saved."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutMessage:
    """A message as it is sent: HTML and buttons; with a photo or a document the text is its caption."""

    text: str
    rows: Rows = ()
    photo: Photo | None = None
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """The catalogue in the reader's language; ``place`` is where it speaks: home, answer or notice."""

    texts: Texts
    locale: str
    programme: Programme
    place: str = ANSWER
    is_owner: bool = False
    sees_history: bool = True
    name: str | None = None  # the reader's first name, where we know it
    now: datetime | None = None  # the programme's time, for what holds for a while only

    def say(self, key: str, **data: Any) -> str:
        """A text for a message: what is filled in is escaped. ``{shop}`` is always there."""
        return self.texts.say_html(key, self.locale, **{"shop": self.shop, **data})

    def plain(self, key: str, **data: Any) -> str:
        """A text for a button, or to be shared."""
        return self.texts.say(key, self.locale, **{"shop": self.shop, **data})

    @property
    def shop(self) -> str:
        """What the programme is called."""
        return self.programme.config.programme.name

    @property
    def offer(self) -> Offer:
        """What both sides get now."""
        return offer_at(self.programme.config, self.now)

    def money(self, amount_minor: int, currency: str | None = None) -> str:
        """An amount, in the programme's currency where none is named."""
        return self.texts.money(amount_minor, currency or self.programme.currency, self.locale)

    def sums(self, amounts: Mapping[str, int]) -> str:
        """Amounts in several currencies, which are never added: € 10 en US$ 5."""
        said = [self.money(amount, currency) for currency, amount in amounts.items() if amount]
        while len(said) > 1:
            said[-2:] = [self.plain("list.and", first=said[-2], last=said[-1])]
        return said[0] if said else self.money(0)

    def day(self, moment: date | datetime | str) -> str:
        """A day in words."""
        return self.texts.day(moment, self.locale)

    def year(self, moment: str) -> str:
        """The year that it is then in the programme's zone."""
        return str(datetime.fromisoformat(moment).astimezone(self.programme.zone).year)

    def hour(self, moment: time) -> str:
        """A time of day in words."""
        return self.texts.hour(moment, self.locale)

    def unescaped(self, reasons: Sequence[Reason]) -> str:
        """Why, in sentences with their dates and amounts, each once; to be filled into another text."""
        return " ".join(dict.fromkeys(self._reason(reason) for reason in reasons))

    def _reason(self, reason: Reason) -> str:
        data = {name: value for name, value in reason.items() if name != "code"}
        key = f"reason.{reason['code']}"
        return self.plain(key if self.texts.has(key) else "reason.internal_error", **data)


def lines(*parts: str | None) -> str:
    """The parts that there are, each on a line of its own."""
    return "\n".join(part for part in parts if part)


def paragraphs(*parts: str | None) -> str:
    """The parts that there are, with air between them."""
    return "\n\n".join(part for part in parts if part)
