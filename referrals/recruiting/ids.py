"""Where new rows get their ids: blocks from the database, or numbers of no row for a dry run."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from storage.bulk import take_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlmodel import Session

BLOCK = 8


class Ids:
    """Ids by name, taken in blocks as they are needed."""

    def __init__(self, session: Session, *, dry: bool = False, block: int = BLOCK) -> None:
        """``block``: as many of a name as are likely. With ``dry`` every id is below zero and nothing is taken."""
        self._session = session
        self._block = max(block, BLOCK)
        self._dry = dry
        self._streams: dict[str, Iterator[int]] = {}

    def of(self, name: str) -> Iterator[int]:
        """The stream of ids of this name."""
        if name not in self._streams:
            self._streams[name] = count(-1, -1) if self._dry else self._blocks(name)
        return self._streams[name]

    def _blocks(self, name: str) -> Iterator[int]:
        while True:
            yield from take_ids(self._session, name, self._block)
