"""One configured shop's API: a call with time-outs, repeats, a bound on its answer, and our key on the way out only.

WooCommerce is asked over REST with a key and its secret, Shopify over GraphQL with a token (see ``graphql``): that of
an app made in the shop's admin, or one that an app of the Dev Dashboard is granted for a day.

A call is repeated where that is harmless: always after "too often", and for what only reads (or says that it may be
repeated) also when there was no answer. Who calls holds no transaction open.

Source: WooCommerce REST API v3 (authentication over HTTPS); shopify.dev, Admin API 2026-07.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import structlog
from pydantic import SecretStr

from referrals.chance import Maker
from referrals.outside.errors import (
    ApiMissing,
    ShopBusy,
    ShopError,
    ShopNonsense,
    ShopRefused,
    ShopUnauthorised,
    ShopUnreachable,
)
from referrals.shop_settings import SHOPIFY_VERSION, Shop

TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5, sock_read=20)  # seconds, of one try
MOST_BYTES = 24 * 1024 * 1024  # of an answer; a hundred orders with every plugin's fields are a tenth of it
MOST_TRIES = 4
FIRST_WAIT = 1.0  # seconds; doubled at each try, with jitter
LONGEST_WAIT = 60.0  # seconds; who is told to wait longer comes back later
MOST_REDIRECTS = 3
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TOO_MANY, UNAVAILABLE = 429, 503
TOKEN = "X-Shopify-Access-Token"  # noqa: S105 - the header's name
DAY_SECONDS, SPARE_SECONDS = 86_400, 300  # of a token that was granted; it is renewed some minutes early
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)

log = structlog.get_logger()

Http = aiohttp.ClientSession
Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the shop answered: always a success. Numbers with a point are texts, so that no digit is lost."""

    status: int
    headers: Mapping[str, str]  # found whatever their case
    json: Any

    @property
    def date(self) -> datetime | None:
        """The time on the shop's server, to the second."""
        try:
            read = parsedate_to_datetime(self.headers.get("Date", ""))
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def open_http() -> aiohttp.ClientSession:
    """Connections for calls to shops: few at once, and no cookie is ever sent again. The caller closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=4),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "Ambassade"},
    )


class ShopClient:
    """Asks one shop; ``http`` belongs to the caller, who closes it. ``pause`` waits so many seconds."""

    def __init__(self, shop: Shop, http: aiohttp.ClientSession, *, maker: Maker, pause: Pause = asyncio.sleep) -> None:
        """Raises: ApiMissing where the configuration does not say how the shop is called."""
        self.shop = shop
        self._http, self._maker, self.pause = http, maker, pause
        self._base, self._headers = _way_in(shop)
        self.heard_at: datetime | None = None  # the time on the shop's server, as its last answer said
        self._good_until = 0.0  # of a token that was granted, by the machine's own running time

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        repeatable: bool | None = None,
    ) -> Reply:
        """The shop's answer, which is a success.

        Args:
            method: GET, POST …
            path: Below ``/wp-json/wc/v3/`` or ``/admin/api/{version}/``, such as ``orders``.
            params: The query.
            json: The body.
            repeatable: Whether the same call twice does no harm; otherwise its method says so.

        Raises:
            ShopBusy: The shop wants to be asked later.
            ShopUnreachable: There is no answer, or the shop's server is at fault; it was tried a few times.
            ShopUnauthorised: It refuses our key.
            ShopRefused: It says no; ``status`` and ``code`` say which.
            ShopNonsense: What came is no answer of its API.
        """
        safe = method in REPEATABLE if repeatable is None else repeatable
        await self._let_in()
        return await self._patiently(method, self._base + path, params=params, json=json, safe=safe)

    async def _let_in(self) -> None:
        """An app of Shopify's has a token, which it is granted for a day at a time."""
        api = self.shop.api
        if api is None or self.shop.kind != "shopify" or api.token is not None or time.monotonic() < self._good_until:
            return
        asked = {"grant_type": "client_credentials", "client_id": _plain(api.key), "client_secret": _plain(api.secret)}
        reply = await self._patiently("POST", f"{api.url}/admin/oauth/access_token", params=None, json=asked, safe=True)
        token = reply.json.get("access_token") if isinstance(reply.json, dict) else None
        if not isinstance(token, str):
            raise ShopNonsense(self.shop.name, "it grants no token", status=reply.status)
        lasts = reply.json.get("expires_in")
        self._headers = {TOKEN: token}
        seconds = min(lasts, DAY_SECONDS) if isinstance(lasts, int) else DAY_SECONDS
        self._good_until = time.monotonic() + seconds - SPARE_SECONDS

    async def _patiently(self, method: str, url: str, *, params: Any, json: Any, safe: bool) -> Reply:
        for attempt in range(1, MOST_TRIES + 1):
            try:
                return await self._try(method, url, params=params, json=json, safe=safe)
            except ShopUnreachable as error:
                wait = self._wait(error, attempt)
                again = isinstance(error, ShopBusy) or not error.maybe_done
                if attempt == MOST_TRIES or not again or wait > LONGEST_WAIT:
                    raise
                log.info(
                    "shop.again", shop=self.shop.name, status=error.status, attempt=attempt, seconds=round(wait, 1)
                )
            await self.pause(wait)
        raise AssertionError("the last try returns or raises")

    async def _try(self, method: str, url: str, *, params: Any, json: Any, safe: bool) -> Reply:
        for _ in range(MOST_REDIRECTS + 1):
            try:
                async with self._http.request(
                    method, url, params=params, json=json, headers=self._headers, timeout=TIMEOUT, allow_redirects=False
                ) as response:
                    if response.status not in REDIRECTS:
                        return self._judged(response, await self._body(response), safe=safe)
                    url, params = self._elsewhere(response, method), None
            except aiohttp.ClientConnectorError as error:  # nothing was sent
                why = "no trusted certificate at" if isinstance(error, aiohttp.ClientSSLError) else "no connection to"
                raise ShopUnreachable(self.shop.name, f"{why} {urlsplit(self._base).hostname}") from error
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                sentence = "no answer in time" if isinstance(error, TimeoutError) else "the connection broke"
                raise ShopUnreachable(self.shop.name, sentence, maybe_done=not safe) from error
        raise ShopNonsense(self.shop.name, "it redirects in circles")

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in response.content.iter_chunked(64 * 1024):
            size += len(chunk)
            if size > MOST_BYTES:
                raise ShopNonsense(self.shop.name, f"an answer of more than {MOST_BYTES // 1024 // 1024} MiB")
            chunks.append(chunk)
        return b"".join(chunks)

    def _elsewhere(self, response: aiohttp.ClientResponse, method: str) -> str:
        """Where a reading is to be repeated: at the same host only, for the key goes with it."""
        try:
            target = urljoin(str(response.url), response.headers.get("Location", ""))
            same = urlsplit(target)[:2] == urlsplit(self._base)[:2]
        except ValueError:  # no address at all
            target, same = "", False
        if method != "GET" or not same:
            raise ShopNonsense(
                self.shop.name,
                "it redirects to another address; shops.api.url has to be the one that answers",
                status=response.status,
            )
        return target

    def _judged(self, response: aiohttp.ClientResponse, body: bytes, *, safe: bool) -> Reply:
        name, status = self.shop.name, response.status
        read = _json(body)
        code = plain_code(read)
        if status == TOO_MANY:
            raise ShopBusy(name, "it is asked too often", status=status, retry_after=_seconds(response.headers))
        if status >= 500:  # noqa: PLR2004 - HTTP's own border
            sentence = f"its server has a fault ({status})"
            # "Unavailable" with a time to come back is a refusal at the door: nothing was done.
            after = _seconds(response.headers) if status == UNAVAILABLE else None
            raise ShopUnreachable(
                name, sentence, status=status, code=code, retry_after=after, maybe_done=not safe and after is None
            )
        if status in {401, 403}:
            raise ShopUnauthorised(name, f"it refuses our key ({_and(status, code)})", status=status, code=code)
        if status >= 400:  # noqa: PLR2004 - likewise
            raise ShopRefused(name, f"it says no ({_and(status, code)})", status=status, code=code)
        if read is None:
            raise ShopNonsense(name, "an answer that is not JSON; is shops.api.url the shop's address?", status=status)
        reply = Reply(status, response.headers, read)
        self.heard_at = reply.date
        return reply

    def _wait(self, error: ShopError, attempt: int) -> float:
        if error.retry_after is not None:
            return error.retry_after
        return FIRST_WAIT * 2.0 ** (attempt - 1) * (0.5 + self._maker.fraction())


