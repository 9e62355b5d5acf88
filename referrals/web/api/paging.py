"""Pages of a list: how many, from where on, and of whom, read in one way at every address that lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from referrals.web.api.calls import Call
from referrals.web.api.problems import Problem
from referrals.web.api.shapes import Number
from referrals.web.api.spec import Parameter

LIMIT, MOST = 50, 200
LONGEST_NUMBER = 9  # digits
Count = Annotated[int, Field(ge=1, le=MOST)]

PAGE_QUERY = (
    Parameter("limit", Count, f"How many at most; {LIMIT} where it is left out."),
    Parameter("cursor", Number, "The next_cursor of the page before."),
    Parameter("customer", Number, "Only this customer's."),
)
PAGE_REFUSES = {404: ("unknown_customer",), 422: ("invalid_limit", "invalid_cursor")}


@dataclass(frozen=True, slots=True)
class Asked:
    """One page as it was asked for; ``kind`` is what its items are, and the name of their number."""

    kind: str
    limit: int
    customer_id: int | None
    before_id: int | None

    @property
    def query(self) -> dict[str, Any]:
        """What a use case that lists takes: one more than the page holds tells whether another follows."""
        return {"limit": self.limit + 1, "customer_id": self.customer_id, "before_id": self.before_id}

    def page(self, rows: Sequence[dict[str, Any]], show: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """The answer: the rows that were asked for, as they are shown, and where the next page begins."""
        more = len(rows) > self.limit
        items = [show(row) for row in rows[: self.limit]]
        return {"items": items, "next_cursor": items[-1][self.kind] if more else None}


def read_page(call: Call, kind: str) -> Asked:
    """The page that the query asks for. Raises Problem 404 or 422."""
    query = call.request.query
    return Asked(
        kind,
        limit=page_size(query.get("limit")),
        customer_id=given_number(call, "customer", query.get("customer"), code="unknown_customer"),
        before_id=given_number(call, kind, query.get("cursor"), code="invalid_cursor"),
    )


def page_size(given: str | None) -> int:
    """How many the caller wants. Raises Problem 422."""
    if given is None:
        return LIMIT
    if not (given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER) or not 0 < int(given) <= MOST:
        raise Problem(422, "invalid_limit", f"limit is a number from 1 to {MOST}.")
    return int(given)


def given_number(call: Call, kind: str, number: str | None, *, code: str) -> int | None:
    """The id behind a public number of the query, if one is given. Raises Problem 404 or 422."""
    if number is None:
        return None
    found = call.door.programme.identifier(kind, number)
    if found is None:
        raise Problem(404 if code == "unknown_customer" else 422, code, f"No {kind} has this number.")
    return found
