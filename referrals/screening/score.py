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


def score(known: Known, rules: Fraud) -> Score:
    """The sum of the signals that were found, at most 100; a signal without weight is not looked at."""
    parts = []
    for code, look in SIGNALS.items():
        weight: int = getattr(rules.weights, code)
        data = look(known, rules) if weight else None
        if data is not None:
            parts.append(Part(code, weight, data))
    parts.sort(key=lambda part: -part.points)
    return Score(min(HIGHEST, sum(part.points for part in parts)), tuple(parts))


def is_leaked(known: Known, rules: Fraud) -> bool:
    """Do more friends a day only type this code than friends of one person would?"""
    return known.typed and (known.code_is_leaked or known.typed_in_day > rules.leaked_code_friends)


def _more(count: int, limit: int) -> Data | None:
    return {"count": count} if count > limit else None


def _if(found: bool) -> Data | None:  # noqa: FBT001 - the one thing that it is about
    return {} if found else None


def _young(known: Known, rules: Fraud) -> Data | None:
    if known.ambassador_days is None or known.ambassador_days >= rules.young_days:
        return None
    return {"days": known.ambassador_days} if known.order_minor >= rules.large_order_minor else None


def _leaked(known: Known, rules: Fraud) -> Data | None:
    return {"count": known.typed_in_day} if is_leaked(known, rules) else None


def _taken_back(known: Known, rules: Fraud) -> Data | None:
    return _more(known.taken_back_in_month, rules.refunded_friends - 1)


SIGNALS: Mapping[str, Callable[[Known, Fraud], Data | None]] = {
    LEAKED_CODE: _leaked,
    "many_an_hour": lambda known, rules: _more(known.friends_in_hour, rules.friends_per_hour),
    "many_a_day": lambda known, rules: _more(known.friends_in_day, rules.friends_per_day),
    "mass_sign_ups": lambda known, rules: _more(known.sign_ups_in_day, rules.sign_ups_per_day),
    "orders_per_ip": lambda known, rules: _more(known.orders_of_ip, rules.max_orders_per_ip_per_day),
    "coupon_cycling": lambda known, rules: _more(known.given_back, rules.refunded_orders - 1),
    "circle": lambda known, _: _if(known.in_a_circle),
    "refused_before": lambda known, _: _more(known.refused_before, 0),
    "same_name": lambda known, _: _if(known.at_ambassadors_address and known.one_first_name),
    "similar_email": lambda known, _: _if(known.one_mailbox_name),
    "shared_phone": lambda known, _: _more(known.friends_with_phone, 0),
    "young_account": _young,
    "refunded_friends": _taken_back,
    "household": lambda known, _: _if(known.at_ambassadors_address),
    "shared_address": lambda known, _: _more(known.friends_at_address, 0),
}
