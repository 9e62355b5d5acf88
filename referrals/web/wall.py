"""``GET /wall`` and ``/wall.json``: the portfolio, for people and for the shop's own site.

Nothing stands here that its customer and an owner have not both said yes to. Whoever withdraws is gone at the next
look, and nobody keeps a copy for longer than five minutes. No stars: this is a selection, and says so (playbook 3.6).

``/wall.json``, for anybody's page (CORS *)::

    {"programme": "Atelier Noord", "wall": "https://…/wall", "selected": true,
     "items": [{"number": "K7QX3", "text": "…", "lang": "nl", "name": "Sanne" | null, "town": "Utrecht" | null,
                "customer_since": 2024 | null, "verified": true, "thanked": false, "published_on": "2026-11-24"}],
     "next": "https://…/wall.json?before=…" | null}
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import hdrs, web

from referrals.asking.wall import PAGE, Item, Place, wall
from referrals.programme import Programme
from referrals.web.door import DOOR
from referrals.web.look import SECURITY_HEADERS
from referrals.web.pages import bare_address, render

MOST_SECONDS = 300  # that a copy may live: the promise of withdrawal
CURSOR = re.compile(r"(\d{1,17})\.([A-Za-z0-9]{1,20})")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


async def wall_page(request: web.Request) -> web.Response:
    """The experiences as a page, in the visitor's language; the words themselves in their customers'."""
    items, onward = await _look(request)
    config = request.app[DOOR].programme.config
    return render(
        request,
        "wall.html",
        items=items,
        next=f"/wall?before={onward}" if onward else None,
        months=config.references.valid_months,
        shop_url=bare_address(config.shops[0].landing_url),
    )


async def wall_json(request: web.Request) -> web.Response:
    """The same as data; unchanged since the reader's copy, it is not sent again."""
    items, onward = await _look(request)
    settings = request.app[DOOR].programme.config.programme
    body = {
        "programme": settings.name,
        "wall": f"{settings.base_url}/wall",
        "selected": True,
        "items": items,
        "next": f"{settings.base_url}/wall.json?before={onward}" if onward else None,
    }
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    tag = hashlib.sha256(raw).hexdigest()[:32]
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": f"public, max-age={MOST_SECONDS}, must-revalidate",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        hdrs.ETAG: f'"{tag}"',
    }
    asked = request.if_none_match or ()
    if any(each.value in (tag, "*") for each in asked):
        return web.Response(status=304, headers=headers)
    return web.Response(body=raw, content_type="application/json", charset="utf-8", headers=headers)


def as_public(item: Item, *, programme: Programme) -> dict[str, Any]:
    """An item as anybody may have it: what was consented to, and a number."""
    return {
        "number": programme.number("reference", item.reference_id),
        "text": item.shown.text,
        "lang": item.locale,
        "name": item.shown.name,
        "town": item.shown.town,
        "customer_since": item.shown.since,
        "verified": item.shown.since is not None,
        "thanked": item.thanked,
        "published_on": item.published_at.astimezone(programme.zone).date().isoformat(),
    }


async def _look(request: web.Request) -> tuple[list[dict[str, Any]], str | None]:
    """A page of items, and the cursor of the next one."""
    door = request.app[DOOR]
    before = _place(request.query.get("before", ""), programme=door.programme)
    found = await door.database.read(wall, now=door.clock.programme(), limit=PAGE + 1, before=before)
    shown = [as_public(item, programme=door.programme) for item in found[:PAGE]]
    return shown, _cursor(found, programme=door.programme) if len(found) > PAGE else None


def _cursor(found: Sequence[Item], *, programme: Programme) -> str:
    last = found[PAGE - 1]
    return f"{(last.published_at - EPOCH) // MICROSECOND}.{programme.number('reference', last.reference_id)}"


def _place(cursor: str, *, programme: Programme) -> Place | None:
    """Where a page begins; anything that is no cursor of ours begins at the beginning."""
    parts = CURSOR.fullmatch(cursor)
    identifier = programme.identifier("reference", parts[2]) if parts else None
    return None if parts is None or identifier is None else (EPOCH + int(parts[1]) * MICROSECOND, identifier)
