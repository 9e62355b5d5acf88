"""This installation's programme: its configuration, its made keys, its maker of chance.

Every use case gets one as ``programme``; the keys are made by ``migrate`` and live in the database.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hashids import Hashids
from sqlmodel import select

from referrals.chance import Maker
from storage.installation import Setting

if TYPE_CHECKING:
    from sqlmodel import Session

    from referrals.config import Config

NUMBER_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # nothing that is read aloud wrongly
LARGEST_ID = 2**63 - 1  # of any row; longer words lead to numbers that no database knows
NUMBER_LENGTH = 5
CHAT_BASE = "https://t.me"  # where links into the chat lead; the try-out has a chat page of its own
MADE_KEYS = ("fingerprint_key", "number_salt")


@dataclass(frozen=True)
class Programme:
    """Configuration and keys together."""

    config: Config
    fingerprint_key: bytes
    number_salt: str
    chat_base: str = CHAT_BASE
    maker: Maker = field(default_factory=Maker)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The programme's time zone: days, months and quiet hours are local to it."""
        return ZoneInfo(self.config.programme.timezone)

    @property
    def currency(self) -> str:
        """The programme's currency, ISO 4217."""
        return self.config.programme.currency

    def fingerprint(self, text: str) -> str:
        """A keyed fingerprint (HMAC-SHA256, hex) that says "the same" and nothing else."""
        return hmac.digest(self.fingerprint_key, text.encode(), "sha256").hex()

    def derived(self, purpose: str, text: str) -> bytes:
        """A key of 32 bytes that only this installation can make, another one for each purpose and text."""
        key = hmac.digest(self.fingerprint_key, f"derived:{purpose}".encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256")

    def number(self, kind: str, identifier: int) -> str:
        """The short public number of a customer, bonus or referral; never a secret, never a right."""
        number: str = self._hashids(kind).encode(identifier)
        return number

    def identifier(self, kind: str, number: str) -> int | None:
        """The id behind a public number, in any case; None where none was ever given out."""
        decoded = self._hashids(kind).decode(number.strip().upper())
        return decoded[0] if len(decoded) == 1 and decoded[0] <= LARGEST_ID else None

    def chat_link(self, bot_name: str, payload: str) -> str:
        """The deep link that opens the bot's chat with a START payload (contract: ``r_``, ``c_``, ``o``)."""
        return f"{self.chat_base}/{bot_name}?start={payload}"

    def _hashids(self, kind: str) -> Hashids:
        numbers = self._numbers.get(kind)
        if numbers is None:
            # Only so much of a salt counts as the alphabet is long: behind the salt the kind would make no difference.
            numbers = Hashids(salt=f"{kind}:{self.number_salt}", min_length=NUMBER_LENGTH, alphabet=NUMBER_ALPHABET)
            self._numbers[kind] = numbers
        return numbers

    @cached_property
    def _numbers(self) -> dict[str, Hashids]:
        return {}


def token_hash(token: str) -> str:
    """What is kept of a token: its SHA-256, hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_keys(session: Session, maker: Maker) -> None:
    """The installation has its keys; those it has are left alone."""
    for name in MADE_KEYS:
        if session.get(Setting, name) is None:
            session.add(Setting(key=name, value=maker.key()))


def load_programme(
    session: Session, config: Config, *, maker: Maker | None = None, chat_base: str = CHAT_BASE
) -> Programme:
    """The programme of this database; its keys must have been made (``migrate``)."""
    settings = {row.key: row.value for row in session.exec(select(Setting)).all()}
    return Programme(
        config=config,
        fingerprint_key=bytes.fromhex(settings["fingerprint_key"]),
        number_salt=settings["number_salt"],
        chat_base=chat_base,
        maker=maker or Maker(),
    )