def _way_in(shop: Shop) -> tuple[str, dict[str, str]]:
    """Where the shop's API begins, and the headers that open it."""
    api = shop.api
    if api is None:
        raise ApiMissing(shop.name, "the configuration has no [shops.api] for it; docs/shops.md says how to make a key")
    if shop.kind == "woocommerce":
        key, secret = _plain(api.key), _plain(api.secret)
        return f"{api.url}/wp-json/wc/v3/", {"Authorization": aiohttp.encode_basic_auth(key, secret, "utf-8")}
    if shop.kind == "shopify":
        version = api.version or SHOPIFY_VERSION
        return f"{api.url}/admin/api/{version}/", {TOKEN: _plain(api.token)} if api.token else {}
    raise ApiMissing(shop.name, f"a shop of kind {shop.kind} has no API that we know")


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _json(body: bytes) -> Any:
    """The JSON in a body, or None; some plugins write a byte order mark in front of it."""
    try:
        return jsonlib.loads(body.decode("utf-8-sig"), parse_float=str)
    except (ValueError, RecursionError):
        return None


def plain_code(read: Any) -> str | None:
    """The shop's own word for what is wrong, where it is a plain name and can hold nobody's data."""
    code = read.get("code") if isinstance(read, dict) else None
    return code if isinstance(code, str) and PLAIN_NAME.fullmatch(code) else None


def _seconds(headers: Mapping[str, str]) -> float | None:
    """What ``Retry-After`` says, where it is a number of seconds (Shopify's has a point)."""
    said = headers.get("Retry-After", "")
    return float(said) if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", said, re.ASCII) else None


def _and(status: int, code: str | None) -> str:
    return f"{status}, {code}" if code else str(status)
