"""Connections that only reach public addresses, judged on the very address that is being connected to.

Looking a name up first and connecting afterwards would leave a moment in which the name may lead elsewhere (DNS
rebinding), and a host like ``2130706433`` never meets a resolver. So the guard sits where the socket is made: whatever
was written, looked up or answered, an address that is not public gets no socket.
"""

from __future__ import annotations

import socket
from typing import Any

from aiohttp import AddrInfoType, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from referrals.subscribers.addresses import is_public

USER_AGENT = "Ambassade-Webhooks/1"


class PrivateAddress(OSError):
    """The host leads to an address that is not public."""


def guarded_socket(address: AddrInfoType) -> socket.socket:
    """A socket for this address. Raises PrivateAddress for one that is not public."""
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise PrivateAddress("the address is not public")
    return socket.socket(family=family, type=kind, proto=protocol)


def open_session(*, seconds: float, guarded: bool = True) -> ClientSession:
    """A client that keeps no cookie, follows no proxy of the environment, and leaves nothing open between two requests.

    Args:
        seconds: What a whole request may take.
        guarded: Only public addresses; False for hosts that the operator has named as their own.
    """
    options: dict[str, Any] = {"socket_factory": guarded_socket} if guarded else {}
    connector = TCPConnector(limit=0, force_close=True, use_dns_cache=False, **options)
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=seconds),
        headers={"User-Agent": USER_AGENT},
        trust_env=False,
        auto_decompress=False,
    )
