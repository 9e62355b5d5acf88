"""Olga's installation: her config.toml, her keys, and the signatures of her shop."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import ClientSession, DummyCookieJar
from standardwebhooks import Webhook

from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.world import Message
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


class Api:
    """The API of a running service, with a key."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._headers = f"{url}/api/v1", {"Authorization": f"Bearer {key}"}
        self._http: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = ClientSession(headers=self._headers, cookie_jar=DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._http is not None
        await self._http.close()

    async def post(self, path: str, data: Any = None) -> Any:
        """What it answered to a request that it took."""
        assert self._http is not None
        async with self._http.post(self._url + path, json=data) as answer:
            assert answer.ok, (answer.status, await answer.text())
            return await answer.json()

    async def customer(self, name: str, **more: Any) -> dict[str, Any]:
        """A customer of the shop with a link."""
        account = {"shop": SHOP, "id": name, "email": f"{name}@example.nl", "first_name": name, "ambassador": True}
        made: dict[str, Any] = await self.post("/customers", account | more)
        return made


async def connect_chat(api: Api, phone: Person, number: str, *, yes: str = "Ja, dat ben ik") -> None:
    """The chat follows a one-time link of this customer and says that it is theirs."""
    link = await api.post(f"/customers/{number}/connect-link")
    before = phone.mark()
    phone.start(phone.start_payload(link["url"]))
    while not any(yes in message.buttons for message in phone.chat):  # noqa: ASYNC110 - it waits for the bot
        await asyncio.sleep(0.02)
    asked = phone.last
    phone.press(yes, message=asked)
    while not any(message.revision > before and message is not asked for message in answers(phone)):  # noqa: ASYNC110 - likewise
        await asyncio.sleep(0.02)


def answers(phone: Person) -> list[Message]:
    """What the bot said, oldest first."""
    return [message for message in phone.chat if message.sender.is_bot]


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


def signature(body: str, *, secret: str, number: int | str, at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, made by its reference library."""
    message_id = f"msg_{number}"
    signed = Webhook(secret).sign(message_id, at.astimezone(UTC), body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signed,
        "Content-Type": "application/json",
    }


def signed_message(
    message: Mapping[str, Any], *, number: int | str, at: datetime, secret: str = SECRET
) -> tuple[bytes, dict[str, str]]:
    """The message as the shop sends it: its bytes and the headers of Standard Webhooks."""
    body = json.dumps(message)
    return body.encode(), signature(body, secret=secret, number=number, at=at)


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
