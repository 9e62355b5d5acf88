"""One customer: found through merges, with what they chose and whether they take part."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from referrals.errors import UnknownCustomer
from referrals.people.consent_log import MESSAGES, NAME_ON_LINK, note_in_chat
from storage.auditlog import AuditEvent
from storage.bulk import fetch_in
from storage.customers import ACTIVE, EMAIL, ERASED, GUEST, SHOP, Customer, CustomerAlias, Identity

LONGEST_NAME = 64  # characters of a first name that are kept
LONGEST_NICKNAME = 24
LANGUAGES = ("nl", "en")


def get_customer(session: Session, customer_id: int) -> Customer:
    """The customer, or the one they were merged into.

    Raises:
        UnknownCustomer: Nobody has this id.
    """
    customer = session.get(Customer, survivor(session, customer_id))
    if customer is None:
        raise UnknownCustomer
    return customer


def survivor(session: Session, customer_id: int) -> int:
    """The customer as whom this one lives on after merges; themselves if there was none (rules 15)."""
    alias = session.get(CustomerAlias, customer_id)
    while alias is not None:
        customer_id = alias.customer_id
        alias = session.get(CustomerAlias, customer_id)
    return customer_id


def survivors(session: Session, customer_ids: Iterable[int]) -> dict[int, int]:
    """``survivor`` for many, in a statement or two however many they are; mostly each is themselves."""
    stayed = {customer_id: customer_id for customer_id in customer_ids}
    wanted = set(stayed)
    while wanted:
        rows = fetch_in(session, CustomerAlias, "merged_id", wanted, columns=("merged_id", "customer_id"))
        step = {row["merged_id"]: row["customer_id"] for row in rows}
        stayed = {one: step.get(other, other) for one, other in stayed.items()}
        wanted = set(step.values())
    return stayed


def everybody(session: Session, customer_id: int) -> list[int]:
    """The customer as whom this one lives on, and after them everybody who was merged into that one."""
    return with_merged(session, survivor(session, customer_id))


def with_merged(session: Session, customer_id: int) -> list[int]:
    """This customer, who was merged into nobody, and everybody who was merged into them."""
    found = new = [customer_id]
    while new:
        new = list(session.exec(select(CustomerAlias.merged_id).where(col(CustomerAlias.customer_id).in_(new))))
        found = found + new
    return found


def is_connected(session: Session, customer_id: int) -> bool:
    """Is the person known to a shop, by an account, an address or an order?"""
    query = select(Identity.id).where(Identity.customer_id == customer_id, col(Identity.kind).in_((SHOP, EMAIL, GUEST)))
    return session.exec(query.limit(1)).first() is not None


def set_locale(session: Session, customer_id: int, *, locale: str | None) -> None:
    """They are spoken to in this language; None, or one we do not speak, is the programme's."""
    get_customer(session, customer_id).locale = read_locale(locale)


def set_nickname(session: Session, customer_id: int, *, nickname: str | None) -> str | None:
    """The board shows this name, without control characters and at most 24 long; None or blank hides it."""
    name = clean_name(nickname, longest=LONGEST_NICKNAME)
    get_customer(session, customer_id).nickname = name
    return name


def set_link_consent(session: Session, customer_id: int, *, consent: bool, now: datetime) -> None:
    """The friend's page may show their first name, or may not."""
    customer = get_customer(session, customer_id)
    if customer.link_consent != consent:
        customer.link_consent = consent
        note_in_chat(session, customer.id, about=NAME_ON_LINK, given=consent, now=now)


def stop(session: Session, customer_id: int, *, now: datetime) -> None:
    """From now on they get only answers to their own messages; stopping again keeps the first date."""
    customer = get_customer(session, customer_id)
    if customer.stopped_at is None:
        customer.stopped_at = now
        note_in_chat(session, customer.id, about=MESSAGES, given=False, now=now)


def pause(session: Session, customer_id: int, *, until: datetime | None) -> None:
    """They are asked nothing before this moment; None ends the pause. Money is still reported."""
    get_customer(session, customer_id).paused_until = until


def resume(session: Session, customer_id: int, *, now: datetime) -> None:
    """They are written to again; a pause that they chose goes on until its end."""
    customer = get_customer(session, customer_id)
    if customer.stopped_at is not None:
        customer.stopped_at = None
        note_in_chat(session, customer.id, about=MESSAGES, given=True, now=now)


def set_state(session: Session, customer_id: int, *, state: str, why: str, actor: str, now: datetime) -> None:
    """The customer takes part (``active``), or not (``excluded``, ``staff``); the audit log says who decided and why.

    Doors that exclude somebody re-decide their friends in the same transaction.
    """
    customer = get_customer(session, customer_id)
    if customer.state == state:
        return
    event = AuditEvent(
        at=now,
        actor=actor,
        action="customer:state",
        subject=f"customer:{customer.id}",
        before={"state": customer.state},
        after={"state": state, "why": why},
    )
    customer.state = state
    session.add(event)


def erased_among(session: Session, customer_ids: Iterable[int]) -> frozenset[int]:
    """Those of them who were erased: nothing may be learnt about them anew (rules 41)."""
    rows = fetch_in(session, Customer, "id", customer_ids, columns=("id", "state"))
    return frozenset(row["id"] for row in rows if row["state"] == ERASED)


def takes_part(state: str) -> bool:
    """May this customer have a link and be somebody's friend?"""
    return state == ACTIVE


def clean_name(name: str | None, *, longest: int = LONGEST_NAME) -> str | None:
    """The name as it may be shown: no control or direction characters, single blanks, cut to length."""
    if not name:
        return None
    printable = "".join(" " if symbol.isspace() else symbol for symbol in name if symbol.isspace() or _shows(symbol))
    return " ".join(printable.split())[:longest].strip() or None


def read_locale(locale: str | None) -> str | None:
    """``nl`` or ``en`` from what a shop or an app writes (nl_NL, en-GB); None for anything else."""
    language = (locale or "").replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else None


def _shows(symbol: str) -> bool:
    return not unicodedata.category(symbol).startswith("C")
