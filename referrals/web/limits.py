"""Limits of the web door, in bounded memory: who asks, how often, and how long they wait (rules 43)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

MINUTE = 60.0
CODE_MISSES = 20  # a client that misses so many codes in a minute waits a minute
BAD_SIGNATURES = 60
API_REQUESTS = 600  # a minute and key
MAX_BODY_BYTES = 1024**2
MAX_HOPS = 20  # a longer X-Forwarded-For is somebody's invention

Network = IPv4Network | IPv6Network


class Allowance:
    """So many a minute for each client. Remembers ``most`` clients and forgets who came first.

    Times are seconds of any clock that only goes forward.
    """

    def __init__(self, limit: int, *, seconds: float = MINUTE, penalty: bool = False, most: int = 20_000) -> None:
        """``penalty``: whoever reaches the limit waits the whole time, not the rest of it."""
        self._limit, self._seconds, self._penalty, self._most = limit, seconds, penalty, most
        self._windows: dict[str, tuple[float, int]] = {}  # client: end of the window, how many in it

    @property
    def is_idle(self) -> bool:
        """Nobody is remembered, so nobody has to wait."""
        return not self._windows

    def spend(self, client: str, *, at: float) -> float:
        """One more for this client; the seconds to wait once that is too many, else nought."""
        until, count = self._windows.get(client, (0.0, 0))
        if until <= at:
            until, count = at + self._seconds, 0
            self._windows.pop(client, None)  # to the end of the line
        count += 1
        if self._penalty and count == self._limit:
            until = at + self._seconds
        self._windows[client] = until, count
        if len(self._windows) > self._most:
            del self._windows[next(iter(self._windows))]
        return until - at if count > self._limit else 0.0

    def wait(self, client: str, *, at: float) -> float:
        """The seconds this client waits because the limit is reached, else nought."""
        until, count = self._windows.get(client, (0.0, 0))
        return max(0.0, until - at) if count >= self._limit else 0.0


class Clients:
    """Tells clients apart by the right-most hop that is no proxy of ours."""

    def __init__(self, trusted_proxies: Sequence[str] = ()) -> None:
        self._trusted: tuple[Network, ...] = tuple(ip_network(each, strict=False) for each in trusted_proxies)

    def name(self, request: web.BaseRequest) -> str:
        """The client's address; for IPv6 its /64, which is what one customer of a provider has."""
        peer = request.remote or ""
        if not self._trusted:
            return _client(peer)
        hops = [peer, *reversed(",".join(request.headers.getall("X-Forwarded-For", ())).split(",")[-MAX_HOPS:])]
        named = peer
        for hop in map(str.strip, hops):
            if not _client(hop):
                break  # no address: believe no more than the proxy that passed it on
            named = hop
            if not self._is_trusted(hop):
                break
        return _client(named)

    def _is_trusted(self, address: str) -> bool:
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._trusted)


@lru_cache(maxsize=4096)
def _client(address: str) -> str:
    """The name a limit is kept under; empty for what is no address (a Unix socket has none)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed) >> 64 << 64, 64)))
