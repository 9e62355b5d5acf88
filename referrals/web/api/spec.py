"""What an endpoint says of itself beside its code: what it takes, what it answers, and what it may refuse.

The document at ``/api/v1/openapi.json`` is made of this and of the table of routes; nothing in it is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from referrals.web.api.calls import Work

Once = Literal["optional", "required"]
Codes = Mapping[int, tuple[str, ...]]  # by status


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of the query."""

    name: str
    type: Any  # anything that pydantic makes a schema of
    says: str


@dataclass(frozen=True, slots=True)
class Spec:
    """One endpoint; types are anything that pydantic makes a schema of."""

    answers: Mapping[int, Any]  # the type of the body by status
    takes: Any = None  # the type of the request's body; None: it takes none
    query: tuple[Parameter, ...] = ()
    refuses: Codes = field(default_factory=dict)  # beside what every call may be refused for
    once: Once | None = None  # whether it looks at an Idempotency-Key
    speaks: bool = False  # whether Accept-Language chooses its sentences


SPECS: dict[Work, Spec] = {}


def describe(spec: Spec) -> Callable[[Work], Work]:
    """The endpoint is documented as this says."""

    def keep(work: Work) -> Work:
        SPECS[work] = spec
        return work

    return keep
