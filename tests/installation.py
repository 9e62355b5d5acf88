"""Olga's installation: her config.toml, her keys, and the signatures of her shop."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from bot.sandbox.sandbox import Sandbox
from referrals.chance import Maker
from referrals.programme import make_keys
from storage.database import Database

HOST = "127.0.0.1"
NAME = "Atelier Noord"
SHOP = "webshop"
SECRET = "whsec_T2xnYSBzY2hyaWpmdCBoYWFyIGdlaGVpbSBvcA=="
SHOP_KEYS = {
    "name": SHOP,
    "kind": "standard",
    "secrets": [SECRET],
    "landing_url": "https://shop.example/?ref={code}",
}
OLGA_ID = 9_000_001
USERNAME = "atelier_noord_bot"


def configuration(url: str, telegram: Sandbox, port: int, **keys: Any) -> dict[str, Any]:
    """Olga's config.toml as data."""
    data: dict[str, Any] = {
        "programme": {"name": NAME, "base_url": f"http://{HOST}:{port}", "no_history": True},
        "storage": {"url": url},
        "web": {"host": HOST, "port": port},
        "telegram": {
            "token": telegram.token, "username": USERNAME, "api_server": telegram.url, "owner_ids": [OLGA_ID],
        },
        "shops": [dict(SHOP_KEYS)],
        "bonus": {"friend": {"amount": "10.00", "min_order": "25.00"}},
        "cadence": {"holdout_percent": 0},
    }  # fmt: skip
    for name, value in keys.items():
        *sections, key = name.split("__")
        node: Any = data
        for section in sections:
            node = node[int(section)] if section.isdecimal() else node.setdefault(section, {})
        node[key] = value
    return data


def toml(data: Mapping[str, Any], *, name: str = "") -> str:
    """The data as a TOML file: plain values first, then sections and lists of sections."""
    plain = [f"{key} = {_toml_value(value)}" for key, value in data.items() if not _is_section(value)]
    blocks = ["\n".join([f"[{name}]", *plain] if name else plain)] if plain else []
    for key, value in data.items():
        inner = f"{name}.{key}" if name else key
        if isinstance(value, Mapping):
            blocks.append(toml(value, name=inner))
        elif _is_section(value):
            blocks += [f"[[{inner}]]\n" + toml(each) for each in value]
    return "\n".join(blocks) + "\n"


def signature(body: str, *, secret: str, number: int, at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, made by its reference library."""
    message_id = f"msg_{number}"
    signed = Webhook(secret).sign(message_id, at.astimezone(UTC), body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signed,
        "Content-Type": "application/json",
    }


def prepare(url: str) -> None:
    """The database has the installation's keys, as ``migrate`` makes them."""
    database = Database.open(url)
    try:
        database.run(make_keys, Maker())
    finally:
        database.close()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_section(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _toml_value(value: Any) -> str:
    return json.dumps(value)  # strings, numbers, truths and lists of them are written alike
