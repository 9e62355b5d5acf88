"""The score of one bonus: what is known of it in, signals with their points out. Pure.

A signal says that a person should look, never that somebody cheats: families share a house, offices a network. No
single signal of a household is enough by the weights that come with the programme.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from referrals.fraud import Fraud

HIGHEST = 100
LEAKED_CODE = "leaked_code"
Data = dict[str, Any]


class Known(NamedTuple):
    """What is known about one bonus when it is made; counts include the bonus itself. Amounts in minor units."""

    at_ambassadors_address: bool = False
    one_first_name: bool = False
    friends_at_address: int = 0  # other friends of this ambassador
    friends_with_phone: int = 0  # likewise
    one_mailbox_name: bool = False
    friends_in_hour: int = 0
    friends_in_day: int = 0
    sign_ups_in_day: int = 0
    orders_of_ip: int = 0
    order_minor: int = 0
    ambassador_days: int | None = None  # since they became one; None: not known
    typed: bool = False  # a code at the checkout, without a visit or a sign-up
    typed_in_day: int = 0  # friends who did only that
    code_is_leaked: bool = False
    given_back: int = 0  # earlier orders of this friend that were paid and given back
    taken_back_in_month: int = 0  # bonuses of this ambassador
    in_a_circle: bool = False
    refused_before: int = 0  # bonuses of these two that an owner turned down


@dataclass(frozen=True, slots=True)
class Part:
    """One signal: its code, its points and what its sentence names."""

    code: str
    points: int
    data: Data = field(default_factory=dict)

    def as_dict(self) -> Data:
        """Plain data, as it is stored with the bonus."""
        return {"code": self.code, "points": self.points, **self.data}


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100, and what it is made of, the heaviest first."""

    total: int
    parts: tuple[Part, ...]


class Scale:
    """The signals by a shop's limits and weights, made once for many bonuses; one without weight is not looked at."""

    def __init__(self, rules: Fraud) -> None:
        self._rules = rules
        weights = {code: getattr(rules.weights, code) for code in SIGNALS}
        self._judged = [(code, weights[code], look) for code, look in JUDGED.items() if weights[code]]
        self._counted = [
            (code, weights[code], Known._fields.index(fact), limit(rules))
            for code, (fact, limit) in COUNTED.items()
            if weights[code]
        ]
        self._seen = [(code, weights[code], Known._fields.index(fact)) for code, fact in SEEN.items() if weights[code]]

    def weigh(self, known: Known) -> Score:
        """The sum of the signals that are found, at most 100."""
        facts: tuple[Any, ...] = known
        parts = [Part(code, weight) for code, weight, fact in self._seen if facts[fact]]
        for code, weight, fact, limit in self._counted:
            if facts[fact] > limit:
                parts.append(Part(code, weight, {"count": facts[fact]}))
        for code, weight, look in self._judged:
            data = look(known, self._rules)
            if data is not None:
                parts.append(Part(code, weight, data))
        if not parts:
            return NOTHING
        parts.sort(key=lambda part: -part.points)
        return Score(min(HIGHEST, sum(part.points for part in parts)), tuple(parts))


def is_leaked(known: Known, rules: Fraud) -> bool:
    """Do more friends a day only type this code than friends of one person would?"""
    return known.typed and (known.code_is_leaked or known.typed_in_day > rules.leaked_code_friends)


def _leaked(known: Known, rules: Fraud) -> Data | None:
    return {"count": known.typed_in_day} if is_leaked(known, rules) else None


def _same_name(known: Known, _rules: Fraud) -> Data | None:
    return {} if known.at_ambassadors_address and known.one_first_name else None


def _young(known: Known, rules: Fraud) -> Data | None:
    if known.ambassador_days is None or known.ambassador_days >= rules.young_days:
        return None
    return {"days": known.ambassador_days} if known.order_minor >= rules.large_order_minor else None


NOTHING = Score(0, ())
SEEN: Mapping[str, str] = {  # a fact that is a signal by itself
    "circle": "in_a_circle",
    "similar_email": "one_mailbox_name",
    "household": "at_ambassadors_address",
}
COUNTED: Mapping[str, tuple[str, Callable[[Fraud], int]]] = {  # a number, and how much of it is ordinary
    "many_an_hour": ("friends_in_hour", lambda rules: rules.friends_per_hour),
    "many_a_day": ("friends_in_day", lambda rules: rules.friends_per_day),
    "mass_sign_ups": ("sign_ups_in_day", lambda rules: rules.sign_ups_per_day),
    "orders_per_ip": ("orders_of_ip", lambda rules: rules.max_orders_per_ip_per_day),
    "coupon_cycling": ("given_back", lambda rules: rules.refunded_orders - 1),
    "refused_before": ("refused_before", lambda _: 0),
    "shared_phone": ("friends_with_phone", lambda _: 0),
    "refunded_friends": ("taken_back_in_month", lambda rules: rules.refunded_friends - 1),
    "shared_address": ("friends_at_address", lambda _: 0),
}
JUDGED: Mapping[str, Callable[[Known, Fraud], Data | None]] = {
    LEAKED_CODE: _leaked,
    "same_name": _same_name,
    "young_account": _young,
}
SIGNALS = (*SEEN, *COUNTED, *JUDGED)
