"""What shops asked about personal data is done: somebody is forgotten, or the owners hear what they have to do.

A shop that leaves (Shopify's ``shop/redact``) forgets nobody by itself: the customers are the owner's, who decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from referrals.asking.owners import tell_owners
from referrals.notices import DATA_REQUESTED, SHOP_LEAVES, reachable_owners
from referrals.people.identities import find_customers
from referrals.privacy.erasure import erase
from referrals.programme import Programme
from referrals.recruiting.shops import DATA_REQUEST, REDACT
from storage.bulk import fetch_in
from storage.customers import ERASED, SHOP, Customer
from storage.database import books
from storage.privacy import DONE, NOBODY, OPEN, PrivacyRequest

TO_ANSWER = timedelta(days=30)  # what the shops' terms and the law give


def open_requests(session: Session, *, programme: Programme, limit: int) -> list[int]:
    """What can be done now, the oldest first; what an owner has to hear waits until one can be written to."""
    query = select(PrivacyRequest.id).where(PrivacyRequest.status == OPEN)
    if not reachable_owners(session, programme.config.telegram.owner_ids):
        query = query.where(PrivacyRequest.kind == REDACT)
    return list(session.exec(query.order_by(col(PrivacyRequest.asked_at), col(PrivacyRequest.id)).limit(limit)))


@books
def answer_requests(session: Session, ids: Sequence[int], *, programme: Programme, now: datetime) -> int:
    """Each is done, and names nobody any more; returns how many were."""
    query = select(PrivacyRequest).where(col(PrivacyRequest.id).in_(ids), PrivacyRequest.status == OPEN)
    requests = session.exec(query.order_by(col(PrivacyRequest.id))).all()
    for request in requests:
        request.status = _answer(session, request, programme=programme, now=now)
        request.done_at = now
        if request.account:
            request.account = programme.fingerprint(f"account:{request.shop}:{request.account}")
    session.flush()
    return len(requests)


def _answer(session: Session, request: PrivacyRequest, *, programme: Programme, now: datetime) -> str:
    data = {"shop": request.shop, "until_at": (request.asked_at + TO_ANSWER).isoformat()}
    if request.kind not in {REDACT, DATA_REQUEST}:
        tell_owners(session, SHOP_LEAVES, data, key=f"{SHOP_LEAVES}:{request.id}", programme=programme, now=now)
        return DONE
    customer_id = _customer(session, request)
    if customer_id is None:
        return NOBODY
    if request.kind == REDACT:
        erase(session, customer_id, actor=f"shop:{request.shop}", programme=programme, now=now)
        return DONE
    key = f"{DATA_REQUESTED}:{request.id}"
    tell_owners(session, DATA_REQUESTED, data | {"customer": customer_id}, key=key, programme=programme, now=now)
    return DONE


def _customer(session: Session, request: PrivacyRequest) -> int | None:
    """Who has this account; nobody where they were erased meanwhile."""
    identity = (SHOP, request.shop, request.account)
    customer_id = find_customers(session, [identity]).get(identity)
    rows = fetch_in(session, Customer, "id", [] if customer_id is None else [customer_id], columns=("id", "state"))
    return next((row["id"] for row in rows if row["state"] != ERASED), None)
