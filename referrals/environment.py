"""Keys of the configuration that come from the environment: AMBASSADE_TELEGRAM__TOKEN is telegram.token.

Two underscores go a level down, a number is a place in a list: AMBASSADE_SHOPS__0__SECRETS. The
values win over the file's. Names without two underscores (AMBASSADE_CONFIG) are no keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from referrals.settings import EnvironmentText

PREFIX = "AMBASSADE_"
LEVEL = "__"


@dataclass
class Merged:
    """Plain data of a configuration, and where it came from."""

    data: dict[str, Any]
    names: dict[tuple[str | int, ...], str] = field(default_factory=dict)  # path of a key: variable that set it
    faults: list[str] = field(default_factory=list)


def with_environment(data: Mapping[str, Any], environ: Mapping[str, str]) -> Merged:
    """The file's data with what the environment says instead; the data given is left as it was."""
    merged = Merged(_copied(data))
    for name in sorted(environ):
        if not name.startswith(PREFIX) or LEVEL not in name or not environ[name]:
            continue
        path = _path(name)
        if _set(merged.data, path, EnvironmentText(environ[name])):
            merged.names[path] = name
        else:
            merged.faults.append(f"{name}: names no place in the configuration.")
    return merged


def _path(name: str) -> tuple[str | int, ...]:
    parts = name.removeprefix(PREFIX).lower().split(LEVEL)
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def _set(node: Any, path: tuple[str | int, ...], value: EnvironmentText) -> bool:
    """Put the value at the path; False where a list has a gap before it or a value stands in the way."""
    key, rest = path[0], path[1:]
    if isinstance(node, dict) and isinstance(key, str):
        if rest and key not in node:
            node[key] = [] if isinstance(rest[0], int) else {}
    elif isinstance(node, list) and isinstance(key, int) and key <= len(node):
        if key == len(node):
            node.append({} if rest else value)
    else:
        return False
    if rest:
        return _set(node[key], rest, value)
    node[key] = value
    return True


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(part) for part in value]
    return value
