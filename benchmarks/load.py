"""The load: so many connections that each ask, wait for the answer and ask again, from a process of its own.

``python -m benchmarks.load`` reads its plan as JSON from standard input and writes what it found to standard output.
It speaks just enough HTTP for our own answers, so that it costs less than any server it measures.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import Any

from benchmarks.requests import CLICK, REQUESTS, Request

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
TOKEN = b"click="


@dataclass
class Tally:
    """What the connections have seen together."""

    requests: Iterator[Request]
    kind: str
    until: float = 0.0
    seconds: list[float] = field(default_factory=list)  # from the last byte sent to the last byte received
    statuses: Counter[int] = field(default_factory=Counter)
    answered: list[str] = field(default_factory=list)  # what the database must hold: each got a 2xx or 302


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, tally: Tally, ended: asyncio.Future[None]) -> None:
        self._tally, self._ended = tally, ended
        self._received = b""
        self._asked_at = 0.0
        self._name = ""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Ask first."""
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Once the answer is whole, count it and ask again."""
        self._received = self._received + data if self._received else data
        head, found, body = self._received.partition(END_OF_HEAD)
        if found and len(body) >= _length(head):
            self._count(head)
            self._received = b""
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """No more of this connection; the others go on."""
        if not self._ended.done():
            self._ended.set_result(None)

    def _count(self, head: bytes) -> None:
        tally = self._tally
        tally.seconds.append(time.perf_counter() - self._asked_at)
        status = int(head[9:12])
        tally.statuses[status] += 1
        if status in (200, 302):
            tally.answered.append(_token(head) if tally.kind == CLICK else self._name)

    def _ask(self) -> None:
        if time.perf_counter() > self._tally.until:
            self._transport.close()
            return
        self._name, request = next(self._tally.requests)
        self._asked_at = time.perf_counter()
        self._transport.write(request)


def _length(head: bytes) -> int:
    head = head.lower()
    start = head.find(LENGTH)
    return 0 if start < 0 else int(head[start + len(LENGTH) :].partition(b"\r")[0])


def _token(head: bytes) -> str:
    return head.partition(TOKEN)[2].partition(b"\r")[0].decode()


async def load(plan: dict[str, Any]) -> dict[str, Any]:
    """What ``connections`` callers of one kind found in ``seconds``."""
    requests = REQUESTS[plan["kind"]](plan["codes"], prefix=plan["prefix"])
    # Made beforehand: the load's own work may not slow the server down.
    made = list(islice(requests, int(plan["seconds"] * plan["most_a_second"])))
    tally = Tally(chain(made, requests), plan["kind"])
    loop = asyncio.get_running_loop()
    gc.freeze()
    began = time.perf_counter()
    tally.until = began + plan["seconds"]
    ended = [loop.create_future() for _ in range(plan["connections"])]
    for future in ended:
        await loop.create_connection(partial(Caller, tally, future), plan["host"], plan["port"])
    await asyncio.gather(*ended)
    took = time.perf_counter() - began
    return {"took": took, "seconds": tally.seconds, "statuses": tally.statuses, "answered": tally.answered}


if __name__ == "__main__":
    json.dump(asyncio.run(load(json.load(sys.stdin))), sys.stdout)
