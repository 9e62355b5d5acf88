"""What an asked shop hands over: orders as its hooks would have said them, with how far that was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # an older date is an empty one of some program
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Orders in the order of their change. Each is a body as a hook of this kind of shop carries it."""

    bodies: tuple[bytes, ...]
    changed_until: datetime | None = (
        None  # by the shop's clock: all that changed before is in this page or in one before
    )
    total: int | None = None  # how many are still to come with this page, where the shop says so


def body_of(order: Mapping[str, Any]) -> bytes:
    """An order as a hook's body."""
    return json.dumps(order, separators=(",", ":")).encode()


def gone(external_id: str) -> bytes:
    """That the shop has no such order any more, as its hooks say it."""
    return body_of({"id": int(external_id)})


def sensible(moment: datetime) -> datetime | None:
    """The moment, where an order can have changed then: there is time before it and behind it to reckon with."""
    return moment.astimezone(UTC) if EARLIEST <= moment < LATEST else None
