"""How a chat becomes a shop customer's: by a one-time link, or by an order's number and address (rules 19, 20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from referrals.notices import CLAIM_ENDED, Notice, write_notices
from referrals.people.customers import verify_chats
from referrals.people.identities import email_fingerprint
from referrals.people.persons import get_customer, is_connected, survivor, takes_part
from referrals.people.tokens import find_token, spend, tell_first_chat
from referrals.people.tries import Limit, count_try
from referrals.programme import Programme
from referrals.recruiting.joining import join
from referrals.recruiting.orders import redecide
from referrals.recruiting.pair_facts import load_pairs
from referrals.recruiting.shops import DELETED
from referrals.recruiting.shops.reading import comparable_number
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in, insert_rows, next_id
from storage.customers import CLAIMED, EMAIL, ERASED, TELEGRAM, VERIFIED, ConnectToken, Customer, Identity
from storage.database import books
from storage.mailbox import Chat
from storage.orders import Order
from storage.referrals import Referral

CLAIM_DAYS = 60  # orders older than this claim nothing
LONGEST_NUMBER = 64
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TRIES_A_CHAT, TRIES_AN_EMAIL, TRIES_OVERALL = 5, 5, 300  # an hour, a day, an hour

CONNECTED, ALREADY, BOUND_ELSEWHERE = "connected", "already", "bound_elsewhere"
USED_ELSEWHERE, EXPIRED, UNKNOWN = "used_elsewhere", "expired", "unknown"
CLAIMED_NOW, MISSED, TOO_MANY, REVIEW = "claimed", "missed", "too_many", "review"


@dataclass(frozen=True, slots=True)
class ConnectOutcome:
    """What became of it; ``told_chat_id`` is the chat that was told about another one at its account."""

    kind: str
    customer_id: int | None = None
    told_chat_id: int | None = None


@books
def connect_by_token(
    session: Session,
    token: str,
    *,
    chat_id: int,
    telegram_id: int,
    programme: Programme,
    now: datetime,
    machine_now: datetime,
) -> ConnectOutcome:
    """The chat is the customer's for sure: connected, or already was; else why not, and nothing is bound.

    The chat's person must have been met. A token that is spent or whose customer has a chat may be handed in
    without asking: nothing changes but that the first chat is told.
    """
    row = find_token(session, token, for_update=True)
    if row is None or get_customer(session, row.customer_id).state == ERASED:
        return ConnectOutcome(UNKNOWN)
    spent = _if_spent(session, row, chat_id=chat_id, now=now, machine_now=machine_now)
    if spent is not None:
        return spent
    customer_id, mine = survivor(session, row.customer_id), _person_of(session, telegram_id)
    others = [each for each in _chat_identities(session, customer_id) if each.value != str(telegram_id)]
    if any(each.level == VERIFIED for each in others):
        tell_first_chat(session, row, chat_id=chat_id, now=now)
        _disown(session, customer_id, mine, programme=programme, now=now)
        return ConnectOutcome(BOUND_ELSEWHERE, told_chat_id=_chat_of(session, customer_id))
    spend(row, chat_id=chat_id, machine_now=machine_now)
    for claim in others:
        _end_claim(session, claim, now=now)
    joined = join(session, customer_id, mine, programme=programme, now=now)
    verify_chats(session, joined)
    return ConnectOutcome(CONNECTED, joined)


@books
def connect_by_order(
    session: Session,
    *,
    chat_id: int,
    order_number: str,
    email: str,
    programme: Programme,
    now: datetime,
    machine_now: datetime,
) -> ConnectOutcome:
    """The chat has claimed the customer of this order: their link and sign-ups, until a token verifies it.

    Every miss is answered alike, and every try counts: 5 a chat and hour, 5 an address and day, 300 an hour in all.
    """
    chat = session.get(Chat, chat_id)
    if chat is None or chat.customer_id is None:
        return ConnectOutcome(MISSED)
    mine = survivor(session, chat.customer_id)
    fingerprint = email_fingerprint(programme, email)
    if not count_try(session, _limits(chat_id, fingerprint), machine_now=machine_now):
        return ConnectOutcome(TOO_MANY)
    if is_connected(session, mine):
        return ConnectOutcome(ALREADY, mine)
    customer_id = _find_claim(session, order_number, fingerprint, programme=programme, now=now)
    if customer_id is None:
        return ConnectOutcome(MISSED)
    return _claim(session, customer_id, mine, programme=programme, now=now)


def _if_spent(
    session: Session, row: ConnectToken, *, chat_id: int, now: datetime, machine_now: datetime
) -> ConnectOutcome | None:
    """What a token is that cannot be used any more; None for a fresh one."""
    if row.used_at is None:
        return ConnectOutcome(EXPIRED) if row.expires_at <= machine_now else None
    if row.used_by == chat_id:
        return ConnectOutcome(ALREADY, survivor(session, row.customer_id))
    tell_first_chat(session, row, chat_id=chat_id, now=now)
    return ConnectOutcome(USED_ELSEWHERE, told_chat_id=row.used_by)


def _claim(session: Session, customer_id: int, mine: int, *, programme: Programme, now: datetime) -> ConnectOutcome:
    """The customer of a matching order: taken by nobody's chat yet, and not brought by the claimant."""
    if _chat_identities(session, customer_id):
        _disown(session, customer_id, mine, programme=programme, now=now)
        return ConnectOutcome(MISSED)
    if _brought(session, mine, customer_id):
        _note_review(session, mine, customer_id, now=now)
        return ConnectOutcome(REVIEW)
    for identity in _chat_identities(session, mine):
        identity.level = CLAIMED
    session.flush()
    return ConnectOutcome(CLAIMED_NOW, join(session, customer_id, mine, programme=programme, now=now))


