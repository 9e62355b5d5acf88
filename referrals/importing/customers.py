"""Customers of the past: accounts as hooks would tell them, codes of a former programme, and no word to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from referrals.codes import CodeHit, find_codes, normalise
from referrals.importing.cells import Refused
from referrals.importing.customer_rows import CustomerRow
from referrals.importing.runs import Outcome
from referrals.people.enrolment import enrol_ambassador, keep_code
from referrals.people.identities import find_customers, phone_fingerprint, remember_phones
from referrals.people.persons import takes_part
from referrals.programme import Programme
from referrals.recruiting.orders import APPLIED, UNCHANGED
from referrals.recruiting.sign_ups import apply_customers
from storage.bulk import fetch_in
from storage.customers import SHOP, Customer, Phone
from storage.database import books

Row = dict[str, Any]
Account = tuple[str, str]  # shop, id


@books
def import_customers(
    session: Session, rows: Sequence[CustomerRow], *, programme: Programme, now: datetime
) -> list[Outcome]:
    """Every account is known, with its codes; a code that is somebody else's refuses its row whole.

    What somebody said of marketing here stands above the file: it says what the shop knew once.
    """
    known = _known(session, rows)
    refused = _refusals(session, rows, known)
    good = [place for place in range(len(rows)) if place not in refused]
    states = [_state(rows[place], known) for place in good]
    outcomes = apply_customers(session, states, programme=programme, now=now, quiet=True)
    found: list[Outcome] = [refused.get(place, UNCHANGED) for place in range(len(rows))]
    for place, outcome in zip(good, outcomes, strict=True):
        changed = outcome.created or outcome.changed
        if outcome.customer_id is not None:
            changed = _finish(session, outcome.customer_id, rows[place], programme=programme) or changed
        found[place] = APPLIED if changed else UNCHANGED
    return found


def _account(row: CustomerRow) -> Account:
    return (row.state.shop, row.state.id)


def _known(session: Session, rows: Sequence[CustomerRow]) -> dict[Account, Row]:
    owners = find_customers(session, [(SHOP, *_account(row)) for row in rows])
    columns = ("id", "state", "marketing_consent", "ambassador_since")
    people = {row["id"]: row for row in fetch_in(session, Customer, "id", owners.values(), columns=columns)}
    return {(shop, value): people[owner] for (_, shop, value), owner in owners.items()}


def _refusals(session: Session, rows: Sequence[CustomerRow], known: dict[Account, Row]) -> dict[int, Refused]:
    """Rows that would take a code from somebody, also from a row above, or enrol somebody who takes no part."""
    hits = find_codes(session, {code for row in rows for code in row.codes})
    taken: dict[str, Account | int] = {
        normalise(code): hit.customer_id for code, hit in hits.items() if isinstance(hit, CodeHit)
    }
    refused = {}
    for place, row in enumerate(rows):
        account, person = _account(row), known.get(_account(row))
        mine = {account, person["id"]} if person else {account}
        if any(taken.get(normalise(code), account) not in mine for code in row.codes):
            refused[place] = Refused("code", "is somebody else's")
        elif row.ambassador_since and person and not takes_part(person["state"]):
            refused[place] = Refused("ambassador", "is excluded, erased or staff here")
        else:
            taken |= {normalise(code): account for code in row.codes if normalise(code) not in taken}
    return refused


def _state(row: CustomerRow, known: dict[Account, Row]) -> Any:
    person = known.get(_account(row))
    said_here = person is not None and person["marketing_consent"] is not None
    return replace(row.state, marketing_consent=None) if said_here else row.state


def _finish(session: Session, customer_id: int, row: CustomerRow, *, programme: Programme) -> bool:
    """Phone and codes are theirs, and they are an ambassador since then; whether that was new."""
    changed = _phone(session, customer_id, row.phone, programme=programme) if row.phone else False
    since = row.ambassador_since
    if since is None:
        return changed
    for code in row.codes:
        changed = keep_code(session, customer_id, text=code, since=since) or changed
    person = session.get(Customer, customer_id)
    changed = changed or (person is not None and person.ambassador_since is None)
    enrol_ambassador(session, customer_id, programme=programme, now=since)
    return changed


def _phone(session: Session, customer_id: int, phone: str, *, programme: Programme) -> bool:
    value = phone_fingerprint(programme, phone)
    if value is None or fetch_in(session, Phone, ("customer_id", "value"), [(customer_id, value)]):
        return False
    remember_phones(session, [(customer_id, value)])
    return True
