"""Somebody tells of their experience: invitations, drafts and published references, in as few words as a test needs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from referrals.asking import approval, references
from referrals.asking.contacts import plan
from referrals.asking.plays.reference import PLAY, RENEWAL_PLAY
from referrals.asking.shown import seal
from referrals.asking.wall import Item, shown_of, wall
from referrals.people.persons import get_customer
from referrals.programme import Programme
from referrals.recruiting.shops import Buyer
from storage.contacts import Contact
from storage.customers import TELEGRAM, Identity
from storage.mailbox import Chat
from storage.orders import Order
from storage.references import Reference
from storage.surveys import Survey
from tests.builders import Shop, order

OLGA = 9_000_001
CHAT = 101
WORDS = ("Een tafel voor zes.", "Nu eten we elke dag samen.", "Aan mijn zus, want zij zoekt er ook een.")
TEXT = "\n".join(WORDS)


def glad(shop: Shop, name: str, *, days_ago: float = 800, score: int = 10) -> None:
    """This customer of the shop bought twice, so long ago, and gave a 10 the day before yesterday."""
    at = shop.now - timedelta(days=days_ago)
    buyer = Buyer(name, f"{name.lower()}@example.nl", orders=1)
    shop.deliver(*(order(f"{name}-{n}", buyer, at=at + timedelta(days=n)) for n in (0, 40)))
    customer_id = next(each["customer_id"] for each in shop.rows(Order) if each["external_id"] == f"{name}-0")
    shop.database.run(_score, customer_id, score, shop.now - timedelta(days=2))


def ask(shop: Shop) -> list[str | None]:
    """The clock looks for somebody to invite; returns why each was not, None for those who are."""
    shop.database.run(_ask, shop.programme, shop.now)
    return [each["reason"] for each in shop.rows(Contact)]


def invited(shop: Shop, customer_id: int) -> int:
    """An invitation that nobody has answered yet."""
    return shop.database.run(_invite, customer_id, now=shop.now)


def drafted(shop: Shop, customer_id: int, *, words: tuple[str, ...] = WORDS) -> int:
    """A draft of three answers."""
    number = invited(shop, customer_id)
    step(shop, number, references.accept, programme=shop.programme)
    for each in words:
        step(shop, number, references.take_answer, words=each, locale="nl", programme=shop.programme)
    return number


def agreed(
    shop: Shop,
    customer_id: int,
    *,
    uses: tuple[str, ...] = ("website",),
    name: str = "first_name",
    town: str | None = None,
) -> int:
    """The customer said yes to it."""
    number = drafted(shop, customer_id)
    step(shop, number, references.choose_name, kind=name)
    step(shop, number, references.set_town, town=town)
    for use in uses:
        step(shop, number, references.tick, use=use)
    yes(shop, number)
    return number


def published(shop: Shop, customer_id: int, **how: Any) -> int:
    """An owner said yes as well."""
    number = agreed(shop, customer_id, **how)
    step(shop, number, approval.publish, owner=OLGA, programme=shop.programme)
    return number


def yes(shop: Shop, number: int) -> None:
    """The customer says yes to what the screen shows now."""
    shop.database.run(_yes, number, programme=shop.programme, now=shop.now)


def step(shop: Shop, number: int, do: Any, **how: Any) -> Any:
    """One step with this reference, in a transaction of its own."""
    return shop.database.run(_step, number, do, how | {"now": shop.now})


def row(shop: Shop, number: int) -> dict[str, Any]:
    """The reference's row."""
    return next(each for each in shop.rows(Reference) if each["id"] == number)


def on_the_wall(shop: Shop, *, most: int = 50) -> list[Item]:
    """What anybody may see now."""
    return shop.database.look(wall, now=shop.now, limit=most)


def buy(shop: Shop, customer_id: int, *, days_ago: float = 400) -> None:
    """They have been a customer for so many days."""
    shop.database.run(_bought, customer_id, shop.now - timedelta(days=days_ago))


def can_be_written_to(session: Session, customer_id: int, *, now: datetime) -> None:
    """Their chat is connected, and it is theirs for sure."""
    session.add(Chat(chat_id=1000 + customer_id, customer_id=customer_id, last_seen_at=now, created_at=now))
    session.add(Identity(kind=TELEGRAM, value=str(1000 + customer_id), customer_id=customer_id, created_at=now))


def _bought(session: Session, customer_id: int, at: datetime) -> None:
    get_customer(session, customer_id).first_paid_at = at


def _score(session: Session, customer_id: int, score: int, at: datetime) -> None:
    survey = Survey(
        subject=f"test:{customer_id}:{at}", customer_id=customer_id, score=score, scored_at=at, created_at=at
    )
    session.add(survey)


def _ask(session: Session, programme: Programme, now: datetime) -> None:
    for play in (PLAY, RENEWAL_PLAY):
        plan(
            session,
            play,
            play.candidates(session, programme=programme, now=now, limit=100),
            programme=programme,
            now=now,
        )


def _invite(session: Session, customer_id: int, *, now: datetime) -> int:
    reference = Reference(customer_id=customer_id, status="invited", invited_at=now, created_at=now, updated_at=now)
    session.add(reference)
    session.flush()
    assert reference.id is not None
    return reference.id


def _step(session: Session, number: int, do: Any, how: dict[str, Any]) -> Any:
    result = do(session, references.get_reference(session, number), **how)
    return result if isinstance(result, list | str | datetime) else None


def _yes(session: Session, number: int, *, programme: Programme, now: datetime) -> None:
    reference = references.get_reference(session, number)
    sealed = seal(shown_of(reference), reference.uses)
    references.agree(session, reference, sealed=sealed, chat_id=CHAT, locale="nl", programme=programme, now=now)
