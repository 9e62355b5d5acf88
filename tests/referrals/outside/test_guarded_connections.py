"""A connection is judged by the address that it is made to: names, rebinding and odd spellings change nothing."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientConnectorError, InvalidUrlClientError, web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from referrals.outside.addresses import PrivateAddress, guarded_socket, open_session


class Resolver(AbstractResolver):
    """A name server that says another address each time it is asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        address = self.answers.pop(0)
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def door() -> AsyncIterator[tuple[int, list[str]]]:
    """A server that only this machine reaches: its port, and who came."""
    came: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        came.append(request.host)
        return web.Response(text="the keys of the house")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1], came
    await runner.cleanup()


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "127.1", "0177.0.0.1", "0x7f.1", "localhost", "[::1]"])
async def test_no_spelling_of_the_house_itself_is_reached(door: tuple[int, list[str]], host: str) -> None:
    port, came = door
    async with open_session(seconds=5) as http:
        with pytest.raises((ClientConnectorError, InvalidUrlClientError)) as refused:
            await http.get(URL(f"http://{host}:{port}/", encoded=True))
    # aiohttp refuses some spellings before it comes to a socket, in the versions that know of them.
    assert not isinstance(refused.value, ClientConnectorError) or isinstance(refused.value.os_error, PrivateAddress)
    assert came == []


async def test_a_name_that_leads_elsewhere_the_second_time_leads_nowhere(door: tuple[int, list[str]]) -> None:
    port, came = door
    resolver = Resolver("93.184.216.34", "127.0.0.1")
    assert (await resolver.resolve("hooks.example"))[0]["host"] == "93.184.216.34"  # whoever looked before
    async with open_session(seconds=5) as http:
        assert http.connector is not None
        http.connector._resolver = resolver  # type: ignore[attr-defined]  # the name server of this test
        with pytest.raises(ClientConnectorError) as refused:
            await http.get(f"http://hooks.example:{port}/")
    assert isinstance(refused.value.os_error, PrivateAddress)
    assert (resolver.asked, came) == (2, [])


async def test_a_host_that_the_operator_named_is_reached(door: tuple[int, list[str]]) -> None:
    port, came = door
    async with open_session(seconds=5, guarded=False) as http, http.get(f"http://127.0.0.1:{port}/") as answer:
        assert answer.status == 200
    assert len(came) == 1


def test_a_public_address_gets_a_socket() -> None:
    made = guarded_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443)))
    made.close()
    with pytest.raises(PrivateAddress):
        guarded_socket((socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:10.0.0.1", 443, 0, 0)))
