from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from referrals.web.limits import Allowance, Clients


def client_of(peer: str, *forwarded: str, trusted: tuple[str, ...] = ()) -> str:
    headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])
    request = make_mocked_request("GET", "/", headers=headers)
    return Clients(trusted).name(request.clone(remote=peer))


def test_after_the_limit_a_client_waits_the_rest_of_the_minute() -> None:
    """Rule 43: bad signatures above 60 a minute are 429."""
    allowance = Allowance(2)
    assert [allowance.spend("mats", at=moment) for moment in (0, 10, 20, 59)] == [0, 0, 40, 1]
    assert allowance.spend("mats", at=60) == 0
    assert allowance.spend("anna", at=20) == 0


def test_who_misses_too_often_waits_a_whole_minute() -> None:
    allowance = Allowance(20, penalty=True)
    assert not any(allowance.spend("mats", at=moment) for moment in range(20))
    assert allowance.wait("mats", at=19) == 60
    assert allowance.wait("mats", at=78) == 1
    assert allowance.wait("mats", at=79) == 0
    assert allowance.wait("anna", at=19) == 0


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    allowance = Allowance(1, most=1000)
    assert allowance.is_idle
    for number in range(5000):
        allowance.spend(str(number), at=0)
    assert len(allowance._windows) == 1000
    assert allowance.wait("4999", at=1) == 59
    assert allowance.wait("0", at=1) == 0


@pytest.mark.parametrize(
    "peer, forwarded, trusted, client",
    [
        pytest.param("203.0.113.9", (), (), "203.0.113.9", id="nobody in between"),
        pytest.param("203.0.113.9", ("198.51.100.1",), (), "203.0.113.9", id="a header that nobody vouches for"),
        pytest.param("127.0.0.1", ("198.51.100.1",), ("127.0.0.1",), "198.51.100.1", id="our proxy"),
        pytest.param("127.0.0.1", ("6.6.6.6, 198.51.100.1",), ("127.0.0.1",), "198.51.100.1", id="a hop made up"),
        pytest.param("127.0.0.1", ("6.6.6.6", "198.51.100.1"), ("127.0.0.1",), "198.51.100.1", id="two headers"),
        pytest.param(
            "10.0.0.1", ("6.6.6.6, 198.51.100.1, 10.9.9.9",), ("10.0.0.0/8",), "198.51.100.1", id="two proxies of ours"
        ),
        pytest.param("127.0.0.1", ("nonsense",), ("127.0.0.1",), "127.0.0.1", id="a header without address"),
        pytest.param("127.0.0.1", (), ("127.0.0.1",), "127.0.0.1", id="the proxy itself"),
        pytest.param("2001:db8:1:2:3::4", (), (), "2001:db8:1:2::/64", id="IPv6"),
        pytest.param("::ffff:203.0.113.9", (), (), "203.0.113.9", id="IPv4 in IPv6"),
        pytest.param(
            "::ffff:127.0.0.1", ("2001:db8::1",), ("127.0.0.1",), "2001:db8::/64", id="a proxy in IPv6 clothes"
        ),
    ],
)
def test_a_client_is_the_rightmost_hop_that_is_no_proxy_of_ours(
    peer: str, forwarded: tuple[str, ...], trusted: tuple[str, ...], client: str
) -> None:
    """Rule 43: per-client limits by the right-most untrusted hop, IPv6 by /64."""
    assert client_of(peer, *forwarded, trusted=trusted) == client
