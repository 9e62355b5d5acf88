from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from aiohttp import ClientSession, web

from referrals.web import serving
from referrals.web.limits import MAX_BODY_BYTES
from referrals.web.serving import BodyRefused, GuardedRunner, read_body, start_web

Address = tuple[str, int]
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"


async def echo(request: web.Request) -> web.Response:
    try:
        body = await read_body(request)
    except BodyRefused as refused:
        return web.Response(status=refused.status, text=refused.code)
    return web.Response(text=str(len(body)))


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Address]:
    """A guarded server whose ten seconds last half a second."""
    monkeypatch.setattr(serving, "COMPLETE_WITHIN_SECONDS", 0.5)
    monkeypatch.setattr(serving, "LINGER_SECONDS", 0.2)
    app = web.Application()
    app.router.add_post("/echo", echo)
    app.router.add_get("/echo", echo)
    runner = await start_web(app, host="127.0.0.1", port=0)
    yield runner.addresses[0]
    await runner.cleanup()


async def until_closed(address: Address, *parts: bytes, pause: float = 0.0) -> tuple[bytes, float]:
    """What the server says to these bytes, and how long the connection lived."""
    reader, writer = await asyncio.open_connection(*address)
    began = time.monotonic()
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause)
    answer = await asyncio.wait_for(reader.read(), timeout=5)
    writer.close()
    return answer, time.monotonic() - began


def test_the_promised_ten_seconds_are_ten_and_all_ends_within_fifteen() -> None:
    """Rule 43: header or body not complete after 10 s is closed by 15 s."""
    assert serving.COMPLETE_WITHIN_SECONDS == 10
    assert serving.COMPLETE_WITHIN_SECONDS + serving.LINGER_SECONDS < 15


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((), id="nothing"),
        pytest.param((POST,), id="half a header"),
        pytest.param((b"POST /ec",), id="half a line"),
        pytest.param((POST + b"Content-Length: 100\r\n\r\n" + b"x" * 50,), id="half a body"),
        pytest.param((POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",), id="chunks without an end"),
        pytest.param((b"GET /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",), id="a body nobody reads"),
    ],
)
async def test_a_connection_that_dawdles_is_closed(address: Address, parts: tuple[bytes, ...]) -> None:
    """Rule 43: slowloris."""
    _, lived = await until_closed(address, *parts)
    assert lived < 1.5


async def test_a_byte_now_and_then_buys_no_time(address: Address) -> None:
    """Rule 43: the clock runs from the first byte."""
    reader, writer = await asyncio.open_connection(*address)
    began = time.monotonic()
    writer.write(POST + b"Content-Length: 1000\r\n\r\n")
    while time.monotonic() - began < 2 and not reader.at_eof():
        try:
            writer.write(b"x")
            await writer.drain()
        except ConnectionError:
            break
        await asyncio.sleep(0.05)
    assert time.monotonic() - began < 1.5
    writer.close()


async def test_a_header_and_body_in_pieces_within_the_time_are_answered(address: Address) -> None:
    parts = (POST, b"Content-Length: 4\r\nConnection: close\r\n\r\n", b"ab", b"cd")
    answer, _ = await until_closed(address, *parts, pause=0.05)
    assert answer.endswith(b"\r\n\r\n4")


async def test_others_are_served_while_connections_dawdle(address: Address) -> None:
    held = [await asyncio.open_connection(*address) for _ in range(100)]
    for _, writer in held:
        writer.write(POST)
    async with ClientSession() as session, session.post("http://{}:{}/echo".format(*address), data=b"abc") as answer:
        assert await answer.text() == "3"
    for _, writer in held:
        writer.close()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"".join(b"x-%d: %s\r\n" % (number, b"v" * 4000) for number in range(5)), id="five of 4000"),
        pytest.param(b"x: " + b"v" * 20_000 + b"\r\n", id="one of 20,000"),
    ],
)
async def test_a_header_over_sixteen_kilobytes_is_refused(address: Address, header: bytes) -> None:
    """Published limit: header 16 KiB."""
    request = b"GET /echo HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n"
    whole, _ = await until_closed(address, request)
    pieces, _ = await until_closed(
        address, *(request[at : at + 3000] for at in range(0, len(request), 3000)), pause=0.01
    )
    assert whole[9:12] in {b"431", b"400"}
    assert pieces[9:12] in {b"431", b"400"}


async def test_a_header_below_sixteen_kilobytes_is_read(address: Address) -> None:
    header = b"x: " + b"v" * 12_000 + b"\r\ny: " + b"v" * 3000 + b"\r\nConnection: close\r\n"
    answer, _ = await until_closed(address, b"GET /echo HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "size, status", [(0, 200), (MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413), (2 * MAX_BODY_BYTES, 413)]
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_one_mebibyte_is_413(address: Address, size: int, status: int, chunked: bool) -> None:
    """Published limit: request body 1 MiB."""
    url = "http://{}:{}/echo".format(*address)
    async with (
        ClientSession() as session,
        session.post(url, data=BytesIO(b"x" * size), chunked=chunked or None) as answer,
    ):
        assert answer.status == status


async def test_a_bomb_is_refused_while_it_goes_off(address: Address) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    url = "http://{}:{}/echo".format(*address)
    async with ClientSession() as session, session.post(url, data=bomb, headers={"Content-Encoding": "gzip"}) as answer:
        assert answer.status == 413


async def test_a_body_that_only_says_it_is_compressed_is_400(address: Address) -> None:
    url = "http://{}:{}/echo".format(*address)
    headers = {"Content-Encoding": "gzip"}
    async with ClientSession() as session, session.post(url, data=b"no gzip", headers=headers) as answer:
        assert answer.status == 400


async def test_a_port_that_is_taken_says_so(address: Address) -> None:
    with pytest.raises(OSError, match="address already in use"):
        await start_web(web.Application(), host="127.0.0.1", port=address[1])


async def test_stopping_takes_seconds_and_not_a_minute() -> None:
    runner = GuardedRunner(web.Application())
    await runner.setup()
    assert runner._shutdown_timeout == serving.SHUTDOWN_SECONDS < 10
    await runner.cleanup()


async def test_what_is_no_http_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """Design 5: neither the log nor the answer holds what somebody sent."""
    app = web.Application()
    runner = await start_web(app, host="127.0.0.1", port=0)
    try:
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nanna@example.nl secret\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    finally:
        await runner.cleanup()

    assert b" 400 " in answer.splitlines()[0]
    assert b"anna" not in answer
    assert b"aiohttp" not in answer
    assert "anna" not in caplog.text
