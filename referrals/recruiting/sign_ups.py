"""Shop accounts as they are now, and which of them signed up through a link (rules 14, 40).

One list use case for hooks, the API and the importer. What a state says about a person is folded in
order; whether a sign-up stands is for ``orders.redecide`` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.errors import CustomerExcluded
from referrals.people.consent_log import MARKETING, Word, note_words, shop_channel
from referrals.people.enrolment import code_of, enrol_ambassador
from referrals.people.identities import (
    Person,
    PersonKeys,
    email_fingerprint,
    find_customers,
    remember_phones,
    resolve_people,
)
from referrals.people.marks import email_fingerprints
from referrals.people.persons import clean_name, read_locale
from referrals.programme import Programme
from referrals.reasons import EXCLUDED_CUSTOMER, Reason, reason
from referrals.recruiting.orders import redecide
from referrals.recruiting.pair_facts import load_pairs, why_not
from referrals.recruiting.shops import CustomerState
from referrals.recruiting.sign_up_evidence import Evidence, Signposts, take_evidence
from storage.bulk import fetch_in, update_rows
from storage.customers import ERASED, SHOP, Customer, Phone
from storage.database import books

Row = dict[str, Any]
ABOUT = ("first_name", "locale", "marketing_consent", "consent_at")


@dataclass(slots=True)
class CustomerOutcome:
    """What one state came to; ``customer_id`` is None where a deleted account was never known."""

    customer_id: int | None
    created: bool = False
    changed: bool = False
    reasons: list[Reason] = field(default_factory=list)


@books
def apply_customers(
    session: Session,
    states: Sequence[CustomerState],
    *,
    programme: Programme,
    now: datetime,
    quiet: bool = False,
) -> list[CustomerOutcome]:
    """Every account is known as its state says; a sign-up through a link is a pair, and its friend is re-decided.

    The same state again changes nothing. An erased person stays erased. ``quiet`` tells nobody.
    """
    outcomes, people = _resolve(session, states, programme=programme, now=now)
    rows = _customers(session, outcomes)
    _describe(session, states, outcomes, rows, now=now)
    alive = [row is None or row["state"] != ERASED for row in (rows.get(each.customer_id or 0) for each in outcomes)]
    signing = [
        (state, outcome, person)
        for state, outcome, person, lives in zip(states, outcomes, people, alive, strict=True)
        if person is not None and lives
    ]
    _sign_up(session, signing, programme=programme, now=now, quiet=quiet)
    for state, outcome in zip(states, outcomes, strict=True):
        if state.ambassador and not state.deleted:
            _enrol(session, outcome, programme=programme, now=now)
    return outcomes


def _resolve(
    session: Session, states: Sequence[CustomerState], *, programme: Programme, now: datetime
) -> tuple[list[CustomerOutcome], list[Person | None]]:
    """Who each state is about; a deleted account makes nobody."""
    keys = [_keys(state, programme, now=now) for state in states]
    known = find_customers(session, (key for each in keys for key in each.keys))
    living = [place for place, state in enumerate(states) if not state.deleted]
    found = resolve_people(session, [keys[place] for place in living], now=now)
    people: list[Person | None] = [None] * len(states)
    for place, resolved in zip(living, found, strict=True):
        people[place] = resolved
    gone = find_customers(session, [(SHOP, state.shop, state.id) for state in states if state.deleted])
    outcomes = []
    for state, person, each in zip(states, people, keys, strict=True):
        if person is None:
            outcomes.append(CustomerOutcome(gone.get((SHOP, state.shop, state.id))))
        else:
            learnt = any(key not in known for key in each.keys)
            outcomes.append(CustomerOutcome(person.customer_id, created=person.created, changed=learnt))
            known |= dict.fromkeys(each.keys, person.customer_id or 0)
    _remember_shared(session, people, keys)
    return outcomes, people


def _keys(state: CustomerState, programme: Programme, *, now: datetime) -> PersonKeys:
    email, mailbox = email_fingerprints(programme, state.email)
    return PersonKeys(
        shop=state.shop,
        shop_id=state.id,
        email=email,
        mailbox=mailbox,
        first_name=clean_name(state.first_name),
        marketing_consent=state.marketing_consent,
        consent_at=now if state.marketing_consent is not None else None,
    )


def _remember_shared(session: Session, people: Sequence[Person | None], keys: Sequence[PersonKeys]) -> None:
    """An address that belongs to another account is kept beside this one, as a household's phone is (rules 16)."""
    shared = [
        (person.customer_id, each.email)
        for person, each in zip(people, keys, strict=True)
        if person is not None and person.customer_id and person.email_owner_id is not None and each.email
    ]
    remember_phones(session, shared)


def _customers(session: Session, outcomes: Sequence[CustomerOutcome]) -> dict[int, Row]:
    ids = [outcome.customer_id for outcome in outcomes if outcome.customer_id is not None]
    return {row["id"]: row for row in fetch_in(session, Customer, "id", ids, columns=("id", "state", *ABOUT))}


