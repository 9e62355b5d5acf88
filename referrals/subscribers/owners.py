"""The owners hear when an endpoint is switched off: whoever listened there hears nothing any more."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from sqlmodel import Session

from referrals.notices import WEBHOOK_OFF, tell_owners
from referrals.programme import Programme
from storage.subscribers import WebhookEndpoint


def tell_owners_off(
    session: Session, endpoint: WebhookEndpoint, why: str, *, programme: Programme, now: datetime
) -> None:
    """Every owner who has a chat with the bot hears of it once; the address may hold a secret, so only its host."""
    data = {"webhook": endpoint.id, "host": urlsplit(endpoint.url).hostname or "", "why": why}
    key = f"{WEBHOOK_OFF}:{endpoint.id}:{now.isoformat()}"
    tell_owners(session, WEBHOOK_OFF, key, data, owners=programme.config.telegram.owner_ids, now=now)