def _limits(chat_id: int, fingerprint: str | None) -> list[Limit]:
    return [
        Limit(f"connect:chat:{chat_id}", TRIES_A_CHAT, HOUR),
        Limit(f"connect:email:{fingerprint or 'none'}", TRIES_AN_EMAIL if fingerprint else TRIES_OVERALL, DAY),
        Limit("connect:all", TRIES_OVERALL, HOUR),
    ]


def _find_claim(
    session: Session, order_number: str, fingerprint: str | None, *, programme: Programme, now: datetime
) -> int | None:
    """Who ordered under this number with this address, paid, in the last 60 days.

    The number is the shop's id, or what it shows its buyers; where it is both, of two orders, the address decides.
    """
    number, external_id = comparable_number(order_number), order_number.strip().lstrip("#").strip()
    if number is None or len(number) > LONGEST_NUMBER or fingerprint is None:
        return None
    shops = [shop.name for shop in programme.config.shops]
    orders = fetch_in(session, Order, ("shop", "external_id"), [(shop, external_id) for shop in shops])
    orders += fetch_in(session, Order, ("shop", "number"), [(shop, number) for shop in shops])
    since = now - timedelta(days=CLAIM_DAYS)
    buyers = {
        order["customer_id"]
        for order in orders
        if order["paid_at"] is not None and order["created_at"] >= since and order["status"] != DELETED
    }
    query = select(Identity.customer_id).where(Identity.kind == EMAIL, Identity.value == fingerprint)
    owner = session.exec(query).first()
    if owner is None or owner not in buyers:
        return None
    customer = session.get(Customer, owner)
    return owner if customer is not None and takes_part(customer.state) else None


def _person_of(session: Session, telegram_id: int) -> int:
    query = select(Identity.customer_id).where(Identity.kind == TELEGRAM, Identity.value == str(telegram_id))
    return session.exec(query).one()


def _chat_identities(session: Session, customer_id: int) -> list[Identity]:
    query = select(Identity).where(Identity.customer_id == customer_id, Identity.kind == TELEGRAM)
    return list(session.exec(query.order_by(col(Identity.id))))


def _chat_of(session: Session, customer_id: int) -> int | None:
    query = select(Chat.chat_id).where(Chat.customer_id == customer_id, col(Chat.chat_id) > 0)
    return session.exec(query.order_by(col(Chat.created_at)).limit(1)).first()


def _disown(session: Session, customer_id: int, mine: int, *, programme: Programme, now: datetime) -> None:
    """Who holds the account's own link or order in another chat is no friend of that account (rules 16)."""
    pairs = load_pairs(session, [mine])
    pairs.disown(customer_id, mine)
    touched = pairs.save(session, now=now)
    if touched:
        redecide(session, sorted(touched), programme=programme, now=now)


def _end_claim(session: Session, claim: Identity, *, now: datetime) -> None:
    """The chat that had only claimed the account is a person of its own again, and hears so."""
    claimed_id, person_id = claim.customer_id, next_id(session, "customer")
    insert_rows(session, Customer, [{"id": person_id, "created_at": now}])
    claim.customer_id, claim.level = person_id, VERIFIED
    for chat in session.exec(select(Chat).where(Chat.customer_id == claimed_id, Chat.chat_id == int(claim.value))):
        chat.customer_id = person_id
    session.flush()
    notice = Notice(kind=CLAIM_ENDED, customer_id=person_id, key=f"{CLAIM_ENDED}:{claimed_id}:{person_id}")
    write_notices(session, [notice], now=now)


def _brought(session: Session, ambassador_id: int, friend_id: int) -> bool:
    query = select(Referral.id).where(Referral.ambassador_id == ambassador_id, Referral.friend_id == friend_id)
    return session.exec(query.limit(1)).first() is not None


def _note_review(session: Session, claimant_id: int, customer_id: int, *, now: datetime) -> None:
    """An owner finds the claim in the audit log; nothing is joined."""
    event = AuditEvent(
        at=now,
        actor=f"customer:{claimant_id}",
        action="connect:review",
        subject=f"customer:{customer_id}",
        after={"claimant": claimant_id},
    )
    session.add(event)
