"""A person is forgotten, and the books keep every entry (rules 41).

What is left is a number: orders, pairs and the ledger carry it as a pseudonym, and a state of an order that the shop
tells again finds its row and makes nobody anew. Bonuses that still wait are taken back; credit stays booked under the
number, where nobody can spend it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from referrals.asking.privacy import forget_asking, subjects_of
from referrals.asking.tellings import published_of, withdrawal
from referrals.people.persons import everybody, get_customer
from referrals.people.privacy import chats_of_people, forget_person
from referrals.privacy.traces import forget_bodies, forget_log, forget_messages, forget_replies
from referrals.programme import Programme
from referrals.recruiting.orders import redecide
from referrals.recruiting.privacy import forget_recruiting
from referrals.rewarding.gifts import end_gifts
from referrals.subscribers.events import CUSTOMER_ERASED, Happening, tell_subscribers
from referrals.subscribers.privacy import forget_events
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in
from storage.customers import ERASED
from storage.database import books
from storage.ledger import HELD, Bonus


@dataclass(frozen=True, slots=True)
class Erased:
    """Who is gone; ``before`` is how they stood, ``again`` when they had been gone already."""

    customer_id: int
    before: str

    @property
    def again(self) -> bool:
        """Whether nothing was left to do."""
        return self.before == ERASED


@books
def erase(
    session: Session,
    customer_id: int,
    *,
    actor: str,
    programme: Programme,
    now: datetime,
    keep_chat: int | None = None,
) -> Erased:
    """Nothing says any more who this was, in whatever table; once more changes nothing.

    Args:
        session: The session of the transaction.
        customer_id: The customer, or anybody who was merged into them.
        actor: Who wants it, for the audit log.
        programme: The programme.
        now: The programme's time.
        keep_chat: The chat in which they read that it is done; ``close_chat`` ends it afterwards.

    Raises:
        UnknownCustomer: Nobody has this number.
    """
    customer = get_customer(session, customer_id)
    erased = Erased(customer.id, customer.state)
    if erased.again:
        return erased
    people = everybody(session, customer.id)
    chats = chats_of_people(session, people)
    public = published_of(session, people)
    forget_bodies(session, people, chats=chats, programme=programme, now=now)
    forget_log(session, people, subjects=subjects_of(session, people))
    forget_replies(session, people, programme=programme)
    forget_asking(session, people, programme=programme, now=now)
    forget_recruiting(session, people)
    end_gifts(session, people, now=now)
    forget_person(
        session, people, chats=[each for each in chats if not _is_owners(each, programme)], keep_chat=keep_chat
    )
    redecide(session, _waited_for(session, people), programme=programme, now=now)
    forget_messages(session, people, chats=chats)  # also what the decisions just wrote
    forget_events(session, people)  # likewise
    tell_subscribers(session, _last_word(erased.customer_id, public, now=now), now=now)
    event = AuditEvent(
        at=now,
        actor=actor,
        action="customer:erase",
        subject=f"customer:{erased.customer_id}",
        before={"state": erased.before},
        after={"state": ERASED},
    )
    session.add(event)
    session.flush()
    return erased


def _waited_for(session: Session, people: Sequence[int]) -> list[int]:
    """The friends whose bonuses these people still wait for, also for a place in a full month: they get none."""
    bonuses = fetch_in(session, Bonus, "customer_id", people, columns=("friend_id", "status", "capped"))
    return sorted({row["friend_id"] for row in bonuses if row["status"] == HELD or row["capped"]})


def _last_word(customer_id: int, references: Sequence[int], *, now: datetime) -> Iterator[Happening]:
    """What subscribers must do about it: take down what was published, and forget the number themselves."""
    for reference_id in references:
        yield withdrawal(reference_id, customer_id, uses=(), because=ERASED, now=now)
    yield Happening(CUSTOMER_ERASED, f"{CUSTOMER_ERASED}:{customer_id}", {"customer": customer_id}, customer_id)


def _is_owners(chat_id: int, programme: Programme) -> bool:
    """An owner's chat stays: cards of other people's cases stand in it."""
    return chat_id in programme.config.telegram.owner_ids
