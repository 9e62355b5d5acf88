"""One-time links that bind a chat to a shop's customer: made, looked at, spent (rules 19).

Only the hash is stored. Tokens live on the machine's clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, select

from referrals.errors import CustomerExcluded
from referrals.notices import TOKEN_USED_ELSEWHERE, Notice, write_notices
from referrals.people.persons import get_customer, survivor
from referrals.programme import Programme, token_hash
from storage.customers import ERASED, ConnectToken

VALID_DAYS = 30

FRESH, USED_HERE, USED_ELSEWHERE, EXPIRED, UNKNOWN = "fresh", "used_here", "used_elsewhere", "expired", "unknown"


def make_connect_token(
    session: Session, customer_id: int, *, programme: Programme, machine_now: datetime
) -> tuple[str, datetime]:
    """A fresh token for the deep link ``c_<token>`` and when it ends; earlier ones stay valid.

    Raises:
        UnknownCustomer: Nobody has this id.
        CustomerExcluded: They were erased.
    """
    customer = get_customer(session, customer_id)
    if customer.state == ERASED:
        raise CustomerExcluded
    token = programme.maker.token()
    expires_at = machine_now + timedelta(days=VALID_DAYS)
    row = ConnectToken(
        token_hash=token_hash(token), customer_id=customer.id, created_at=machine_now, expires_at=expires_at
    )
    session.add(row)
    session.flush()
    return token, expires_at


def token_state(session: Session, token: str, *, chat_id: int, machine_now: datetime) -> str:
    """What this token is to this chat: fresh, used_here, used_elsewhere, expired or unknown."""
    row = find_token(session, token)
    if row is None:
        return UNKNOWN
    if row.used_at is not None:
        return USED_HERE if row.used_by == chat_id else USED_ELSEWHERE
    return EXPIRED if row.expires_at <= machine_now else FRESH


def find_token(session: Session, token: str, *, for_update: bool = False) -> ConnectToken | None:
    """The token's row; None for one that was never made. ``for_update`` holds it until the end."""
    if not token.isascii():
        return None
    query = select(ConnectToken).where(ConnectToken.token_hash == token_hash(token))
    return session.exec(query.with_for_update() if for_update else query).first()


def spend(row: ConnectToken, *, chat_id: int, machine_now: datetime) -> None:
    """The token is this chat's, once and for ever."""
    row.used_at = machine_now
    row.used_by = chat_id


def tell_first_chat(session: Session, row: ConnectToken, *, chat_id: int, now: datetime) -> None:
    """The customer's own chat hears, once for each other chat, that somebody there holds their link (rules 19)."""
    notice = Notice(
        kind=TOKEN_USED_ELSEWHERE,
        customer_id=survivor(session, row.customer_id),
        key=f"{TOKEN_USED_ELSEWHERE}:{row.token_hash[:16]}:{chat_id}",
    )
    write_notices(session, [notice], now=now)
