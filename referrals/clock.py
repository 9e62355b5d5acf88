"""The seam of time: the only module that reads the machine's clock (rules 35)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Two clocks: the machine's (leases, rates, tokens) and the programme's (holds, windows, due dates).

    The programme's offset is a row in the database that all roles share; whoever reads that row
    hands it to ``shift``.
    """

    def __init__(self, offset: timedelta = timedelta()) -> None:
        """Start with this offset between the programme's clock and the machine's."""
        self.offset = offset

    def machine(self) -> datetime:
        """Now, on this machine, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the seam

    def programme(self) -> datetime:
        """Now, on the programme's clock, in UTC."""
        return self.machine() + self.offset

    def shift(self, offset: timedelta) -> None:
        """Follow the offset that stands in the database."""
        self.offset = offset
