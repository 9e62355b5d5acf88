"""When the years of the books are over (``privacy.ledger_years``): people who were long gone are forgotten.

The entries themselves stay, for every balance is their sum; after these years they belong to numbers that lead to
nobody: whoever has had nothing to do with the programme for so long is erased, the orders of erased people lose the
shop's number, and the log of what colleagues did ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists
from sqlmodel import Session, col, select

from referrals.calendar import add_local_months
from referrals.privacy.erasure import erase
from referrals.rewarding.balances import balances
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in, update_rows
from storage.customers import ERASED, Customer, CustomerAlias
from storage.database import books
from storage.ledger import Bonus
from storage.mailbox import Chat
from storage.orders import Order
from storage.privacy import OPEN, ConsentWord, PrivacyRequest

if TYPE_CHECKING:
    from referrals.programme import Programme

CHUNK = 500  # rows a transaction
CUT = "over:"  # before the number of an order whose own is forgotten
ACTOR = "retention"


def years_ago(now: datetime, *, programme: Programme) -> datetime:
    """The moment before which the years of the books are over."""
    return add_local_months(now, -12 * programme.config.privacy.ledger_years, programme.zone)


def idle_people(session: Session, *, programme: Programme, now: datetime, limit: int) -> list[int]:
    """Who has neither ordered, written nor earned anything in all these years, the oldest first."""
    end = years_ago(now, programme=programme)
    person = col(Customer.id)
    since = (
        exists().where(col(Order.customer_id) == person, col(Order.updated_at) >= end),
        exists().where(col(Chat.customer_id) == person, col(Chat.last_seen_at) >= end),
        exists().where(col(Bonus.customer_id) == person, col(Bonus.updated_at) >= end),
        exists().where(col(CustomerAlias.merged_id) == person),
    )
    query = select(Customer.id).where(Customer.created_at < end, Customer.state != ERASED, *(~each for each in since))
    return list(session.exec(query.order_by(person).limit(limit)))


@books
def forget_idle(session: Session, people: Sequence[int], *, programme: Programme, now: datetime) -> int:
    """They are erased, but for those whom the programme still owes something; returns how many were."""
    idle = set(idle_people(session, programme=programme, now=now, limit=len(people) + CHUNK))
    gone = [each for each in people if each in idle and not _is_owed(session, each)]
    for person in gone:
        erase(session, person, actor=ACTOR, programme=programme, now=now)
    return len(gone)


def cut_orders(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """The shop's number of an order is forgotten when its buyer is, and the years are over."""
    query = select(Order.id).join(Customer, col(Customer.id) == col(Order.customer_id))
    old = query.where(
        Customer.state == ERASED,
        Order.updated_at < years_ago(now, programme=programme),
        ~col(Order.external_id).startswith(CUT),
    )
    ids = session.exec(old.limit(CHUNK)).all()
    rows = fetch_in(session, Order, "id", ids, columns=("id",))
    update_rows(session, Order, [row | {"external_id": f"{CUT}{row['id']}", "misses": []} for row in rows], key=("id",))
    return len(ids) or None


def drop_log(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """What colleagues did so long ago is not kept, nor what was asked and done about personal data."""
    end = years_ago(now, programme=programme)
    events = session.exec(select(AuditEvent.id).where(AuditEvent.at < end).limit(CHUNK)).all()
    session.execute(delete(AuditEvent).where(col(AuditEvent.id).in_(events)))
    asked = delete(PrivacyRequest).where(col(PrivacyRequest.asked_at) < end, col(PrivacyRequest.status) != OPEN)
    session.execute(asked)
    return len(events) or None


def drop_words(session: Session, *, programme: Programme, now: datetime) -> int | None:
    """Words on consent of people who are erased prove nothing any more after these years."""
    query = select(ConsentWord.id).join(Customer, col(Customer.id) == col(ConsentWord.customer_id))
    old = query.where(Customer.state == ERASED, ConsentWord.recorded_at < years_ago(now, programme=programme))
    ids = session.exec(old.limit(CHUNK)).all()
    session.execute(delete(ConsentWord).where(col(ConsentWord.id).in_(ids)))
    return len(ids) or None


def _is_owed(session: Session, customer_id: int) -> bool:
    found = balances(session, customer_id).values()
    return any(each.held_minor or each.available_minor or each.reserved_minor for each in found)


CHUNKS = (cut_orders, drop_log, drop_words)
