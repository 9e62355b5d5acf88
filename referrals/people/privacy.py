"""What people's own tables keep of somebody: told to them, or forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, select

from storage.bulk import fetch_in
from storage.codes import Code
from storage.customers import EMAIL, ERASED, TELEGRAM, ConnectToken, Customer, Identity, Phone
from storage.mailbox import Chat
from storage.privacy import ConsentWord
from storage.tallies import Tally

Row = dict[str, Any]
FINGERPRINT = "a keyed fingerprint; the address itself is not kept"
ABOUT = (
    "first_name", "nickname", "locale", "timezone", "marketing_consent", "link_consent", "ambassador_since",
    "first_paid_at", "stopped_at", "paused_until", "created_at",
)  # fmt: skip
CONSENT = ("about", "given", "channel", "wording", "said_at", "recorded_at")
CHAT = ("chat_id", "language_code", "reachable", "awaiting", "home_view", "last_seen_at", "created_at")


def chats_of_people(session: Session, people: Sequence[int]) -> list[int]:
    """The chats of these people, also one that has only its Telegram account left."""
    bound = session.exec(select(Chat.chat_id).where(col(Chat.customer_id).in_(people)))
    return sorted({*bound, *(int(value) for value in _values(session, people, TELEGRAM))})


def chat_subject(chat_id: int) -> str:
    """What an update of this chat is filed under in the inbox."""
    return f"chat:{chat_id}"


def tell_person(session: Session, people: Sequence[int]) -> Row:
    """Names and choices, what they are known by, their codes and their chats."""
    customer = session.get_one(Customer, people[0])
    identities = fetch_in(session, Identity, "customer_id", people)
    codes = fetch_in(session, Code, "customer_id", people, columns=("display", "kind", "main", "created_at"))
    chats = fetch_in(session, Chat, "chat_id", chats_of_people(session, people), columns=CHAT)
    return {
        "person": {name: getattr(customer, name) for name in ABOUT} | {"state": customer.state},
        "known_by": [
            {
                "kind": row["kind"],
                "shop": row["shop"] or None,
                "value": FINGERPRINT if row["kind"] == EMAIL else row["value"],
                "level": row["level"],
                "since": row["created_at"],
            }
            for row in sorted(identities, key=lambda row: row["id"])
        ],
        "other_fingerprints": len(fetch_in(session, Phone, "customer_id", people)),
        "codes": sorted(codes, key=lambda row: (not row["main"], row["created_at"])),
        "chats": sorted(chats, key=lambda row: row["chat_id"]),
        "consents": sorted(
            fetch_in(session, ConsentWord, "customer_id", people, columns=CONSENT),
            key=lambda row: (row["said_at"], row["recorded_at"]),
        ),
        "connect_links": sorted(
            fetch_in(
                session, ConnectToken, "customer_id", people, columns=("created_at", "expires_at", "used_at", "used_by")
            ),
            key=lambda row: row["created_at"],
        ),
    }


def forget_person(session: Session, people: Sequence[int], *, chats: Sequence[int], keep_chat: int | None) -> None:
    """Rows without names are left: a number in the books, its aliases, and codes that nobody else ever gets (rules 17).

    Args:
        session: The session of the transaction.
        people: The customer and everybody who was merged into them.
        chats: Their chats, which are gone.
        keep_chat: The one in which they still read that it is done; it is nobody's from now on.
    """
    emails = _values(session, people, EMAIL)
    tried = [f"connect:email:{value}" for value in emails] + [f"connect:chat:{chat_id}" for chat_id in chats]
    _close_chats(session, people, chats, keep_chat=keep_chat)
    mine = {table: col(table.customer_id).in_(people) for table in (Identity, Phone)}
    for table, condition in mine.items():
        session.execute(delete(table).where(condition))
    session.execute(
        delete(ConnectToken).where(or_(col(ConnectToken.customer_id).in_(people), col(ConnectToken.used_by).in_(chats)))
    )
    session.execute(delete(Tally).where(col(Tally.key).in_(tried)))
    session.execute(update(Chat).where(col(Chat.customer_id).in_(people)).values(customer_id=None))
    session.execute(
        update(Customer)
        .where(col(Customer.id).in_(people))
        .values(
            state=ERASED, first_name=None, nickname=None, locale=None, timezone=None, marketing_consent=None,
            link_consent=False, stopped_at=None, paused_until=None,
        )
    )  # fmt: skip
    session.expire_all()


def forget_chat(session: Session, chat_id: int) -> bool:
    """The chat is gone, unless it is somebody's again; returns whether it is."""
    gone = delete(Chat).where(col(Chat.chat_id) == chat_id, col(Chat.customer_id).is_(None))
    return bool(session.execute(gone).rowcount)  # type: ignore[attr-defined] # a DELETE's result has one


def _close_chats(session: Session, people: Sequence[int], chats: Sequence[int], *, keep_chat: int | None) -> None:
    """A chat that is still spoken to once keeps the language of its reader."""
    for chat in session.exec(select(Chat).where(col(Chat.chat_id).in_(chats))).all():
        if chat.chat_id != keep_chat:
            session.delete(chat)
            continue
        customer = session.get(Customer, people[0])
        chat.language_code = (customer.locale if customer else None) or chat.language_code
        chat.customer_id = chat.home_message_id = chat.home_view = chat.awaiting = None
        chat.home_dirty = False
    session.flush()


def _values(session: Session, people: Sequence[int], kind: str) -> list[str]:
    query = select(Identity.value).where(col(Identity.customer_id).in_(people), Identity.kind == kind)
    return list(session.exec(query))
