"""The least configuration that there can be, and what is wrong with others."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from referrals.config import ConfigError, parse_config

SHOP = {
    "name": "webshop",
    "kind": "standard",
    "secrets": ["olga's secret"],
    "landing_url": "https://shop.example/?ref={code}",
}
LEAST = {"programme": {"name": "Olga's shop", "base_url": "https://friends.example"}, "shops": [SHOP]}


def with_keys(**values: Any) -> dict[str, Any]:
    """The least configuration with these keys set: bonus__friend__amount is bonus.friend.amount."""
    data = deepcopy(LEAST)
    for name, value in values.items():
        *sections, key = name.split("__")
        node: Any = data
        for section in sections:
            node = node[int(section)] if section.isdecimal() else node.setdefault(section, {})
        node[key] = value
    return data


def faults_of(data: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(data, environ)
    return caught.value.faults