def _describe(
    session: Session,
    states: Sequence[CustomerState],
    outcomes: Sequence[CustomerOutcome],
    rows: dict[int, Row],
    *,
    now: datetime,
) -> None:
    """Names and consents as the shop has them; a language only where none was chosen."""
    touched, words = {}, list[Word]()
    for state, outcome in zip(states, outcomes, strict=True):
        row = rows.get(outcome.customer_id or 0)
        if row is None or row["state"] == ERASED:
            continue
        said = _forgotten() if state.deleted else _said(state, row)
        outcome.changed = outcome.changed or any(row[name] != value for name, value in said.items())
        if "marketing_consent" in said:
            if said["marketing_consent"] != row["marketing_consent"]:
                words.append(Word(row["id"], MARKETING, said["marketing_consent"], shop_channel(state.shop), now))
            said["consent_at"] = now
        if any(row[name] != value for name, value in said.items()):
            row.update(said)
            touched[row["id"]] = row
    update_rows(
        session, Customer, [{name: row[name] for name in ("id", *ABOUT)} for row in touched.values()], key=("id",)
    )
    note_words(session, words, now=now)


def _said(state: CustomerState, row: Row) -> Row:
    said = {
        "first_name": clean_name(state.first_name),
        "locale": read_locale(state.locale) if row["locale"] is None else None,
        "marketing_consent": state.marketing_consent,
    }
    return {name: value for name, value in said.items() if value is not None}


def _forgotten() -> Row:
    """The account is gone: no name, nothing may be asked. Its identity stays, so that it never counts as new."""
    return {"first_name": None, "marketing_consent": False}


def _sign_up(
    session: Session,
    signing: Sequence[tuple[CustomerState, CustomerOutcome, Person]],
    *,
    programme: Programme,
    now: datetime,
    quiet: bool,
) -> None:
    """The evidence of every state is in the pairs, and their friends are re-decided."""
    posts = Signposts(session, [state for state, _, _ in signing], programme=programme)
    found: list[tuple[CustomerOutcome, list[Evidence]]] = []
    for state, outcome, _ in signing:
        evidence, misses = posts.read(state, now=now)
        outcome.reasons += misses
        found.append((outcome, evidence))
    friends = [outcome.customer_id or 0 for outcome, _ in found]
    ambassadors = {evidence.ambassador_id for _, each in found for evidence in each}
    shared = _sharing(session, signing, programme=programme)
    pairs = load_pairs(
        session, friends, ambassador_ids={*ambassadors, *(two for each in shared.values() for two in each)}
    )
    for outcome, evidence in found:
        take_evidence(pairs, outcome.customer_id or 0, evidence, same=shared.get(outcome.customer_id or 0, frozenset()))
    for friend, others in shared.items():
        for other in others:
            pairs.disown(friend, other)
            pairs.disown(other, friend)
    touched = pairs.save(session, now=now)
    if touched:
        redecide(session, sorted(touched), programme=programme, now=now, quiet=quiet)
    _report(session, found, touched)


def _sharing(
    session: Session, signing: Sequence[tuple[CustomerState, CustomerOutcome, Person]], *, programme: Programme
) -> dict[int, frozenset[int]]:
    """By customer: the others who have the same address, by identity or beside it."""
    emails = {outcome.customer_id or 0: email_fingerprint(programme, state.email) for state, outcome, _ in signing}
    shared: dict[int, set[int]] = {}
    rows = fetch_in(session, Phone, "value", {email for email in emails.values() if email})
    for _, outcome, person in signing:
        mine = outcome.customer_id or 0
        others = {row["customer_id"] for row in rows if row["value"] == emails[mine]}
        others |= {person.email_owner_id} if person.email_owner_id is not None else set()
        shared.setdefault(mine, set()).update(others - {mine})
    return {customer: frozenset(others) for customer, others in shared.items() if others}


def _report(session: Session, found: Sequence[tuple[CustomerOutcome, list[Evidence]]], touched: set[int]) -> None:
    """Each outcome says what became of its own evidence."""
    pairs = load_pairs(session, [outcome.customer_id or 0 for outcome, evidence in found if evidence])
    for outcome, evidence in found:
        outcome.changed = outcome.changed or outcome.customer_id in touched
        for each in evidence:
            row = pairs.rows.get((each.ambassador_id, outcome.customer_id or 0))
            outcome.reasons += [why for why in why_not(row) if why not in outcome.reasons] if row else []


def _enrol(session: Session, outcome: CustomerOutcome, *, programme: Programme, now: datetime) -> None:
    if outcome.customer_id is None:
        return
    had = code_of(session, outcome.customer_id) is not None
    try:
        enrol_ambassador(session, outcome.customer_id, programme=programme, now=now)
    except CustomerExcluded:
        outcome.reasons.append(reason(EXCLUDED_CUSTOMER))
    else:
        outcome.changed = outcome.changed or not had
