"""Loaded by schemathesis: most of what it makes up is given numbers, shops and money that exist, so that it gets in.

The rest stays as made up: an empty shop, a number that begins with a digit, an amount without a point.
"""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis

KNOWN: dict[str, str] = json.loads(
    os.environ["AMBASSADE_KNOWN"]
)  # customers, referrals, reviews, webhooks, delivery, friend, shop, code

MONEY = {"currency": "EUR", "total": "90.00", "base": "85.00", "refunded": "10.00"}


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """The case names things that exist."""
    kind = case.path.split("/")[1]
    for values in (case.path_parameters, case.query):
        _name(values or {}, number=KNOWN.get(kind), customer=KNOWN["customers"], delivery=KNOWN["delivery"])
    if isinstance(case.body, dict):
        orders = case.body.get("orders")
        for body in [case.body, *(orders if isinstance(orders, list) else ())]:
            if isinstance(body, dict):
                _fill(body)


def _fill(body: dict[str, Any]) -> None:
    body.setdefault("shop", KNOWN["shop"])
    if isinstance(body.get("codes"), list):
        body["codes"] = [KNOWN["code"]]
    _name(
        body,
        url="https://hooks.example/told",
        shop=KNOWN["shop"],
        ambassador=KNOWN["customers"],
        friend=KNOWN["friend"],
    )
    for name, amount in MONEY.items():
        if isinstance(body.get(name), (str, float)):
            body[name] = amount


def _name(values: Any, **known: str | None) -> None:
    for name, real in known.items():
        given = values.get(name)
        if real and isinstance(given, str) and given and not given[0].isdigit():
            values[name] = real
