"""Shopify's GraphQL Admin API on top of one shop's client.

GraphQL and not REST: Shopify calls its REST Admin API legacy since October 2024, and what is new is in GraphQL only.
A query costs points from a bucket that fills again every second; every answer says how full it is.

Source: shopify.dev, "GraphQL Admin API 2026-07", rate limits and status and error codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from referrals.outside.client import LONGEST_WAIT, MOST_TRIES, Reply, ShopClient, plain_code
from referrals.outside.errors import ShopBusy, ShopNonsense, ShopRefused, ShopUnauthorised

MUTATION = re.compile(r"\s*mutation\b")
THROTTLED, ACCESS_DENIED = "THROTTLED", "ACCESS_DENIED"
SPARE_POINTS = 100.0  # below that the next query waits until there are so many again
SHORTEST_WAIT = 1.0  # seconds, after a query that was throttled


class GraphQL:
    """Asks one Shopify shop; remembers how long its bucket needs."""

    def __init__(self, client: ShopClient) -> None:
        self._client = client
        self._thirst = 0.0  # seconds until the next query may be afforded

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The ``data`` of the answer; the ``userErrors`` of a mutation are in there.

        A query is repeated like any reading, a mutation only where Shopify says that it did not run.

        Raises:
            ShopError: As ``ShopClient.call``; ``code`` is that of the first GraphQL error.
        """
        for attempt in range(1, MOST_TRIES + 1):
            if self._thirst:
                await self._client.pause(min(self._thirst, LONGEST_WAIT))
            body = {"query": query, "variables": dict(variables or {})}
            reply = await self._client.call("POST", "graphql.json", json=body, repeatable=not MUTATION.match(query))
            try:
                return self._data(reply)
            except ShopBusy:
                if attempt == MOST_TRIES:
                    raise
                self._thirst = max(self._thirst, SHORTEST_WAIT)
        raise AssertionError("the last try returns or raises")

    def _data(self, reply: Reply) -> dict[str, Any]:
        """What is in the answer. Raises: ShopError."""
        read = reply.json if isinstance(reply.json, dict) else {}
        self._thirst = _thirst(read)
        code = _error(read)
        name, status = self._client.shop.name, reply.status
        if code == THROTTLED:
            raise ShopBusy(name, "it is asked too often", status=status, code=code, retry_after=self._thirst)
        if code == ACCESS_DENIED:
            raise ShopUnauthorised(name, f"our token lacks a scope ({code})", status=status, code=code)
        if code is not None:
            raise ShopRefused(name, f"it says no ({code})", status=status, code=code)
        data = read.get("data")
        if not isinstance(data, dict):
            raise ShopNonsense(name, "an answer without data", status=status)
        return data


def _error(read: dict[str, Any]) -> str | None:
    """The code of the first error, or None; messages are left alone, for they may repeat what was asked."""
    errors = read.get("errors")
    if not errors:
        return None
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    code = plain_code(first.get("extensions"))
    return code or (THROTTLED if first.get("message") == "Throttled" else "GRAPHQL_ERROR")


def _thirst(read: dict[str, Any]) -> float:
    """Seconds until the bucket holds what the next query may cost, if it costs what this one did."""
    try:
        cost = read["extensions"]["cost"]
        bucket = cost["throttleStatus"]
        needed = min(max(float(cost["requestedQueryCost"]), SPARE_POINTS), float(bucket["maximumAvailable"]))
        return max(0.0, (needed - float(bucket["currentlyAvailable"])) / float(bucket["restoreRate"]))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return 0.0
