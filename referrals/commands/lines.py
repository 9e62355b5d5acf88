"""What ``doctor`` says: a line for each thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "FAIL"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at. No secret is in it."""

    name: str
    status: str  # ok, warn, FAIL
    detail: str
