"""By what a person is known: shop accounts, mail addresses, chats, and the orders of guests.

Mail addresses and phones are kept as keyed fingerprints of their normalised form (rules 16, 41):
they can say "the same", and nothing else.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from referrals.people.consent_log import MARKETING, Word, note_words, shop_channel
from storage.bulk import fetch_in, insert_rows, take_ids, update_rows
from storage.customers import EMAIL, GUEST, SHOP, Customer, Identity, Phone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlmodel import Session

    from referrals.programme import Programme

GMAIL = frozenset({"gmail.com", "googlemail.com"})
LONGEST_EMAIL = 254
SHORTEST_PHONE = 8  # digits; shorter ones are extensions, not people
NATIONAL_DIGITS = 9  # what is left of a number without its country's prefix

Key = tuple[str, str, str]  # kind, shop, value of an identity


class PersonKeys(NamedTuple):
    """What a delivery says about who somebody is; ``email`` is a fingerprint already."""

    shop: str
    shop_id: str | None = None
    email: str | None = None
    guest_order: str | None = None  # the order itself, for a guest without an address
    first_name: str | None = None
    marketing_consent: bool | None = None
    consent_at: datetime | None = None  # when that was said
    mailbox: str | None = None  # fingerprint of what stands before the @

    @property
    def keys(self) -> tuple[Key, ...]:
        """The identities, the surest first."""
        keys: list[Key] = []
        if self.shop_id:
            keys.append((SHOP, self.shop, self.shop_id))
        if self.email:
            keys.append((EMAIL, "", self.email))
        if not keys and self.guest_order:
            keys.append((GUEST, self.shop, self.guest_order))
        return tuple(keys)


class Person(NamedTuple):
    """Who it is; ``email_owner_id`` is somebody else to whom the address already belongs."""

    customer_id: int | None
    created: bool = False
    email_owner_id: int | None = None


def email_key(email: str | None) -> str | None:
    """The address with what providers ignore taken away; None where it is none (rules 16).

    Case and ``+tag`` go everywhere, dots only at gmail.com; googlemail.com is gmail.com. Signs that
    look the same or cannot be seen are no other address, and neither is the root's dot at the end.
    """
    if not email:
        return None
    name, _, domain = _plain(email).strip().lower().rpartition("@")
    name, domain = name.partition("+")[0], domain.rstrip(".")
    if not name or "." not in domain or len(email) > LONGEST_EMAIL:
        return None
    if domain in GMAIL:
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}" if name else None


def phone_key(phone: str | None) -> str | None:
    """The last nine digits, which survive +31, 0031 and 0; None where there are too few."""
    digits = "".join(str(unicodedata.decimal(symbol)) for symbol in _plain(phone or "") if symbol.isdecimal())
    return digits[-NATIONAL_DIGITS:] if len(digits) >= SHORTEST_PHONE else None


def _plain(text: str) -> str:
    """Compatible forms as one, without signs that cannot be seen."""
    if text.isascii():
        return text
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")


def email_fingerprint(programme: Programme, email: str | None) -> str | None:
    """The keyed fingerprint of an address, or None."""
    key = email_key(email)
    return programme.fingerprint(f"email:{key}") if key else None


def phone_fingerprint(programme: Programme, phone: str | None) -> str | None:
    """The keyed fingerprint of a phone number, or None."""
    key = phone_key(phone)
    return programme.fingerprint(f"phone:{key}") if key else None


def find_customers(session: Session, keys: Iterable[Key]) -> dict[Key, int]:
    """The customers whom these identities name; unknown ones are left out."""
    wanted = list(dict.fromkeys(keys))
    rows = fetch_in(
        session,
        Identity,
        ("kind", "shop", "value"),
        wanted,
        columns=("kind", "shop", "value", "customer_id"),
    )
    return {(row["kind"], row["shop"], row["value"]): row["customer_id"] for row in rows}


def resolve_people(
    session: Session,
    wanted: Sequence[PersonKeys],
    *,
    now: datetime,
    dry: bool = False,
) -> list[Person]:
    """Each is found or made, in order; identities nobody has yet are added to their person.

    A shop account decides over a mail address: anybody can type an address, so an address that
    belongs to somebody with an account of this shop never moves and never joins two people
    (``email_owner_id`` tells the attribution, which refuses own orders by it).
    """
    keyed = [(person, person.keys) for person in wanted]
    known = find_customers(session, (key for _, keys in keyed for key in keys))
    taken = _owners_with_account(session, known, wanted)
    strangers = sum(_first(known, taken, person, keys) is None for person, keys in keyed)
    # A dry run numbers the people whom nobody knows below zero, and stores nothing.
    fresh = iter(range(-1, -1 - strangers, -1) if dry else take_ids(session, "customer", strangers))
    customers: list[dict[str, object]] = []
    identities: list[dict[str, object]] = []
    people = []
    for person, keys in keyed:
        customer_id = _first(known, taken, person, keys)
        created = customer_id is None and bool(keys)
        if created:
            customer_id = next(fresh)
            customers.append(_customer_row(customer_id, person, now=now))
        for key in keys:
            if customer_id is not None and key not in known:
                known[key] = customer_id
                if key[0] == SHOP:
                    taken.add((key[1], customer_id))
                identities.append(_identity_row(key, customer_id, person.mailbox, now=now))
        owner = known.get((EMAIL, "", person.email)) if person.email else None
        people.append(Person(customer_id, created, owner if owner != customer_id else None))
    if not dry:
        insert_rows(session, Customer, customers)
        insert_rows(session, Identity, identities)
        note_words(session, _first_words(keyed, people, now=now), now=now)
    return people


def _first_words(
    keyed: Sequence[tuple[PersonKeys, tuple[Key, ...]]], people: Sequence[Person], *, now: datetime
) -> list[Word]:
    """What the shop says of the consent of people who are new."""
    return [
        Word(person.customer_id, MARKETING, said.marketing_consent, shop_channel(said.shop), said.consent_at or now)
        for (said, _), person in zip(keyed, people, strict=True)
        if person.created and person.customer_id is not None and said.marketing_consent is not None
    ]


def remember_phones(session: Session, phones: Iterable[tuple[int, str]]) -> None:
    """These fingerprints were seen with these customers."""
    rows = [{"customer_id": customer_id, "value": value} for customer_id, value in dict.fromkeys(phones)]
    if rows:
        insert_rows(session, Phone, rows, ignore_conflicts=True)


def move_identities(session: Session, *, from_id: int, to_id: int) -> None:
    """What named the one names the other."""
    rows = fetch_in(session, Identity, "customer_id", [from_id], columns=("id",))
    if rows:
        update_rows(session, Identity, [{"id": row["id"], "customer_id": to_id} for row in rows], key=("id",))
    phones = fetch_in(session, Phone, "customer_id", [from_id])
    remember_phones(session, [(to_id, row["value"]) for row in phones])


def _first(known: dict[Key, int], taken: set[tuple[str, int]], person: PersonKeys, keys: tuple[Key, ...]) -> int | None:
    for key in keys:
        owner = known.get(key)
        if owner is None or (key[0] == EMAIL and person.shop_id and (person.shop, owner) in taken):
            continue  # a new account with the address of another account is another person
        return owner
    return None


def _owners_with_account(
    session: Session,
    known: dict[Key, int],
    wanted: Sequence[PersonKeys],
) -> set[tuple[str, int]]:
    """(shop, customer) of address owners that have an account there, where a new account names their address."""
    owners = {
        known[EMAIL, "", person.email]
        for person in wanted
        if person.shop_id
        and person.email
        and (SHOP, person.shop, person.shop_id) not in known
        and (EMAIL, "", person.email) in known
    }
    if not owners:
        return set()
    rows = fetch_in(session, Identity, "customer_id", sorted(owners), columns=("kind", "shop", "customer_id"))
    return {(row["shop"], row["customer_id"]) for row in rows if row["kind"] == SHOP}


def _customer_row(customer_id: int, person: PersonKeys, *, now: datetime) -> dict[str, object]:
    return {
        "id": customer_id,
        "first_name": person.first_name,
        "marketing_consent": person.marketing_consent,
        "consent_at": person.consent_at,
        "created_at": now,
    }


def _identity_row(key: Key, customer_id: int, mailbox: str | None, *, now: datetime) -> dict[str, object]:
    kind, shop, value = key
    row = {"kind": kind, "shop": shop, "value": value, "customer_id": customer_id, "created_at": now}
    return {**row, "mailbox": mailbox if kind == EMAIL else None}
