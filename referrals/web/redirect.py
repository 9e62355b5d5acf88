"""``GET /r/{code}``: a visit through a link is recorded and goes on to the shop (rules 17, 21, 39).

The shop's visitor never waits for us: if the database is away or busy, the visit goes on with the code as it
was typed. This is a hot path: no template, no middleware, one step through the database's batch.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Mapping

import structlog
from aiohttp import web
from sqlmodel import Session

from referrals.codes import LONGEST_TYPED, CodeMiss, find_codes
from referrals.landing import landing_address
from referrals.reasons import CODE_TYPING_ERROR
from referrals.recruiting.clicks import ClickItem, Landing, record_clicks
from referrals.web.door import Door
from referrals.web.pages import notice_page
from storage.patience import Patience

log = structlog.get_logger()

PATIENCE_SECONDS = 3.0  # then the visitor goes on without us
DAY_SECONDS = 86_400
COOKIE = "ambassade_click"

# They fetch a link to show what is behind it; the person may never come. A Cubot is a telephone.
PREVIEW = re.compile(
    r"(?<!cu)bot\b|crawl|spider|preview|facebookexternalhit|facebookcatalog|whatsapp|slack-?img|embedly|"
    r"skypeuri|vkshare|pinterest/0|iframely",
    re.IGNORECASE,
)
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Server": "ambassade"}


class Redirect:
    """The handler, with all it needs taken apart beforehand."""

    def __init__(self, door: Door) -> None:
        config = door.programme.config
        self._door = door
        self._patience = Patience(PATIENCE_SECONDS)
        self._record = functools.partial(record_clicks, programme=door.programme)  # one object: one kind of batch
        self._landings = {shop.name: landing_address(shop.landing_url) for shop in config.shops}
        self._first_shop = config.shops[0].name
        secure = "; Secure" if config.programme.base_url.startswith("https://") else ""
        age = config.attribution.window_days * DAY_SECONDS
        self._cookie = f"{COOKIE}=%s; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """302 to the shop; 404 with a friendly page for a code that is nobody's; 429 for who tries too many."""
        if wait := self._door.missed_code(request):
            return notice_page(request, "too_many", status=429, retry_after=wait)
        typed = request.match_info["code"][:LONGEST_TYPED]
        shop = request.query.get("shop", "") if request.query_string else ""
        if shop not in self._landings:
            shop = self._first_shop
        landing = await self._land(request, typed, shop)
        if landing.miss is not None:
            self._door.count_miss(request)
            return unknown_code_page(request, landing.miss, typed)
        headers = {**HEADERS, "Location": self._landings[shop].url(landing.code, landing.token)}
        if landing.token is not None:
            headers["Set-Cookie"] = self._cookie % landing.token
        return web.Response(status=302, headers=headers)

    async def _land(self, request: web.Request, typed: str, shop: str) -> Landing:
        """What the database says of this code; as typed, unchecked, where it says nothing (rules 39)."""
        database = self._door.database
        try:
            if is_click(request.method, request.headers):
                item = ClickItem(typed, shop, self._door.clock.programme())
                return await database.batch(self._record, item, patience=self._patience)
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await database.read(_look_up, typed)
        except Exception as error:  # noqa: BLE001 - whatever it was, the visitor goes on
            log.warning("web.redirect_unchecked", error=type(error).__name__)
            return Landing(typed, None)


def is_click(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a person came: no HEAD, no prefetch, no embedding, no known preview (rules 21)."""
    return (
        method == "GET"
        and "Sec-Purpose" not in headers
        and headers.get("Sec-Fetch-Dest", "document") == "document"
        and not is_preview(headers.get("User-Agent", ""))
    )


@functools.lru_cache(maxsize=2048)
def is_preview(user_agent: str) -> bool:
    """Whether this is a program that looks at links for others."""
    return PREVIEW.search(user_agent) is not None


def unknown_code_page(request: web.Request, reason: str, typed: str) -> web.Response:
    """The code is nobody's: a typing error perhaps, and the shop is one press away."""
    kind = "typing_error" if reason == CODE_TYPING_ERROR else "unknown_code"
    return notice_page(request, kind, status=404, typed=typed)


def _look_up(session: Session, typed: str) -> Landing:
    found = find_codes(session, [typed])[typed]
    return Landing(typed, None, found.reason) if isinstance(found, CodeMiss) else Landing(found.display, None)
