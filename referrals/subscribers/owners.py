"""The owners hear when an endpoint is switched off: whoever listened there hears nothing any more."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from referrals.notices import WEBHOOK_OFF
from referrals.programme import Programme
from storage.bulk import insert_rows
from storage.mailbox import Chat, Outbox, to_chat
from storage.subscribers import WebhookEndpoint


def tell_owners_off(
    session: Session, endpoint: WebhookEndpoint, why: str, *, programme: Programme, now: datetime
) -> None:
    """Every owner who has a chat with the bot hears of it once; the address may hold a secret, so only its host."""
    owners = programme.config.telegram.owner_ids
    found = session.exec(select(Chat.chat_id).where(col(Chat.chat_id).in_(owners))) if owners else ()
    data = {"webhook": endpoint.id, "host": urlsplit(endpoint.url).hostname or "", "why": why}
    key = f"{WEBHOOK_OFF}:{endpoint.id}:{now.isoformat()}"
    rows = [to_chat(owner, WEBHOOK_OFF, data, key=f"{key}:{owner}", now=now) for owner in sorted(found)]
    insert_rows(session, Outbox, rows, ignore_conflicts=True)
