"""Customers: the front of this room. Meeting somebody in a chat, and how sure it is who they are.

A person who only talks to the bot has a chat and no name (rules 41); connecting gives them the
shop's customer (``recruiting.connect``), asking for a link makes them an ambassador. What one
customer is stands in ``persons``, codes and links in ``enrolment``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from referrals.errors import NotVerified
from referrals.people.enrolment import (
    CodeView,
    Links,
    bot_name,
    code_of,
    enrol_ambassador,
    get_bot_name,
    give_vanity_code,
    learn_bot_name,
    links,
    profile,
    view_code,
)
from referrals.people.persons import (
    clean_name,
    get_customer,
    is_connected,
    pause,
    read_locale,
    resume,
    set_link_consent,
    set_locale,
    set_nickname,
    set_state,
    stop,
    survivor,
    takes_part,
)
from storage.bulk import insert_rows, next_id
from storage.customers import CLAIMED, TELEGRAM, VERIFIED, Customer, Identity
from storage.mailbox import Chat

__all__ = [
    "Access",
    "CodeView",
    "Links",
    "access_of",
    "bot_name",
    "check_verified",
    "code_of",
    "enrol_ambassador",
    "get_bot_name",
    "get_customer",
    "give_vanity_code",
    "is_connected",
    "learn_bot_name",
    "links",
    "meet",
    "pause",
    "profile",
    "read_locale",
    "resume",
    "sees_history",
    "set_link_consent",
    "set_locale",
    "set_nickname",
    "set_state",
    "stop",
    "survivor",
    "takes_part",
    "verify_chats",
    "view_code",
]

CHAT_ONLY = "chat_only"


def meet(
    session: Session,
    *,
    telegram_id: int,
    chat_id: int,
    first_name: str | None,
    language_code: str | None,
    at: datetime,
    now: datetime,
) -> int:
    """The chat's person exists, the chat is theirs and reachable; returns the customer.

    The first name is kept only of somebody who is connected for sure and has none yet (rules 41).
    ``at`` is the date of their message.
    """
    identity = _chat_identity(session, telegram_id) or _newcomer(session, telegram_id, now=now)
    chat = session.get(Chat, chat_id)
    if chat is None:
        chat = Chat(chat_id=chat_id, created_at=now)
    chat.customer_id = identity.customer_id
    chat.reachable = True
    chat.language_code = language_code
    chat.last_seen_at = max(min(at, now), chat.last_seen_at or min(at, now))
    session.add(chat)
    if first_name and identity.level == VERIFIED:
        _keep_name(session, identity.customer_id, first_name)
    session.flush()
    return identity.customer_id


@dataclass(frozen=True, slots=True)
class Access:
    """What a chat may see: ``level`` is chat_only, claimed or verified (rules 20)."""

    customer_id: int
    level: str

    @property
    def sees_history(self) -> bool:
        """Claimed accounts show their link and sign-ups, but no export, history, name or redemption."""
        return self.level != CLAIMED


def access_of(session: Session, *, telegram_id: int) -> Access | None:
    """Whose the chat of this Telegram account is and how sure that is; None before they ever wrote."""
    identity = _chat_identity(session, telegram_id)
    if identity is None:
        return None
    if not is_connected(session, identity.customer_id):
        return Access(identity.customer_id, CHAT_ONLY)
    return Access(identity.customer_id, identity.level)


def sees_history(session: Session, *, telegram_id: int) -> bool:
    """Whether this Telegram account may see more than its link and sign-ups: all but claimed ones may (rules 20)."""
    access = access_of(session, telegram_id=telegram_id)
    return access is None or access.sees_history


def check_verified(session: Session, *, telegram_id: int) -> None:
    """The chat is the customer's for sure, or nobody's yet. Raises: NotVerified."""
    if not sees_history(session, telegram_id=telegram_id):
        raise NotVerified


def verify_chats(session: Session, customer_id: int) -> None:
    """The chats of this customer are theirs for sure: a token or a fresh order said so (rules 20)."""
    query = select(Identity).where(Identity.customer_id == customer_id, Identity.kind == TELEGRAM)
    for identity in session.exec(query):
        identity.level = VERIFIED
    session.flush()


def _chat_identity(session: Session, telegram_id: int) -> Identity | None:
    query = select(Identity).where(Identity.kind == TELEGRAM, Identity.shop == "", Identity.value == str(telegram_id))
    return session.exec(query).first()


def _newcomer(session: Session, telegram_id: int, *, now: datetime) -> Identity:
    """A person of their own for a chat that nobody knows; whoever was first is the one."""
    customer_id = next_id(session, "customer")
    insert_rows(session, Customer, [{"id": customer_id, "created_at": now}])
    row = {"kind": TELEGRAM, "shop": "", "value": str(telegram_id), "customer_id": customer_id, "created_at": now}
    insert_rows(session, Identity, [row], ignore_conflicts=True)
    identity = _chat_identity(session, telegram_id)
    if identity is None:
        raise AssertionError("an identity that was just written is there")
    if identity.customer_id != customer_id:
        session.delete(session.get(Customer, customer_id))
    return identity


def _keep_name(session: Session, customer_id: int, first_name: str) -> None:
    customer = session.get(Customer, customer_id)
    if customer is not None and customer.first_name is None and is_connected(session, customer_id):
        customer.first_name = clean_name(first_name)
