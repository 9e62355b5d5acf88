"""Pages: one look, the programme's name and colour, strict headers, every word from the catalogues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from referrals.landing import CODE
from referrals.web.door import DOOR, RETRY_AFTER_SECONDS
from referrals.web.look import ICON_PATH, SECURITY_HEADERS, image_sources, is_address, logo_address, style_address
from storage.database import OutcomeUnknown, Overloaded

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HERE = Path(__file__).parent
LOCALES = ("nl", "en")
MAX_LANGUAGES = 10

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'{images}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, auto_reload=False,
    trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip


def page(handler: Handler) -> Handler:
    """The handler as a page: whatever goes wrong in it, the visitor reads a sentence."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (Overloaded, OutcomeUnknown):
            return notice_page(request, "busy", status=503, retry_after=RETRY_AFTER_SECONDS)
        except Exception:
            log.exception("web.page_failed", path=request.rel_url.path)
            return notice_page(request, "failed", status=500)

    return guarded


def render(request: web.Request, template: str, *, status: int = 200, **data: Any) -> web.Response:
    """The template in the visitor's language."""
    door = request.app[DOOR]
    settings = door.programme.config.programme
    locale = locale_of(request, settings.locale)

    def say(key: str, **values: Any) -> str:
        return door.say(f"page.{key}", locale, **values)

    look = {
        "say": say,
        "locale": locale,
        "other": LOCALES[1 - LOCALES.index(locale)],
        "brand": settings.name,
        "path": request.rel_url.raw_path,
        "address": f"{settings.base_url}{request.rel_url.raw_path}",
        "style": style_address(door),
        "logo": logo_address(door),
        "icon": ICON_PATH,
        "terms_url": settings.terms_url,
        "contact": settings.contact,
        "contact_link": _contact_link(settings.contact),
    }
    text = _templates.get_template(template).render(look | data)
    headers = {
        **SECURITY_HEADERS,
        "Content-Security-Policy": POLICY.format(images=image_sources(door)),
        "Content-Language": locale,
        "Vary": "Accept-Language",
        "Cache-Control": "no-store" if status != 200 else "private, max-age=60",  # noqa: PLR2004 - a page that is right
    }
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)


def notice_page(request: web.Request, kind: str, *, status: int, retry_after: float = 0, **data: Any) -> web.Response:
    """A short page that says one thing (``page.<kind>.title`` and ``.text``) and leads to the shop."""
    shops = request.app[DOOR].programme.config.shops
    response = render(
        request, "notice.html", status=status, kind=kind, shop_url=bare_address(shops[0].landing_url), **data
    )
    if retry_after:
        response.headers["Retry-After"] = str(max(1, round(retry_after)))
    return response


def locale_of(request: web.Request, default: str) -> str:
    """``?lang=`` if it is one of ours, else the first of the browser's languages that is, else the programme's."""
    chosen = request.query.get("lang")
    return chosen if chosen in LOCALES else _accepted(request.headers.get("Accept-Language", "")) or default


def bare_address(landing_url: str) -> str:
    """The shop without code: where somebody goes whom nobody invited."""
    parts = urlsplit(landing_url)
    path = "/" if CODE in parts.path else parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}{path}"


@lru_cache(maxsize=256)
def _accepted(header: str) -> str | None:
    ranked = []
    for place, entry in enumerate(header.split(",")[:MAX_LANGUAGES]):
        tag, _, quality = entry.partition(";")
        language = tag.strip().partition("-")[0].lower()
        if language in LOCALES and (weight := _weight(quality)) > 0:
            ranked.append((-weight, place, language))
    return min(ranked)[2] if ranked else None


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 1.0


def _contact_link(contact: str | None) -> str | None:
    if contact is None or is_address(contact):
        return contact
    return f"mailto:{contact}" if "@" in contact else None
