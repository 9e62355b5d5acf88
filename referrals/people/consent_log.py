"""Every yes and no of a customer, as it was said: to a shop in its words, or in the chat to ours.

Who may be written to is decided by how customers stand now; this is how that can be shown afterwards. Consents to use
somebody's own words have records of their own (``asking.consents``): they name the exact text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from storage.bulk import fetch_in, insert_rows, update_rows
from storage.customers import Customer
from storage.privacy import ConsentWord

MARKETING, NAME_ON_LINK, MESSAGES = "marketing", "name_on_link", "messages"  # besides the kinds of asking.wishes
CHAT = "chat"
WORDING = "1"  # of our own questions in the catalogues (settings.*, stop.*): other words are another number


@dataclass(frozen=True, slots=True)
class Word:
    """One yes or no."""

    customer_id: int
    about: str
    given: bool
    channel: str
    said_at: datetime
    wording: str | None = None  # None: the shop asked in its own words


def note_words(session: Session, words: Sequence[Word], *, now: datetime) -> None:
    """They are on record, beside whatever was said before."""
    if words:
        insert_rows(session, ConsentWord, [{**asdict(word), "recorded_at": now} for word in words])


def learn_marketing(session: Session, words: Sequence[Word], *, now: datetime) -> None:
    """The newest word on marketing stands for each customer, at one moment a no before a yes, and is on record."""
    said: dict[int, Word] = {}
    for word in words:
        known = said.get(word.customer_id)
        if known is None or _weight(word) > _weight(known):
            said[word.customer_id] = word
    columns = ("id", "marketing_consent", "consent_at")
    rows = fetch_in(session, Customer, "id", list(said), columns=columns)
    stands = {row["id"]: (row["consent_at"], row["marketing_consent"] is False) for row in rows}
    newer = [said[each] for each, known in stands.items() if known[0] is None or _weight(said[each]) > known]
    changes = [{"id": word.customer_id, "marketing_consent": word.given, "consent_at": word.said_at} for word in newer]
    if changes:
        update_rows(session, Customer, changes, key=("id",))
    note_words(session, newer, now=now)


def note_in_chat(session: Session, customer_id: int, *, about: str, given: bool, now: datetime) -> None:
    """What somebody chose in the chat is on record."""
    note_words(session, [Word(customer_id, about, given, CHAT, now, WORDING)], now=now)


def shop_channel(shop: str) -> str:
    """Where it was said, when a shop tells us."""
    return f"shop:{shop}"


def _weight(word: Word) -> tuple[datetime, bool]:
    return (word.said_at, not word.given)
