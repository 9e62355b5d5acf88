"""Which addresses may be told anything: nobody makes us knock at doors that only we can reach (SSRF). Pure.

A host is judged here as it is written, when an endpoint is made; what its name leads to is judged by the same
``is_public`` at the moment of connecting (``outside/addresses.py``), for a name may lead elsewhere by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from referrals.errors import ProgrammeError

PORTS = {"https": 443, "http": 80}
OPEN_PORTS = frozenset({443, 8443})  # of public hosts: no mail server, no database hears from us
LONGEST = 2000  # characters of an address
NAT64, SIX_TO_FOUR = IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16")
TEREDO, GLOBAL_UNICAST = IPv6Network("2001::/32"), IPv6Network("2000::/3")
ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")


class AddressRefused(ProgrammeError):
    """It is no public https address."""

    code = "invalid_url"


def check_address(url: str, *, named: Iterable[str]) -> str:
    """The address as it is stored, host in small letters. Private hosts, other ports and plain http only as ``named``.

    Args:
        url: What somebody wants to be told at.
        named: ``webhooks.private_hosts`` of the configuration: ``host`` or ``host:port``.

    Raises:
        AddressRefused: ``why`` says what is wrong with it.
    """
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused(why="characters")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise AddressRefused(why="unreadable") from None
    if parts.scheme not in PORTS or not host:
        raise AddressRefused(why="scheme")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc or parts.fragment:
        raise AddressRefused(why="parts")
    port = PORTS[parts.scheme] if port is None else port
    if not is_named(host, port, named=named):
        _check_public(parts, host, port)
    shown = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=shown if port == PORTS[parts.scheme] else f"{shown}:{port}").geturl()


def is_named(host: str, port: int, *, named: Iterable[str]) -> bool:
    """Whether the operator named this host as theirs, with this port or with none."""
    bare = host.lower().rstrip(".")
    spelled = f"[{bare}]" if ":" in bare else bare
    return bool({bare, spelled, f"{spelled}:{port}"} & {each.lower() for each in named})


def is_public(address: str) -> bool:
    """Whether this numeric address is one that anybody could reach; what is not spelled plainly is not."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return _is_public(found)


def _check_public(parts: SplitResult, host: str, port: int) -> None:
    if parts.scheme != "https":
        raise AddressRefused(why="scheme")
    if port not in OPEN_PORTS:
        raise AddressRefused(why="port")
    if ":" in host or _is_number(host):
        if not is_public(host):
            raise AddressRefused(why="private")
    elif "." not in host or not set(host) <= ALLOWED or host.endswith((".localhost", ".local", ".internal")):
        raise AddressRefused(why="private")


def _is_number(host: str) -> bool:
    """Whether the host is meant as a number: C libraries read 127.1, 0x7f.1, 0177.1 and 2130706433 as addresses."""
    last = host.rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    inner = _inner(address)
    if inner is not None:
        return _is_public(inner)
    return address.is_global and address in GLOBAL_UNICAST and address not in TEREDO


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address within: what a gateway would knock at."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour if address in SIX_TO_FOUR else None
