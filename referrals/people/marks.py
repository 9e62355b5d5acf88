"""What two people may share without being one: where an order goes, the name of a mailbox, a network address.

Only keyed fingerprints are kept; they say "the same" and nothing else. None of them refuses anything: families share
a house and offices a network. They are signals of a score (``screening``).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from referrals.people.identities import email_key

if TYPE_CHECKING:
    from datetime import datetime

    from referrals.programme import Programme

SHORTEST_MAILBOX = 5  # shorter names are anybody's
ANYBODYS = frozenset({"admin", "bestellingen", "contact", "hallo", "hello", "mailbox", "office", "orders", "verkoop"})
_HOUSE = re.compile(r"\b(\d{1,5})\s?-?\s?([a-z]{1,2}\b)?", re.IGNORECASE)
_KEPT = re.compile(r"[^A-Z0-9]")


def address_key(*, postcode: str | None, line: str | None, country: str | None) -> str | None:
    """Country, postcode and house number; None where one of the last two is not to be found."""
    code = _KEPT.sub("", (postcode or "").upper())
    house = _HOUSE.search(line or "")
    if not code or house is None:
        return None
    return f"{(country or '').strip().upper()}|{code}|{int(house[1])}{(house[2] or '').upper()}"


def mailbox_key(key: str | None) -> str | None:
    """Of an ``email_key``: what stands before the @, without dots; None where it is too short or common to tell."""
    name = key.rpartition("@")[0].replace(".", "") if key else ""
    return name if len(name) >= SHORTEST_MAILBOX and name not in ANYBODYS else None


def network_key(ip: str | None) -> str | None:
    """The network address, of IPv6 its /64; None for what is none, or leads nowhere (a proxy within the shop)."""
    if not ip:  # most orders name none, and a failed look costs
        return None
    try:
        found = ipaddress.ip_address(ip.strip())
    except ValueError:
        return None
    if not found.is_global:
        return None
    return str(ipaddress.ip_network((found, 64), strict=False) if found.version == 6 else found)  # noqa: PLR2004 - IPv6


def address_fingerprint(programme: Programme, address: str | None) -> str | None:
    """The keyed fingerprint of an address' key, or None."""
    return programme.fingerprint(f"address:{address}") if address else None


def email_fingerprints(programme: Programme, email: str | None) -> tuple[str | None, str | None]:
    """The keyed fingerprints of an address and of its mailbox' name, or None for either."""
    key = email_key(email)
    name = mailbox_key(key)
    return (
        programme.fingerprint(f"email:{key}") if key else None,
        programme.fingerprint(f"mailbox:{name}") if name else None,
    )


def network_fingerprint(programme: Programme, ip: str | None, *, at: datetime) -> str | None:
    """The keyed fingerprint of a network address on one local day: another day it is another one."""
    key = network_key(ip)
    return programme.fingerprint(f"ip:{at.astimezone(programme.zone).date()}:{key}") if key else None
